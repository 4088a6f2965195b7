//! How far to go: one of CG's iterates is chosen, then a step along it.

use super::run::Run;
use crate::error::{OptimError, Result};
use crate::solve::{Kept, Solution};
use crate::train::{Direction, Search};
use crate::{Objective, vector};
use osculant_tape::Scalar;

/// What became of a solution.
pub(super) struct Searched {
    /// Which of the candidates was chosen.
    pub chosen: usize,
    /// After how many iterations of CG it was d.
    pub cg_chosen: usize,
    pub along: Direction,
    pub search: Search,
    /// f(θ + d), where the gradient there was computed as well.
    pub whole: Option<f64>,
    /// How often f was evaluated.
    pub evaluations: usize,
}

impl<T: Scalar> Run<'_, T> {
    /// Chooses a candidate and searches along it; θ stays where it is.
    pub fn search(&mut self, solution: &Solution<T>, lambda: f64) -> Result<Searched> {
        let Run {
            options,
            objective,
            at,
            space,
            count,
        } = self;
        let mut trials = Trials {
            objective,
            theta: &at.theta,
            trial: &mut space.trial,
            gradient: &mut space.gradient,
            whole: None,
            evaluations: 0,
        };
        let kept = space.kept.as_ref();
        let candidates = kept.map_or(0, |kept| kept.iterates().len()) + 1;
        // f(θ + d) of those that were asked for: the step along d begins with that value.
        let mut known = vec![None; candidates];
        let chosen = options.cg_iterate.choose(candidates, &mut |j| {
            expect_candidate(j, candidates)?;
            let value = trials.value(1.0, candidate(kept, solution, j))?;
            known[j] = Some(value);
            Ok(value)
        })?;
        expect_candidate(chosen, candidates)?;
        let d = candidate(kept, solution, chosen);
        let (cg_chosen, residual_dot) = match kept.and_then(|kept| kept.iterates().get(chosen)) {
            Some(kept) => (kept.number, kept.residual_dot),
            None => (solution.iterations, vector::dot(&solution.residual, d)?),
        };

        // dᵀ(G_S d) = dᵀ(−∇f − r − λd), since r = −∇f − (G_S + λI) d.
        let slope = vector::dot(&at.gradient, d)?;
        let square = vector::norm_squared(d);
        let along = Direction {
            value: at.value,
            slope,
            curvature: -slope - residual_dot - lambda * square,
            length: square.sqrt(),
        };
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
        Ok(Searched {
            chosen,
            cg_chosen,
            along,
            search,
            whole: trials.whole,
            evaluations: trials.evaluations,
        })
    }
}

/// Candidate number `j`: iterates of CG that were kept, then its solution.
pub(super) fn candidate<'a, T: Scalar>(
    kept: Option<&'a Kept<T>>,
    solution: &'a Solution<T>,
    j: usize,
) -> &'a [T] {
    let kept = kept.and_then(|kept| kept.iterates().get(j));
    kept.map_or(&solution.d, |kept| &kept.d)
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
    /// f(θ + d), with the gradient if both are finite; infinite where θ + d is not finite.
    fn value_and_gradient(&mut self, d: &[T]) -> Result<f64> {
        vector::combine(self.theta, T::one(), d, self.trial)?;
        if !vector::all_finite(self.trial) {
            return Ok(f64::INFINITY);
        }
        self.evaluations += 1;
        let (objective, trial, gradient) = (self.objective, &*self.trial, &mut *self.gradient);
        let stream = || objective.stream(trial, None, Some(gradient));
        let value = objective.on_pool(objective.len(), stream)?;
        if value.is_finite() && vector::all_finite(self.gradient) {
            self.whole = Some(value);
        }
        Ok(value)
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
