//! The loop of the Newton trainer.

use super::NewtonCg;
use crate::error::{OptimError, Result, expect_length};
use crate::operator::Shifted;
use crate::solve::Workspace;
use crate::train::{
    Iteration, Moment, Observer, Outcome, Progress, Report, Search, Start, State, Subset,
};
use crate::{Objective, vector};
use osculant_tape::Scalar;

/// The name in a saved state.
const NAME: &str = "newton_cg";

/// A run under way.
pub(super) struct Run<'r, T: Scalar> {
    options: NewtonCg,
    objective: &'r Objective<'r, T>,
    at: Here<T>,
    space: Space<T>,
    count: Count,
}

/// The present point.
struct Here<T> {
    theta: Vec<T>,
    gradient: Vec<T>,
    value: f64,
    norm: f64,
}

/// Vectors that every iteration uses again.
struct Space<T> {
    trial: Vec<T>,
    descent: Vec<T>,
    cg: Workspace<T>,
}

/// What was done so far, resumed runs included.
#[derive(Default)]
struct Count {
    iterations: usize,
    products: usize,
    evaluations: usize,
    /// Iterations in a row without a step.
    failures: usize,
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
        let count = Count::restore(state.iteration, state.numbers("counts")?)?;
        Self::begin(options, objective, state.theta, count)
    }

    fn begin(
        options: NewtonCg,
        objective: &'r Objective<'_, T>,
        theta: Vec<T>,
        count: Count,
    ) -> Result<Self> {
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
            descent: vec![T::zero(); n],
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
        State::new(NAME, self.count.iterations, Vec::new())
            .with_numbers("counts", self.count.state())
            .with_numbers("damping", self.options.damping.state())
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

    /// One iteration; `None` where the observer ended it, and then nothing has changed.
    fn step(&mut self, observer: &mut dyn Observer<T>) -> Result<Option<Iteration>> {
        let Run {
            options,
            objective,
            at,
            space,
            count,
        } = self;
        let lambda = options.damping.lambda();
        let subset = options.sampling.subset(count.iterations, objective.len())?;
        let curvature_examples = subset.size(objective.len());
        let mut model = objective.at(&at.theta)?;
        if objective.expected_products().is_none() {
            model = model.expect_products(options.cg.max_iterations);
        }
        let gauss_newton = match subset {
            Subset::All => model.gauss_newton()?,
            Subset::These(examples) => model.gauss_newton_on(examples)?,
        };
        space
            .descent
            .iter_mut()
            .zip(&at.gradient)
            .for_each(|(d, &g)| *d = -g);
        let bound = options.cg.max_iterations;
        let mut products = 0;
        let mut stopped = false;
        let mut watch = |i: &crate::solve::Iteration| {
            products = i.number;
            let control = observer.product(i.number, bound);
            stopped = control.is_break();
            control
        };
        let damped = Shifted::new(&gauss_newton, lambda)?;
        let solve = options
            .cg
            .on(&damped)
            .workspace(&mut space.cg)
            .observe(&mut watch);
        let solution = solve.solve(&space.descent)?;
        drop(gauss_newton);
        if stopped {
            return Ok(None);
        }

        // dᵀ(G_S d) = dᵀ(−∇f − r − λd), since r = −∇f − (G_S + λI) d.
        let d = &solution.d;
        let slope = vector::dot(&at.gradient, d)?;
        let curvature =
            -slope - vector::dot(&solution.residual, d)? - lambda * vector::norm_squared(d);
        let trial = &mut space.trial;
        let mut evaluations = 0;
        let search = options.line_search.search(at.value, slope, &mut |alpha| {
            vector::combine(&at.theta, T::from_f64(alpha), d, trial)?;
            if !vector::all_finite(trial) {
                return Ok(f64::INFINITY);
            }
            evaluations += 1;
            objective.value(trial)
        })?;
        let (value, gradient_norm) = (at.value, at.norm);
        let (mut step, mut ratio) = (0.0, f64::NAN);
        if let Search::Accepted {
            step: alpha,
            value: new_value,
            ..
        } = search
        {
            step = alpha;
            ratio = (new_value - value) / (alpha * slope + 0.5 * alpha * alpha * curvature);
            vector::combine(&at.theta, T::from_f64(alpha), d, trial)?;
            std::mem::swap(&mut at.theta, trial);
            evaluations += 1;
            at.evaluate(objective)?;
        }
        options.damping.update(&Progress {
            ratio,
            accepted: step > 0.0,
        });
        Ok(Some(Iteration {
            number: count.iterations + 1,
            value,
            gradient_norm,
            lambda,
            curvature_examples,
            cg_iterations: solution.iterations,
            cg_stop: solution.stop,
            products,
            evaluations,
            slope,
            curvature,
            search,
            ratio,
            step,
            new_value: at.value,
            new_gradient_norm: at.norm,
            new_lambda: options.damping.lambda(),
        }))
    }
}

impl<T: Scalar> Here<T> {
    fn evaluate(&mut self, objective: &Objective<'_, T>) -> Result<()> {
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
    }

    fn state(&self) -> Vec<f64> {
        [self.products, self.evaluations, self.failures]
            .map(|count| count as f64)
            .to_vec()
    }

    fn restore(iterations: usize, state: &[f64]) -> Result<Self> {
        let what = "the counts of the saved state";
        expect_length(what, state.len(), 3, "products, evaluations and failures")?;
        if let Some(bad) = state.iter().find(|&&c| c < 0.0 || c.fract() != 0.0) {
            let message = "a count is a whole number; the file is damaged";
            return Err(OptimError::invalid(what, bad, message));
        }
        Ok(Count {
            iterations,
            products: state[0] as usize,
            evaluations: state[1] as usize,
            failures: state[2] as usize,
        })
    }
}
