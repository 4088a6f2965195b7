//! One iteration of the Newton trainer.

use super::NewtonCg;
use super::run::{Run, Space};
use crate::error::{OptimError, Result};
use crate::operator::{GaussNewton, Shifted};
use crate::solve::{Jacobi, Solution};
use crate::train::{Direction, Iteration, Observer, Progress, Search, Subset};
use crate::{Objective, vector};
use osculant_tape::Scalar;

impl<T: Scalar> Run<'_, T> {
    /// One iteration; `None` where the observer ended it, and then nothing has changed.
    pub fn step(&mut self, observer: &mut dyn Observer<T>) -> Result<Option<Iteration>> {
        let Run {
            options,
            objective,
            at,
            space,
            count,
        } = self;
        let objective = *objective;
        let lambda = options.damping.lambda();
        let mut numbers = None;
        if options.sampling.leaves_weightless_out() {
            numbers = objective.weighted_examples();
        }
        let of = numbers.map_or(objective.len(), <[usize]>::len);
        let subset = options.sampling.subset(count.iterations, of)?;
        let subset = match (subset, numbers) {
            (Subset::These(places), Some(numbers)) => {
                let number = |&i: &usize| numbers.get(i).copied().unwrap_or(usize::MAX);
                space.examples.clear();
                space.examples.extend(places.iter().map(number));
                Subset::These(&space.examples)
            }
            (subset, _) => subset,
        };
        let curvature_examples = subset.size(objective.len());
        let mut model = objective.at(&at.theta)?;
        if objective.expected_products().is_none() {
            model = model.expect_products(options.cg.max_iterations);
        }
        let gauss_newton = match subset {
            Subset::All => model.gauss_newton()?,
            Subset::These(examples) => model.gauss_newton_on(examples)?,
        };
        for (d, &g) in space.descent.iter_mut().zip(&at.gradient) {
            *d = -g;
        }
        let Some(solution) = solve(options, &gauss_newton, lambda, space, observer)? else {
            return Ok(None);
        };
        let products = solution.products;
        drop(gauss_newton);

        let mut trials = Trials {
            objective,
            theta: &at.theta,
            trial: &mut space.trial,
            gradient: &mut space.gradient,
            whole: None,
            evaluations: 0,
        };
        let kept = space.kept.as_ref().map_or(&[][..], |kept| kept.iterates());
        let of = |j: usize| kept.get(j).map_or(&solution.d, |kept| &kept.d);
        let candidates = kept.len() + 1;
        // f(θ + d) of those that were asked for: the step along d begins with that value.
        let mut known = vec![None; candidates];
        let chosen = options.cg_iterate.choose(candidates, &mut |j| {
            expect_candidate(j, candidates)?;
            let value = trials.value(1.0, of(j))?;
            known[j] = Some(value);
            Ok(value)
        })?;
        expect_candidate(chosen, candidates)?;
        let d = of(chosen);
        let (cg_chosen, residual_dot) = match kept.get(chosen) {
            Some(kept) => (kept.number, kept.residual_dot),
            None => (solution.iterations, vector::dot(&solution.residual, d)?),
        };

        // dᵀ(G_S d) = dᵀ(−∇f − r − λd), since r = −∇f − (G_S + λI) d.
        let slope = vector::dot(&at.gradient, d)?;
        let square = vector::norm_squared(d);
        let curvature = -slope - residual_dot - lambda * square;
        let along = Direction {
            value: at.value,
            slope,
            curvature,
            length: square.sqrt(),
        };
        let radius = options.globalization.radius();
        let search = options
            .globalization
            .search(
                &along,
                &mut |alpha| match known[chosen].filter(|_| alpha == 1.0) {
                    Some(value) => Ok(value),
                    // Where one whole step was taken the next is likely to be, and the gradient
                    // costs less together with the value than after it.
                    None if alpha == 1.0 && count.whole => trials.value_and_gradient(d),
                    None => trials.value(alpha, d),
                },
            )?;
        let (mut evaluations, whole) = (trials.evaluations, trials.whole);
        let (value, gradient_norm) = (at.value, at.norm);
        let (mut step, mut ratio) = (0.0, f64::NAN);
        if let Search::Accepted {
            step: alpha,
            value: new_value,
            ..
        } = search
        {
            step = alpha;
            ratio = along.ratio(alpha, new_value);
            vector::combine(&at.theta, T::from_f64(alpha), d, &mut space.trial)?;
            std::mem::swap(&mut at.theta, &mut space.trial);
            match whole.filter(|_| alpha == 1.0) {
                Some(value) => {
                    std::mem::swap(&mut at.gradient, &mut space.gradient);
                    (at.value, at.norm) = (value, vector::norm(&at.gradient));
                }
                None => {
                    evaluations += 1;
                    at.evaluate(objective)?;
                }
            }
        }
        options.damping.update(&Progress {
            ratio,
            accepted: step > 0.0,
        });
        let descends = !matches!(search, Search::NotDescent { .. });
        let (cg_iterations, cg_stop) = (solution.iterations, solution.stop);
        space.direction = (options.warm_start.is_some() && descends).then_some(solution.d);
        Ok(Some(Iteration {
            number: count.iterations + 1,
            value,
            gradient_norm,
            lambda,
            radius,
            curvature_examples,
            cg_iterations,
            cg_chosen,
            cg_stop,
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

/// The direction; `None` where the observer ended the solve.
fn solve<T: Scalar>(
    options: &mut NewtonCg,
    gauss_newton: &GaussNewton<'_, T>,
    lambda: f64,
    space: &mut Space<T>,
    observer: &mut dyn Observer<T>,
) -> Result<Option<Solution<T>>> {
    let radius = options.globalization.radius();
    let inverse = match options.preconditioning.diagonal(gauss_newton, lambda)? {
        Some(diagonal) => {
            let diagonal: Vec<T> = diagonal.into_iter().map(T::from_f64).collect();
            Some(Jacobi::new(&diagonal)?)
        }
        None => None,
    };
    let bound = options.cg.max_iterations;
    let mut stopped = false;
    let mut watch = |i: &crate::solve::Iteration| {
        let control = observer.product(i.number, bound);
        stopped = control.is_break();
        control
    };
    let damped = Shifted::new(gauss_newton, lambda)?;
    let mut solve = options.cg.on(&damped).workspace(&mut space.cg);
    if let (Some(warm), Some(direction)) = (options.warm_start, &space.direction) {
        space.start.resize(direction.len(), T::zero());
        warm.from(direction, &mut space.start);
        // Beyond the radius there is no start; scaled down, it would have lost what it knew.
        let length = vector::norm(&space.start);
        if radius.is_none_or(|radius| length <= radius) {
            solve = solve.start(&space.start);
        }
    }
    if let Some(inverse) = &inverse {
        solve = solve.precondition(inverse);
    }
    if let Some(rule) = &mut options.stopping {
        solve = solve.stop_by(&mut **rule);
    }
    if let Some(radius) = radius {
        solve = solve.radius(radius);
    }
    if let Some(kept) = &mut space.kept {
        solve = solve.keep(kept);
    }
    let solution = solve.observe(&mut watch).solve(&space.descent)?;
    Ok((!stopped).then_some(solution))
}

/// Values of f near θ.
struct Trials<'a, T: Scalar> {
    objective: &'a Objective<'a, T>,
    theta: &'a [T],
    trial: &'a mut [T],
    gradient: &'a mut [T],
    /// f(θ + d), where `gradient` is the gradient there.
    whole: Option<f64>,
    evaluations: usize,
}

impl<T: Scalar> Trials<'_, T> {
    /// f(θ + d), with the gradient if both are finite.
    fn value_and_gradient(&mut self, d: &[T]) -> Result<f64> {
        vector::combine(self.theta, T::one(), d, self.trial)?;
        if vector::all_finite(self.trial) {
            let done = self
                .objective
                .value_and_gradient_into(self.trial, self.gradient);
            if let Ok(value) = done {
                self.whole = Some(value);
                self.evaluations += 1;
                return Ok(value);
            }
        }
        // Not finite, which a trial may be; any other error comes again.
        self.value(1.0, d)
    }

    /// f(θ + αd); infinite where θ + αd is not finite.
    fn value(&mut self, alpha: f64, d: &[T]) -> Result<f64> {
        vector::combine(self.theta, T::from_f64(alpha), d, self.trial)?;
        if !vector::all_finite(self.trial) {
            return Ok(f64::INFINITY);
        }
        self.evaluations += 1;
        self.objective.value(self.trial)
    }
}

fn expect_candidate(chosen: usize, candidates: usize) -> Result<()> {
    if chosen < candidates {
        return Ok(());
    }
    let message = format!("there are {candidates} candidates, numbered from 0");
    Err(OptimError::invalid(
        "the chosen iterate of CG",
        chosen,
        &message,
    ))
}
