//! diag(d).

use super::{LinearOperator, SelfAdjoint, expect_apply};
use crate::error::{Result, expect_finite};
use osculant_tape::Scalar;

/// A diagonal matrix.
///
/// # Formula
///
/// ```text
/// (diag(d) v)ᵢ = dᵢ vᵢ
/// ```
///
/// # Errors
///
/// Entries that are not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::{Diagonal, LinearOperator};
/// assert_eq!(Diagonal::new(vec![1.0, 2.0])?.apply(&[3.0, 3.0])?, [3.0, 6.0]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Diagonal<T> {
    entries: Vec<T>,
}

impl<T: Scalar> Diagonal<T> {
    /// The diagonal matrix with these entries.
    pub fn new(entries: Vec<T>) -> Result<Self> {
        expect_finite("the diagonal", &entries)?;
        Ok(Diagonal { entries })
    }

    /// The entries.
    pub fn entries(&self) -> &[T] {
        &self.entries
    }
}

impl<T: Scalar> LinearOperator<T> for Diagonal<T> {
    fn rows(&self) -> usize {
        self.entries.len()
    }
    fn cols(&self) -> usize {
        self.entries.len()
    }
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        expect_apply(self, v, out)?;
        for ((out, &v), &d) in out.iter_mut().zip(v).zip(&self.entries) {
            *out = d * v;
        }
        Ok(())
    }
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.apply_into(u, out)
    }
    fn is_parallel(&self) -> bool {
        false
    }
}

impl<T: Scalar> SelfAdjoint<T> for Diagonal<T> {}
