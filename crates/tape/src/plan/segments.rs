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
