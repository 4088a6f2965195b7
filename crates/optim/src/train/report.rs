//! How a run ended.

use super::{Iteration, State};
use osculant_tape::Scalar;
use std::fmt;

/// Why training ended; its `Display` says what that means and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// All iterations were made.
    Iterations,
    /// ‖∇f‖ is as small as asked for.
    Converged,
    /// So many directions in a row brought no step.
    NoProgress,
    /// The observer asked to stop.
    Stopped,
    /// A first-order trainer met NaN or infinity; θ is one from before at which f is finite.
    Diverged,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Iterations => "all iterations were made",
            Outcome::Converged => "converged: the gradient is as small as asked for",
            Outcome::NoProgress => {
                "no direction decreases the objective any more: it is converged as far as rounding \
                 allows, the curvature subset is too small, or λ still is: begin with more"
            }
            Outcome::Stopped => "the observer asked to stop",
            Outcome::Diverged => {
                "diverged: a step met NaN or infinity, and θ is one from before at which the \
                 objective is finite; take a smaller learning rate, or warm it up"
            }
        })
    }
}

/// What training gives back; `R` is the record of an iteration or an epoch.
#[derive(Clone, Debug)]
pub struct Report<T, R = Iteration> {
    /// The last θ; a Newton run's is also that of the smallest objective: no step increases
    /// it, by the rules that are here.
    pub theta: Vec<T>,
    /// f(θ).
    pub value: f64,
    /// ‖∇f(θ)‖.
    pub gradient_norm: f64,
    /// Every iteration, or epoch; of a resumed run those after the resumption.
    pub iterations: Vec<R>,
    /// How many products with the curvature were made, those before a resumption included.
    pub products: usize,
    /// How many times f was evaluated, gradients included; those before a resumption too. Of a
    /// first-order trainer, the gradients of its batches.
    pub evaluations: usize,
    /// Why training ended.
    pub outcome: Outcome,
    /// The state, θ left out.
    pub(super) rest: State<T>,
}

impl<T: Scalar, R> Report<T, R> {
    /// All that the run needs to go on, to more iterations or after it was stopped; a copy.
    pub fn state(&self) -> State<T> {
        State {
            theta: self.theta.clone(),
            ..self.rest.clone()
        }
    }

    /// How many iterations, or epochs, were made, those before a resumption included.
    pub fn done(&self) -> usize {
        self.rest.iteration
    }
}
