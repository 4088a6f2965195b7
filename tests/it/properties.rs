//! Properties that hold for every network, loss and batch, drawn by proptest.

use osculant::optim::check::check_objective;
use osculant::prelude::*;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Activation {
    Relu,
    LeakyRelu,
    Tanh,
    Sigmoid,
    Softplus,
    Gelu,
    Silu,
}

impl Activation {
    fn of<'t, T: Scalar>(self, x: Var<'t, T>) -> Var<'t, T> {
        match self {
            Activation::Relu => x.relu(),
            Activation::LeakyRelu => x.leaky_relu(0.1),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Softplus => x.softplus(),
            Activation::Gelu => x.gelu(),
            Activation::Silu => x.silu(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Pool {
    Max { ceil: bool },
    Average,
    None,
}

/// A convolution with its activation and pool.
#[derive(Clone, Debug)]
struct Block {
    out: usize,
    kernel: [usize; 2],
    stride: usize,
    same: bool,
    activation: Activation,
    pool: Pool,
    /// Twice more the same convolution, one weight for both, around a skip connection.
    residual: bool,
}

#[derive(Clone, Copy, Debug)]
enum LossKind {
    Squared,
    Softmax,
    Logistic,
    Poisson,
    Huber,
}

/// A network, a loss and a batch.
#[derive(Clone, Debug)]
struct Drawn {
    image: [usize; 3],
    blocks: Vec<Block>,
    hidden: Vec<(usize, Activation)>,
    outputs: usize,
    loss: LossKind,
    batch: usize,
    c: f64,
    seed: u64,
}

fn activation() -> impl Strategy<Value = Activation> {
    use Activation::*;
    prop::sample::select(vec![Relu, LeakyRelu, Tanh, Sigmoid, Softplus, Gelu, Silu])
}

fn block() -> impl Strategy<Value = Block> {
    let pool = prop_oneof![
        any::<bool>().prop_map(|ceil| Pool::Max { ceil }),
        Just(Pool::Average),
        Just(Pool::None)
    ];
    (
        1..4usize,
        [1..4usize, 1..4usize],
        1..3usize,
        any::<bool>(),
        activation(),
        pool,
        any::<bool>(),
    )
        .prop_map(
            |(out, kernel, stride, same, activation, pool, residual)| Block {
                out,
                kernel,
                stride,
                same,
                activation,
                pool,
                residual,
            },
        )
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let loss = prop::sample::select(vec![
        LossKind::Squared,
        LossKind::Softmax,
        LossKind::Logistic,
        LossKind::Poisson,
        LossKind::Huber,
    ]);
    let image = (5..9usize, 5..9usize, 1..3usize).prop_map(|(h, w, c)| [h, w, c]);
    let blocks = prop::collection::vec(block(), 0..3);
    let hidden = prop::collection::vec((1..7usize, activation()), 0..3);
    (
        image,
        blocks,
        hidden,
        1..5usize,
        loss,
        1..10usize,
        0.5..50.0,
        any::<u64>(),
    )
        .prop_map(
            |(image, blocks, hidden, outputs, loss, batch, c, seed)| Drawn {
                image,
                blocks,
                hidden,
                // A softmax over one class has no meaning, and is refused.
                outputs: outputs + usize::from(matches!(loss, LossKind::Softmax)),
                loss,
                batch,
                c,
                seed,
            },
        )
}

impl Drawn {
    /// The network, or `None` where a window does not fit.
    fn network<T: Scalar>(&self) -> Option<Network<T>> {
        let net = Network::<T>::new(self.image, |mut x| {
            for b in &self.blocks {
                let mut conv = Conv2d::new(b.out, b.kernel).stride(b.stride);
                if b.same {
                    conv = conv.same();
                }
                x = b.activation.of(x.layer(conv));
                if b.residual {
                    let tied = Conv2d::new(b.out, 3).same().bind(x);
                    x = b
                        .activation
                        .of(tied.apply(b.activation.of(tied.apply(x))) + x);
                }
                x = match b.pool {
                    Pool::Max { ceil: true } => {
                        x.max_pool2d(osculant::tape::ops::MaxPool2d::new(2).ceil())
                    }
                    Pool::Max { ceil: false } => x.max_pool2d(2),
                    Pool::Average => x.avg_pool2d(2),
                    Pool::None => x,
                };
            }
            x = x.flatten();
            for &(width, activation) in &self.hidden {
                x = activation.of(x.dense(width));
            }
            x.dense(self.outputs)
        });
        net.ok()
    }

    fn random<T: Scalar>(&self, stream: u64, n: usize) -> Vec<T> {
        let mut x = vec![T::zero(); n];
        osculant::tape::Random::new(self.seed, stream).normal(1.0, &mut x);
        x
    }

    fn inputs<T: Scalar>(&self) -> Vec<T> {
        self.random(100, self.batch * self.image.iter().product::<usize>())
    }

    /// Initial values, moved: biases of 0 put dead units right on the kink of their activation.
    fn theta<T: Scalar>(&self, net: &Network<T>) -> Vec<T> {
        let moved = self.random(102, net.len());
        net.init(self.seed)
            .iter()
            .zip(moved)
            .map(|(&x, m): (_, T)| x + T::from_f64(0.1) * m)
            .collect()
    }

    /// Calls `f` with the objective over examples `range`.
    fn with_objective<T: Scalar, R>(
        &self,
        net: &Network<T>,
        range: std::ops::Range<usize>,
        f: impl FnOnce(&Objective<'_, T>) -> R,
    ) -> R {
        let size: usize = self.image.iter().product();
        let x = self.inputs::<T>()[range.start * size..range.end * size].to_vec();
        let m = self.outputs;
        let raw = self.random::<f64>(101, self.batch * m);
        let raw = &raw[range.start * m..range.end * m];
        if let LossKind::Softmax = self.loss {
            let labels = raw
                .chunks(m)
                .map(|r| (r[0].abs() * 1e3) as u32 % m as u32)
                .collect();
            let data = Labelled::new(self.image, x, labels).unwrap();
            let o = Objective::new(net, SoftmaxCrossEntropy, &data).unwrap();
            return f(&o.regularization(self.c).unwrap());
        }
        let targets: Vec<f64> = match self.loss {
            LossKind::Logistic => raw.iter().map(|y| f64::from(u8::from(*y > 0.0))).collect(),
            LossKind::Poisson => raw.iter().map(|y| (3.0 * y.abs()).floor()).collect(),
            _ => raw.to_vec(),
        };
        let targets = targets.into_iter().map(T::from_f64).collect();
        let data = Paired::new(self.image, x, m, targets).unwrap();
        let o = match self.loss {
            LossKind::Squared => Objective::new(net, SquaredLoss, &data),
            LossKind::Logistic => Objective::new(net, LogisticLoss, &data),
            LossKind::Poisson => Objective::new(net, PoissonLoss, &data),
            _ => Objective::new(net, HuberLoss::new(0.7).unwrap(), &data),
        };
        f(&o.unwrap().regularization(self.c).unwrap())
    }
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let scale = norm(&mut a.iter().copied())
        .max(norm(&mut b.iter().copied()))
        .max(1e-12);
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / scale
}

/// G v, J v and Jᵀu by both routes, with one parameter frozen and `count` examples, some of which
/// occur more than once; by how much they differ. `None` where nothing fits, or nothing is trained.
fn routes_differ_by<T: Scalar>(drawn: &Drawn, count: usize) -> Option<[f64; 3]> {
    let mut net = drawn.network::<T>()?;
    let mut theta = drawn.theta(&net);
    let slices = net.params().slices();
    if let Some(slice) = slices.get(drawn.seed as usize % (slices.len() + 1)) {
        let name = slice.name().to_string();
        theta = net.freeze(&theta, &name).unwrap();
    }
    if theta.is_empty() {
        return None;
    }
    let examples: Vec<usize> = (0..count).map(|i| i * 7 % drawn.batch).collect();
    drawn.with_objective(&net, 0..drawn.batch, |objective| {
        let products = |route: Route| {
            let model = objective.at(&theta).unwrap().route(route);
            let g = model.gauss_newton_on(&examples).unwrap();
            let j = model.jacobian_on(&examples).unwrap();
            assert_eq!(g.route().route(), route, "{}", g.route());
            let v = drawn.random(3, theta.len());
            let u = drawn.random(4, j.rows());
            let products = [g.apply(&v), j.apply(&v), j.apply_adjoint(&u)];
            products.map(|p| {
                p.unwrap()
                    .into_iter()
                    .map(|x| Scalar::to_f64(x))
                    .collect::<Vec<f64>>()
            })
        };
        let (swept, stored) = (products(Route::Sweep), products(Route::Stored));
        Some([0, 1, 2].map(|i| distance(&swept[i], &stored[i])))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// G v against differences and against JᵀBJ, symmetry, vᵀG v ≥ 0, H v against differences.
    #[test]
    fn curvature_is_right(drawn in drawn()) {
        let Some(net) = drawn.network::<f64>() else { return Err(TestCaseError::reject("no fit")) };
        let theta = drawn.theta(&net);
        let checked = drawn.with_objective(&net, 0..drawn.batch, |objective| {
            check_objective(objective, &theta, drawn.seed)
        });
        match checked {
            // Next to a kink of ReLU or max-pooling there is nothing to compare with.
            Err(e) if e.to_string().contains("next to a kink") => {
                return Err(TestCaseError::reject("kink"));
            }
            Err(e) => return Err(TestCaseError::fail(e.to_string())),
            Ok(()) => {}
        }
    }

    /// G v of a batch is the mean of G v over its examples, one at a time.
    #[test]
    fn a_batch_is_the_sum_of_its_examples(drawn in drawn()) {
        let Some(net) = drawn.network::<f64>() else { return Err(TestCaseError::reject("no fit")) };
        let (theta, v) = (drawn.theta(&net), drawn.random(3, net.len()));
        let product = |range: std::ops::Range<usize>| {
            drawn.with_objective(&net, range, |objective| {
                let model = objective.at(&theta).unwrap();
                let g = model.gradient().unwrap().to_vec();
                let gv = model.gauss_newton().unwrap().apply(&v).unwrap();
                let hv = model.hessian().unwrap().apply(&v).unwrap();
                [g, gv, hv]
            })
        };
        let whole = product(0..drawn.batch);
        let mut mean = [vec![0.0; v.len()], vec![0.0; v.len()], vec![0.0; v.len()]];
        for i in 0..drawn.batch {
            for (mean, part) in mean.iter_mut().zip(product(i..i + 1)) {
                for (m, p) in mean.iter_mut().zip(part) {
                    *m += p / drawn.batch as f64;
                }
            }
        }
        for (whole, mean) in whole.iter().zip(&mean) {
            prop_assert!(distance(whole, mean) < 1e-12, "{}", distance(whole, mean));
        }
    }

    /// The diagonal of G is that of the dense matrix, of which every column is a product, for the
    /// fused network and with one parameter frozen.
    #[test]
    fn the_diagonal_is_that_of_the_dense_matrix(drawn in drawn(), count in 1..40usize) {
        let Some(mut net) = drawn.network::<f64>() else {
            return Err(TestCaseError::reject("no fit"));
        };
        let mut theta = drawn.theta(&net);
        let slices = net.params().slices();
        if let Some(slice) = slices.get(drawn.seed as usize % (2 * slices.len())) {
            let name = slice.name().to_string();
            theta = net.freeze(&theta, &name).unwrap();
        }
        let examples: Vec<usize> = (0..count).map(|i| i * 7 % drawn.batch).collect();
        let (found, dense) = drawn.with_objective(&net, 0..drawn.batch, |objective| {
            let model = objective.at(&theta).unwrap();
            let g = model.gauss_newton_on(&examples).unwrap();
            let mut v = vec![0.0; theta.len()];
            let entry = |i: usize| {
                v[i] = 1.0;
                let entry = g.apply(&v).unwrap()[i];
                v[i] = 0.0;
                entry
            };
            let dense: Vec<f64> = (0..theta.len()).map(entry).collect();
            (g.diagonal().unwrap(), dense)
        });
        prop_assert!(distance(&found, &dense) < 1e-12, "{}", distance(&found, &dense));
    }

    /// The sweep route and the stored route agree to rounding, over several tiles and rounds.
    #[test]
    fn both_routes_agree(drawn in drawn(), count in prop_oneof![1..80usize, 200..600usize]) {
        let Some(double) = routes_differ_by::<f64>(&drawn, count) else {
            return Err(TestCaseError::reject("no fit"));
        };
        prop_assert!(double.iter().all(|&d| d < 1e-12), "f64: {double:?}");
        let single = routes_differ_by::<f32>(&drawn, count).unwrap_or([0.0; 3]);
        prop_assert!(single.iter().all(|&d| d < 1e-4), "f32: {single:?}");
    }

    /// One, two and five threads give the same bits.
    #[test]
    fn threads_do_not_change_a_bit(drawn in drawn()) {
        let Some(net) = drawn.network::<f64>() else { return Err(TestCaseError::reject("no fit")) };
        let (theta, v) = (drawn.theta(&net), drawn.random(3, net.len()));
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| drawn.with_objective(&net, 0..drawn.batch, |objective| {
                let model = objective.at(&theta).unwrap();
                let gv = model.gauss_newton().unwrap().apply(&v).unwrap();
                let hv = model.hessian().unwrap().apply(&v).unwrap();
                let value = (model.value().unwrap().to_bits(), model.gradient().unwrap().to_vec());
                let stored = model.route(Route::Stored);
                (value, gv, hv, stored.gauss_newton().unwrap().apply(&v).unwrap())
            }))
        };
        let one = with(1);
        prop_assert_eq!(&one, &with(2));
        prop_assert_eq!(&one, &with(5));
    }

    /// A network linear in θ has no curvature of its own: G = H.
    #[test]
    fn a_network_linear_in_theta_has_g_equal_to_h(drawn in drawn()) {
        let mut drawn = drawn;
        drawn.hidden.clear();
        drawn.blocks.clear();
        let Some(net) = drawn.network::<f64>() else { return Err(TestCaseError::reject("no fit")) };
        let (theta, v) = (drawn.theta(&net), drawn.random(3, net.len()));
        drawn.with_objective(&net, 0..drawn.batch, |objective| {
            let model = objective.at(&theta).unwrap();
            let gv = model.gauss_newton().unwrap().apply(&v).unwrap();
            let hv = model.hessian().unwrap().apply(&v).unwrap();
            prop_assert!(distance(&gv, &hv) < 1e-13);
            Ok(())
        })?;
    }
}
