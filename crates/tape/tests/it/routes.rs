//! Two routes to J v, Jᵀu and JᵀBJ v: they agree, whatever the network; the choice between them
//! keeps to the budget and explains itself.

use osculant_tape::linearize::{Budget, Options, Route, TileData};
use osculant_tape::ops::{Conv2d, Padding, conv2d, dense};
use osculant_tape::{Graph, GraphError, Init, Random, Scalar, Tape, Var};
use std::sync::Arc;

const GLOROT: Init = Init::Glorot {
    fan_in: 12,
    fan_out: 12,
};

fn same_conv<'t, T: Scalar>(x: Var<'t, T>, name: &str, shape: [usize; 4]) -> Var<'t, T> {
    let options = Conv2d {
        padding: Padding::Same,
        ..Conv2d::default()
    };
    let w = x.tape().param(&format!("{name}.weight"), shape, GLOROT);
    let b = x.tape().param(&format!("{name}.bias"), [shape[3]], GLOROT);
    conv2d(x, w, options) + b
}

fn conv_net<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    let x = tape.input([9, 7, 2]);
    let x = same_conv(x, "first", [3, 3, 2, 6]).relu().max_pool2d(2);
    let x = same_conv(x, "second", [3, 3, 6, 8])
        .tanh()
        .max_pool2d(2)
        .flatten();
    dense(x, tape.param("w", [x.shape().size(), 3], GLOROT)) + tape.param("b", [3], GLOROT)
}

/// Forks, a branch with parameters on either side of the sum, and a skip over everything.
fn residual_net<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    let x = tape.input([6, 6, 3]);
    let stem = same_conv(x, "stem", [3, 3, 3, 4]).relu();
    let y = same_conv(stem, "a", [3, 3, 4, 4]).relu();
    let y = (same_conv(y, "b", [3, 3, 4, 4]) + stem).relu();
    let z = same_conv(y, "c", [3, 3, 4, 5]).sigmoid();
    let z = (same_conv(z, "d", [3, 3, 5, 6]) + same_conv(y, "short", [1, 1, 4, 6])).relu();
    let pooled = z.global_avg_pool();
    let out = dense(pooled, tape.param("w", [6, 4], GLOROT));
    out + stem.sum() * tape.param("scale", [4], GLOROT)
}

/// One weight at several depths, once wide enough to be deferred, and once transformed.
fn tied_net<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    let x = tape.input([2, 40]);
    let w = tape.param("w", [40, 450], GLOROT);
    let back = tape.param("back", [450, 40], GLOROT);
    let h = dense(dense(x, w).tanh(), back).sigmoid();
    let h = dense(dense(h, w).tanh(), back).tanh();
    let head = tape.param("head", [80, 2], GLOROT);
    dense(h.flatten(), head) + dense((h * h).flatten(), head)
}

/// Weights that are computed from parameters before any example sees them, an unused parameter,
/// and an activation with a parameter of its own.
fn shared_net<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    let x = tape.input([6]);
    tape.param("unused", [3], GLOROT);
    let v = tape.param("v", [6, 9], GLOROT);
    let scale = tape.param("scale", [], Init::Constant(1.5));
    let w = v * scale / (v * v).sum().sqrt();
    let h = (dense(x, w) * scale).tanh();
    let again = tape.param("u", [9, 9], GLOROT).exp();
    let h = dense(h * h, again) * 0.01;
    dense(h.softplus(), again.tanh()) * scale + h
}

/// The output itself is a fork's sum, and in no segment.
fn forked_output<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    let h = dense(tape.input([5]), tape.param("w", [5, 3], GLOROT));
    h.tanh() * h.sigmoid()
}

/// The smallest network; S has nothing to keep.
fn linear_net<'t, T: Scalar>(tape: &'t Tape<T>) -> Var<'t, T> {
    dense(tape.input([4]), tape.param("w", [4, 3], GLOROT))
}

struct Case<T> {
    name: &'static str,
    graph: Graph<T>,
    theta: Vec<T>,
    inputs: Vec<T>,
}

const LARGEST: usize = 300;

