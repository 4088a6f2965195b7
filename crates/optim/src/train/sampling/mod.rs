//! Which examples the curvature of an iteration is taken over.

mod cyclic;
mod everything;
mod fixed;
mod fresh;
mod given;
mod permutation;

pub use cyclic::Cyclic;
pub use everything::Everything;
pub use fixed::Fixed;
pub use fresh::Fresh;
pub use given::Given;

use crate::error::{OptimError, Result};

/// The examples of one iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subset<'a> {
    /// All of them.
    All,
    /// Those with these numbers.
    These(&'a [usize]),
}

impl Subset<'_> {
    /// How many these are, of `examples` in all.
    pub fn size(&self, examples: usize) -> usize {
        match self {
            Subset::All => examples,
            Subset::These(these) => these.len(),
        }
    }
}

/// How many examples a subset has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Size {
    /// So many.
    Count(usize),
    /// This share of all, rounded up; 0.05 is usual.
    Fraction(f64),
}

impl Size {
    /// The number |S|, of `examples` in all: at least 1, at most all.
    pub fn of(self, examples: usize) -> Result<usize> {
        match self {
            Size::Count(count) if count >= 1 && count <= examples => Ok(count),
            Size::Count(count) => Err(OptimError::invalid(
                "the size of the curvature subset",
                count,
                &format!("it must lie between 1 and the {examples} examples there are"),
            )),
            Size::Fraction(share) if share > 0.0 && share <= 1.0 => {
                // 0.07 · 100 is 7.000000000000001, which must not become 8.
                let count = share * examples as f64 * (1.0 - 4.0 * f64::EPSILON);
                Ok((count.ceil() as usize).clamp(1, examples.max(1)))
            }
            Size::Fraction(share) => Err(OptimError::invalid(
                "the fraction of the curvature subset",
                share,
                "it must lie in (0, 1], such as 0.05",
            )),
        }
    }
}

/// A rule for the subset of an iteration.
///
/// # Contract
///
/// The answer depends on the rule's options, the number of the iteration (from 0) and the
/// number of examples alone, not on what was asked before: a checkpoint keeps the iteration
/// number, and a run that is taken up again meets the same subsets.
///
/// A subset whose weights are all 0 is refused by the objective. A rule that draws at random says
/// so with [`leaves_weightless_out`](Sampling::leaves_weightless_out), and never meets that.
pub trait Sampling: Send {
    /// The subset of this iteration.
    fn subset(&mut self, iteration: usize, examples: usize) -> Result<Subset<'_>>;

    /// Whether it draws from the examples with a weight above 0 alone: then `examples` is how many
    /// these are, and its numbers count them in their order. Otherwise, as unless told, numbers are
    /// those of the data.
    fn leaves_weightless_out(&self) -> bool {
        false
    }
}
