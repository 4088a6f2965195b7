//! When a direction of conjugate gradients is good enough.

mod nash_sofer;
mod relative_progress;
mod residual;

pub use nash_sofer::NashSofer;
pub use relative_progress::RelativeProgress;
pub use residual::Residual;

use super::CgIteration;
use crate::error::{OptimError, Result};

/// Where a solve of A d = b begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CgStart {
    /// The bound on iterations.
    pub bound: usize,
    /// ‖b‖.
    pub rhs_norm: f64,
    /// ‖r‖ at the start; ‖b‖ where that is 0.
    pub residual_norm: f64,
    /// q(d) = ½dᵀAd − bᵀd at the start; 0 where that is 0.
    pub value: f64,
}

/// A rule that ends a solve, asked after every iteration.
///
/// The bound on iterations stands whatever the rule says, and so do the other ends that
/// [`Stop`](super::Stop) names. A checkpoint of a trainer saves nothing of a rule: what it decides
/// depends on the arguments since the last [`begin`](Stopping::begin).
///
/// # Example
///
/// ```
/// use osculant_optim::operator::Diagonal;
/// use osculant_optim::solve::{CgStart, Cg, CgIteration, Stop, Stopping};
///
/// /// Ends when q(d) is below a value.
/// struct Below(f64);
///
/// impl Stopping for Below {
///     fn begin(&mut self, at: &CgStart) -> bool {
///         at.value < self.0
///     }
///     fn enough(&mut self, seen: &CgIteration) -> bool {
///         seen.value < self.0
///     }
/// }
///
/// let a = Diagonal::new(vec![1.0, 2.0, 3.0, 4.0])?;
/// let mut rule = Below(-0.9);
/// let solution = Cg::default().on(&a).stop_by(&mut rule).solve(&[1.0; 4])?;
/// assert_eq!((solution.stop, solution.iterations), (Stop::Converged, 2));
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
pub trait Stopping: Send {
    /// A solve begins. Whether its start is good enough already, which is asked only where a start
    /// was given.
    fn begin(&mut self, at: &CgStart) -> bool;

    /// Whether d is good enough after this iteration.
    fn enough(&mut self, seen: &CgIteration) -> bool;
}

/// A number of a rule that is finite and above 0.
fn positive(what: &str, value: f64, message: &str) -> Result<f64> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    Err(OptimError::invalid(what, value, message))
}
