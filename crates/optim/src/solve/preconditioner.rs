//! Preconditioners: cheap approximate inverses, and the one from a diagonal.

use crate::error::{OptimError, Result};
use crate::operator::{Diagonal, Identity, LinearOperator, SelfAdjoint};
use osculant_tape::Scalar;

/// A symmetric positive definite operator M⁻¹ that approximates the inverse of another.
///
/// `apply_into` is the product with M⁻¹, not with M.
pub trait Preconditioner<T: Scalar>: SelfAdjoint<T> {}

impl<T: Scalar> Preconditioner<T> for Identity {}
impl<T: Scalar, M: Preconditioner<T> + ?Sized> Preconditioner<T> for &M {}
impl<T: Scalar, M: Preconditioner<T> + ?Sized> Preconditioner<T> for Box<M> {}

/// The inverse of a matrix's diagonal.
///
/// # Formula
///
/// ```text
/// M⁻¹ = diag(1/a₁₁, …, 1/aₙₙ)
/// ```
///
/// # Reference
///
/// Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed. 2003, §10.2.
///
/// # Errors
///
/// Entries that are not positive and finite, or whose inverse is not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::{Diagonal, LinearOperator};
/// use osculant_optim::solve::{Cg, Jacobi};
/// let a = Diagonal::new(vec![1e-3, 1.0, 1e3])?;
/// let inverse = Jacobi::new(a.entries())?;
/// let solution = Cg::default().tolerance(1e-12).on(&a).precondition(&inverse).solve(&[1.0; 3])?;
/// assert_eq!(solution.iterations, 1);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Jacobi<T>(Diagonal<T>);

impl<T: Scalar> Jacobi<T> {
    /// The preconditioner of a matrix with this diagonal.
    pub fn new(diagonal: &[T]) -> Result<Self> {
        let positive = |a: T| a > T::zero() && a.is_finite() && a.recip().is_finite();
        if let Some(i) = diagonal.iter().position(|&a| !positive(a)) {
            return Err(OptimError::invalid(
                &format!("entry {i} of the diagonal"),
                diagonal[i],
                "it must be positive and finite, like the diagonal of a positive definite matrix; \
                 add a damping",
            ));
        }
        let inverse = diagonal.iter().map(|a| a.recip()).collect();
        Ok(Jacobi(Diagonal::new(inverse)?))
    }
}

impl<T: Scalar> LinearOperator<T> for Jacobi<T> {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn cols(&self) -> usize {
        self.0.cols()
    }
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        self.0.apply_into(v, out)
    }
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.0.apply_into(u, out)
    }
    fn is_parallel(&self) -> bool {
        false
    }
}

impl<T: Scalar> SelfAdjoint<T> for Jacobi<T> {}
impl<T: Scalar> Preconditioner<T> for Jacobi<T> {}
