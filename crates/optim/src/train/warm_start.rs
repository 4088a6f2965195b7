//! Where conjugate gradients start.

use crate::error::{OptimError, Result};
use osculant_tape::Scalar;

/// CG starts from a part of the direction that it found before.
///
/// # Formula
///
/// ```text
/// d₀ = γ d of the last iteration's CG      γ = 0.95
/// ```
///
/// The first iteration, and one after a direction that did not descend, start from 0.
///
/// # Reference
///
/// Martens and Sutskever, *Training deep and recurrent networks with Hessian-free optimization*,
/// in *Neural Networks: Tricks of the Trade*, 2nd ed. 2012, §8.5.
///
/// # Errors
///
/// γ outside (0, 1].
///
/// # Example
///
/// ```
/// use osculant_optim::train::WarmStart;
/// let mut start = [0.0];
/// WarmStart::new(0.5)?.from(&[4.0], &mut start);
/// assert_eq!(start, [2.0]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmStart {
    factor: f64,
}

impl Default for WarmStart {
    fn default() -> Self {
        WarmStart { factor: 0.95 }
    }
}

impl WarmStart {
    /// With another γ.
    pub fn new(factor: f64) -> Result<Self> {
        if factor > 0.0 && factor <= 1.0 {
            return Ok(WarmStart { factor });
        }
        let message = "it must lie in (0, 1], such as 0.95";
        Err(OptimError::invalid(
            "the factor of the warm start",
            factor,
            message,
        ))
    }

    /// γ.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// Writes γd over `start`, which is as long as d.
    pub fn from<T: Scalar>(&self, d: &[T], start: &mut [T]) {
        let factor = T::from_f64(self.factor);
        start.iter_mut().zip(d).for_each(|(s, &d)| *s = factor * d);
    }
}
