//! Which iterate of conjugate gradients becomes the direction.

mod backtracked;
mod last;

pub use backtracked::BacktrackedIterate;
pub use last::LastIterate;

use crate::error::{OptimError, Result};

/// A rule that picks one of CG's iterates.
///
/// # Contract
///
/// The candidates are numbered in CG's order; the last one is the solution. `f` gives f(θ + d) of
/// one, NaN or infinity where it is not finite; an error of `f` is passed on. A checkpoint saves
/// nothing of a rule: what a choice depends on comes from the arguments.
pub trait CgIterate: Send {
    /// γ, where iterates ⌈γʲ⌉ are to be candidates beside the solution; there are none unless a
    /// rule says so.
    fn keep(&self) -> Option<f64> {
        None
    }

    /// The number of the candidate that is taken, below `candidates`.
    fn choose(
        &mut self,
        candidates: usize,
        f: &mut dyn FnMut(usize) -> Result<f64>,
    ) -> Result<usize>;
}

/// The number of the solution, the last of so many candidates.
fn last_of(candidates: usize) -> Result<usize> {
    let message = "the solution is one, so there is at least one";
    candidates
        .checked_sub(1)
        .ok_or_else(|| OptimError::invalid("the number of candidates", 0, message))
}
