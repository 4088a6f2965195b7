//! The stored route: segments, and the way between them.
//!
//! Every step that consumes parameters lies in one segment, and what a segment's parameters do to
//! the output goes through its exit. With S = ∂z/∂(exit), kept for every example,
//!
//! ```text
//! J v = Σ over segments  S · (jvp inside, the entry's tangent None)
//! Jᵀu = Σ over segments  vjp inside of Sᵀu, no cotangent of the entry wanted
//! ```
//!
//! The segment that ends at the output has S = I, which is not kept. Steps in no segment only
//! carry S back, once per θ.
//!
//! Both ways are the tile's own steps under a mask: an operand through which nothing is to pass is
//! marked as one that does not depend on θ. So the sweeps are the same code, and steps keep their
//! numbers.

use super::exits::Exits;
use super::{Operand, Role, Slots, Stratum};
use crate::Scalar;

/// A place where S is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exit {
    pub node: usize,
    /// Its numbers per example; S has m times as many.
    pub len: usize,
}

/// The plan of the stored route.
#[derive(Clone, Debug)]
pub(crate) struct Segments<T> {
    /// The steps of all segments. Tangents end at exits, and cotangents begin there.
    pub inside: Stratum<T>,
    /// The steps that lead from the output back to exits; of parameters they know nothing.
    pub between: Stratum<T>,
    /// Where S is kept, in the order of steps.
    pub exits: Vec<Exit>,
}

impl<T: Scalar> Segments<T> {
    /// Cuts a tile stratum of a graph of `n` nodes whose `output` has `m` numbers.
    pub fn new(tile: &Stratum<T>, n: usize, output: usize, m: usize) -> Self {
        let Exits { carries, ends } = Exits::new(&tile.steps, n, output, m);
        let (mut open, mut above) = (vec![false; n], vec![false; n]);
        let mut exits = Vec::new();
        for (i, step) in tile.steps.iter().enumerate() {
            let kept = ends[i] && step.node != output;
            if kept {
                let (node, len) = (step.node, step.len);
                exits.push(Exit { node, len });
            }
            open[step.node] = carries[i] && !ends[i];
            // An exit stands here, or above.
            above[step.node] = kept || step.operands.iter().any(|o| above[o.root]);
        }

        let mut inside = masked(tile, n, |o| {
            matches!(o.role, Role::Shared(_)) || open[o.root]
        });
        inside.product = inside.place_inside(n, &exits, (output, m));

        let mut between = masked(tile, n, |o| o.role == Role::Inner && above[o.root]);
        between.product = between.place_between(n, &exits, (output, m));
        Segments {
            inside,
            between,
            exits,
        }
    }
}

/// The steps of `tile`, with derivatives through these operands only.
fn masked<T: Scalar>(
    tile: &Stratum<T>,
    n: usize,
    through: impl Fn(&Operand) -> bool,
) -> Stratum<T> {
    let mut steps = tile.steps.clone();
    for step in &mut steps {
        for o in &mut step.operands {
            o.first = false;
            if o.role != Role::Inactive && !through(o) {
                o.role = Role::Inactive;
            }
        }
        step.active = step.operands.iter().any(|o| o.role != Role::Inactive);
    }
    let mut stratum = Stratum {
        steps,
        kept: Vec::new(),
        kept_indices: Vec::new(),
        forward: Vec::new(),
        product: Slots::default(),
        hessian: Slots::default(),
        gradient: Slots::default(),
    };
    stratum.mark_first(n);
    stratum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Conv2d, Padding, conv2d, dense};
    use crate::{Graph, Init, Tape, Var};

    fn conv<'t>(x: Var<'t, f32>, name: &str, out: usize) -> Var<'t, f32> {
        let options = Conv2d {
            padding: Padding::Same,
            ..Conv2d::default()
        };
        let channels = x.shape()[2];
        let w = x.tape().param(name, [3, 3, channels, out], Init::Zeros);
        let b = x.tape().param(&format!("{name}.bias"), [out], Init::Zeros);
        conv2d(x, w, options) + b
    }

    fn head<'t>(x: Var<'t, f32>, out: usize) -> Var<'t, f32> {
        let w = [x.shape().size(), out];
        dense(x.flatten(), x.tape().param("head", w, Init::Zeros))
    }

    /// The lengths of the exits at which S is kept.
    fn exits(net: impl for<'t> FnOnce(&'t Tape<f32>) -> Var<'t, f32>) -> Vec<usize> {
        let graph = Graph::new(net).unwrap();
        let exits = graph.plan.segments.exits.iter();
        exits.map(|e| e.len).collect()
    }

    #[test]
    fn a_segment_ends_after_its_pool_and_the_last_at_the_output() {
        let found = exits(|tape| {
            let x = tape.input([16, 16, 3]);
            let x = conv(x, "first", 16).relu().max_pool2d(2);
            let x = conv(x, "second", 16).relu().max_pool2d(2);
            head(conv(x, "third", 16).relu().max_pool2d(2), 10)
        });
        // The third's S would be no smaller than the head, which costs no memory traffic.
        assert_eq!(found, [8 * 8 * 16, 4 * 4 * 16]);
    }

    #[test]
    fn both_branches_of_a_residual_sum_share_an_exit() {
        let found = exits(|tape| {
            let x = conv(tape.input([8, 8, 3]), "stem", 16).relu();
            let y = conv(conv(x, "a", 16).relu(), "b", 16) + conv(x, "short", 16);
            let y = y.relu();
            head(conv(y, "last", 16).relu() + y, 10)
        });
        // Of the stem, of a, and of b together with its shortcut.
        assert_eq!(found, [8 * 8 * 16; 3]);
    }

    #[test]
    fn every_step_with_parameters_lies_in_a_segment() {
        let graph = Graph::<f32>::new(|tape| {
            let x = conv(tape.input([8, 8, 3]), "a", 4).tanh();
            head(conv(x, "b", 4) * x, 3)
        });
        let graph = graph.unwrap();
        let segments = &graph.plan.segments;
        for (inside, step) in segments.inside.steps.iter().zip(&graph.plan.tile.steps) {
            for (a, b) in inside.operands.iter().zip(&step.operands) {
                if let Role::Shared(_) = b.role {
                    assert_eq!(a.role, b.role);
                }
            }
        }
        for step in segments.between.steps.iter() {
            assert!(
                step.operands
                    .iter()
                    .all(|o| !matches!(o.role, Role::Shared(_)))
            );
        }
    }

    #[test]
    fn an_output_larger_than_the_layers_leaves_nothing_to_store() {
        let found = exits(|tape| {
            let w = tape.param("w", [8, 8], Init::Zeros);
            let x = dense(tape.input([8]), w).tanh();
            head(dense(x, tape.param("u", [8, 8], Init::Zeros)).tanh(), 100)
        });
        assert_eq!(found, [0; 0]);
    }
}
