//! How λ in (G + λI) d = −∇f changes from one iteration to the next.

use crate::error::{OptimError, Result, expect_length};

/// What a damping learns about the step it was used for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The decrease of f by the decrease that the paraboloid promised:
    /// (f(θ + αd) − f(θ)) / (α gᵀd + ½ α² dᵀGd). NaN if there is none.
    pub ratio: f64,
    /// Whether the step was taken; not where the line search found none.
    pub accepted: bool,
}

/// A rule for λ.
///
/// # Contract
///
/// `lambda` is finite and ≥ 0. After `restore(&state())` of an earlier moment the rule goes
/// on as it did from there.
pub trait Damping: Send {
    /// λ for the next solve.
    fn lambda(&self) -> f64;

    /// Takes note of how a step with that λ went.
    fn update(&mut self, progress: &Progress);

    /// All that a checkpoint must keep.
    fn state(&self) -> Vec<f64>;

    /// Goes back to a state; refuses one that is none of this rule's.
    fn restore(&mut self, state: &[f64]) -> Result<()>;
}

/// λ that never changes; 0 for no damping at all.
///
/// # Errors
///
/// λ that is negative or not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{ConstantDamping, Damping};
/// assert_eq!(ConstantDamping::new(0.01)?.lambda(), 0.01);
/// assert_eq!(ConstantDamping::none().lambda(), 0.0);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConstantDamping {
    lambda: f64,
}

impl ConstantDamping {
    /// This λ in every iteration.
    pub fn new(lambda: f64) -> Result<Self> {
        if lambda >= 0.0 && lambda.is_finite() {
            return Ok(ConstantDamping { lambda });
        }
        let message = "it must be finite and not negative";
        Err(OptimError::invalid("the damping λ", lambda, message))
    }

    /// λ = 0.
    pub fn none() -> Self {
        ConstantDamping { lambda: 0.0 }
    }
}

impl Damping for ConstantDamping {
    fn lambda(&self) -> f64 {
        self.lambda
    }
    fn update(&mut self, _progress: &Progress) {}
    fn state(&self) -> Vec<f64> {
        vec![self.lambda]
    }
    fn restore(&mut self, state: &[f64]) -> Result<()> {
        *self = ConstantDamping::new(only("the damping's state", state)?)?;
        Ok(())
    }
}

/// The rule of Levenberg and Marquardt: λ drops while the paraboloid predicts well.
///
/// # Formula
///
/// With ρ the ratio of actual and predicted decrease:
///
/// ```text
/// λ ← boost·λ if ρ < ¼ (or no step, or ρ is NaN);  drop·λ if ρ ≥ ¾;  else unchanged
/// λ₀ = 1      drop = 2/3      boost = 3/2
/// ```
///
/// λ stays within [10⁻³⁰, 10³⁰], which an `f32` can hold and from which it finds back.
///
/// # Reference
///
/// Martens, *Deep learning via Hessian-free optimization*, ICML 2010, §4.1; Wang, Tan and Lin,
/// *Newton methods for convolutional neural networks*, ACM TIST 11(2), 2020, eq. (21).
///
/// # Errors
///
/// λ₀ outside [10⁻³⁰, 10³⁰]; drop outside (0, 1]; boost below 1; thresholds out of order.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Damping, LevenbergMarquardt, Progress};
/// let mut damping = LevenbergMarquardt::default();
/// damping.update(&Progress { ratio: 0.1, accepted: true });
/// assert_eq!(damping.lambda(), 1.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevenbergMarquardt {
    lambda: f64,
    drop: f64,
    boost: f64,
    low: f64,
    high: f64,
}

const SMALLEST: f64 = 1e-30;
const LARGEST: f64 = 1e30;

impl Default for LevenbergMarquardt {
    fn default() -> Self {
        LevenbergMarquardt {
            lambda: 1.0,
            drop: 2.0 / 3.0,
            boost: 1.5,
            low: 0.25,
            high: 0.75,
        }
    }
}

impl LevenbergMarquardt {
    /// The same from another λ₀.
    pub fn initial(mut self, lambda: f64) -> Result<Self> {
        if !(SMALLEST..=LARGEST).contains(&lambda) {
            let message = "it must lie in [1e-30, 1e30]; for none use `ConstantDamping::none()`";
            return Err(OptimError::invalid(
                "the initial damping λ₀",
                lambda,
                message,
            ));
        }
        self.lambda = lambda;
        Ok(self)
    }

    /// The same with other factors.
    pub fn factors(mut self, drop: f64, boost: f64) -> Result<Self> {
        if !(drop > 0.0 && drop <= 1.0) {
            let message = "it must lie in (0, 1], such as 2/3";
            return Err(OptimError::invalid("the damping's drop", drop, message));
        }
        if !(boost >= 1.0 && boost.is_finite()) {
            let message = "it must be finite and at least 1, such as 3/2";
            return Err(OptimError::invalid("the damping's boost", boost, message));
        }
        (self.drop, self.boost) = (drop, boost);
        Ok(self)
    }

    /// The same with other thresholds: boost below `low`, drop from `high` on.
    pub fn thresholds(mut self, low: f64, high: f64) -> Result<Self> {
        if !(low.is_finite() && high.is_finite() && low <= high) {
            return Err(OptimError::invalid(
                "the damping's thresholds",
                format!("{low} and {high}"),
                "they must be finite and in order, such as 0.25 and 0.75",
            ));
        }
        (self.low, self.high) = (low, high);
        Ok(self)
    }
}

impl Damping for LevenbergMarquardt {
    fn lambda(&self) -> f64 {
        self.lambda
    }

    fn update(&mut self, progress: &Progress) {
        // Asked as "good enough?", since every comparison with NaN is false.
        let factor = if progress.accepted && progress.ratio >= self.high {
            self.drop
        } else if progress.accepted && progress.ratio >= self.low {
            1.0
        } else {
            self.boost
        };
        self.lambda = (factor * self.lambda).clamp(SMALLEST, LARGEST);
    }

    fn state(&self) -> Vec<f64> {
        vec![self.lambda]
    }

    fn restore(&mut self, state: &[f64]) -> Result<()> {
        *self = self.initial(only("the damping's state", state)?)?;
        Ok(())
    }
}

fn only(what: &str, state: &[f64]) -> Result<f64> {
    expect_length(what, state.len(), 1, "λ alone")?;
    Ok(state[0])
}
