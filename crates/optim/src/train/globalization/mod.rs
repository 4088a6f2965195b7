//! How far to go along a direction, or whether at all.

mod armijo;
mod step_rejection;
mod trust_region;

pub use armijo::Armijo;
pub use step_rejection::StepRejection;
pub use trust_region::TrustRegion;

use crate::error::{OptimError, Result, expect_finite, expect_length};
use std::fmt;

/// A direction d from θ, and what the paraboloid promises along it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Direction {
    /// f(θ).
    pub value: f64,
    /// ∇fᵀd.
    pub slope: f64,
    /// dᵀGd, without the damping.
    pub curvature: f64,
    /// ‖d‖.
    pub length: f64,
}

impl Direction {
    /// The change of f that the paraboloid predicts for θ + αd: α∇fᵀd + ½α²dᵀGd.
    pub fn predicted(&self, alpha: f64) -> f64 {
        alpha * self.slope + 0.5 * alpha * alpha * self.curvature
    }

    /// The actual change of f by the predicted one, at θ + αd with this value of f.
    pub fn ratio(&self, alpha: f64, value: f64) -> f64 {
        (value - self.value) / self.predicted(alpha)
    }

    /// Refuses f(θ) that is not finite; tells whether d descends.
    fn descends(&self) -> Result<bool> {
        expect_finite("the value that a step starts from", &[self.value])?;
        Ok(self.slope < 0.0 && self.slope.is_finite())
    }
}

/// What became of a direction.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Search {
    /// A step is taken.
    Accepted {
        /// α.
        step: f64,
        /// f(θ + αd).
        value: f64,
        /// How many values of f it took.
        trials: usize,
    },
    /// No trial was good enough.
    Exhausted {
        /// How many there were.
        trials: usize,
        /// The last, smallest α.
        step: f64,
        /// f there; NaN or infinite if it was not finite.
        value: f64,
    },
    /// The direction does not descend; f was not evaluated.
    NotDescent {
        /// ∇fᵀd.
        slope: f64,
    },
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Search::Accepted {
                step,
                value,
                trials,
            } => write!(f, "step {step} with value {value:e} after {trials} trials"),
            Search::Exhausted {
                trials,
                step,
                value,
            } => write!(
                f,
                "no step down to {step:e} decreased the objective enough in {trials} trials (the \
                 last value was {value:e}): raise the damping, or stop if the gradient is small; \
                 rounding hides smaller decreases, so in f32 also consider f64"
            ),
            Search::NotDescent { slope } => write!(
                f,
                "the direction does not descend: ∇fᵀd = {slope:e}; raise the damping, or solve \
                 more accurately"
            ),
        }
    }
}

/// A rule that makes a step of a direction, so that f decreases from any θ on.
///
/// # Contract
///
/// `search` ends after a bounded number of trials of α ↦ f(θ + αd). A trial whose value is NaN or
/// infinite is one that was not good enough; an error of `f` is passed on. The trainer
/// calls [`radius`](Self::radius), solves for d within it, and calls `search` with that d; it calls
/// no other method in between. So `search` may take the value of `radius` as the bound that d was
/// computed with. After `restore(&state())` of an earlier moment the rule
/// goes on as it did from there.
pub trait Globalization: Send {
    /// The bound on ‖d‖ of the next direction; there is none unless a rule says so.
    fn radius(&self) -> Option<f64> {
        None
    }

    /// Searches along one direction.
    fn search(
        &mut self,
        along: &Direction,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<Search>;

    /// All that a checkpoint must keep; nothing, unless a rule says so.
    fn state(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Goes back to a state; refuses one that is none of this rule's.
    fn restore(&mut self, state: &[f64]) -> Result<()> {
        expect_length(
            "the state of the globalization",
            state.len(),
            0,
            "nothing: this rule keeps no numbers",
        )
    }
}

/// A number that must lie strictly between 0 and 1.
fn open_unit(what: &str, value: f64) -> Result<f64> {
    if value > 0.0 && value < 1.0 {
        return Ok(value);
    }
    Err(OptimError::invalid(
        what,
        value,
        "it must lie between 0 and 1",
    ))
}
