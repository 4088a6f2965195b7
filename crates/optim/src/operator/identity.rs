//! I.

use super::{LinearOperator, SelfAdjoint, expect_apply};
use crate::error::Result;
use osculant_tape::Scalar;

/// The identity on vectors of n numbers.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::{Identity, LinearOperator};
/// assert_eq!(Identity::new(2).apply(&[1.0f32, 2.0])?, [1.0, 2.0]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    n: usize,
}

impl Identity {
    /// The identity on vectors of `n` numbers.
    pub fn new(n: usize) -> Self {
        Identity { n }
    }
}

impl<T: Scalar> LinearOperator<T> for Identity {
    fn rows(&self) -> usize {
        self.n
    }
    fn cols(&self) -> usize {
        self.n
    }
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        expect_apply(self, v, out)?;
        out.copy_from_slice(v);
        Ok(())
    }
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.apply_into(u, out)
    }
    fn is_parallel(&self) -> bool {
        false
    }
}

impl<T: Scalar> SelfAdjoint<T> for Identity {}
