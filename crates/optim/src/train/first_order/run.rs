//! A run of a first-order trainer: epoch after epoch, and back where one diverged.

use super::FirstOrder;
use crate::error::Result;
use crate::operator::LinearOperator;
use crate::train::{Epoch, Moment, Observer, Outcome, Report, Schedule, Start, State};
use crate::train::{Step, StepRule, expect_tolerance};
use crate::{Objective, vector};
use osculant_tape::Scalar;

/// The name of the counts in a state.
pub(super) const COUNTS: &str = "counts";

impl<R> FirstOrder<R> {
    pub(super) fn run<T: Scalar>(
        mut self,
        objective: &Objective<'_, T>,
        schedule: Schedule,
        mut at: Point<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T, Epoch>>
    where
        R: StepRule<T>,
    {
        if let Some(tolerance) = self.gradient_tolerance {
            expect_tolerance(tolerance)?;
        }
        let mut gradient = vec![T::zero(); at.theta.len()];
        let value = objective.value_and_gradient_into(&at.theta, &mut gradient)?;
        let (before, gradient_norm) = (at.done.epochs, vector::norm(&gradient));
        let mut space = Space {
            back: vec![at.clone(); 3],
            gradient,
            scratch: Vec::new(),
        };
        let mut records = Vec::new();
        let mut norm = self.gradient_tolerance.map(|_| gradient_norm);
        let mut go_on = observer.start(&Start {
            done: before,
            theta: &at.theta,
            value,
            gradient_norm,
        });
        let mut outcome = loop {
            if go_on.is_break() {
                break Outcome::Stopped;
            }
            if let (Some(norm), Some(tolerance)) = (norm, self.gradient_tolerance)
                && norm <= tolerance
            {
                break Outcome::Converged;
            }
            if at.done.epochs >= self.epochs {
                break Outcome::Iterations;
            }
            // The last epoch was whole, so f was finite on its first batch, where it began.
            space.back.swap(1, 2);
            space.back[2].copy_from(&at);
            // An epoch enters the thread pool once.
            let ended =
                rayon::scope(|_| self.epoch(objective, &schedule, &mut at, &mut space, observer))?;
            let mut record = match ended {
                Ended::Whole(record) => record,
                Ended::GivenUp => {
                    at.copy_from(&space.back[2]);
                    break Outcome::Stopped;
                }
                Ended::Diverged => {
                    at.copy_from(&space.back[2]);
                    break Outcome::Diverged;
                }
            };
            if norm.is_some() {
                let value = objective.stream(&at.theta, None, Some(&mut space.gradient))?;
                if !all_finite(value, &space.gradient) {
                    at.copy_from(&space.back[2]);
                    break Outcome::Diverged;
                }
                norm = Some(vector::norm(&space.gradient));
                record.gradient_norm = norm;
            }
            let snapshot = || self.state(&at, at.theta.clone());
            go_on = observer.epoch(&Moment::new(&record, &at.theta, &snapshot));
            records.push(record);
        };
        let value = loop {
            let value = objective.stream(&at.theta, None, Some(&mut space.gradient))?;
            if all_finite(value, &space.gradient) {
                break value;
            }
            outcome = Outcome::Diverged;
            let Some(earlier) = space.back.pop() else {
                break value;
            };
            at.copy_from(&earlier);
        };
        records.truncate(at.done.epochs - before);
        Ok(Report {
            value,
            gradient_norm: vector::norm(&space.gradient),
            iterations: records,
            products: at.done.products,
            evaluations: at.done.evaluations,
            outcome,
            rest: self.state(&at, Vec::new()),
            theta: at.theta,
        })
    }

    fn epoch<T: Scalar>(
        &mut self,
        objective: &Objective<'_, T>,
        schedule: &Schedule,
        at: &mut Point<T>,
        space: &mut Space<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Ended>
    where
        R: StepRule<T>,
    {
        let numbers = objective.weighted_examples();
        let examples = numbers.map_or(objective.len(), <[usize]>::len);
        let (epoch, steps) = (at.done.epochs, self.batches.per_epoch(examples));
        let mut record = Epoch {
            number: epoch + 1,
            steps,
            value: 0.0,
            learning_rate: f64::NAN,
            gradient_norm: None,
            products: 0,
            evaluations: 0,
        };
        let Space {
            gradient, scratch, ..
        } = space;
        let batches = self.batches.epoch_of(epoch, examples, numbers);
        for (k, batch) in batches.enumerate() {
            let number = epoch * steps + k;
            record.learning_rate = schedule.rate(epoch, number);
            let value = objective.stream(&at.theta, Some(batch), Some(gradient))?;
            record.evaluations += 1;
            if !all_finite(value, gradient) {
                return Ok(Ended::Diverged);
            }
            record.value += value / steps as f64;
            let stepped = self.rule.step(&mut Step {
                number: number + 1,
                rate: record.learning_rate,
                theta: &mut at.theta,
                gradient,
                memory: &mut at.memory,
                scratch,
                objective,
                product: &mut |theta, v, out| {
                    record.products += 1;
                    let model = objective.at(theta)?.expect_products(1);
                    model.gauss_newton_on(batch)?.apply_into(v, out)
                },
            });
            vector::flush_subnormal(&mut at.theta);
            at.memory
                .iter_mut()
                .for_each(|v| vector::flush_subnormal(v));
            match stepped {
                Err(error) if !error.is_not_finite() => return Err(error),
                Ok(()) if vector::all_finite(&at.theta) => {}
                _ => return Ok(Ended::Diverged),
            }
            if observer.step(k + 1, steps).is_break() {
                return Ok(Ended::GivenUp);
            }
        }
        if !at.memory.iter().all(|v| vector::all_finite(v)) {
            return Ok(Ended::Diverged);
        }
        at.done.epochs += 1;
        at.done.evaluations += record.evaluations;
        at.done.products += record.products;
        Ok(Ended::Whole(record))
    }

    fn state<T: Scalar>(&self, at: &Point<T>, theta: Vec<T>) -> State<T>
    where
        R: StepRule<T>,
    {
        let counts = vec![at.done.evaluations as f64, at.done.products as f64];
        let state = State::new(self.rule.name(), at.done.epochs, theta);
        let state = state.with_numbers(COUNTS, counts);
        let vectors = self.rule.vectors().iter().zip(&at.memory);
        vectors.fold(state, |state, (name, v)| state.with_vector(name, v.clone()))
    }
}

/// θ, what the rule keeps, and what was done to get there.
#[derive(Clone)]
pub(super) struct Point<T> {
    pub(super) theta: Vec<T>,
    pub(super) memory: Vec<Vec<T>>,
    pub(super) done: Done,
}

impl<T: Scalar> Point<T> {
    fn copy_from(&mut self, other: &Self) {
        self.theta.copy_from_slice(&other.theta);
        for (here, there) in self.memory.iter_mut().zip(&other.memory) {
            here.copy_from_slice(there);
        }
        self.done = other.done;
    }
}

/// What is done so far.
#[derive(Clone, Copy, Default)]
pub(super) struct Done {
    pub(super) epochs: usize,
    pub(super) evaluations: usize,
    pub(super) products: usize,
}

/// How an epoch ended.
enum Ended {
    Whole(Epoch),
    GivenUp,
    Diverged,
}

/// Vectors that every epoch uses again.
struct Space<T> {
    /// Where the run can go back to: where it began, where the epoch before began, and where the
    /// present one began, which may be the first point at which f is not finite.
    back: Vec<Point<T>>,
    gradient: Vec<T>,
    scratch: Vec<T>,
}

fn all_finite<T: Scalar>(value: f64, gradient: &[T]) -> bool {
    value.is_finite() && vector::all_finite(gradient)
}
