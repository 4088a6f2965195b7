//! Lesson 8: a damping rule of one's own. The trainer is made of parts behind small traits; each
//! can be replaced without touching the others.
//!
//! `cargo run --release --example 08_own_damping`

use osculant::optim::train::{Damping, Progress};
use osculant::prelude::*;

/// λ in proportion to how far the prediction was off: λ ← λ · clamp(2|1 − ρ|, ½, 4), with ρ the
/// ratio of actual and predicted decrease.
struct Proportional {
    lambda: f64,
}

impl Damping for Proportional {
    fn lambda(&self) -> f64 {
        self.lambda
    }

    fn update(&mut self, progress: &Progress) {
        let off = 2.0 * (1.0 - progress.ratio).abs();
        // Where no step was taken the ratio is NaN: `clamp` would let it through.
        let factor = if progress.accepted {
            off.clamp(0.5, 4.0)
        } else {
            4.0
        };
        self.lambda = (factor * self.lambda).clamp(1e-12, 1e12);
    }

    // What a checkpoint keeps, so that a resumed run goes on with the same bits.
    fn state(&self) -> Vec<f64> {
        vec![self.lambda]
    }

    fn restore(&mut self, state: &[f64]) -> osculant::optim::Result<()> {
        let &[lambda] = state else {
            return Err(OptimError::Invalid {
                what: "the state of the damping".into(),
                value: format!("{state:?}"),
                message: "it is one number, λ; resume with the damping of that run".into(),
            });
        };
        self.lambda = lambda;
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let net = Network::<f64>::new([1], |x| x.dense(16).tanh().dense(16).tanh().dense(1))?;
    let x: Vec<f64> = (0..200).map(|i| f64::from(i) / 100.0 - 1.0).collect();
    let y = x.iter().map(|x| (6.0 * x).sin() * x.exp()).collect();
    let data = Paired::new([1], x, 1, y)?;
    let objective = Objective::new(&net, SquaredLoss, &data)?.regularization(1e6)?;

    let newton = || {
        let cg = Cg::default().tolerance(1e-2).max_iterations(100);
        NewtonCg::default()
            .iterations(40)
            .cg(cg)
            .sampling(Everything)
    };
    let runs = [
        (
            "Levenberg-Marquardt",
            newton().damping(LevenbergMarquardt::default()),
        ),
        (
            "proportional",
            newton().damping(Proportional { lambda: 1.0 }),
        ),
    ];
    for (name, trainer) in runs {
        let report = trainer.train(&objective, net.init(1))?;
        let last = report.iterations.last().ok_or("no iteration was made")?;
        println!(
            "{name:20} f {:.3e} after {} products, λ at the end {:.2e}",
            report.value, report.products, last.new_lambda
        );
        assert!(report.value < 1e-2);
    }
    Ok(())
}
