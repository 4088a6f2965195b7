//! The last iterate, which solves the system best.

use super::{CgIterate, last_of};
use crate::error::Result;

/// The solution; f is not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastIterate;

impl CgIterate for LastIterate {
    fn choose(
        &mut self,
        candidates: usize,
        _f: &mut dyn FnMut(usize) -> Result<f64>,
    ) -> Result<usize> {
        last_of(candidates)
    }
}
