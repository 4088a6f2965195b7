//! The loop of the Newton trainer.

use super::NewtonCg;
use crate::error::{OptimError, Result};
use crate::solve::{Kept, Workspace};
use crate::train::{Iteration, Moment, Observer, Outcome, Report, Start, State, expect_tolerance};
use crate::{Objective, vector};
use osculant_tape::Scalar;

// Names in a saved state.
const NAME: &str = "newton_cg";
const DIRECTION: &str = "direction";

/// A run under way.
pub(super) struct Run<'r, T: Scalar> {
    pub options: NewtonCg,
    pub objective: &'r Objective<'r, T>,
    pub at: Here<T>,
    pub space: Space<T>,
    pub count: Count,
}

/// The present point.
pub(super) struct Here<T> {
    pub theta: Vec<T>,
    pub gradient: Vec<T>,
    pub value: f64,
    pub norm: f64,
}

/// Vectors that every iteration uses again.
pub(super) struct Space<T> {
    pub trial: Vec<T>,
    /// The gradient at a trial point.
    pub gradient: Vec<T>,
    pub descent: Vec<T>,
    /// The curvature's examples, where those without weight are left out.
    pub examples: Vec<usize>,
    /// What CG found last, where the next solve is to start from it.
    pub direction: Option<Vec<T>>,
    pub start: Vec<T>,
    pub kept: Option<Kept<T>>,
    pub cg: Workspace<T>,
}

/// What was done so far, resumed runs included.
pub(super) struct Count {
    pub iterations: usize,
    products: usize,
    evaluations: usize,
    /// Iterations in a row without a step.
    failures: usize,
    /// Whether the last iteration took a whole step, as the first is hoped to.
    pub whole: bool,
}

impl Default for Count {
    fn default() -> Self {
        Count {
            iterations: 0,
            products: 0,
            evaluations: 0,
            failures: 0,
            whole: true,
        }
    }
}

impl<'r, T: Scalar> Run<'r, T> {
    pub fn new(options: NewtonCg, objective: &'r Objective<'_, T>, theta: Vec<T>) -> Result<Self> {
        Self::begin(options, objective, theta, Count::default())
    }

    pub fn resume(
        mut options: NewtonCg,
        objective: &'r Objective<'_, T>,
        state: State<T>,
    ) -> Result<Self> {
        state.check(NAME, objective.dimension())?;
        options.damping.restore(state.numbers("damping")?)?;
        let globalization = state.numbers("globalization")?;
        options.globalization.restore(globalization)?;
        let which = "products, evaluations, failures and whether the last step was whole";
        let count = Count::restore(state.iteration, &state.counts("counts", 4, which)?);
        let direction = state.vectors.get(DIRECTION).cloned();
        if direction.is_some() && options.warm_start.is_none() {
            let message = "the saved run starts CG warm; resume with the options of that run";
            let what = "the direction of the saved state";
            return Err(OptimError::invalid(what, "not wanted", message));
        }
        let mut run = Self::begin(options, objective, state.theta, count)?;
        run.space.direction = direction;
        Ok(run)
    }

    fn begin(
        options: NewtonCg,
        objective: &'r Objective<'_, T>,
        theta: Vec<T>,
        count: Count,
    ) -> Result<Self> {
        expect_tolerance(options.gradient_tolerance)?;
        let n = theta.len();
        let mut at = Here {
            gradient: vec![T::zero(); n],
            theta,
            value: 0.0,
            norm: 0.0,
        };
        at.evaluate(objective)?;
        let space = Space {
            trial: vec![T::zero(); n],
            gradient: vec![T::zero(); n],
            descent: vec![T::zero(); n],
            examples: Vec::new(),
            direction: None,
            start: Vec::new(),
            kept: options.cg_iterate.keep().map(Kept::new).transpose()?,
            cg: Workspace::new(),
        };
        Ok(Run {
            options,
            objective,
            at,
            space,
            count,
        })
    }

    /// All that a resumed run needs, but for θ.
    fn rest(&self) -> State<T> {
        let state = State::new(NAME, self.count.iterations, Vec::new())
            .with_numbers("counts", self.count.state())
            .with_numbers("damping", self.options.damping.state())
            .with_numbers("globalization", self.options.globalization.state());
        match &self.space.direction {
            Some(d) => state.with_vector(DIRECTION, d.clone()),
            None => state,
        }
    }

    fn state(&self) -> State<T> {
        State {
            theta: self.at.theta.clone(),
            ..self.rest()
        }
    }

    pub fn finish(mut self, observer: &mut dyn Observer<T>) -> Result<Report<T>> {
        // At the start of a run f was evaluated once; a resumed run counts that no second time.
        self.count.evaluations = self.count.evaluations.max(1);
        let mut iterations = Vec::new();
        let outcome = self.iterate(&mut iterations, observer)?;
        let rest = self.rest();
        Ok(Report {
            theta: self.at.theta,
            value: self.at.value,
            gradient_norm: self.at.norm,
            iterations,
            products: self.count.products,
            evaluations: self.count.evaluations,
            outcome,
            rest,
        })
    }

    fn iterate(
        &mut self,
        iterations: &mut Vec<Iteration>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Outcome> {
        let start = Start {
            done: self.count.iterations,
            theta: &self.at.theta,
            value: self.at.value,
            gradient_norm: self.at.norm,
        };
        if observer.start(&start).is_break() {
            return Ok(Outcome::Stopped);
        }
        loop {
            if self.at.norm <= self.options.gradient_tolerance {
                return Ok(Outcome::Converged);
            }
            if self.count.failures >= self.options.max_failures {
                return Ok(Outcome::NoProgress);
            }
            if self.count.iterations >= self.options.iterations {
                return Ok(Outcome::Iterations);
            }
            let Some(done) = self.step(observer)? else {
                return Ok(Outcome::Stopped);
            };
            self.count.note(&done);
            let snapshot = || self.state();
            let moment = Moment::new(&done, &self.at.theta, &snapshot);
            let go_on = observer.iteration(&moment);
            iterations.push(done);
            if go_on.is_break() {
                return Ok(Outcome::Stopped);
            }
        }
    }
}

impl<T: Scalar> Here<T> {
    pub fn evaluate(&mut self, objective: &Objective<'_, T>) -> Result<()> {
        self.value = objective.value_and_gradient_into(&self.theta, &mut self.gradient)?;
        self.norm = vector::norm(&self.gradient);
        Ok(())
    }
}

impl Count {
    fn note(&mut self, done: &Iteration) {
        self.iterations += 1;
        self.products += done.products;
        self.evaluations += done.evaluations;
        self.failures = if done.step > 0.0 {
            0
        } else {
            self.failures + 1
        };
        self.whole = done.step == 1.0;
    }

    fn state(&self) -> Vec<f64> {
        let whole = usize::from(self.whole);
        [self.products, self.evaluations, self.failures, whole]
            .map(|count| count as f64)
            .to_vec()
    }

    fn restore(iterations: usize, counts: &[usize]) -> Self {
        Count {
            iterations,
            products: counts[0],
            evaluations: counts[1],
            failures: counts[2],
            whole: counts[3] != 0,
        }
    }
}
