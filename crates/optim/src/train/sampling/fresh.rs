//! A new random subset in every iteration.

use super::permutation::{FRESH, Permutation};
use super::{Sampling, Size, Subset};
use crate::error::Result;

/// A new random subset in every iteration, without repeats within it.
#[derive(Clone, Debug)]
pub struct Fresh {
    size: Size,
    seed: u64,
    drawn: Permutation,
}

impl Fresh {
    /// Subsets of this size.
    pub fn new(size: Size, seed: u64) -> Self {
        Fresh {
            size,
            seed,
            drawn: Permutation::default(),
        }
    }
}

impl Sampling for Fresh {
    fn leaves_weightless_out(&self) -> bool {
        true
    }

    fn subset(&mut self, iteration: usize, examples: usize) -> Result<Subset<'_>> {
        let size = self.size.of(examples)?;
        if size >= examples {
            return Ok(Subset::All);
        }
        let stream = FRESH.wrapping_add(iteration as u64);
        let order = self.drawn.draw(self.seed, stream, examples, examples);
        Ok(Subset::These(&order[..size]))
    }
}