impl<T: Scalar> Case<T> {
    fn new(name: &'static str, net: impl for<'t> FnOnce(&'t Tape<T>) -> Var<'t, T>) -> Self {
        let graph = Graph::new(net).unwrap();
        let theta = random(1, &graph.params().init(7), 0.2);
        let inputs = random(2, &vec![T::zero(); LARGEST * graph.input_size()], 1.0);
        Case {
            name,
            graph,
            theta,
            inputs,
        }
    }

    fn all() -> Vec<Self> {
        vec![
            Case::new("conv", conv_net),
            Case::new("residual", residual_net),
            Case::new("tied", tied_net),
            Case::new("shared", shared_net),
            Case::new("forked output", forked_output),
            Case::new("linear", linear_net),
            Case::new("frozen conv", conv_net).freeze("first.weight"),
            Case::new("frozen residual", residual_net).freeze("a.bias"),
            Case::new("frozen shared", shared_net).freeze("v"),
        ]
    }

    fn freeze(mut self, name: &str) -> Self {
        self.theta = self.graph.freeze(&self.theta, name).unwrap();
        self
    }

    /// JᵀBJ v, J v and Jᵀu over the first `count` examples.
    fn products(&self, count: usize, options: Options) -> [Vec<T>; 3] {
        let (n, size) = (self.theta.len(), self.graph.input_size());
        let m = self.graph.output_shape().size();
        let feed = |i: usize, out: &mut [T]| out.copy_from_slice(&self.inputs[i * size..][..size]);
        let examples: Vec<usize> = (0..count).collect();
        let lin = self
            .graph
            .linearize(&self.theta, &feed, &examples, options)
            .unwrap();
        assert_eq!(lin.route().route(), options.route, "{}", lin.route());
        let v = random(3, &vec![T::zero(); n], 1.0);
        let u = random(4, &vec![T::zero(); count * m], 1.0);
        let (mut gv, mut jtu) = (vec![T::zero(); n], vec![T::zero(); n]);
        let mut jv = vec![T::zero(); count * m];
        lin.product_into(&v, &curvature, &mut gv).unwrap();
        lin.jvp_into(&v, &mut jv).unwrap();
        lin.vjp_into(&u, &mut jtu).unwrap();
        let mut again = vec![T::zero(); n];
        lin.product_into(&v, &curvature, &mut again).unwrap();
        assert!(
            again == gv,
            "{}: the second product differs from the first",
            self.name
        );
        [gv, jv, jtu]
    }
}

impl<T: Scalar> Case<T> {
    /// JᵀBJ V for a block of vectors over the first `count` examples, and for each by itself.
    fn block(&self, k: usize, count: usize, options: Options) -> [Vec<T>; 2] {
        let (n, size) = (self.theta.len(), self.graph.input_size());
        let feed = |i: usize, out: &mut [T]| out.copy_from_slice(&self.inputs[i * size..][..size]);
        let examples: Vec<usize> = (0..count).collect();
        let lin = self
            .graph
            .linearize(&self.theta, &feed, &examples, options)
            .unwrap();
        let v = random(5, &vec![T::zero(); k * n], 1.0);
        let (mut block, mut each) = (vec![T::zero(); k * n], vec![T::zero(); k * n]);
        lin.product_block_into(k, &v, &curvature, &mut block)
            .unwrap();
        for (v, out) in v.chunks(n).zip(each.chunks_mut(n)) {
            lin.product_into(v, &curvature, out).unwrap();
        }
        [block, each]
    }
}

fn random<T: Scalar>(stream: u64, base: &[T], deviation: f64) -> Vec<T> {
    let mut x = vec![T::zero(); base.len()];
    Random::new(11, stream).normal(deviation, &mut x);
    base.iter().zip(x).map(|(&b, x)| b + x).collect()
}

/// B = I + zzᵀ: neither constant nor diagonal.
fn curvature<T: Scalar>(
    data: &TileData<'_, T>,
    dz: &[T],
    u: &mut [T],
) -> osculant_tape::Result<()> {
    let m = dz.len() / data.examples.len();
    let examples = data.outputs.chunks(m).zip(dz.chunks(m));
    for (u, (z, dz)) in u.chunks_mut(m).zip(examples) {
        let along = z.iter().zip(dz).fold(T::zero(), |s, (&z, &dz)| s + z * dz);
        for (u, (&z, &dz)) in u.iter_mut().zip(z.iter().zip(dz)) {
            *u = dz + z * along;
        }
    }
    Ok(())
}

fn route(route: Route) -> Options {
    Options {
        route,
        ..Options::default()
    }
}

fn distance<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let scale = norm(&mut a.iter().map(|&x| Scalar::to_f64(x))).max(1e-300);
    norm(&mut a.iter().zip(b).map(|(a, b)| Scalar::to_f64(*a - *b))) / scale
}

