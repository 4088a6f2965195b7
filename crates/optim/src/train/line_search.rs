//! How far to go along a direction.

use crate::error::{OptimError, Result, expect_finite};
use std::fmt;

/// How a line search ended.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Search {
    /// A step was found.
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
        /// gᵀd.
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
                "the direction does not descend: gᵀd = {slope:e}; raise the damping, or solve \
                 more accurately"
            ),
        }
    }
}

/// A rule that picks α, given f(θ), the slope gᵀd and α ↦ f(θ + αd).
///
/// # Contract
///
/// Ends after a bounded number of trials. A trial whose value is NaN or infinite is a trial
/// that was not good enough; an error of `f` is passed on.
pub trait LineSearch: Send {
    /// Searches along one direction.
    fn search(
        &mut self,
        value: f64,
        slope: f64,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<Search>;
}

/// Backtracking until the decrease is sufficient.
///
/// # Formula
///
/// ```text
/// α = 1, ½, ¼, … until f(θ + αd) − f(θ) ≤ η α gᵀd      η = 10⁻⁴, at most 30 trials
/// ```
///
/// # Reference
///
/// Armijo, *Minimization of functions having Lipschitz continuous first partial derivatives*,
/// Pacific J. Math. 16(1), 1966; Nocedal and Wright 2006, Algorithm 3.1.
///
/// # Errors
///
/// η outside (0, 1), a factor outside (0, 1), a bound of 0; f(θ) that is not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Armijo, LineSearch, Search};
/// // f(θ) = θ² from θ = 1 along d = −8: α = 1, ½ and ¼ go too far.
/// let mut f = |alpha: f64| Ok((1.0 - 8.0 * alpha).powi(2));
/// let found = Armijo::default().search(1.0, -16.0, &mut f)?;
/// assert_eq!(found, Search::Accepted { step: 0.125, value: 0.0, trials: 4 });
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Armijo {
    eta: f64,
    factor: f64,
    max_trials: usize,
}

impl Default for Armijo {
    fn default() -> Self {
        Armijo {
            eta: 1e-4,
            factor: 0.5,
            max_trials: 30,
        }
    }
}

impl Armijo {
    /// The same with another share η of the predicted decrease.
    pub fn eta(mut self, eta: f64) -> Result<Self> {
        self.eta = open_unit("η of the line search", eta)?;
        Ok(self)
    }

    /// The same with another factor between trials.
    pub fn factor(mut self, factor: f64) -> Result<Self> {
        self.factor = open_unit("the factor of the line search", factor)?;
        Ok(self)
    }

    /// The same with another bound on trials.
    pub fn max_trials(mut self, bound: usize) -> Result<Self> {
        if bound == 0 {
            let message = "at least one trial must be allowed";
            return Err(OptimError::invalid(
                "the bound of the line search",
                0,
                message,
            ));
        }
        self.max_trials = bound;
        Ok(self)
    }
}

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

impl LineSearch for Armijo {
    fn search(
        &mut self,
        value: f64,
        slope: f64,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<Search> {
        expect_finite("the value that a line search starts from", &[value])?;
        if !(slope < 0.0 && slope.is_finite()) {
            return Ok(Search::NotDescent { slope });
        }
        let mut step = 1.0;
        let mut trials = 0;
        loop {
            let trial = f(step)?;
            trials += 1;
            // −∞ would pass the test of decrease.
            if trial.is_finite() && trial - value <= self.eta * step * slope {
                return Ok(Search::Accepted {
                    step,
                    value: trial,
                    trials,
                });
            }
            if trials >= self.max_trials {
                return Ok(Search::Exhausted {
                    trials,
                    step,
                    value: trial,
                });
            }
            step *= self.factor;
        }
    }
}
