//! A⁻¹ as an operator.

use super::{Cg, Preconditioner};
use crate::error::{OptimError, Result};
use crate::operator::{LinearOperator, SelfAdjoint, expect_apply, expect_square};
use osculant_tape::Scalar;

/// The inverse of a symmetric positive definite operator: each product is a solve by conjugate
/// gradients.
///
/// # Formula
///
/// ```text
/// A⁻¹ b = d   with   ‖A d − b‖ ≤ κ‖b‖
/// ```
///
/// It is linear, symmetric and the inverse of A up to κ, the tolerance of [`Cg`], whose default is
/// too rough for most uses: choose it.
///
/// # Errors
///
/// An operator that is not square. A product that ends before ‖r‖ ≤ κ‖b‖, at the bound on
/// iterations or since A is not positive definite, is an error that says so, never a rough result.
///
/// # Example
///
/// The variance of one parameter of a linear model, an entry of (XᵀX)⁻¹:
///
/// ```
/// use osculant_optim::operator::{LinearOperator, Symmetric};
/// use osculant_optim::solve::{Cg, Inverse};
/// let a = Symmetric::new(2, vec![4.0, 1.0, 1.0, 3.0])?;
/// let inverse = Inverse::new(&a, Cg::default().tolerance(1e-12))?;
/// let column = inverse.apply(&[1.0, 0.0])?;
/// assert!((column[0] - 3.0 / 11.0f64).abs() < 1e-12);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
pub struct Inverse<A, T> {
    a: A,
    cg: Cg,
    preconditioner: Option<Box<dyn Preconditioner<T>>>,
}

impl<T: Scalar, A: SelfAdjoint<T>> Inverse<A, T> {
    /// A⁻¹, by solves of this tolerance and bound.
    pub fn new(a: A, cg: Cg) -> Result<Self> {
        expect_square(&a)?;
        Ok(Inverse {
            a,
            cg,
            preconditioner: None,
        })
    }

    /// The same, by solves with this M⁻¹.
    pub fn precondition(mut self, inverse: impl Preconditioner<T> + 'static) -> Self {
        self.preconditioner = Some(Box::new(inverse));
        self
    }
}

impl<T: Scalar, A: SelfAdjoint<T>> LinearOperator<T> for Inverse<A, T> {
    fn rows(&self) -> usize {
        self.a.rows()
    }
    fn cols(&self) -> usize {
        self.a.cols()
    }
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        expect_apply(self, v, out)?;
        let mut solve = self.cg.on(&self.a);
        if let Some(inverse) = &self.preconditioner {
            solve = solve.precondition(&**inverse);
        }
        let solution = solve.solve(v)?;
        if !solution.stop.is_converged() {
            return Err(OptimError::Unsolved {
                iterations: solution.iterations,
                residual_norm: solution.residual_norm,
                stop: solution.stop,
            });
        }
        out.copy_from_slice(&solution.d);
        Ok(())
    }
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.apply_into(u, out)
    }
    fn is_parallel(&self) -> bool {
        self.a.is_parallel()
    }
}

impl<T: Scalar, A: SelfAdjoint<T>> SelfAdjoint<T> for Inverse<A, T> {}