fn both_routes_agree<T: Scalar>(tolerance: f64) {
    for case in Case::<T>::all() {
        assert_eq!(
            case.graph.sensitivity_bytes() > 0,
            case.name != "linear",
            "{}",
            case.name
        );
        // One example, a tile that is not full, several tiles, more than a round.
        for count in [1, 3, 70, LARGEST] {
            let swept = case.products(count, route(Route::Sweep));
            let stored = case.products(count, route(Route::Stored));
            for (what, (a, b)) in ["JᵀBJ v", "J v", "Jᵀu"]
                .iter()
                .zip(swept.iter().zip(&stored))
            {
                let d = distance(a, b);
                assert!(
                    d < tolerance,
                    "{}, {count} examples: {what} differs by {d}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn both_routes_agree_to_rounding() {
    both_routes_agree::<f64>(1e-13);
    both_routes_agree::<f32>(1e-5);
}

#[test]
fn one_two_and_five_threads_give_the_same_bits_on_the_stored_route() {
    for case in Case::<f32>::all() {
        for count in [9, LARGEST] {
            let with = |threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| case.products(count, route(Route::Stored)))
            };
            let one = with(1);
            assert!(one == with(2), "{}, {count} examples, 2 threads", case.name);
            assert!(one == with(5), "{}, {count} examples, 5 threads", case.name);
        }
    }
}

#[test]
fn a_block_is_bit_for_bit_its_vectors_products_on_both_routes_and_any_threads() {
    let recomputing = Options {
        budget: Budget(0),
        ..route(Route::Sweep)
    };
    for case in Case::<f32>::all() {
        for options in [route(Route::Sweep), route(Route::Stored), recomputing] {
            for (k, count) in [(0, 3), (1, 3), (3, 1), (8, 70), (9, LARGEST)] {
                let with = |threads| {
                    let pool = rayon::ThreadPoolBuilder::new()
                        .num_threads(threads)
                        .build()
                        .unwrap();
                    pool.install(|| case.block(k, count, options))
                };
                let what = format!("{}, {k} vectors, {count} examples, {options:?}", case.name);
                let [block, each] = with(1);
                assert!(block == each, "{what}");
                assert!(block == with(5)[0], "{what}, 5 threads");
                assert_eq!(block.iter().any(|x| *x != 0.0), k > 0, "{what}");
            }
        }
    }
}

#[test]
fn a_block_names_what_does_not_fit() {
    let case = Case::<f64>::new("linear", linear_net);
    let feed = |_: usize, out: &mut [f64]| out.fill(1.0);
    let lin = case
        .graph
        .linearize(&case.theta, &feed, &[0, 1], Budget::default())
        .unwrap();
    let n = case.theta.len();
    let (mut v, mut out) = (vec![1.0; 3 * n], vec![0.0; 3 * n]);
    let short = lin.product_block_into(3, &v[1..], &curvature, &mut out);
    assert!(matches!(short, Err(GraphError::Length { .. })), "{short:?}");
    let short = lin.product_block_into(3, &v, &curvature, &mut out[1..]);
    assert!(matches!(short, Err(GraphError::Length { .. })), "{short:?}");
    v[n + 2] = f64::NAN;
    let nan = lin.product_block_into(3, &v, &curvature, &mut out);
    assert!(
        matches!(nan, Err(GraphError::NotFinite { index: 2, .. })),
        "{nan:?}"
    );
}

#[test]
fn products_with_the_hessian_do_not_mind_the_route() {
    for case in Case::<f64>::all() {
        let size = case.graph.input_size();
        let feed =
            |i: usize, out: &mut [f64]| out.copy_from_slice(&case.inputs[i * size..][..size]);
        let v = random(3, &vec![0.0; case.theta.len()], 1.0);
        let product = |r: Route| {
            let examples: Vec<usize> = (0..70).collect();
            let lin = case
                .graph
                .linearize(&case.theta, &feed, &examples, route(r))
                .unwrap();
            let curved = Arc::new(lin).with_gradient(Box::new(|data, u| {
                u.into_iter().for_each(|u| u.copy_from_slice(data.outputs));
                Ok(0.0)
            }));
            let mut hv = vec![0.0; v.len()];
            curved
                .unwrap()
                .product_into(&v, &curvature, &mut hv)
                .unwrap();
            hv
        };
        let d = distance(&product(Route::Sweep), &product(Route::Stored));
        assert!(d < 1e-13, "{}: {d}", case.name);
    }
}

#[test]
fn the_stored_route_keeps_to_the_budget() {
    let case = Case::<f32>::new("conv", conv_net);
    let size = case.graph.input_size();
    let feed = |i: usize, out: &mut [f32]| out.copy_from_slice(&case.inputs[i * size..][..size]);
    let examples: Vec<usize> = (0..20).collect();
    let at = |bytes: usize, route: Route, products: usize| {
        let budget = Budget(bytes);
        let options = Options {
            budget,
            products,
            route,
        };
        case.graph.linearize(&case.theta, &feed, &examples, options)
    };
    let values = case.graph.kept_bytes() * 20;
    let all = values + case.graph.sensitivity_bytes() * 20;
    assert!(all > values);
    let chosen = |bytes, products| at(bytes, Route::Auto, products).unwrap().route().route();
    assert_eq!(chosen(all, 1000), Route::Stored);
    assert_eq!(chosen(all, 1), Route::Sweep);
    assert_eq!(chosen(all - 1, 1000), Route::Sweep);
    let tight = at(all - 1, Route::Auto, 1000).unwrap();
    let reasons = tight.route().to_string();
    assert!(reasons.contains("exceeds the memory budget"), "{reasons}");
    assert!(tight.keeps_values());
    assert!(!at(values - 1, Route::Auto, 1000).unwrap().keeps_values());
    let Err(GraphError::Memory { bytes, limit, .. }) = at(all - 1, Route::Stored, 1000) else {
        panic!("a route that was asked for cannot silently be another");
    };
    assert_eq!((bytes, limit), (all, all - 1));
}

#[test]
fn a_sensitivity_that_is_not_finite_is_traced_to_its_node() {
    // √ has no slope at 0: the value is fine, the derivative is not.
    let graph = Graph::<f64>::new(|tape| {
        let h = dense(tape.input([2]), tape.param("w", [2, 2], Init::Zeros));
        let root = h.sqrt();
        dense(root * root, tape.param("u", [2, 40], GLOROT))
    });
    let graph = graph.unwrap();
    let (theta, n) = (graph.params().init(0), graph.params().len());
    let feed = |_: usize, x: &mut [f64]| x.fill(1.0);
    for r in [Route::Sweep, Route::Stored] {
        let lin = graph.linearize(&theta, &feed, &[0, 1], route(r)).unwrap();
        let mut out = vec![0.0; n];
        let error = lin
            .product_into(&vec![1.0; n], &curvature, &mut out)
            .unwrap_err();
        assert!(error.to_string().contains("sqrt"), "{error}");
    }
}

#[test]
fn cotangents_of_examples_that_are_not_finite_are_traced_to_their_node() {
    let graph = Graph::<f64>::new(|tape| {
        let h = dense(tape.input([2]), tape.param("w", [2, 2], Init::Zeros));
        dense(h.sqrt(), tape.param("u", [2, 3], GLOROT))
    });
    let graph = graph.unwrap();
    let (theta, n) = (graph.params().init(0), graph.params().len());
    let feed = |_: usize, x: &mut [f64]| x.fill(1.0);
    let lin = graph
        .linearize(&theta, &feed, &[0, 1], Budget::default())
        .unwrap();
    let ones = |_: &TileData<'_, f64>, u: Option<&mut [f64]>| {
        u.into_iter().for_each(|u| u.fill(1.0));
        Ok(0.0)
    };
    let error = lin
        .per_example_into(&ones, &mut vec![0.0; 2 * n])
        .unwrap_err();
    assert!(error.to_string().contains("dense"), "{error}");
    let column = |_: &TileData<'_, f64>, u: &mut [f64]| {
        u.fill(1.0);
        Ok(1)
    };
    let error = lin.squares_into(1, &column, &mut vec![0.0; n]).unwrap_err();
    assert!(error.to_string().contains("dense"), "{error}");
}

