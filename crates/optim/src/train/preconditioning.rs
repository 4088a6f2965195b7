//! The diagonal that preconditions conjugate gradients.

use crate::error::{OptimError, Result};
use crate::operator::GaussNewton;
use osculant_tape::Scalar;

/// Diagonals at the present θ, over the curvature's examples.
pub trait Diagonals {
    /// The diagonal of G.
    fn gauss_newton(&self) -> Result<Vec<f64>>;

    /// The diagonal of 1/C I + 1/W Σ wᵢ ∇ξⁱ(∇ξⁱ)ᵀ, the empirical Fisher matrix.
    fn empirical_fisher(&self) -> Result<Vec<f64>>;
}

impl<T: Scalar> Diagonals for GaussNewton<'_, T> {
    fn gauss_newton(&self) -> Result<Vec<f64>> {
        Ok(wide(&self.diagonal()?))
    }

    fn empirical_fisher(&self) -> Result<Vec<f64>> {
        Ok(wide(&self.empirical_fisher_diagonal()?))
    }
}

fn wide<T: Scalar>(x: &[T]) -> Vec<f64> {
    x.iter().map(|&x| Scalar::to_f64(x)).collect()
}

/// A rule for the diagonal M of an iteration's preconditioner.
pub trait Preconditioning: Send {
    /// M, n numbers that are positive and finite, for the system (G + λI) d = −∇f; `None` for no
    /// preconditioner.
    fn diagonal(&mut self, at: &dyn Diagonals, lambda: f64) -> Result<Option<Vec<f64>>>;
}

/// No preconditioner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpreconditioned;

impl Preconditioning for Unpreconditioned {
    fn diagonal(&mut self, _at: &dyn Diagonals, _lambda: f64) -> Result<Option<Vec<f64>>> {
        Ok(None)
    }
}

/// The exact diagonal of the system's matrix.
///
/// # Formula
///
/// ```text
/// M = diag(G) + λ
/// ```
///
/// It costs up to m reverse sweeps over the curvature's examples, m the size of the output.
///
/// # Reference
///
/// Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed. 2003, §10.2.
///
/// # Errors
///
/// See [`GaussNewton::diagonal`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurvatureDiagonal;

impl Preconditioning for CurvatureDiagonal {
    fn diagonal(&mut self, at: &dyn Diagonals, lambda: f64) -> Result<Option<Vec<f64>>> {
        let mut diagonal = at.gauss_newton()?;
        diagonal.iter_mut().for_each(|d| *d += lambda);
        Ok(Some(diagonal))
    }
}

/// The diagonal of the empirical Fisher matrix, to a power.
///
/// # Formula
///
/// ```text
/// M = (1/C + 1/W Σ wᵢ (∇ξⁱ)² + λ)ᵖ      p = ¾
/// ```
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
        for d in &mut diagonal {
            *d = (*d + lambda).powf(self.power);
        }
        Ok(Some(diagonal))
    }
}
