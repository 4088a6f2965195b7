//! A⁻¹ as an operator.

use super::cg::expect_preconditioner;
use super::{Cg, Preconditioner, Residual, Stop};
use crate::error::{OptimError, Result};
use crate::operator::{LinearOperator, SelfAdjoint, expect_apply, expect_square};
use crate::vector;
use osculant_tape::Scalar;

/// The inverse of a symmetric positive definite operator: each product is a solve by conjugate
/// gradients.
///
/// # Shapes
///
/// n × n, as A is.
///
/// # Formula
///
/// ```text
/// A⁻¹ b = d   with   ‖A d − b‖ ≤ κ‖b‖
/// ```
///
/// κ is the tolerance of [`Cg`], whose default is too rough for most uses: choose it. The residual is
/// computed anew at the end of each solve, by one more product; where rounding parted it from CG's
/// recurrence, the solve goes on from d. The product's error is at most κ times the condition number
/// of A, and so are those of linearity and symmetry.
///
/// # Reference
///
/// Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, Algorithm 5.3.
///
/// # Errors
///
/// An operator that is not square, a κ that is negative or not finite, a bound of 0, a
/// preconditioner of another size; vectors of another length or with NaN or infinity. A product that
/// ends before the residual is small enough (at the bound, since A is not positive definite, or at
/// what rounding allows) is an error that says so, never a rough result.
///
/// # Example
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
pub struct Inverse<'m, A, T> {
    a: A,
    cg: Cg,
    preconditioner: Option<&'m dyn Preconditioner<T>>,
}

/// How often a solve goes on from where it ended, each time within the bound on iterations.
const RESTARTS: usize = 10;

impl<'m, T: Scalar, A: SelfAdjoint<T>> Inverse<'m, A, T> {
    /// A⁻¹, by solves of this tolerance and bound.
    ///
    /// # Errors
    ///
    /// See [`Inverse`].
    pub fn new(a: A, cg: Cg) -> Result<Self> {
        expect_square(&a)?;
        Residual::new(cg.tolerance)?;
        cg.check_bound()?;
        Ok(Inverse {
            a,
            cg,
            preconditioner: None,
        })
    }

    /// The same, by solves with this M⁻¹.
    ///
    /// # Errors
    ///
    /// An M⁻¹ of another size.
    pub fn precondition(mut self, inverse: &'m dyn Preconditioner<T>) -> Result<Self> {
        expect_preconditioner(inverse, self.a.rows())?;
        self.preconditioner = Some(inverse);
        Ok(self)
    }

    /// The solution, or why there is none as accurate as asked for.
    fn solve(&self, b: &[T]) -> Result<Vec<T>> {
        let mut start: Option<Vec<T>> = None;
        let (mut iterations, mut restarts) = (0, 0);
        loop {
            let mut solve = self.cg.on(&self.a);
            if let Some(inverse) = self.preconditioner {
                solve = solve.precondition(inverse);
            }
            if let Some(d) = &start {
                solve = solve.start(d);
            }
            let solution = solve.solve(b)?;
            iterations += solution.iterations;
            // A start that is good enough gets no iteration: its residual is the true one.
            let accurate = start.is_some() && solution.iterations == 0;
            match solution.stop {
                Stop::ZeroRightHandSide => return Ok(solution.d),
                Stop::Converged if accurate => return Ok(solution.d),
                Stop::Converged if restarts < RESTARTS => {
                    start = Some(solution.d);
                    restarts += 1;
                }
                stop => {
                    return Err(OptimError::Unsolved {
                        iterations,
                        residual_norm: solution.residual_norm,
                        bound: self.cg.tolerance * vector::norm(b),
                        stop,
                    });
                }
            }
        }
    }
}

impl<T: Scalar, A: SelfAdjoint<T>> LinearOperator<T> for Inverse<'_, A, T> {
    fn rows(&self) -> usize {
        self.a.rows()
    }
    fn cols(&self) -> usize {
        self.a.cols()
    }
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        expect_apply(self, v, out)?;
        out.copy_from_slice(&self.solve(v)?);
        Ok(())
    }
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.apply_into(u, out)
    }
    fn is_parallel(&self) -> bool {
        self.a.is_parallel()
    }
}

impl<T: Scalar, A: SelfAdjoint<T>> SelfAdjoint<T> for Inverse<'_, A, T> {}
