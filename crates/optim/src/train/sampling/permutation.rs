//! Random orders of the examples, each drawn once.

use osculant_tape::Random;

// Streams of random numbers, apart from each other and from those of initial values.
pub(super) const FIXED: u64 = 1 << 32;
pub(super) const FRESH: u64 = 2 << 32;
pub(super) const CYCLIC: u64 = 3 << 32;

/// The permutation drawn last, so that each is drawn once.
#[derive(Clone, Debug, Default)]
pub(super) struct Permutation {
    /// Its seed, its stream and the number of examples.
    of: Option<(u64, u64, usize)>,
    order: Vec<usize>,
}

impl Permutation {
    /// A random order of the examples, continued by its own head up to `len` numbers.
    pub fn draw(&mut self, seed: u64, stream: u64, examples: usize, len: usize) -> &[usize] {
        let of = Some((seed, stream, examples));
        if self.of != of {
            self.order = Random::new(seed, stream).permutation(examples);
            self.of = of;
        }
        if len > self.order.len() {
            let missing = len - self.order.len();
            self.order.extend_from_within(..missing.min(examples));
        }
        &self.order
    }
}
