//! The system as it is.

use super::{Diagonals, Preconditioning};
use crate::error::Result;

/// No preconditioner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpreconditioned;

impl Preconditioning for Unpreconditioned {
    fn diagonal(&mut self, _at: &dyn Diagonals, _lambda: f64) -> Result<Option<Vec<f64>>> {
        Ok(None)
    }
}
