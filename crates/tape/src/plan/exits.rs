//! Where segments end: the exits at which the stored route keeps S = ∂z/∂(exit).
//!
//! A segment begins at a step that consumes parameters and grows forward through steps that are
//! their operand's only consumer. Wherever it ends, m numbers per number of the exit are kept.
//! Going on through a step costs both halves of that step in every product instead. So a segment
//! grows through a bias and an activation up to a pool, whose output is small, and ends before a
//! product, unless the product is cheaper than S (as the last layer is: S there is not smaller than
//! the weight). Where two segments meet, as at a residual sum, they can become one.
//!
//! Steps with a single consumer form trees, each ending at a fork or at the output. The cheapest
//! set of exits of a tree follows from its leaves down, with two costs per step: as the step of a
//! segment that goes on, and with whatever the step carries ended here.

use super::cost::{KEPT, operand_cost};
use super::{Role, Step};
use crate::Scalar;

/// What becomes of each step in the stored route.
pub(super) struct Exits {
    /// By step: it lies in a segment, so that a tangent passes it inside.
    pub carries: Vec<bool>,
    /// By step: its segment ends here, and S is kept (unless it is the output).
    pub ends: Vec<bool>,
}

/// The cheapest way to go on, and to end, at a step.
#[derive(Clone, Default)]
struct Costs {
    /// A tangent leaves the step inside a segment; infinite where no segment begins above.
    open: f64,
    /// No tangent leaves it: its segment ends here, or there is none.
    closed: f64,
    /// Closing means ending a segment here.
    ends: bool,
    /// Operands through which the segment of an open step grows, by position.
    through: Vec<usize>,
}

impl Exits {
    /// Chooses the exits of a tile stratum whose `output` has `m` numbers.
    pub fn new<T: Scalar>(steps: &[Step<T>], n: usize, output: usize, m: usize) -> Self {
        let mut producer = vec![None; n];
        let mut consumers = vec![0; n];
        for (i, step) in steps.iter().enumerate().filter(|(_, s)| s.active) {
            producer[step.node] = Some(i);
            for o in &step.operands {
                consumers[o.root] += usize::from(o.role == Role::Inner && o.pass == 0);
            }
        }
        // The operands that a segment could grow through: each is consumed here alone.
        let grows = |step: &Step<T>, j: usize| {
            let o = &step.operands[j];
            let alone = o.role == Role::Inner && consumers[o.root] == 1;
            alone.then(|| producer[o.root]).flatten()
        };

        let mut costs: Vec<Costs> = vec![Costs::default(); steps.len()];
        for (i, step) in steps.iter().enumerate().filter(|(_, s)| s.active) {
            let consumes = step
                .operands
                .iter()
                .any(|o| matches!(o.role, Role::Shared(_)));
            let once = |j: usize| operand_cost(step, j);
            let (mut open, mut closed) = (0.0, 0.0);
            let mut through = Vec::new();
            // The operand to grow through if none is worth it: at what price.
            let mut least = (f64::INFINITY, 0);
            for (j, o) in step.operands.iter().enumerate() {
                if let Role::Shared(_) = o.role {
                    open += once(j);
                }
                let (Some(p), 0) = (grows(step, j), o.pass) else {
                    continue;
                };
                let times = step.operands.iter().filter(|x| x.root == o.root).count();
                let grown = costs[p].open + once(j) * times as f64;
                closed += costs[p].closed;
                let price = grown - costs[p].closed;
                if price < 0.0 {
                    open += grown;
                    through.push(j);
                } else {
                    open += costs[p].closed;
                    if price < least.0 {
                        least = (price, j);
                    }
                }
            }
            if !consumes && through.is_empty() {
                open += least.0;
                through.extend(least.0.is_finite().then_some(least.1));
            }
            let kept = if step.node == output {
                0.0
            } else {
                m as f64 * step.len as f64
            };
            let end = open + KEPT * kept;
            let ends = consumes || end < closed;
            costs[i] = Costs {
                open,
                closed: if ends { end } else { closed },
                ends,
                through,
            };
        }

        let mut exits = Exits {
            carries: vec![false; steps.len()],
            ends: vec![false; steps.len()],
        };
        // A step is met after all of its consumers; those that grow through it have said so.
        for (i, step) in steps.iter().enumerate().rev().filter(|(_, s)| s.active) {
            if !exits.carries[i] {
                exits.carries[i] = costs[i].ends;
                exits.ends[i] = costs[i].ends;
            }
            if exits.carries[i] {
                for &j in &costs[i].through {
                    if let Some(p) = grows(step, j) {
                        exits.carries[p] = true;
                    }
                }
            }
        }
        exits
    }
}
