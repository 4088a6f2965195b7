//! Which sums of cotangents wait for the end of a round.

use super::{DeferredStep, Home, Operand, Role, Stratum, defers};
use crate::Scalar;
use std::ops::Range;

/// Shared operands of at least this many numbers have their cotangents summed per round.
pub(super) const DEFER: usize = 16 * 1024;

/// The steps whose cotangents of shared operands are left to such sums. Of those that may be, by
/// sum, those stay in `able` that are used in tiles, each time by a step with a rule for it.
pub(super) fn defer<T: Scalar>(tile: &Stratum<T>, able: &mut [bool]) -> Vec<DeferredStep> {
    let sum_of = |o: &Operand| match o.role {
        Role::Shared(sum) => Some(sum),
        Role::Inactive | Role::Read | Role::Inner => None,
    };
    for step in tile.steps.iter().filter(|s| s.active) {
        for (j, o) in step.operands.iter().enumerate() {
            let Some(sum) = sum_of(o) else { continue };
            let rule = step.rules.deferred().is_some_and(|d| {
                let of_examples = matches!(step.operands[d.a].home, Home::Input(_) | Home::Kept(_));
                d.b == j && of_examples && step.passes == 1
            });
            able[sum] &= rule;
        }
    }
    let (mut offset, mut hessian_offset) = (0, 0);
    let mut deferred = Vec::new();
    for (i, step) in tile.steps.iter().enumerate().filter(|(_, s)| s.active) {
        let Some(rule) = step.rules.deferred() else {
            continue;
        };
        let (a, b, row) = (rule.a, rule.b, rule.row);
        let Some(sum) = sum_of(&step.operands[b]).filter(|&s| able[s]) else {
            continue;
        };
        let next = DeferredStep {
            step: i,
            a,
            sum,
            first: deferred.iter().all(|d: &DeferredStep| d.sum != sum),
            row,
            a_len: step.operands[a].len,
            g_len: step.len,
            a_active: step.operands[a].role != Role::Inactive,
            offset,
            hessian_offset,
        };
        offset += next.row_len();
        hessian_offset += next.hessian_row_len();
        deferred.push(next);
    }
    // What only shared nodes use is summed by no step.
    for (sum, able) in able.iter_mut().enumerate() {
        *able = defers(&deferred, sum);
    }
    deferred
}

/// By sum: where in θ it stands, if no shared node adds to it or reads it. The places are in
/// ascending order, as parameters are.
pub(super) fn in_place<T: Scalar>(
    shared: &Stratum<T>,
    sums: usize,
    parameters: &[(usize, Range<usize>)],
) -> Vec<Option<Range<usize>>> {
    let sum_of = &shared.product.cotangent;
    let mut touched = vec![false; sums];
    for (_, step) in shared.reversed() {
        let operands = step.operands.iter().filter(|o| o.role == Role::Inner);
        for node in operands.map(|o| o.root).chain([step.node]) {
            touched[sum_of[node]] = true;
        }
    }
    let mut places = vec![None; sums];
    for (sum, range) in parameters.iter().filter(|(sum, _)| !touched[*sum]) {
        places[*sum] = Some(range.clone());
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::dense;
    use crate::{Graph, Init};

    #[test]
    fn a_large_weight_that_only_shared_nodes_use_is_summed_by_lanes() {
        let graph = Graph::<f64>::new(|tape| {
            let weight = tape.param("weight", [256, 64], Init::Constant(0.1));
            dense(tape.input([256]), weight.tanh()).sum()
        });
        let plan = graph.unwrap().plan;
        // The sums of the weight and of its tanh, which tiles consume.
        assert_eq!(plan.sums, [DEFER; 2]);
        let [(weight, _)] = plan.parameters[..] else {
            panic!("there is one parameter");
        };
        assert!(plan.local[weight] && !plan.local[1 - weight]);
        assert_eq!(plan.in_place, [None, None], "a shared node adds to it");
    }

    #[test]
    fn a_turned_weight_is_read_and_has_no_sum() {
        use crate::ops::{Conv2d, conv2d};
        use crate::plan::Role;
        let graph = Graph::<f64>::new(|tape| {
            let param = |name, shape: [usize; 4]| tape.param(name, shape, Init::Constant(0.1));
            let x = tape.input([8, 8, 16]);
            let x = conv2d(x, param("first", [3, 3, 16, 128]), Conv2d::default()).tanh();
            conv2d(x, param("second", [2, 2, 128, 128]), Conv2d::default()).sum()
        });
        let plan = graph.unwrap().plan;
        // Of the weights alone, each summed by lanes in its own place.
        assert_eq!(plan.sums, [9 * 16 * 128, 4 * 128 * 128]);
        assert!(plan.in_place.iter().all(Option::is_some) && plan.local == [true; 2]);
        let [turn] = &plan.shared.steps[..] else {
            panic!("the first convolution's images are inputs, the second's are not");
        };
        assert!(turn.active && !plan.shared.has_reverse());
        let read = |o: &&Operand| o.role == Role::Read;
        let steps = plan.tile.steps.iter();
        let read: Vec<usize> = steps
            .map(|s| s.operands.iter().filter(read).count())
            .collect();
        assert_eq!(read.iter().sum::<usize>(), 1);
        for stratum in [&plan.segments.inside, &plan.segments.between] {
            let mut operands = stratum.steps.iter().flat_map(|s| &s.operands);
            assert!(
                operands.all(|o| o.role != Role::Read),
                "G v has no use for its tangent"
            );
        }
    }
}