#[test]
fn an_input_that_is_not_finite_is_named_and_no_op() {
    let graph =
        Graph::<f32>::new(|tape| dense(tape.input([3]), tape.param("w", [3, 2], GLOROT)).tanh());
    let graph = graph.unwrap();
    let theta = graph.params().init(0);
    let feed = |i: usize, x: &mut [f32]| {
        x.fill(1.0);
        x[i % 3] = if i == 5 { f32::NAN } else { 0.0 };
    };
    let error = graph.audit(&theta, &feed, &[1, 5, 2]).unwrap_err();
    assert!(error.to_string().contains("input of example 5"), "{error}");
}

#[test]
fn a_shared_value_that_is_not_finite_is_an_answer_unless_derivatives_are_wanted() {
    let graph = Graph::<f32>::new(|tape| {
        let scale = tape.param("scale", [], Init::Zeros);
        dense(tape.input([3]), tape.param("w", [3, 2], GLOROT)) * scale.exp()
    });
    let graph = graph.unwrap();
    let mut theta = graph.params().init(0);
    theta[0] = 100.0;
    let feed = |_: usize, x: &mut [f32]| x.fill(1.0);
    let mut out = [0.0; 4];
    graph.forward(&theta, &feed, &[0, 1], &mut out).unwrap();
    assert!(out.iter().all(|z| !z.is_finite()), "{out:?}");
    for error in [
        graph.audit(&theta, &feed, &[0]).unwrap_err(),
        graph
            .linearize(&theta, &feed, &[0], Budget::default())
            .unwrap_err(),
    ] {
        assert!(error.to_string().contains("exp"), "{error}");
    }
}
