//! A + B.

use super::scratch::Scratch;
use super::{LinearOperator, SelfAdjoint};
use crate::error::{OptimError, Result};
use crate::vector;
use osculant_tape::Scalar;

/// The sum of two operators of the same shape.
///
/// # Formula
///
/// ```text
/// (A + B) v = A v + B v
/// ```
///
/// # Errors
///
/// Operators of different shapes.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::{Diagonal, Identity, LinearOperator, Sum};
/// let sum = Sum::new(Identity::new(2), Diagonal::new(vec![1.0, 2.0])?)?;
/// assert_eq!(sum.apply(&[1.0, 1.0])?, [2.0, 3.0]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Debug)]
pub struct Sum<A, B, T> {
    a: A,
    b: B,
    scratch: Scratch<T>,
}

impl<T: Scalar, A: LinearOperator<T>, B: LinearOperator<T>> Sum<A, B, T> {
    /// A + B.
    pub fn new(a: A, b: B) -> Result<Self> {
        if (a.rows(), a.cols()) != (b.rows(), b.cols()) {
            return Err(OptimError::invalid(
                "the shapes of the operators",
                format!(
                    "{} × {} and {} × {}",
                    a.rows(),
                    a.cols(),
                    b.rows(),
                    b.cols()
                ),
                "operators that are added have the same shape",
            ));
        }
        Ok(Sum {
            a,
            b,
            scratch: Scratch::new(),
        })
    }
}

impl<T: Scalar, A: LinearOperator<T>, B: LinearOperator<T>> LinearOperator<T> for Sum<A, B, T> {
    fn rows(&self) -> usize {
        self.a.rows()
    }
    fn cols(&self) -> usize {
        self.a.cols()
    }
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        self.a.apply_into(v, out)?;
        self.scratch.with(out.len(), |bv| {
            self.b.apply_into(v, bv)?;
            vector::add_scaled(T::one(), bv, out)
        })
    }
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.a.apply_adjoint_into(u, out)?;
        self.scratch.with(out.len(), |bu| {
            self.b.apply_adjoint_into(u, bu)?;
            vector::add_scaled(T::one(), bu, out)
        })
    }
    fn apply_block_into(&self, k: usize, v: &[T], out: &mut [T]) -> Result<()> {
        self.a.apply_block_into(k, v, out)?;
        self.scratch.with(out.len(), |bv| {
            self.b.apply_block_into(k, v, bv)?;
            vector::add_scaled(T::one(), bv, out)
        })
    }
    fn is_parallel(&self) -> bool {
        self.a.is_parallel() || self.b.is_parallel()
    }
}

impl<T: Scalar, A: SelfAdjoint<T>, B: SelfAdjoint<T>> SelfAdjoint<T> for Sum<A, B, T> {}
