//! Lesson 10: a run that is stopped and goes on. Its state lies in a file; the resumed run has the
//! bits of one that was never stopped.
//!
//! `cargo run --release --example 10_resume`

use osculant::data::{Checkpoint, Checkpoints};
use osculant::optim::train::{Iteration, Moment, Observer, Outcome, WarmStart};
use osculant::prelude::*;
use std::ops::ControlFlow;

/// Ends a run after the fifth iteration, as a power cut would.
struct PowerCut;

impl Observer<f32> for PowerCut {
    fn iteration(&mut self, at: &Moment<'_, f32, Iteration>) -> ControlFlow<()> {
        match at.record.number {
            5 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let net = Network::<f32>::new([2], |x| x.dense(24).tanh().dense(24).tanh().dense(1))?;
    let x: Vec<f32> = (0..600).map(|i| (0.37 * i as f32).sin()).collect();
    let y = x.chunks(2).map(|x| (3.0 * x[0]).cos() * x[1]).collect();
    let data = Paired::new([2], x, 1, y)?;
    let objective = Objective::new(&net, SquaredLoss, &data)?.regularization(1e5)?;

    // A state holds no options: whoever resumes sets the trainer up as it was.
    let trainer = || {
        NewtonCg::default()
            .iterations(12)
            .sampling(Cyclic::new(Size::Fraction(0.25), 7))
            .warm_start(WarmStart::default())
    };
    let whole = trainer().train(&objective, net.init(1))?;

    // The state of every second iteration is saved: θ, the damping, the last direction, counts; all
    // that cannot be computed again.
    let file = std::env::temp_dir().join(format!("osculant-{}.safetensors", std::process::id()));
    let mut checkpoints = Checkpoints::at(&file).every(2);
    let mut watch = (&mut checkpoints, PowerCut);
    let cut = trainer().train_observed(&objective, net.init(1), &mut watch)?;
    checkpoints.finish()?;
    assert_eq!((cut.outcome, cut.done()), (Outcome::Stopped, 5));

    let state = Checkpoint::load(&file)?.state.ok_or("nothing was saved")?;
    std::fs::remove_file(&file)?;
    println!(
        "cut after iteration {}, going on from {}",
        cut.done(),
        state.iteration
    );
    let resumed = trainer().resume(&objective, state, &mut ())?;

    println!(
        "resumed: f {:e} after {} products\nat once: f {:e} after {} products",
        resumed.value, resumed.products, whole.value, whole.products
    );
    assert_eq!(resumed.theta, whole.theta);
    assert_eq!(resumed.products, whole.products);
    Ok(())
}
