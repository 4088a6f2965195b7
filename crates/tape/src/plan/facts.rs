//! What is known of each node before anything is placed.

use crate::Scalar;
use crate::params::Params;
use crate::tape::{Kind, Node};

/// What is known of each node before anything is placed.
pub(super) struct Facts {
    /// The node whose numbers it shows: itself, unless it is a reshape.
    pub root: Vec<usize>,
    /// Whether the output depends on it; nothing else is ever computed.
    pub live: Vec<bool>,
    pub shared: Vec<bool>,
    pub active: Vec<bool>,
    /// Whether a derivative rule reads it.
    pub read: Vec<bool>,
    /// Whether the reverse sweep hands it a cotangent, if it depends on θ.
    pub reached: Vec<bool>,
    /// Whether the output's value depends on it; else derivative rules alone read it.
    pub valued: Vec<bool>,
}

impl Facts {
    pub fn new<T: Scalar>(nodes: &[Node<T>], output: usize, params: &Params<T>) -> Self {
        let n = nodes.len();
        let mut f = Facts {
            root: (0..n).collect(),
            live: live(nodes, output),
            shared: vec![false; n],
            active: vec![false; n],
            read: vec![false; n],
            reached: vec![false; n],
            valued: vec![false; n],
        };
        for (id, node) in nodes.iter().enumerate() {
            match &node.kind {
                Kind::Input { .. } => {}
                Kind::Param(p) => {
                    f.shared[id] = true;
                    f.active[id] = params.slices[*p].is_trained();
                }
                Kind::Constant(_) => f.shared[id] = true,
                Kind::Op { rules, .. } => {
                    // The output belongs to the examples even if it ignores their inputs.
                    f.shared[id] = id != output && node.operands.iter().all(|&x| f.shared[x]);
                    f.active[id] =
                        !rules.is_constant() && node.operands.iter().any(|&x| f.active[x]);
                    if rules.is_alias() && id != output {
                        f.root[id] = f.root[node.operands[0]];
                    }
                    if f.live[id] && f.active[id] && f.root[id] == id {
                        let needs = rules.needs();
                        f.read[id] |= needs.output;
                        for (j, &x) in node.operands.iter().enumerate() {
                            f.read[f.root[x]] |= needs.input(j);
                        }
                    }
                }
            }
        }
        f.read[f.root[output]] = true;
        f.reached[f.root[output]] = true;
        f.valued[f.root[output]] = true;
        for (id, node) in nodes.iter().enumerate().rev() {
            let Kind::Op { rules, .. } = &node.kind else {
                continue;
            };
            for (j, &x) in node.operands.iter().enumerate() {
                let (x, passes) = (f.root[x], rules.has_cotangent(j));
                f.reached[x] |= passes && f.reached[id] && f.active[id];
                f.valued[x] |= passes && f.valued[id];
            }
        }
        f
    }
}

fn live<T>(nodes: &[Node<T>], output: usize) -> Vec<bool> {
    let mut live = vec![false; nodes.len()];
    live[output] = true;
    for id in (0..=output).rev() {
        if live[id] {
            nodes[id].operands.iter().for_each(|&x| live[x] = true);
        }
    }
    live
}
