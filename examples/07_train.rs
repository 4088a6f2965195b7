//! Lesson 7: the same as `osculant train`, from Rust; a callback sees every iteration and may stop
//! the run. Then the same problem by Adam.
//!
//! `cargo run --release --example 07_train`

use osculant::data::{Preprocess, PreprocessOptions, digits};
use osculant::optim::train::{Adam, Epoch, FirstOrder, Iteration, Moment, Observer, Outcome};
use osculant::prelude::*;
use std::ops::ControlFlow;

/// Prints a line per iteration, and ends the run where the objective is small enough.
struct Below(f64);

impl Observer<f32> for Below {
    fn iteration(&mut self, at: &Moment<'_, f32, Iteration>) -> ControlFlow<()> {
        let r = at.record;
        println!(
            "iteration {:2}   f {:.4}   |g| {:.3}   CG {:2}   λ {:.3}   step {}",
            r.number, r.new_value, r.new_gradient_norm, r.cg_iterations, r.lambda, r.step
        );
        // The present θ is `at.theta`; `at.state()` is what a checkpoint keeps.
        if r.new_value < self.0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn epoch(&mut self, at: &Moment<'_, f32, Epoch>) -> ControlFlow<()> {
        let r = at.record;
        println!(
            "epoch {:2}   mean f of its batches {:.4}",
            r.number, r.value
        );
        ControlFlow::Continue(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // osculant train --train-examples 1000 --test-examples 500 --iterations 8 --net mlp:40 …
    let split = digits()?;
    let (mut train, mut test) = (split.train.subset(..1000)?, split.test.subset(..500)?);
    let preprocess = Preprocess::fit(&train, PreprocessOptions::default())?;
    preprocess.apply(&mut train)?;
    preprocess.apply(&mut test)?;
    let net = Network::<f32>::new(train.shape(), |x| x.flatten().dense(40).relu().dense(10))?;
    let objective = Objective::new(&net, OnLabels(SquaredLoss), &train)?.regularization(10.0)?;
    let newton = NewtonCg::default()
        .iterations(8)
        .cg(Cg::default().tolerance(0.1).max_iterations(40))
        .sampling(Cyclic::new(Size::Fraction(0.2), 1))
        .damping(LevenbergMarquardt::default().initial(0.3)?);
    let report = newton.train_observed(&objective, net.init(1), &mut Below(0.15))?;
    println!(
        "{}: f {:.4} after {} products\n",
        report.outcome, report.value, report.products
    );
    assert!(report.value < 0.6);
    assert!(accuracy(&net, &report.theta, &test)? > 0.8);

    // A run that its observer ends goes no further than it said.
    let newton = NewtonCg::default().iterations(8);
    let early = newton.train_observed(&objective, net.init(1), &mut Below(f64::INFINITY))?;
    assert_eq!(early.outcome, Outcome::Stopped);
    assert_eq!(early.iterations.len(), 1);

    // First-order trainers take the same objective and the same observer.
    let adam = FirstOrder::new(Adam::default()).rate(5e-3)?.epochs(15);
    let report = adam.train_observed(&objective, net.init(1), &mut Below(0.0))?;
    println!(
        "{}: f {:.4} after {} gradients of batches",
        report.outcome, report.value, report.evaluations
    );
    assert!(report.value < 0.6);
    assert!(accuracy(&net, &report.theta, &test)? > 0.8);
    Ok(())
}

fn accuracy(
    net: &Network<f32>,
    theta: &[f32],
    test: &osculant::data::Dataset,
) -> Result<f64, Box<dyn std::error::Error>> {
    let outputs = net.forward(theta, test.inputs())?;
    let largest = |z: &[f32]| {
        let order = z.iter().enumerate();
        order
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map(|(k, _)| k as u32)
    };
    let outputs = outputs.chunks(test.classes()).zip(test.labels());
    let right = outputs.filter(|(z, y)| largest(z) == Some(**y)).count();
    let accuracy = right as f64 / test.len() as f64;
    println!("test accuracy {:.1} %", 100.0 * accuracy);
    Ok(accuracy)
}
