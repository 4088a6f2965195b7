//! One iteration of the Newton trainer.

use super::direction::Solved;
use super::run::Run;
use super::search::{Searched, candidate};
use crate::error::Result;
use crate::solve::Solution;
use crate::train::{Iteration, Observer, Progress, Search};
use crate::vector;
use osculant_tape::Scalar;
use std::mem::swap;

impl<T: Scalar> Run<'_, T> {
    /// One iteration; `None` where the observer ended it, and then nothing has changed.
    pub fn step(&mut self, observer: &mut dyn Observer<T>) -> Result<Option<Iteration>> {
        let lambda = self.options.damping.lambda();
        let radius = self.options.globalization.radius();
        let Some(Solved { solution, examples }) = self.solve(lambda, observer)? else {
            return Ok(None);
        };
        let mut found = self.search(&solution, lambda)?;
        let (value, gradient_norm) = (self.at.value, self.at.norm);
        let (mut step, mut ratio) = (0.0, f64::NAN);
        if let Search::Accepted {
            step: alpha,
            value: new_value,
            ..
        } = found.search
        {
            step = alpha;
            ratio = found.along.ratio(alpha, new_value);
            found.evaluations += self.take(alpha, &solution, &found)?;
        }
        self.options.damping.update(&Progress {
            ratio,
            accepted: step > 0.0,
        });
        let (cg_iterations, cg_stop) = (solution.iterations, solution.stop);
        let products = solution.products;
        let descends = !matches!(found.search, Search::NotDescent { .. });
        let warm = self.options.warm_start.is_some() && descends;
        self.space.direction = warm.then_some(solution.d);
        Ok(Some(Iteration {
            number: self.count.iterations + 1,
            value,
            gradient_norm,
            lambda,
            radius,
            curvature_examples: examples,
            cg_iterations,
            cg_chosen: found.cg_chosen,
            cg_stop,
            products,
            evaluations: found.evaluations,
            slope: found.along.slope,
            curvature: found.along.curvature,
            search: found.search,
            ratio,
            step,
            new_value: self.at.value,
            new_gradient_norm: self.at.norm,
            new_lambda: self.options.damping.lambda(),
        }))
    }

    /// Takes a step, and says how many evaluations of f that took.
    fn take(&mut self, alpha: f64, solution: &Solution<T>, found: &Searched) -> Result<usize> {
        let (at, space) = (&mut self.at, &mut self.space);
        let d = candidate(space.kept.as_ref(), solution, found.chosen);
        vector::combine(&at.theta, T::from_f64(alpha), d, &mut space.trial)?;
        swap(&mut at.theta, &mut space.trial);
        match found.whole.filter(|_| alpha == 1.0) {
            Some(value) => {
                swap(&mut at.gradient, &mut space.gradient);
                (at.value, at.norm) = (value, vector::norm(&at.gradient));
                Ok(0)
            }
            None => {
                at.evaluate(self.objective)?;
                Ok(1)
            }
        }
    }
}
