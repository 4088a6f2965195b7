//! Parts of a random permutation in turn.

use super::permutation::{CYCLIC, Permutation};
use super::{Sampling, Size, Subset};
use crate::error::Result;

/// Blocks of a random permutation in turn, so that every example has its turn.
///
/// Every ⌈l/|S|⌉ iterations a new permutation of the l examples is drawn, extended by its own
/// head, and cut into blocks of exactly |S|; an iteration takes the next block.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Cyclic, Sampling, Size, Subset};
/// let mut cyclic = Cyclic::new(Size::Count(4), 7);
/// let mut seen = [false; 10];
/// for iteration in 0..3 {
///     let Subset::These(block) = cyclic.subset(iteration, 10)? else { unreachable!() };
///     assert_eq!(block.len(), 4);
///     block.iter().for_each(|&i| seen[i] = true);
/// }
/// assert_eq!(seen, [true; 10]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cyclic {
    size: Size,
    seed: u64,
    drawn: Permutation,
}

impl Cyclic {
    /// Blocks of this size.
    pub fn new(size: Size, seed: u64) -> Self {
        Cyclic {
            size,
            seed,
            drawn: Permutation::default(),
        }
    }
}

impl Sampling for Cyclic {
    fn leaves_weightless_out(&self) -> bool {
        true
    }

    fn subset(&mut self, iteration: usize, examples: usize) -> Result<Subset<'_>> {
        let size = self.size.of(examples)?;
        if size >= examples {
            return Ok(Subset::All);
        }
        let blocks = examples.div_ceil(size);
        let stream = CYCLIC.wrapping_add((iteration / blocks) as u64);
        let order = self.drawn.draw(self.seed, stream, examples, blocks * size);
        let start = (iteration % blocks) * size;
        Ok(Subset::These(&order[start..start + size]))
    }
}
