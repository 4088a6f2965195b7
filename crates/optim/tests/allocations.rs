//! A solve allocates while it warms up, and nothing from then on; so do the steps of an epoch.
//!
//! A test program of its own: the counting allocator serves all of it, and other tests would be
//! counted too.

use osculant_layers::{Layers, Network};
use osculant_optim::examples::Paired;
use osculant_optim::loss::SquaredLoss;
use osculant_optim::operator::{SelfAdjoint, Shifted};
use osculant_optim::solve::{Cg, CgStart, Kept, RelativeProgress, Stopping};
use osculant_optim::train::{Adam, Batches, FirstOrder, Observer, Sgd, StepRule};
use osculant_optim::{Objective, OptimError};
use osculant_tape::Scalar;
use std::error::Error;
use std::ops::ControlFlow;

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

/// Products after which every buffer has its size: on a busy machine a thread may join late.
const WARM: usize = 20;

/// How many allocations a solve makes between products `WARM` and 100.
fn in_the_loop<T: Scalar, A: SelfAdjoint<T> + ?Sized>(
    a: &A,
    b: &[T],
    parts: Option<(&mut dyn Stopping, &mut Kept<T>)>,
) -> Result<u64, OptimError> {
    let blocks = || dhat::HeapStats::get().total_blocks;
    let (mut warm, mut last, mut products) = (0, 0, 0);
    let mut watch = |i: &osculant_optim::solve::CgIteration| {
        products = i.number;
        last = blocks();
        if i.number == WARM {
            warm = last;
        }
        ControlFlow::Continue(())
    };
    // A tolerance of 0 is never met; the bound ends it.
    let cg = Cg::default().tolerance(0.0).max_iterations(100);
    let solve = cg.on(a).observe(&mut watch);
    match parts {
        None => solve.solve(b)?,
        Some((rule, kept)) => solve.stop_by(rule).keep(kept).radius(1e30).solve(b)?,
    };
    assert_eq!(products, 100, "the solve ended before it had warmed up");
    Ok(last - warm)
}

/// Inputs and targets that are no multiples of each other.
fn waves(n: usize, frequency: f64) -> Vec<f32> {
    (0..n)
        .map(|i| (frequency * i as f64).sin() as f32)
        .collect()
}

fn solve(
    net: &Network<f32>,
    input: &[usize],
    outputs: usize,
    l: usize,
) -> Result<u64, Box<dyn Error>> {
    let size: usize = input.iter().product();
    let data = Paired::new(
        input,
        waves(l * size, 0.7),
        outputs,
        waves(l * outputs, 1.3),
    )?;
    let objective = Objective::new(net, SquaredLoss, &data)?.regularization(100.0)?;
    let model = objective.at(&net.init(1))?.expect_products(100);
    let (g, b) = (model.gauss_newton()?, model.descent()?);
    let damped = Shifted::new(&g, 1.0)?;
    let plain = in_the_loop(&damped, &b, None)?;
    let (mut rule, mut kept) = (Never(RelativeProgress::default()), Kept::new(1.3)?);
    Ok(plain + in_the_loop(&damped, &b, Some((&mut rule, &mut kept)))?)
}

/// Asks a rule, and goes on whatever it says.
struct Never(RelativeProgress);

impl Stopping for Never {
    fn begin(&mut self, at: &CgStart) -> bool {
        self.0.begin(at)
    }
    fn enough(&mut self, seen: &osculant_optim::solve::CgIteration) -> bool {
        self.0.enough(seen);
        false
    }
}

/// Notes how many allocations were made after some steps and after the last.
#[derive(Default)]
struct Steps {
    warm: u64,
    last: u64,
    made: usize,
}

impl Observer<f32> for Steps {
    fn step(&mut self, number: usize, _bound: usize) -> ControlFlow<()> {
        (self.last, self.made) = (dhat::HeapStats::get().total_blocks, number);
        if number == WARM {
            self.warm = self.last;
        }
        ControlFlow::Continue(())
    }
}

/// How many allocations an epoch makes between steps `WARM` and 100.
fn train(
    net: &Network<f32>,
    rule: impl StepRule<f32>,
    batch: usize,
) -> Result<u64, Box<dyn Error>> {
    let l = 100 * batch;
    let size = net.input_shapes()[0].size();
    let outputs = net.output_shape().size();
    let data = Paired::new(
        [size],
        waves(l * size, 0.7),
        outputs,
        waves(l * outputs, 1.3),
    )?;
    let objective = Objective::new(net, SquaredLoss, &data)?.regularization(100.0)?;
    let trainer = FirstOrder::new(rule)
        .epochs(1)
        .batches(Batches::new(batch, 1)?);
    let mut steps = Steps::default();
    trainer.train_observed(&objective, net.init(1), &mut steps)?;
    assert_eq!(steps.made, 100);
    Ok(steps.last - steps.warm)
}

/// Every round of a hundred that allocates would do so again. A thread that got no core while the
/// first one warmed up makes what is its own later, and once: so one round of a few must do
/// without.
fn none(what: &str, round: impl Fn() -> Result<u64, Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(round()?);
        if made.ends_with(&[0]) {
            return Ok(());
        }
    }
    Err(format!("{what}: allocations in each round of five: {made:?}").into())
}

/// One test, since the counter is one: small problems stay on the thread they are on, larger ones
/// go through the pool, with convolutions, pools of winners, deferred sums and both routes.
#[test]
fn the_hundredth_product_and_the_hundredth_step_allocate_nothing() -> Result<(), Box<dyn Error>> {
    let _counting = dhat::Profiler::builder().testing().build();
    let small = Network::<f32>::new([8], |x| x.dense(32).tanh().dense(32).tanh().dense(1))?;
    let images = Network::<f32>::new([12, 12, 2], |x| {
        let x = x.conv2d(16, 3).relu().max_pool2d(2);
        x.conv2d(16, 3).relu().flatten().dense(128).relu().dense(10)
    })?;
    let wide = Network::<f32>::new([50], |x| x.dense(1500).tanh().dense(10))?;
    none("dense layers, inline", || solve(&small, &[8], 1, 64))?;
    none("convolutions, on the pool", || {
        solve(&images, &[12, 12, 2], 10, 96)
    })?;
    none("steps, inline", || train(&small, Sgd::default(), 4))?;
    none("steps, on the pool", || train(&wide, Adam::default(), 32))
}
