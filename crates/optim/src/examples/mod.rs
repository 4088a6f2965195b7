//! Data: the trait that a data set implements, and data sets held in memory.
//!
//! [`Labelled`] has class labels, [`Paired`] vectors, [`InMemory`] targets of one's own type.
//! A data set that lies elsewhere (memory-mapped, generated) implements [`Examples`] itself.

mod in_memory;

pub use in_memory::{InMemory, Labelled, Paired};

/// Examples: an input, a target and a weight for each number in `0..len`.
///
/// # Contract
///
/// `write_input`, `target` and `weight` are called with numbers below `len` only, from many
/// threads, in any order, and give the same answer each time.
///
/// # Example
///
/// Points on a parabola that are never stored:
///
/// ```
/// use osculant_optim::examples::Examples;
///
/// struct Parabola { heights: Vec<[f64; 1]> }
///
/// impl Examples<f64> for Parabola {
///     type Target = [f64];
///     fn len(&self) -> usize { self.heights.len() }
///     fn input_size(&self) -> usize { 1 }
///     fn write_input(&self, i: usize, out: &mut [f64]) { out.fill(i as f64) }
///     fn target(&self, i: usize) -> &[f64] { &self.heights[i] }
/// }
/// ```
pub trait Examples<T>: Sync {
    /// What the loss compares outputs with.
    type Target: ?Sized;

    /// How many examples there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many numbers an input has, all inputs of the network together.
    fn input_size(&self) -> usize;

    /// Writes the input of example `i` into `out`, which has `input_size` numbers.
    fn write_input(&self, i: usize, out: &mut [T]);

    /// The target of example `i`.
    fn target(&self, i: usize) -> &Self::Target;

    /// The weight wᵢ of example `i` in the objective, finite and ≥ 0.
    fn weight(&self, _i: usize) -> f64 {
        1.0
    }
}

macro_rules! examples_behind {
    ($pointer:ty $(, $bound:ident)?) => {
        impl<T, E: Examples<T> + ?Sized $(+ $bound)?> Examples<T> for $pointer {
            type Target = E::Target;
            fn len(&self) -> usize {
                (**self).len()
            }
            fn input_size(&self) -> usize {
                (**self).input_size()
            }
            fn write_input(&self, i: usize, out: &mut [T]) {
                (**self).write_input(i, out)
            }
            fn target(&self, i: usize) -> &E::Target {
                (**self).target(i)
            }
            fn weight(&self, i: usize) -> f64 {
                (**self).weight(i)
            }
        }
    };
}

examples_behind!(&E);
examples_behind!(Box<E>);
examples_behind!(std::sync::Arc<E>, Send);
