//! Backtracking line search.

use super::{Direction, Globalization, Search, open_unit};
use crate::error::{OptimError, Result};

/// Backtracking until the decrease is sufficient.
///
/// # Formula
///
/// ```text
/// α = 1, ½, ¼, … until f(θ + αd) − f(θ) ≤ η α ∇fᵀd      η = 10⁻⁴, at most 30 trials
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
/// use osculant_optim::train::{Armijo, Direction, Globalization, Search};
/// // f(θ) = θ² from θ = 1 along d = −8: α = 1, ½ and ¼ go too far.
/// let mut f = |alpha: f64| Ok((1.0 - 8.0 * alpha).powi(2));
/// let along = Direction { value: 1.0, slope: -16.0, curvature: 128.0, length: 8.0 };
/// let found = Armijo::default().search(&along, &mut f)?;
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

impl Globalization for Armijo {
    fn search(
        &mut self,
        along: &Direction,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<Search> {
        let Direction { value, slope, .. } = *along;
        if !along.descends()? {
            return Ok(Search::NotDescent { slope });
        }
        let mut step = 1.0;
        let mut trials = 0;
        loop {
            let trial = f(step)?;
            trials += 1;
            // −∞ would pass the test of decrease, and so would no change where the right-hand side
            // has underflowed.
            let decrease = trial - value;
            if trial.is_finite() && decrease < 0.0 && decrease <= self.eta * step * slope {
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
