//! How λ in (G + λI) d = −∇f changes from one iteration to the next.

mod constant;
mod levenberg_marquardt;
mod nielsen;

pub use constant::ConstantDamping;
pub use levenberg_marquardt::LevenbergMarquardt;
pub use nielsen::Nielsen;

use crate::error::{OptimError, Result, expect_length};

/// What a damping learns about the step it was used for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The decrease of f by the decrease that the paraboloid promised:
    /// (f(θ + αd) − f(θ)) / (α ∇fᵀd + ½ α² dᵀGd). NaN if there is none.
    pub ratio: f64,
    /// Whether the step was taken; not where the line search found none.
    pub accepted: bool,
}

/// A rule for λ.
///
/// # Contract
///
/// `lambda` is finite and ≥ 0. After `restore(&state())` of an earlier moment the rule goes
/// on as it did from there.
pub trait Damping: Send {
    /// λ for the next solve.
    fn lambda(&self) -> f64;

    /// Takes note of how a step with that λ went.
    fn update(&mut self, progress: &Progress);

    /// All that a checkpoint must keep.
    fn state(&self) -> Vec<f64>;

    /// Goes back to a state; refuses one that is none of this rule's.
    fn restore(&mut self, state: &[f64]) -> Result<()>;
}

// What rules that change λ keep it within.
const SMALLEST: f64 = 1e-30;
const LARGEST: f64 = 1e30;

fn expect_initial(lambda: f64) -> Result<f64> {
    if (SMALLEST..=LARGEST).contains(&lambda) {
        return Ok(lambda);
    }
    let message = "it must lie in [1e-30, 1e30]; for none use `ConstantDamping::none()`";
    Err(OptimError::invalid(
        "the initial damping λ₀",
        lambda,
        message,
    ))
}

fn only(what: &str, state: &[f64]) -> Result<f64> {
    expect_length(what, state.len(), 1, "λ alone")?;
    Ok(state[0])
}
