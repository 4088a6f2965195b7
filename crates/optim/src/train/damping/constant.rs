//! λ that stays.

use super::{Damping, Progress, only};
use crate::error::{OptimError, Result};

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
