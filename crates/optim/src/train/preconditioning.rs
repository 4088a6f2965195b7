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

/// Replaces what is too small to divide by, in f32 too, by √ε times the largest entry, by 1 if all are.
///
/// Where a parameter has no influence (a unit that is dead, a feature that is always 0) the row of
/// an undamped system is 0, and so is the right-hand side's entry: CG leaves it at 0 with any M.
fn lift_zeros(diagonal: &mut [f64]) {
    let smallest = f64::from(f32::MIN_POSITIVE);
    let largest = diagonal.iter().fold(0.0, |most: f64, &d| most.max(d));
    let floor = match largest >= smallest {
        true => (largest * f64::EPSILON.sqrt()).max(smallest),
        false => 1.0,
    };
    let zeros = diagonal.iter_mut().filter(|d| (0.0..smallest).contains(*d));
    zeros.for_each(|d| *d = floor);
}

/// A rule for the diagonal M of an iteration's preconditioner.
///
/// # Contract
///
/// A checkpoint saves nothing of a rule: what M depends on comes from the arguments.
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
/// with √ε times the largest entry in place of an entry below the smallest normal number of `f32` (1 if
/// all are).
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
        lift_zeros(&mut diagonal);
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
/// with √ε times the largest sum in place of a sum below the smallest normal number of `f32` (1 if all
/// are).
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
