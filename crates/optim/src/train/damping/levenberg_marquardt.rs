//! The rule of Levenberg and Marquardt.

use super::{Damping, LARGEST, Progress, SMALLEST, expect_initial, only};
use crate::error::{OptimError, Result};

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
        self.lambda = expect_initial(lambda)?;
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
