//! The engine: whatever the route (kept or recomputed, lanes or deferred, one thread or five),
//! products are the same; and they are right.

use osculant_tape::linearize::{Budget, TileData};
use osculant_tape::ops::{Conv2d, Padding, conv2d, dense};
use osculant_tape::{Function, Graph, Init, Random, Scalar, Tape, Var};
use std::sync::Arc;

const GLOROT: Init = Init::Glorot {
    fan_in: 20,
    fan_out: 20,
};

fn conv_net<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    let x = tape.input([9, 7, 2]);
    let options = Conv2d {
        padding: Padding::Same,
        ..Conv2d::default()
    };
    let w = tape.param("conv.weight", [3, 3, 2, 4], GLOROT);
    let b = tape.param("conv.bias", [4], GLOROT);
    let x = (conv2d(x, w, options) + b).tanh().max_pool2d(2).flatten();
    let w = tape.param("dense.weight", [48, 5], GLOROT);
    dense(x, w) + tape.param("dense.bias", [5], GLOROT)
}

/// Wide enough that its weights' cotangents are deferred.
fn wide_net<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    let x = tape.input([3, 40]);
    let w1 = tape.param("w1", [40, 450], GLOROT);
    let w2 = tape.param("w2", [450, 40], GLOROT);
    let h = dense(dense(x, w1).tanh(), w2).sigmoid();
    // Once more through the same weights, which are also used transformed below.
    let h = dense(dense(h, w1).tanh(), w2);
    dense(h.flatten(), tape.param("w3", [120, 3], GLOROT))
}

/// Weights that are computed from parameters before any example sees them.
fn shared_net<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    let x = tape.input([6]);
    let v = tape.param("v", [6, 4], GLOROT);
    let scale = tape.param("scale", [], Init::Constant(1.5));
    let w = v * scale / (v * v).sum().sqrt();
    let h = dense(x, w);
    let again = tape.param("u", [4, 4], GLOROT).exp();
    dense(h * h, again) * scale + dense(h.tanh(), again)
}

struct Case {
    graph: Graph<f64>,
    theta: Vec<f64>,
    v: Vec<f64>,
    inputs: Vec<f64>,
    count: usize,
}

impl Case {
    fn new(net: impl for<'t> FnOnce(&'t Tape<f64>) -> Var<'t, f64>, count: usize) -> Case {
        let graph = Graph::new(net).unwrap();
        let (theta, n) = (graph.params().init(7), graph.params().len());
        let mut random = Random::new(1, 1);
        let mut v = vec![0.0; n];
        let mut inputs = vec![0.0; count * graph.input_size()];
        random.normal(1.0, &mut v);
        random.normal(1.0, &mut inputs);
        Case {
            graph,
            theta,
            v,
            inputs,
            count,
        }
    }

    fn all(count: usize) -> [Case; 3] {
        [
            Case::new(conv_net, count),
            Case::new(wide_net, count),
            Case::new(shared_net, count),
        ]
    }

    fn feed(&self) -> impl Fn(usize, &mut [f64]) + Send + Sync + '_ {
        let n = self.graph.input_size();
        move |i: usize, out: &mut [f64]| out.copy_from_slice(&self.inputs[i * n..][..n])
    }

    /// Gradient, Gauss-Newton product and Hessian product of ξ = Σ exp(z) over all examples.
    fn products(&self, budget: Budget) -> [Vec<f64>; 3] {
        let n = self.theta.len();
        let (mut gradient, mut gv, mut hv) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let feed = self.feed();
        let examples: Vec<usize> = (0..self.count).collect();
        self.graph
            .stream(
                &self.theta,
                &feed,
                &examples,
                &exp_loss,
                Some(&mut gradient),
            )
            .unwrap();
        let lin = self
            .graph
            .linearize(&self.theta, &feed, &examples, budget)
            .unwrap();
        assert_eq!(lin.keeps_values(), budget.0 > 0);
        let lin = Arc::new(lin);
        lin.product_into(&self.v, &exp_curvature, &mut gv).unwrap();
        let curved = lin.with_gradient(Box::new(exp_loss)).unwrap();
        curved
            .product_into(&self.v, &exp_curvature, &mut hv)
            .unwrap();
        [gradient, gv, hv]
    }

    fn value(&self, theta: &[f64]) -> f64 {
        let examples: Vec<usize> = (0..self.count).collect();
        self.graph
            .stream(theta, &self.feed(), &examples, &exp_loss, None)
            .unwrap()
    }

    fn gradient(&self, theta: &[f64]) -> Vec<f64> {
        let mut g = vec![0.0; theta.len()];
        let examples: Vec<usize> = (0..self.count).collect();
        self.graph
            .stream(theta, &self.feed(), &examples, &exp_loss, Some(&mut g))
            .unwrap();
        g
    }
}

