//! How cotangents are taken where examples stay apart.

use super::defer::{DEFER, defer};
use super::{DeferredStep, Role, Step, Stratum};
use crate::Scalar;

/// How the cotangents of single examples, and sums of their squares, are taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Apart {
    /// The steps whose shared operand gets an example's cotangent from what deferred sums read,
    /// written once and in its place: no shared node touches it, and it is large or an outer
    /// product.
    pub steps: Vec<DeferredStep>,
    /// Numbers per example that those keep.
    pub row: usize,
    /// Squares can be summed operand by operand: each is used once, shared nodes only move numbers,
    /// and what is deferred is an outer product.
    pub squares: bool,
}

impl Apart {
    pub fn new<T: Scalar>(
        shared: &Stratum<T>,
        tile: &Stratum<T>,
        sums: &[usize],
        deferred: &[DeferredStep],
    ) -> Self {
        let sum_of = &shared.product.cotangent;
        let mut uses = vec![0; sums.len()];
        let mut touched = vec![false; sums.len()];
        for (_, step) in shared.reversed() {
            touched[sum_of[step.node]] = true;
            for o in step.operands.iter().filter(|o| o.role == Role::Inner) {
                touched[sum_of[o.root]] = true;
                uses[sum_of[o.root]] += 1;
            }
        }
        let outer = |step: &Step<T>| step.rules.deferred().is_some_and(|d| d.sum.is_outer());
        let mut able: Vec<bool> = touched.iter().map(|touched| !touched).collect();
        for step in tile.steps.iter().filter(|s| s.active) {
            for o in &step.operands {
                if let Role::Shared(sum) = o.role {
                    uses[sum] += 1;
                    able[sum] &= sums[sum] >= DEFER || outer(step);
                }
            }
        }
        let steps = defer(tile, &mut able);
        Apart {
            row: steps.iter().map(DeferredStep::row_len).sum(),
            steps,
            squares: deferred.iter().all(|d| !touched[d.sum])
                && uses.iter().all(|&n| n <= 1)
                && shared.reversed().all(|(_, s)| s.rules.moves_numbers())
                && deferred.iter().all(|d| outer(&tile.steps[d.step])),
        }
    }
}
