//! What a first-order rule is.

use super::Schedule;
use crate::error::{OptimError, Result};
use crate::{Objective, vector};
use osculant_tape::Scalar;

/// The product with the batch's curvature: out = G v at θ.
pub(super) type Product<'a, T> = dyn FnMut(&[T], &[T], &mut [T]) -> Result<()> + 'a;

/// One step: what a rule reads, and θ, which it changes.
pub struct Step<'a, T: Scalar> {
    /// Its number from 1, over all epochs.
    pub number: usize,
    /// The learning rate α.
    pub rate: f64,
    /// θ.
    pub theta: &'a mut [T],
    /// ∇f of the batch at θ, with the regularizer; a rule may use it as workspace.
    pub gradient: &'a mut [T],
    /// The rule's own vectors, in the order that [`StepRule::vectors`] names them.
    pub memory: &'a mut [Vec<T>],
    /// Workspace that is used again in every step, with whatever was left in it.
    pub scratch: &'a mut Vec<T>,
    pub(super) objective: &'a Objective<'a, T>,
    pub(super) product: &'a mut Product<'a, T>,
}

impl<T: Scalar> Step<'_, T> {
    /// θ ← factor·θ, where the objective's regularization term covers θ.
    pub fn shrink(&mut self, factor: f64) {
        for range in self.objective.regularizer().covered() {
            vector::scale(T::from_f64(factor), &mut self.theta[range.clone()]);
        }
    }

    /// scratch = G v with the curvature of the batch at θ and v the vector `memory[which]`.
    ///
    /// # Errors
    /// A product that is not finite; a number that no vector has.
    pub fn curvature_times(&mut self, which: usize) -> Result<()> {
        let Some(v) = self.memory.get(which) else {
            let message = format!("there are {} vectors, numbered from 0", self.memory.len());
            return Err(OptimError::invalid("the rule's vector", which, &message));
        };
        self.scratch.resize(self.theta.len(), T::zero());
        (self.product)(self.theta, v, self.scratch)
    }
}

/// A rule that makes a step of a mini-batch gradient; it holds options only.
///
/// # Contract
///
/// What a step depends on is in [`Step`]: a checkpoint keeps θ, the vectors and the number of
/// steps, and no more. A number that overflows is left as it is: the trainer sees it and ends. What
/// is smaller than the smallest normal number, in θ or in a vector, is 0 in the next step: some
/// processors take a hundred times as long for it.
///
/// # Example
///
/// Steps of the gradient's signs:
///
/// ```
/// use osculant_optim::train::{FirstOrder, Step, StepRule};
/// use osculant_tape::Scalar;
///
/// struct Signs;
///
/// impl<T: Scalar> StepRule<T> for Signs {
///     fn name(&self) -> &'static str { "signs" }
///     fn usual_rate(&self) -> f64 { 1e-3 }
///     fn step(&self, at: &mut Step<'_, T>) -> osculant_optim::Result<()> {
///         let rate = T::from_f64(at.rate);
///         for (theta, g) in at.theta.iter_mut().zip(&*at.gradient) {
///             *theta -= rate * g.signum();
///         }
///         Ok(())
///     }
/// }
/// let trainer = FirstOrder::new(Signs).epochs(3);
/// ```
pub trait StepRule<T: Scalar>: Send {
    /// The name that states carry.
    fn name(&self) -> &'static str;

    /// The learning rate where none is told.
    fn usual_rate(&self) -> f64;

    /// The names of the vectors that it keeps from step to step, as long as θ each.
    fn vectors(&self) -> &'static [&'static str] {
        &[]
    }

    /// Refuses a schedule that it cannot follow.
    fn check(&self, _schedule: &Schedule) -> Result<()> {
        Ok(())
    }

    /// Gives its vectors their first values; they come as zeros.
    fn begin(&self, _rate: f64, _memory: &mut [Vec<T>]) {}

    /// Makes a step.
    fn step(&self, at: &mut Step<'_, T>) -> Result<()>;
}

impl<T: Scalar, R: StepRule<T> + ?Sized> StepRule<T> for Box<R> {
    fn name(&self) -> &'static str {
        (**self).name()
    }
    fn usual_rate(&self) -> f64 {
        (**self).usual_rate()
    }
    fn vectors(&self) -> &'static [&'static str] {
        (**self).vectors()
    }
    fn check(&self, schedule: &Schedule) -> Result<()> {
        (**self).check(schedule)
    }
    fn begin(&self, rate: f64, memory: &mut [Vec<T>]) {
        (**self).begin(rate, memory)
    }
    fn step(&self, at: &mut Step<'_, T>) -> Result<()> {
        (**self).step(at)
    }
}