fn exp_loss(data: &TileData<'_, f64>, u: Option<&mut [f64]>) -> osculant_tape::Result<f64> {
    if let Some(u) = u {
        u.iter_mut()
            .zip(data.outputs)
            .for_each(|(u, z)| *u = z.exp());
    }
    Ok(data.outputs.iter().map(|z| z.exp()).sum())
}

fn exp_curvature(data: &TileData<'_, f64>, dz: &[f64], u: &mut [f64]) -> osculant_tape::Result<()> {
    for ((u, dz), z) in u.iter_mut().zip(dz).zip(data.outputs) {
        *u = z.exp() * dz;
    }
    Ok(())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let d: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    (dot(&d, &d) / dot(a, a).max(1e-300)).sqrt()
}

fn moved(theta: &[f64], t: f64, v: &[f64]) -> Vec<f64> {
    theta.iter().zip(v).map(|(x, v)| x + t * v).collect()
}

#[test]
fn the_gradient_is_the_slope_of_the_value() {
    for case in Case::all(3) {
        let h = 1e-6;
        let slope = (case.value(&moved(&case.theta, h, &case.v))
            - case.value(&moved(&case.theta, -h, &case.v)))
            / (2.0 * h);
        let [gradient, _, _] = case.products(Budget::default());
        let relative = (slope - dot(&gradient, &case.v)).abs() / slope.abs();
        assert!(relative < 1e-6, "{relative}");
    }
}

#[test]
fn the_hessian_product_is_the_slope_of_the_gradient() {
    for case in Case::all(3) {
        let h = 1e-6;
        let (up, down) = (
            case.gradient(&moved(&case.theta, h, &case.v)),
            case.gradient(&moved(&case.theta, -h, &case.v)),
        );
        let slope: Vec<f64> = up
            .iter()
            .zip(&down)
            .map(|(a, b)| (a - b) / (2.0 * h))
            .collect();
        let [_, _, hv] = case.products(Budget::default());
        assert!(distance(&slope, &hv) < 1e-6, "{}", distance(&slope, &hv));
    }
}

#[test]
fn the_gauss_newton_product_is_j_transposed_b_j() {
    for case in Case::all(5) {
        let feed = case.feed();
        let examples: Vec<usize> = (0..case.count).collect();
        let lin = case
            .graph
            .linearize(&case.theta, &feed, &examples, Budget::default())
            .unwrap();
        let m = case.graph.output_shape().size();
        let mut z = vec![0.0; case.count * m];
        case.graph
            .forward(&case.theta, &feed, &examples, &mut z)
            .unwrap();
        let mut dz = vec![0.0; case.count * m];
        lin.jvp_into(&case.v, &mut dz).unwrap();
        dz.iter_mut().zip(&z).for_each(|(d, z)| *d *= z.exp());
        let mut expected = vec![0.0; case.theta.len()];
        lin.vjp_into(&dz, &mut expected).unwrap();
        let [_, gv, _] = case.products(Budget::default());
        assert!(distance(&expected, &gv) < 1e-14);
    }
}

#[test]
fn recomputed_values_give_the_same_bits_as_kept_ones() {
    for case in Case::all(70) {
        assert_eq!(case.products(Budget::default()), case.products(Budget(0)));
    }
}

#[test]
fn one_two_and_five_threads_give_the_same_bits() {
    for count in [9, 300] {
        for case in Case::all(count) {
            let with = |threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| case.products(Budget::default()))
            };
            let one = with(1);
            assert_eq!(one, with(2));
            assert_eq!(one, with(5));
        }
    }
}

#[test]
fn many_examples_are_the_sum_of_single_ones() {
    for case in Case::all(300) {
        let n = case.theta.len();
        let (feed, budget) = (case.feed(), Budget::default());
        let mut sum = vec![0.0; n];
        let mut part = vec![0.0; n];
        for i in 0..case.count {
            let lin = case
                .graph
                .linearize(&case.theta, &feed, &[i], budget)
                .unwrap();
            lin.product_into(&case.v, &exp_curvature, &mut part)
                .unwrap();
            sum.iter_mut().zip(&part).for_each(|(s, p)| *s += p);
        }
        let [_, gv, _] = case.products(budget);
        assert!(distance(&sum, &gv) < 1e-13, "{}", distance(&sum, &gv));
    }
}

