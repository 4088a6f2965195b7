//! The same random subset in every iteration.

use super::permutation::{FIXED, Permutation};
use super::{Sampling, Size, Subset};
use crate::error::Result;

/// One random subset, the same in every iteration.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Fixed, Sampling, Size, Subset};
/// let mut fixed = Fixed::new(Size::Fraction(0.05), 7);
/// let Subset::These(first) = fixed.subset(0, 1000)? else { unreachable!() };
/// assert_eq!(first.len(), 50);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fixed {
    size: Size,
    seed: u64,
    drawn: Permutation,
}

impl Fixed {
    /// A subset of this size.
    pub fn new(size: Size, seed: u64) -> Self {
        Fixed {
            size,
            seed,
            drawn: Permutation::default(),
        }
    }
}

impl Sampling for Fixed {
    fn leaves_weightless_out(&self) -> bool {
        true
    }

    fn subset(&mut self, _iteration: usize, examples: usize) -> Result<Subset<'_>> {
        let size = self.size.of(examples)?;
        if size >= examples {
            return Ok(Subset::All);
        }
        let order = self.drawn.draw(self.seed, FIXED, examples, examples);
        Ok(Subset::These(&order[..size]))
    }
}
