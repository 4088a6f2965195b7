//! The test of the quadratic's progress in one iteration.

use super::{CgStart, Stopping, positive};
use crate::error::Result;
use crate::solve::CgIteration;

/// Ends when an iteration brought little beside the mean of all so far.
///
/// # Formula
///
/// After iteration i, with qᵢ = ½dᵀAd − bᵀd:
///
/// ```text
/// qᵢ < 0,   i (qᵢ − qᵢ₋₁) / qᵢ ≤ τ          τ = ½
/// ```
///
/// # Reference
///
/// Nash and Sofer, *Assessing a search direction within a truncated-Newton method*, Operations
/// Research Letters 9(4), 1990, §3.
///
/// # Errors
///
/// τ that is not positive and finite.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::Diagonal;
/// use osculant_optim::solve::{Cg, NashSofer, Stop};
/// let a = Diagonal::new((1..=500).map(f64::from).collect())?;
/// let mut rule = NashSofer::default();
/// let solution = Cg::default().on(&a).stop_by(&mut rule).solve(&[1.0; 500])?;
/// assert_eq!(solution.stop, Stop::Converged);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NashSofer {
    tau: f64,
    last: f64,
}

impl Default for NashSofer {
    fn default() -> Self {
        NashSofer {
            tau: 0.5,
            last: 0.0,
        }
    }
}

impl NashSofer {
    /// With another τ.
    pub fn new(tau: f64) -> Result<Self> {
        let message = "it must be positive and finite, such as 0.5";
        let tau = positive("τ of the test of Nash and Sofer", tau, message)?;
        Ok(NashSofer { tau, last: 0.0 })
    }
}

impl Stopping for NashSofer {
    fn begin(&mut self, at: &CgStart) -> bool {
        self.last = at.value;
        false
    }

    fn enough(&mut self, seen: &CgIteration) -> bool {
        let last = std::mem::replace(&mut self.last, seen.value);
        let q = seen.value;
        q < 0.0 && seen.number as f64 * (q - last) / q <= self.tau
    }
}
