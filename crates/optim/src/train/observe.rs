//! Watching a run, and ending it.

use super::{Epoch, Iteration, State};
use std::fmt;
use std::ops::ControlFlow;

/// Where a run begins, or goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// How many iterations, or epochs, are done: 0, unless the run is resumed.
    pub done: usize,
    /// f(θ).
    pub value: f64,
    /// ‖∇f(θ)‖.
    pub gradient_norm: f64,
}

/// The moment after an iteration or an epoch.
pub struct Moment<'a, T, R> {
    /// What was done.
    pub record: &'a R,
    /// The present θ.
    pub theta: &'a [T],
    snapshot: &'a dyn Fn() -> State<T>,
}

impl<'a, T, R> Moment<'a, T, R> {
    /// For trainers: `snapshot` makes the state, and is called when someone asks for it.
    pub fn new(record: &'a R, theta: &'a [T], snapshot: &'a dyn Fn() -> State<T>) -> Self {
        Moment {
            record,
            theta,
            snapshot,
        }
    }

    /// All that the run needs to go on from here; a copy.
    pub fn state(&self) -> State<T> {
        (self.snapshot)()
    }
}

impl<T, R: fmt::Debug> fmt::Debug for Moment<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moment")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

/// Watches a run; every method has a default that does nothing. `Break` ends the run.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Iteration, Moment, Observer};
/// use std::ops::ControlFlow;
///
/// /// Ends the run when f is small enough.
/// struct Below(f64);
///
/// impl<T> Observer<T> for Below {
///     fn iteration(&mut self, at: &Moment<'_, T, Iteration>) -> ControlFlow<()> {
///         if at.record.new_value < self.0 {
///             return ControlFlow::Break(());
///         }
///         ControlFlow::Continue(())
///     }
/// }
/// ```
pub trait Observer<T>: Send {
    /// Called before the first iteration.
    fn start(&mut self, _at: &Start) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Called after each Newton iteration.
    fn iteration(&mut self, _at: &Moment<'_, T, Iteration>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Called after each epoch of a first-order trainer.
    fn epoch(&mut self, _at: &Moment<'_, T, Epoch>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Called after each step of a first-order trainer, with the number of steps in an epoch.
    /// `Break` gives the present epoch up: θ of the one before stays.
    fn step(&mut self, _number: usize, _bound: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Called after each iteration of CG, with the bound on their number. `Break` gives the present
    /// iteration up: θ of the one before stays.
    fn product(&mut self, _number: usize, _bound: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Watches nothing.
impl<T> Observer<T> for () {}
