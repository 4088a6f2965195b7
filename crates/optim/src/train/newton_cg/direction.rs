//! Where to go: (G + λI) d = −∇f by conjugate gradients, with G over this iteration's examples.

use super::NewtonCg;
use super::run::{Run, Space};
use crate::Objective;
use crate::error::Result;
use crate::operator::{GaussNewton, Shifted};
use crate::solve::{Jacobi, Solution};
use crate::train::{Observer, Sampling, Subset};
use crate::vector;
use osculant_tape::Scalar;

/// What CG found, and over how many examples.
pub(super) struct Solved<T> {
    pub solution: Solution<T>,
    pub examples: usize,
}

impl<T: Scalar> Run<'_, T> {
    /// The direction; `None` where the observer ended the solve.
    pub fn solve(
        &mut self,
        lambda: f64,
        observer: &mut dyn Observer<T>,
    ) -> Result<Option<Solved<T>>> {
        let Run {
            options,
            objective,
            at,
            space,
            count,
        } = self;
        let sampling = &mut *options.sampling;
        let subset = subset(sampling, objective, count.iterations, &mut space.examples)?;
        let examples = subset.size(objective.len());
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
        let solution = cg(options, &gauss_newton, lambda, space, observer)?;
        Ok(solution.map(|solution| Solved { solution, examples }))
    }
}

/// The curvature's examples: as the rule says, by their numbers in the data.
fn subset<'a, T: Scalar>(
    sampling: &'a mut dyn Sampling,
    objective: &Objective<'_, T>,
    iteration: usize,
    examples: &'a mut Vec<usize>,
) -> Result<Subset<'a>> {
    let mut numbers = None;
    if sampling.leaves_weightless_out() {
        numbers = objective.weighted_examples();
    }
    let of = numbers.map_or(objective.len(), <[usize]>::len);
    Ok(match (sampling.subset(iteration, of)?, numbers) {
        (Subset::These(places), Some(numbers)) => {
            let number = |&i: &usize| numbers.get(i).copied().unwrap_or(usize::MAX);
            examples.clear();
            examples.extend(places.iter().map(number));
            Subset::These(examples)
        }
        (subset, _) => subset,
    })
}

/// The direction; `None` where the observer ended the solve.
fn cg<T: Scalar>(
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
    let mut watch = |i: &crate::solve::CgIteration| {
        let control = observer.cg_iteration(i.number, bound);
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
