//! The test of the residual.

use super::{CgStart, Stopping};
use crate::error::{OptimError, Result};
use crate::solve::CgIteration;

/// Ends when the residual is small beside the right-hand side; what [`Cg`](crate::solve::Cg) does
/// where no other rule is given.
///
/// # Formula
///
/// ```text
/// ‖r‖ ≤ κ‖b‖
/// ```
///
/// # Reference
///
/// Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, eq. (7.3).
///
/// # Errors
///
/// κ that is negative or not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::Diagonal;
/// use osculant_optim::solve::{Cg, Residual};
/// let a = Diagonal::new(vec![1.0, 2.0, 3.0])?;
/// let mut rule = Residual::new(0.5)?;
/// assert_eq!(Cg::default().on(&a).stop_by(&mut rule).solve(&[1.0; 3])?.iterations, 1);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    tolerance: f64,
    target: f64,
}

impl Residual {
    /// With this κ.
    pub fn new(tolerance: f64) -> Result<Self> {
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            let message = "it must be finite and not negative, such as 0.1";
            return Err(OptimError::invalid(
                "the tolerance of CG",
                tolerance,
                message,
            ));
        }
        Ok(Residual {
            tolerance,
            target: 0.0,
        })
    }
}

impl Stopping for Residual {
    fn begin(&mut self, at: &CgStart) -> bool {
        self.target = self.tolerance * at.rhs_norm;
        at.residual_norm <= self.target
    }

    fn enough(&mut self, seen: &CgIteration) -> bool {
        seen.residual_norm <= self.target
    }
}
