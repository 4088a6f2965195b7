//! Nielsen's rule.

use super::{Damping, LARGEST, Progress, SMALLEST, expect_initial};
use crate::error::{OptimError, Result, expect_length};

/// Nielsen's rule: λ changes smoothly with the ratio, and ever faster after steps that failed.
///
/// # Formula
///
/// With ρ the ratio of actual and predicted decrease:
///
/// ```text
/// ρ > 0 and a step:    λ ← λ max(⅓, 1 − (2ρ − 1)³),   ν ← 2
/// else:                λ ← νλ,                        ν ← 2ν
/// λ₀ = 1      ν₀ = 2
/// ```
///
/// λ stays within [10⁻³⁰, 10³⁰], and ν below 10³⁰.
///
/// # Reference
///
/// Nielsen, *Damping parameter in Marquardt's method*, IMM-REP-1999-05, Technical University of
/// Denmark, 1999, eq. (2.5).
///
/// # Errors
///
/// λ₀ outside [10⁻³⁰, 10³⁰].
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Damping, Nielsen, Progress};
/// let mut damping = Nielsen::default();
/// damping.update(&Progress { ratio: -1.0, accepted: false });
/// damping.update(&Progress { ratio: -1.0, accepted: false });
/// assert_eq!(damping.lambda(), 8.0);
/// damping.update(&Progress { ratio: 0.5, accepted: true });
/// assert_eq!(damping.lambda(), 8.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nielsen {
    lambda: f64,
    nu: f64,
}

const NU: f64 = 2.0;

impl Default for Nielsen {
    fn default() -> Self {
        Nielsen {
            lambda: 1.0,
            nu: NU,
        }
    }
}

impl Nielsen {
    /// The same from another λ₀.
    pub fn initial(mut self, lambda: f64) -> Result<Self> {
        self.lambda = expect_initial(lambda)?;
        Ok(self)
    }
}

impl Damping for Nielsen {
    fn lambda(&self) -> f64 {
        self.lambda
    }

    fn update(&mut self, progress: &Progress) {
        // NaN is not above 0.
        let factor = if progress.accepted && progress.ratio > 0.0 {
            self.nu = NU;
            (1.0 - (2.0 * progress.ratio - 1.0).powi(3)).max(1.0 / 3.0)
        } else {
            let nu = self.nu;
            self.nu = (2.0 * nu).min(LARGEST);
            nu
        };
        self.lambda = (factor * self.lambda).clamp(SMALLEST, LARGEST);
    }

    fn state(&self) -> Vec<f64> {
        vec![self.lambda, self.nu]
    }

    fn restore(&mut self, state: &[f64]) -> Result<()> {
        let what = "the damping's state";
        expect_length(what, state.len(), 2, "λ and ν")?;
        if !(NU..=LARGEST).contains(&state[1]) {
            let message = "ν must lie in [2, 1e30]; the state is none of Nielsen's rule";
            return Err(OptimError::invalid(what, state[1], message));
        }
        *self = Nielsen {
            nu: state[1],
            ..self.initial(state[0])?
        };
        Ok(())
    }
}