#[test]
fn per_example_cotangents_add_up_to_the_gradient() {
    for case in Case::all(7) {
        let n = case.theta.len();
        let (feed, examples) = (case.feed(), (0..case.count).collect::<Vec<_>>());
        let lin = case
            .graph
            .linearize(&case.theta, &feed, &examples, Budget::default())
            .unwrap();
        let mut rows = vec![0.0; case.count * n];
        lin.per_example_into(&exp_loss, &mut rows).unwrap();
        let mut sum = vec![0.0; n];
        let mut squares = vec![0.0; n];
        for row in rows.chunks(n) {
            sum.iter_mut().zip(row).for_each(|(s, x)| *s += x);
            squares.iter_mut().zip(row).for_each(|(s, x)| *s += x * x);
        }
        let [gradient, _, _] = case.products(Budget::default());
        assert!(distance(&gradient, &sum) < 1e-13);
        let mut streamed = vec![0.0; n];
        let column = |data: &TileData<'_, f64>, u: &mut [f64]| exp_loss(data, Some(u)).map(|_| 1);
        lin.squares_into(1, &column, &mut streamed).unwrap();
        assert!(distance(&squares, &streamed) < 1e-13);
    }
}

/// One weight under two shapes: rows of its cotangents have two lengths.
fn reshaped_net<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    let w = tape.param("w", [80, 64], GLOROT);
    let h = dense(tape.input([80]), w).tanh();
    dense(
        dense(h, w.reshape([64, 80])).tanh(),
        tape.param("head", [80, 4], GLOROT),
    )
}

#[test]
fn a_weight_under_two_shapes_has_the_cotangents_of_both() {
    let case = Case::new(reshaped_net, 5);
    let n = case.theta.len();
    let (feed, examples) = (case.feed(), (0..case.count).collect::<Vec<_>>());
    let lin = case
        .graph
        .linearize(&case.theta, &feed, &examples, Budget::default());
    let mut rows = vec![0.0; case.count * n];
    lin.unwrap().per_example_into(&exp_loss, &mut rows).unwrap();
    let mut sum = vec![0.0; n];
    for row in rows.chunks(n) {
        sum.iter_mut().zip(row).for_each(|(s, x)| *s += x);
    }
    let [gradient, _, _] = case.products(Budget::default());
    assert!(distance(&gradient, &sum) < 1e-13);
}

/// Rectifiers behind layers that are wide enough to leave out what they let nothing through to.
fn rectified_net<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    let conv = |x, w| {
        let options = Conv2d {
            padding: Padding::Same,
            ..Conv2d::default()
        };
        conv2d(x, w, options)
    };
    let x = tape.input([6, 5, 3]);
    let x = conv(x, tape.param("conv1", [3, 3, 3, 16], GLOROT)).relu();
    let x = conv(x, tape.param("conv2", [3, 3, 16, 32], GLOROT)) + tape.param("b", [32], GLOROT);
    let x = dense(x.relu().flatten(), tape.param("dense1", [960, 16], GLOROT)).relu();
    let x = dense(x, tape.param("dense2", [16, 300], GLOROT)).relu();
    dense(x, tape.param("dense3", [300, 4], GLOROT))
}

#[test]
fn squares_of_several_columns_behind_rectifiers_are_those_of_each() {
    let case = Case::new(rectified_net, 5);
    let (n, m) = (case.theta.len(), 4);
    let (feed, examples) = (case.feed(), (0..case.count).collect::<Vec<_>>());
    let budget = Budget::default();
    let lin = case.graph.linearize(&case.theta, &feed, &examples, budget);
    let lin = lin.unwrap();
    let u = |c: usize, i: usize, j: usize| ((7 * c + 3 * i + 5 * j) % 11) as f64 - 5.0;
    let mut rows = vec![0.0; case.count * n];
    let mut squares = vec![0.0; n];
    for c in 0..3 {
        let column = move |data: &TileData<'_, f64>, g: Option<&mut [f64]>| {
            let rows = g.into_iter().flat_map(|g| g.chunks_exact_mut(m));
            for (i, g) in data.positions.clone().zip(rows) {
                g.iter_mut().enumerate().for_each(|(j, g)| *g = u(c, i, j));
            }
            Ok(0.0)
        };
        lin.per_example_into(&column, &mut rows).unwrap();
        for row in rows.chunks(n) {
            squares.iter_mut().zip(row).for_each(|(s, x)| *s += x * x);
        }
    }
    let columns = |data: &TileData<'_, f64>, out: &mut [f64]| {
        let count = data.positions.len();
        for (at, out) in out.iter_mut().take(3 * count * m).enumerate() {
            let (c, i, j) = (at / (count * m), at / m % count, at % m);
            *out = u(c, data.positions.start + i, j);
        }
        Ok(3)
    };
    let mut together = vec![0.0; n];
    lin.squares_into(3, &columns, &mut together).unwrap();
    assert!(distance(&squares, &together) < 1e-13);
}

