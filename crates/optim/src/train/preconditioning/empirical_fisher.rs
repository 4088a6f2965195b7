//! A power of the empirical Fisher matrix's diagonal.

use super::{Diagonals, Preconditioning, lift_zeros};
use crate::error::{OptimError, Result};

/// The diagonal of the empirical Fisher matrix, to a power.
///
/// # Formula
///
/// ```text
/// M = (1/C + 1/W Σ wᵢ (∇ξⁱ)² + λ)ᵖ      p = ¾
/// ```
///
/// with √ε times the largest sum in place of a sum below the smallest normal number of `f32` (1 if
/// all are).
///
/// It costs about a gradient of each of the curvature's examples.
///
/// # Reference
///
/// Martens, *Deep learning via Hessian-free optimization*, ICML 2010, §4.7.
///
/// # Errors
///
/// A power outside (0, 1]; a gradient that is not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmpiricalFisher {
    power: f64,
}

impl Default for EmpiricalFisher {
    fn default() -> Self {
        EmpiricalFisher { power: 0.75 }
    }
}

impl EmpiricalFisher {
    /// With another power.
    pub fn new(power: f64) -> Result<Self> {
        if power > 0.0 && power <= 1.0 {
            return Ok(EmpiricalFisher { power });
        }
        let message = "it must lie in (0, 1], such as 0.75";
        Err(OptimError::invalid(
            "the power of the empirical Fisher diagonal",
            power,
            message,
        ))
    }
}

impl Preconditioning for EmpiricalFisher {
    fn diagonal(&mut self, at: &dyn Diagonals, lambda: f64) -> Result<Option<Vec<f64>>> {
        let mut diagonal = at.empirical_fisher()?;
        diagonal.iter_mut().for_each(|d| *d += lambda);
        lift_zeros(&mut diagonal);
        diagonal.iter_mut().for_each(|d| *d = d.powf(self.power));
        Ok(Some(diagonal))
    }
}
