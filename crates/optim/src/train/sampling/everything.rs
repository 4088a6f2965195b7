//! No subset at all.

use super::{Sampling, Subset};
use crate::error::Result;

/// All examples in every iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Everything;

impl Sampling for Everything {
    fn subset(&mut self, _iteration: usize, _examples: usize) -> Result<Subset<'_>> {
        Ok(Subset::All)
    }
}
