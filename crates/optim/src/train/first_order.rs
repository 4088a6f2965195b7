//! Training by mini-batch gradients: the loop that all first-order rules share.

use super::{Batches, Epoch, Moment, Observer, Outcome, Report, Schedule, Start, State};
use super::{Step, StepRule, expect_tolerance};
use crate::error::{Result, expect_length};
use crate::operator::LinearOperator;
use crate::{Objective, vector};
use osculant_tape::Scalar;

/// Mini-batch training with a rule such as [`Sgd`](super::Sgd), [`Adam`](super::Adam) or
/// [`Smd`](super::Smd), on the objective that [`NewtonCg`](super::NewtonCg) takes.
///
/// # Formula
/// An epoch meets every example once, in batches S of a shuffle of its own; a step is one of the
/// rule, with the gradient of
///
/// ```text
/// f_S(θ) = 1/(2C) ‖θ‖² + 1/W_S Σ_{i∈S} wᵢ ξ(z(θ; Zⁱ); yⁱ)
/// ```
///
/// # Errors
/// A θ that doesn't fit; a value or gradient over all data that isn't finite at the initial θ, with
/// the node where it arose; a schedule that the rule cannot follow; a gradient tolerance that is
/// negative or not finite. Where later f, its gradient or θ is not finite the run ends as
/// [`Outcome::Diverged`], with the θ after an earlier epoch at which value and gradient are finite:
/// the last one or that before it, or else the first θ. f after an epoch is first looked at in the
/// next: an [`Observer`] may have seen a θ that is then taken back, and a state saved from the last
/// two epochs of a run that diverges may be of one.
///
/// # Example
/// ```
/// use osculant_layers::{Layers, Network};
/// use osculant_optim::examples::Paired;
/// use osculant_optim::loss::SquaredLoss;
/// use osculant_optim::train::{Adam, Batches, FirstOrder};
/// use osculant_optim::Objective;
///
/// let net = Network::<f64>::new([1], |x| x.dense(8).tanh().dense(1))?;
/// let x: Vec<f64> = (0..40).map(|i| i as f64 / 20.0 - 1.0).collect();
/// let y = x.iter().map(|x| (3.0 * x).sin()).collect();
/// let data = Paired::new([1], x, 1, y)?;
/// let objective = Objective::new(&net, SquaredLoss, &data)?.regularization(1e5)?;
/// let adam = FirstOrder::new(Adam::default()).rate(0.02)?.epochs(150);
/// let report = adam.batches(Batches::new(8, 1)?).train(&objective, net.init(1))?;
/// assert!(report.value < 0.01, "{report:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FirstOrder<R> {
    rule: R,
    schedule: Option<Schedule>,
    epochs: usize,
    batches: Batches,
    gradient_tolerance: Option<f64>,
}

impl<R> FirstOrder<R> {
    /// 10 epochs of batches of 128 with this rule, at its usual rate.
    pub fn new(rule: R) -> Self {
        FirstOrder {
            rule,
            schedule: None,
            epochs: 10,
            batches: Batches::of(128, 0),
            gradient_tolerance: None,
        }
    }

    /// At most so many epochs.
    pub fn epochs(mut self, bound: usize) -> Self {
        self.epochs = bound;
        self
    }

    /// Other batches.
    pub fn batches(mut self, batches: Batches) -> Self {
        self.batches = batches;
        self
    }

    /// This learning rate, always.
    ///
    /// # Errors
    /// A rate that is not above 0 and finite.
    pub fn rate(self, rate: f64) -> Result<Self> {
        Ok(self.schedule(Schedule::constant(rate)?))
    }

    /// A learning rate that changes.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = Some(schedule);
        self
    }

    /// Computes ‖∇f‖ over all data after each epoch, at the price of one more, and ends when it is
    /// at most this.
    pub fn gradient_tolerance(mut self, tolerance: f64) -> Self {
        self.gradient_tolerance = Some(tolerance);
        self
    }

    /// Minimizes the objective from θ.
    ///
    /// # Errors
    /// See [`FirstOrder`].
    pub fn train<T: Scalar>(
        self,
        objective: &Objective<'_, T>,
        theta: Vec<T>,
    ) -> Result<Report<T, Epoch>>
    where
        R: StepRule<T>,
    {
        self.train_observed(objective, theta, &mut ())
    }

    /// Minimizes the objective from θ, watched.
    ///
    /// # Errors
    /// See [`FirstOrder`].
    pub fn train_observed<T: Scalar>(
        self,
        objective: &Objective<'_, T>,
        theta: Vec<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T, Epoch>>
    where
        R: StepRule<T>,
    {
        let hint = "the trained parameters of the network";
        expect_length("theta", theta.len(), objective.dimension(), hint)?;
        let n = theta.len();
        let names = self.rule.vectors();
        let mut memory: Vec<Vec<T>> = names.iter().map(|_| vec![T::zero(); n]).collect();
        let schedule = self.checked_schedule()?;
        self.rule.begin(schedule.rate(0, 0), &mut memory);
        let done = Done::default();
        let point = Point {
            theta,
            memory,
            done,
        };
        self.run(objective, schedule, point, observer)
    }

    /// Goes on from a saved state, watched; the bound on epochs counts those before it too.
    ///
    /// Set up like the run that the state was saved from, on the same machine and build, this gives
    /// the same bits as that run would have given.
    ///
    /// # Errors
    /// A state of another rule, of another network, with NaN in it, or without a vector of the
    /// rule's; see also [`FirstOrder`].
    pub fn resume<T: Scalar>(
        self,
        objective: &Objective<'_, T>,
        state: State<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T, Epoch>>
    where
        R: StepRule<T>,
    {
        state.check(self.rule.name(), objective.dimension())?;
        let vectors = self.rule.vectors().iter();
        let memory = vectors.map(|name| Ok(state.vector(name)?.to_vec()));
        let memory = memory.collect::<Result<_>>()?;
        let counts = state.counts(COUNTS, 2, "of gradients and of products")?;
        let done = Done {
            epochs: state.iteration,
            evaluations: counts[0],
            products: counts[1],
        };
        let theta = state.theta;
        let schedule = self.checked_schedule()?;
        let point = Point {
            theta,
            memory,
            done,
        };
        self.run(objective, schedule, point, observer)
    }

    fn checked_schedule<T: Scalar>(&self) -> Result<Schedule>
    where
        R: StepRule<T>,
    {
        let schedule = match self.schedule {
            Some(schedule) => schedule,
            None => Schedule::constant(self.rule.usual_rate())?,
        };
        self.rule.check(&schedule)?;
        Ok(schedule)
    }

    fn run<T: Scalar>(
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
        let start = Start {
            done: at.done.epochs,
            value,
            gradient_norm: vector::norm(&gradient),
        };
        let mut space = Space {
            back: vec![at.clone(); 3],
            gradient,
            scratch: Vec::new(),
        };
        let mut records = Vec::new();
        let mut norm = self.gradient_tolerance.map(|_| start.gradient_norm);
        let mut go_on = observer.start(&start);
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
        records.truncate(at.done.epochs - start.done);
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

/// The name of the counts in a state.
const COUNTS: &str = "counts";

/// θ, what the rule keeps, and what was done to get there.
#[derive(Clone)]
struct Point<T> {
    theta: Vec<T>,
    memory: Vec<Vec<T>>,
    done: Done,
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
struct Done {
    epochs: usize,
    evaluations: usize,
    products: usize,
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