#[test]
fn freezing_shortens_theta_and_changes_no_value() {
    let mut case = Case::new(conv_net, 3);
    let before = case.value(&case.theta);
    let [gradient, _, _] = case.products(Budget::default());
    let theta = case.graph.freeze(&case.theta, "conv").unwrap();
    assert_eq!(theta.len(), case.theta.len() - 76);
    assert_eq!(case.value(&theta), before);
    let g = case.gradient(&theta);
    assert!(distance(&gradient[76..], &g) < 1e-15);
    let back = case.graph.unfreeze(&theta, "conv.weight").unwrap();
    assert_eq!(back[..72], case.theta[..72]);
}

#[test]
fn a_number_that_is_not_finite_is_traced_to_its_node() {
    let f = Function::<f64>::new([2], |x| x.log().sum()).unwrap();
    let message = f.at(&[1.0, -1.0]).unwrap_err().to_string();
    assert!(
        message.starts_with("the value of log (recorded at"),
        "{message}"
    );
    assert!(message.contains("engine.rs"), "{message}");
}

#[test]
fn what_all_examples_share_is_traced_as_well() {
    let graph = Graph::<f64>::new(|tape| {
        let w = tape.param("w", [2], Init::Zeros).exp();
        tape.input([2]) * w
    })
    .unwrap();
    let feed = |_: usize, x: &mut [f64]| x.fill(1.0);
    let at = |theta: f64, v: f64, u: f64| {
        let lin = graph.linearize(&[0.0, theta], &feed, &[3, 4], Budget::default())?;
        lin.jvp_into(&[0.0, v], &mut [0.0; 4])?;
        lin.vjp_into(&[u; 4], &mut [0.0; 2])
    };
    assert_eq!(at(1.0, 1.0, 1.0), Ok(()));
    for (theta, v, u, what) in [
        (1e3, 1.0, 1.0, "value"),
        (10.0, 1e308, 1.0, "tangent"),
        (1.0, 1.0, 1e308, "cotangent"),
    ] {
        let message = at(theta, v, u).unwrap_err().to_string();
        let begin = format!("the {what} of exp (recorded at");
        assert!(message.starts_with(&begin), "{message}");
        assert!(message.contains("is inf for all examples"), "{message}");
    }
}

#[test]
fn initial_values_must_be_finite_in_their_type() {
    fn recorded<T: Scalar>(init: Init) -> Result<(), String> {
        let graph = Graph::<T>::new(|tape| tape.input([2]) * tape.buffer("b", [2], init));
        graph.map(|_| ()).map_err(|e| e.to_string())
    }
    assert_eq!(recorded::<f64>(Init::Constant(1e300)), Ok(()));
    let message = recorded::<f32>(Init::Constant(1e300)).unwrap_err();
    assert!(message.contains("`b`: its initial values"), "{message}");
    let (low, high) = (0.0, f64::INFINITY);
    for init in [Init::Normal { std: f64::NAN }, Init::Uniform { low, high }] {
        recorded::<f64>(init).unwrap_err();
    }
}

#[test]
fn an_output_without_any_op_still_works() {
    let f = Function::<f64>::new([2], |x| x).unwrap();
    let at = f.at(&[3.0, 4.0]).unwrap();
    assert_eq!(at.values(), [3.0, 4.0]);
    assert_eq!(at.jvp(&[1.0, 2.0]).unwrap(), [1.0, 2.0]);
    let constant = Function::<f64>::new([2], |x| x.tape().constant([1], &[5.0])).unwrap();
    assert_eq!(
        constant.at(&[0.0, 0.0]).unwrap().gradient().unwrap(),
        [0.0, 0.0]
    );
}

#[test]
fn a_variable_times_itself_has_both_derivatives() {
    let f = Function::<f64>::new([2], |x| (x * x * x).sum()).unwrap();
    let at = f.at(&[2.0, 3.0]).unwrap();
    assert_eq!(at.gradient().unwrap(), [12.0, 27.0]);
    assert_eq!(at.hessian_product(&[1.0, 1.0]).unwrap(), [12.0, 18.0]);
}
