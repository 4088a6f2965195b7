//! Training by mini-batch gradients: what all first-order rules share.

mod run;

use super::{Batches, Epoch, Observer, Report, Schedule, State, StepRule};
use crate::Objective;
use crate::error::{Result, expect_length};
use osculant_tape::Scalar;
use run::{COUNTS, Done, Point};

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
/// [`Outcome::Diverged`](super::Outcome::Diverged), with the θ after an earlier epoch at which value
/// and gradient are finite: the last one or that before it, or else the first θ. f after an epoch is
/// first looked at in the next: an [`Observer`] may have seen a θ that is then taken back, and a
/// state saved from the last two epochs of a run that diverges may be of one.
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
}
