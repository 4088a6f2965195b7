//! Back along the iterates that were kept.

use super::{CgIterate, last_of};
use crate::error::{OptimError, Result};
use crate::solve::Kept;

/// Back from the solution, as long as f gets smaller.
///
/// Late iterates fit the subset of the curvature, early ones the function; those in between are
/// kept by [`Kept`](crate::solve::Kept).
///
/// # Formula
///
/// ```text
/// j ← last;   while f(θ + d_{j−1}) < f(θ + d_j):  j ← j − 1
/// ```
///
/// f that is not finite is larger than any that is.
///
/// # Reference
///
/// Martens, *Deep learning via Hessian-free optimization*, ICML 2010, §4.6.
///
/// # Errors
///
/// γ below 1.01 or not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{BacktrackedIterate, CgIterate};
/// let f = [4.0, 1.0, 2.0, 3.0];
/// let chosen = BacktrackedIterate::default().choose(4, &mut |j| Ok(f[j]))?;
/// assert_eq!(chosen, 1);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BacktrackedIterate {
    ratio: f64,
}

impl Default for BacktrackedIterate {
    /// γ = 1.3.
    fn default() -> Self {
        BacktrackedIterate { ratio: 1.3 }
    }
}

impl BacktrackedIterate {
    /// With another γ.
    pub fn new(ratio: f64) -> Result<Self> {
        // Which ratios there are is for those who keep the iterates to say.
        Kept::<f64>::new(ratio)?;
        Ok(BacktrackedIterate { ratio })
    }
}

impl CgIterate for BacktrackedIterate {
    fn keep(&self) -> Option<f64> {
        Some(self.ratio)
    }

    fn choose(
        &mut self,
        candidates: usize,
        f: &mut dyn FnMut(usize) -> Result<f64>,
    ) -> Result<usize> {
        // −∞ is no value either.
        let mut ask = |j| {
            Ok::<f64, OptimError>(
                Some(f(j)?)
                    .filter(|f| f.is_finite())
                    .unwrap_or(f64::INFINITY),
            )
        };
        let mut chosen = last_of(candidates)?;
        let mut value = ask(chosen)?;
        while chosen > 0 {
            let earlier = ask(chosen - 1)?;
            // Where neither is finite one goes on: an earlier one may be.
            if !(earlier < value || value == f64::INFINITY) {
                break;
            }
            (chosen, value) = (chosen - 1, earlier);
        }
        Ok(chosen)
    }
}
