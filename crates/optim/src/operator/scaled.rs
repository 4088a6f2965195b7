//! c·A.

use super::{LinearOperator, SelfAdjoint, expect_scalar};
use crate::error::Result;
use crate::vector;
use osculant_tape::Scalar;

/// An operator times a number.
///
/// # Formula
///
/// ```text
/// (c A) v = c (A v)
/// ```
///
/// # Errors
///
/// A factor that is not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::{Identity, LinearOperator, Scaled};
/// let twice = Scaled::new(Identity::new(2), 2.0)?;
/// assert_eq!(twice.apply(&[1.0, -1.0])?, [2.0, -2.0]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scaled<A, T> {
    a: A,
    factor: T,
}

impl<T: Scalar, A: LinearOperator<T>> Scaled<A, T> {
    /// c·A.
    pub fn new(a: A, factor: f64) -> Result<Self> {
        let factor = expect_scalar("the factor", factor)?;
        Ok(Scaled { a, factor })
    }
}

impl<T: Scalar, A: LinearOperator<T>> LinearOperator<T> for Scaled<A, T> {
    fn rows(&self) -> usize {
        self.a.rows()
    }
    fn cols(&self) -> usize {
        self.a.cols()
    }
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        self.a.apply_into(v, out)?;
        vector::scale(self.factor, out);
        Ok(())
    }
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.a.apply_adjoint_into(u, out)?;
        vector::scale(self.factor, out);
        Ok(())
    }
    fn apply_block_into(&self, k: usize, v: &[T], out: &mut [T]) -> Result<()> {
        self.a.apply_block_into(k, v, out)?;
        vector::scale(self.factor, out);
        Ok(())
    }
    fn is_parallel(&self) -> bool {
        self.a.is_parallel()
    }
}

impl<T: Scalar, A: SelfAdjoint<T>> SelfAdjoint<T> for Scaled<A, T> {}
