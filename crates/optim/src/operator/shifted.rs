//! A + σI.

use super::{LinearOperator, SelfAdjoint, expect_scalar, expect_square};
use crate::error::Result;
use crate::vector;
use osculant_tape::Scalar;

/// A square operator with a multiple of the identity added: damping, G + λI.
///
/// # Formula
///
/// ```text
/// (A + σI) v = A v + σ v
/// ```
///
/// A itself is not changed; two shifts of one operator don't add up by accident.
///
/// # Errors
///
/// An operator that is not square; a shift that is not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::{Diagonal, LinearOperator, Shifted};
/// let a = Diagonal::new(vec![1.0, 2.0])?;
/// let damped = Shifted::new(&a, 0.5)?;
/// assert_eq!(damped.apply(&[1.0, 1.0])?, [1.5, 2.5]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Shifted<A, T> {
    a: A,
    shift: T,
}

impl<T: Scalar, A: LinearOperator<T>> Shifted<A, T> {
    /// A + σI.
    pub fn new(a: A, shift: f64) -> Result<Self> {
        expect_square(&a)?;
        let shift = expect_scalar("the shift", shift)?;
        Ok(Shifted { a, shift })
    }
}

impl<T: Scalar, A: LinearOperator<T>> LinearOperator<T> for Shifted<A, T> {
    fn rows(&self) -> usize {
        self.a.rows()
    }
    fn cols(&self) -> usize {
        self.a.cols()
    }
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        self.a.apply_into(v, out)?;
        vector::add_scaled(self.shift, v, out)
    }
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.a.apply_adjoint_into(u, out)?;
        vector::add_scaled(self.shift, u, out)
    }
    fn apply_block_into(&self, k: usize, v: &[T], out: &mut [T]) -> Result<()> {
        self.a.apply_block_into(k, v, out)?;
        vector::add_scaled(self.shift, v, out)
    }
    fn is_parallel(&self) -> bool {
        self.a.is_parallel()
    }
}

impl<T: Scalar, A: SelfAdjoint<T>> SelfAdjoint<T> for Shifted<A, T> {}
