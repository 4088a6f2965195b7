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
    fn of<'t>(self, x: Var<'t, f64>) -> Var<'t, f64> {
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
    )
        .prop_map(|(out, kernel, stride, same, activation, pool)| Block {
            out,
            kernel,
            stride,
            same,
            activation,
            pool,
        })
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
    fn network(&self) -> Option<Network<f64>> {
        let net = Network::new(self.image, |mut x| {
            for b in &self.blocks {
                let mut conv = Conv2d::new(b.out, b.kernel).stride(b.stride);
                if b.same {
                    conv = conv.same();
                }
                x = b.activation.of(x.layer(conv));
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

    fn random(&self, stream: u64, n: usize) -> Vec<f64> {
        let mut x = vec![0.0; n];
        osculant::tape::Random::new(self.seed, stream).normal(1.0, &mut x);
        x
    }

    fn inputs(&self) -> Vec<f64> {
        self.random(100, self.batch * self.image.iter().product::<usize>())
    }

    /// Initial values, moved: biases of 0 put dead units right on the kink of their activation.
    fn theta(&self, net: &Network<f64>) -> Vec<f64> {
        let moved = self.random(102, net.len());
        net.init(self.seed)
            .iter()
            .zip(moved)
            .map(|(x, m)| x + 0.1 * m)
            .collect()
    }

    /// Calls `f` with the objective over examples `range`.
    fn with_objective<R>(
        &self,
        net: &Network<f64>,
        range: std::ops::Range<usize>,
        f: impl FnOnce(&Objective<'_, f64>) -> R,
    ) -> R {
        let size: usize = self.image.iter().product();
        let x = self.inputs()[range.start * size..range.end * size].to_vec();
        let m = self.outputs;
        let raw = self.random(101, self.batch * m);
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// G v against differences and against JᵀBJ, symmetry, vᵀG v ≥ 0, H v against differences.
    #[test]
    fn curvature_is_right(drawn in drawn()) {
        let Some(net) = drawn.network() else { return Err(TestCaseError::reject("no fit")) };
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
        let Some(net) = drawn.network() else { return Err(TestCaseError::reject("no fit")) };
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

    /// One, two and five threads give the same bits.
    #[test]
    fn threads_do_not_change_a_bit(drawn in drawn()) {
        let Some(net) = drawn.network() else { return Err(TestCaseError::reject("no fit")) };
        let (theta, v) = (drawn.theta(&net), drawn.random(3, net.len()));
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| drawn.with_objective(&net, 0..drawn.batch, |objective| {
                let model = objective.at(&theta).unwrap();
                let gv = model.gauss_newton().unwrap().apply(&v).unwrap();
                let hv = model.hessian().unwrap().apply(&v).unwrap();
                (model.value().unwrap().to_bits(), model.gradient().unwrap().to_vec(), gv, hv)
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
        let Some(net) = drawn.network() else { return Err(TestCaseError::reject("no fit")) };
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
