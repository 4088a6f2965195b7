//! What can be left to deferred sums where examples' cotangents stay apart.

use super::{DeferredStep, Role, Stratum};
use crate::Scalar;

/// How the cotangents of single examples, and sums of their squares, are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Apart {
    /// No shared node touches a deferred operand: an example's cotangent of it can be written from
    /// what deferred sums read.
    pub deferred: bool,
    /// Squares can be summed operand by operand: each is used once, shared nodes only move numbers,
    /// and what is deferred is an outer product.
    pub squares: bool,
}

impl Apart {
    pub fn new<T: Scalar>(
        shared: &Stratum<T>,
        tile: &Stratum<T>,
        sums: usize,
        deferred: &[DeferredStep],
    ) -> Self {
        let sum_of = &shared.product.cotangent;
        let active = || shared.steps.iter().filter(|s| s.active);
        let mut uses = vec![0; sums];
        let mut touched = vec![false; sums];
        for step in active() {
            touched[sum_of[step.node]] = true;
            for o in step.operands.iter().filter(|o| o.role != Role::Inactive) {
                touched[sum_of[o.root]] = true;
                uses[sum_of[o.root]] += 1;
            }
        }
        for step in tile.steps.iter().filter(|s| s.active) {
            for o in &step.operands {
                if let Role::Shared(sum) = o.role {
                    uses[sum] += 1;
                }
            }
        }
        let is_outer = |d: &DeferredStep| {
            let rule = tile.steps[d.step].rules.deferred();
            rule.is_some_and(|rule| rule.sum.is_outer())
        };
        let bare = deferred.iter().all(|d| !touched[d.sum]);
        Apart {
            deferred: bare,
            squares: bare
                && uses.iter().all(|&n| n <= 1)
                && active().all(|s| s.rules.moves_numbers())
                && deferred.iter().all(is_outer),
        }
    }
}
