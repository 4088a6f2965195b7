//! The diagonal that preconditions conjugate gradients.

mod curvature_diagonal;
mod empirical_fisher;
mod unpreconditioned;

pub use curvature_diagonal::CurvatureDiagonal;
pub use empirical_fisher::EmpiricalFisher;
pub use unpreconditioned::Unpreconditioned;

use crate::error::Result;
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

/// Replaces what is too small to divide by, in f32 too, by √ε times the largest entry, by 1 if all
/// are.
///
/// Where a parameter has no influence (a unit that is dead, a feature that is always 0) the row of
/// an undamped system is 0, and so is the right-hand side's entry: CG leaves it at 0 with any M.
fn lift_zeros(diagonal: &mut [f64]) {
    let smallest = f64::from(f32::MIN_POSITIVE);
    let largest = diagonal.iter().fold(0.0, |most: f64, &d| most.max(d));
    let floor = if largest >= smallest {
        (largest * f64::EPSILON.sqrt()).max(smallest)
    } else {
        1.0
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
