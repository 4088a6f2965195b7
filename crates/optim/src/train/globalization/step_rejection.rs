//! The whole step or none.

use super::{Direction, Globalization, Search};
use crate::error::{OptimError, Result};

/// Takes d whole where f follows the paraboloid well enough, or not at all; for a damping that
/// grows after a step that was not taken.
///
/// # Formula
///
/// ```text
/// θ ← θ + d  if  (f(θ + d) − f(θ)) / (∇fᵀd + ½dᵀGd) > η      η = 10⁻⁴
/// ```
///
/// # Reference
///
/// Moré, *The Levenberg-Marquardt algorithm: implementation and theory*, Numerical Analysis,
/// Lecture Notes in Mathematics 630, 1978, Algorithm 7.1.
///
/// # Errors
///
/// η outside [0, 1); f(θ) that is not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Direction, Globalization, Search, StepRejection};
/// // f(θ) = θ⁴ from θ = 1 along d = −1/3, the Newton step.
/// let along = Direction { value: 1.0, slope: -4.0 / 3.0, curvature: 12.0 / 9.0, length: 1.0 / 3.0 };
/// let mut f = |alpha: f64| Ok((1.0 - alpha / 3.0).powi(4));
/// let found = StepRejection::default().search(&along, &mut f)?;
/// assert!(matches!(found, Search::Accepted { step: 1.0, trials: 1, .. }));
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRejection {
    eta: f64,
}

impl Default for StepRejection {
    fn default() -> Self {
        StepRejection { eta: 1e-4 }
    }
}

impl StepRejection {
    /// With another η.
    pub fn new(eta: f64) -> Result<Self> {
        Ok(StepRejection {
            eta: expect_eta(eta, 1.0)?,
        })
    }
}

/// A ratio from which steps are taken, at least 0 and below `bound`.
pub(super) fn expect_eta(eta: f64, bound: f64) -> Result<f64> {
    if eta >= 0.0 && eta < bound {
        return Ok(eta);
    }
    let message = format!("it must lie in [0, {bound}), such as 1e-4");
    Err(OptimError::invalid(
        "the ratio from which a step is taken",
        eta,
        &message,
    ))
}

/// Tries the whole step: what came of it, and its ratio (NaN where f is not finite).
pub(super) fn whole_step(
    along: &Direction,
    eta: f64,
    f: &mut dyn FnMut(f64) -> Result<f64>,
) -> Result<(Search, f64)> {
    let value = f(1.0)?;
    // −∞ would pass as a decrease; a paraboloid that promises none makes the ratio's sign a lie.
    let trusted = value.is_finite() && along.predicted(1.0) < 0.0;
    let ratio = if trusted {
        along.ratio(1.0, value)
    } else {
        f64::NAN
    };
    let (step, trials) = (1.0, 1);
    let search = if ratio > eta {
        Search::Accepted {
            step,
            value,
            trials,
        }
    } else {
        Search::Exhausted {
            trials,
            step,
            value,
        }
    };
    Ok((search, ratio))
}

impl Globalization for StepRejection {
    fn search(
        &mut self,
        along: &Direction,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<Search> {
        if !along.descends()? {
            return Ok(Search::NotDescent { slope: along.slope });
        }
        Ok(whole_step(along, self.eta, f)?.0)
    }
}
