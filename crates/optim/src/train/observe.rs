//! Watching a run, and ending it.

use super::{Epoch, Iteration, State};
use std::fmt;
use std::ops::ControlFlow;

/// Where a run begins, or goes on.
#[derive(Clone, Copy)]
pub struct Start<'a, T> {
    /// How many iterations, or epochs, are done: 0, unless the run is resumed.
    pub done: usize,
    /// θ.
    pub theta: &'a [T],
    /// f(θ).
    pub value: f64,
    /// ‖∇f(θ)‖.
    pub gradient_norm: f64,
}

impl<T> fmt::Debug for Start<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("done", &self.done)
            .field("value", &self.value)
            .field("gradient_norm", &self.gradient_norm)
            .finish_non_exhaustive()
    }
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
/// [`KeepBest`](super::KeepBest) is one that is here. A pair of observers is one too: both see
/// everything, and either may end the run. So is `&mut` of one, which is still there afterwards.
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
    fn start(&mut self, _at: &Start<'_, T>) -> ControlFlow<()> {
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
    fn cg_iteration(&mut self, _number: usize, _bound: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Watches nothing.
impl<T> Observer<T> for () {}

/// Goes on if both say so.
fn both(first: ControlFlow<()>, second: ControlFlow<()>) -> ControlFlow<()> {
    first?;
    second
}

/// Two observers: both see everything, the first one first, and either ends the run.
impl<T, A: Observer<T>, B: Observer<T>> Observer<T> for (A, B) {
    fn start(&mut self, at: &Start<'_, T>) -> ControlFlow<()> {
        both(self.0.start(at), self.1.start(at))
    }
    fn iteration(&mut self, at: &Moment<'_, T, Iteration>) -> ControlFlow<()> {
        both(self.0.iteration(at), self.1.iteration(at))
    }
    fn epoch(&mut self, at: &Moment<'_, T, Epoch>) -> ControlFlow<()> {
        both(self.0.epoch(at), self.1.epoch(at))
    }
    fn step(&mut self, number: usize, bound: usize) -> ControlFlow<()> {
        both(self.0.step(number, bound), self.1.step(number, bound))
    }
    fn cg_iteration(&mut self, number: usize, bound: usize) -> ControlFlow<()> {
        both(
            self.0.cg_iteration(number, bound),
            self.1.cg_iteration(number, bound),
        )
    }
}

/// One that is still there after the run.
impl<T, O: Observer<T> + ?Sized> Observer<T> for &mut O {
    fn start(&mut self, at: &Start<'_, T>) -> ControlFlow<()> {
        (**self).start(at)
    }
    fn iteration(&mut self, at: &Moment<'_, T, Iteration>) -> ControlFlow<()> {
        (**self).iteration(at)
    }
    fn epoch(&mut self, at: &Moment<'_, T, Epoch>) -> ControlFlow<()> {
        (**self).epoch(at)
    }
    fn step(&mut self, number: usize, bound: usize) -> ControlFlow<()> {
        (**self).step(number, bound)
    }
    fn cg_iteration(&mut self, number: usize, bound: usize) -> ControlFlow<()> {
        (**self).cg_iteration(number, bound)
    }
}
