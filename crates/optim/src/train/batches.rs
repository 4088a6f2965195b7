//! Mini-batches: every epoch meets all examples, in an order of its own.

use crate::error::{OptimError, Result};
use osculant_tape::Random;
use std::slice::Chunks;

/// A stream of random numbers for each epoch, apart from those of the curvature subsets.
const BATCHES: u64 = 16 << 32;

/// Mini-batches of one size, from a new shuffle in every epoch.
///
/// The order of an epoch depends on the seed, the epoch and the number of examples alone: a
/// run that is taken up again meets the same batches. The last batch of an epoch has what is left.
///
/// # Errors
/// A size of 0.
///
/// # Example
/// ```
/// use osculant_optim::train::Batches;
/// let mut batches = Batches::new(4, 7)?;
/// let sizes: Vec<usize> = batches.epoch(0, 10).map(|batch| batch.len()).collect();
/// assert_eq!(sizes, [4, 4, 2]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batches {
    size: usize,
    seed: u64,
    order: Vec<usize>,
}

impl Batches {
    /// Batches of so many examples.
    pub fn new(size: usize, seed: u64) -> Result<Self> {
        if size == 0 {
            let message = "a batch has at least one example; 128 is usual";
            return Err(OptimError::invalid("the size of a batch", 0, message));
        }
        Ok(Batches::of(size, seed))
    }

    pub(super) fn of(size: usize, seed: u64) -> Self {
        Batches {
            size,
            seed,
            order: Vec::new(),
        }
    }

    /// How many batches an epoch has.
    pub fn per_epoch(&self, examples: usize) -> usize {
        examples.div_ceil(self.size)
    }

    /// The batches of this epoch, counted from 0.
    pub fn epoch(&mut self, epoch: usize, examples: usize) -> Chunks<'_, usize> {
        let mut random = Random::new(self.seed, BATCHES.wrapping_add(epoch as u64));
        self.order.clear();
        self.order.extend(0..examples);
        // Fisher and Yates, in the room of the epoch before.
        for i in (1..examples).rev() {
            self.order.swap(i, random.below(i + 1));
        }
        self.order.chunks(self.size)
    }

    /// The same of the examples with these numbers; of all, where none are stated.
    pub(super) fn epoch_of(
        &mut self,
        epoch: usize,
        examples: usize,
        numbers: Option<&[usize]>,
    ) -> Chunks<'_, usize> {
        let Some(numbers) = numbers else {
            return self.epoch(epoch, examples);
        };
        let _ = self.epoch(epoch, numbers.len());
        self.order.iter_mut().for_each(|i| *i = numbers[*i]);
        self.order.chunks(self.size)
    }
}
