//! Lesson 5: a loss of one's own, with a target type of its own; verified, then trained on.
//!
//! `cargo run --release --example 05_own_loss`
//!
//! How long does a machine run? Some failed while being observed; of the others one knows only how
//! long they ran so far. The network gives the logarithm z of the rate of failure, and the loss is
//! the negative log-likelihood of the Weibull distribution with hazard k tᵏ⁻¹ exp z.

use osculant::optim::check::proptest::prelude::{Strategy, any};
use osculant::optim::check::{LossCase, check_loss, check_objective};
use osculant::optim::vector::dot;
use osculant::prelude::*;

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What is known of one machine.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    /// Years until it failed, or until the observation ended.
    years: f64,
    /// Whether it failed.
    failed: bool,
}

/// The negative log-likelihood of the Weibull distribution, censored on the right.
///
/// # Shapes
/// z of one number.
///
/// # Formula
/// With the cumulative hazard H = tᵏ exp z, and δ = 1 for a failure, 0 for an observation that
/// ended:
///
/// ```text
/// ξ = H − δ (z + log k + (k − 1) log t)      ∇ξ = H − δ      B = H      S = √H
/// ```
///
/// Convex in z. An exp that overflows makes the value infinite.
///
/// # Errors
/// An output of more than one number; times that are not positive and finite.
#[derive(Clone, Copy, Debug)]
struct Weibull {
    /// k > 0: below 1, machines settle in; above 1, they wear out.
    k: f64,
}

impl<T: Scalar> Loss<T> for Weibull {
    type Target = Run;

    fn name(&self) -> &str {
        "Weibull"
    }

    fn check_output(&self, shape: &[usize]) -> Result<(), OptimError> {
        match shape.iter().product() {
            1 => Ok(()),
            found => Err(OptimError::Output {
                loss: "Weibull".into(),
                shape: shape.to_vec(),
                message: format!("it takes one log-rate, not {found}; end with `dense(1)`"),
            }),
        }
    }

    fn check_target(&self, _shape: &[usize], y: &Run) -> Result<(), OptimError> {
        if y.years > 0.0 && y.years.is_finite() {
            return Ok(());
        }
        Err(OptimError::Target {
            loss: "Weibull".into(),
            message: format!("its time is {}; it must be positive and finite", y.years),
        })
    }

    fn convexity(&self) -> Convexity {
        Convexity::Convex
    }

    // `value` keeps H, so that no product repeats the exponential.
    fn kept(&self, _shape: &[usize]) -> usize {
        1
    }

    fn value(&self, z: &[T], y: &Run, _x: &[T], kept: &mut [T]) -> f64 {
        let (z, log_t) = (z[0].to_f64(), y.years.ln());
        let cumulative = (z + self.k * log_t).exp();
        kept[0] = T::from_f64(cumulative);
        if y.failed {
            cumulative - z - self.k.ln() - (self.k - 1.0) * log_t
        } else {
            cumulative
        }
    }

    fn gradient(&self, _z: &[T], y: &Run, _x: &[T], kept: &[T], g: &mut [T]) {
        g[0] = kept[0] - if y.failed { T::one() } else { T::zero() };
    }

    fn curvature(&self, _z: &[T], _y: &Run, _x: &[T], kept: &[T], dz: &[T], out: &mut [T]) {
        out[0] = kept[0] * dz[0];
    }

    fn factor_columns(&self, _shape: &[usize]) -> Option<usize> {
        Some(1)
    }

    fn factor(&self, _z: &[T], _y: &Run, _x: &[T], kept: &[T], _column: usize, out: &mut [T]) {
        out[0] = kept[0].sqrt();
    }
}

fn main() -> Result {
    // The harness tests everything that the loss claims, at cases that you draw.
    let loss = Weibull { k: 1.5 };
    let cases = (-3.0..2.0, 0.1..4.0, any::<bool>()).prop_map(|(z, years, failed)| LossCase {
        shape: vec![1],
        z: vec![z],
        y: Run { years, failed },
        x: vec![],
    });
    check_loss(&loss, cases)?;
    println!("gradient, B, its factor and convexity of the loss: verified");

    // A target without meaning is refused at the door, by its number.
    let net = Network::<f64>::new([2], |x| x.dense(12).tanh().dense(1))?;
    let (log_rates, data) = machines(400, loss.k)?;
    let mut runs = data.targets().to_vec();
    let censored = runs.iter().filter(|run| !run.failed).count();
    println!("{} machines, {censored} of them still running", runs.len());
    runs[7].years = -1.0;
    let wrong = InMemory::new([2], data.inputs().to_vec(), runs)?;
    let refused = Objective::new(&net, loss, &wrong).err();
    let refused = refused.map(|e| e.to_string()).unwrap_or_default();
    println!("refused: {refused}");
    assert!(refused.contains("example 7") && refused.contains("-1"));

    // From here on it is a loss like any other: G v, verified on the whole network, …
    let objective = Objective::new(&net, loss, &data)?.regularization(100.0)?;
    let theta = net.init(0);
    let g = objective.at(&theta)?.gauss_newton()?;
    let v = vec![1.0; net.len()];
    println!("vᵀG v = {:.4}", dot(&v, &g.apply(&v)?)?);
    check_objective(&objective, &theta, 1)?;

    // … and training, which recovers the rates that the data were drawn with.
    let newton = NewtonCg::default().iterations(30).sampling(Everything);
    let report = newton.train(&objective, theta)?;
    let learnt = net.forward(&report.theta, data.inputs())?;
    let correlation = correlation(&learnt, &log_rates);
    println!("f = {:.4}; {}", report.value, report.outcome);
    println!("correlation of learnt and true log-rates: {correlation:.3}");
    assert!(correlation > 0.95);
    Ok(())
}

/// The logarithms of true rates of failure, and machines of two properties with such rates.
fn machines(count: usize, k: f64) -> Result<(Vec<f64>, InMemory<f64, Run>)> {
    let mut random = Random::new(4, 0);
    let mut inputs = vec![0.0; 2 * count];
    random.uniform(-1.0, 1.0, &mut inputs);
    let rate = |x: &[f64]| 2.0 * (2.0 * x[0]).sin() - 1.5 * x[1] * x[1];
    let log_rates: Vec<f64> = inputs.chunks(2).map(rate).collect();
    let run = |z: &f64| {
        let life = (-(1.0 - random.unit()).ln() / z.exp()).powf(1.0 / k);
        let watch = 0.5 + 4.0 * random.unit();
        Run {
            years: life.min(watch),
            failed: life <= watch,
        }
    };
    let runs = log_rates.iter().map(run).collect();
    Ok((log_rates, InMemory::new([2], inputs, runs)?))
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |a: &[f64]| a.iter().sum::<f64>() / a.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let moment = |a: &[f64], ma: f64, b: &[f64], mb: f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum()
    };
    moment(a, ma, b, mb) / (moment(a, ma, a, ma) * moment(b, mb, b, mb)).sqrt()
}
