//! The steps of a stratum: its ops in topological order, and where their operands stand.

use super::facts::Facts;
use super::{Home, Operand, Role, Slots, Step, Stratum};
use crate::Scalar;
use crate::params::Params;
use crate::tape::{Kind, Node};
use smallvec::SmallVec;

impl<T: Scalar> Stratum<T> {
    pub(super) fn new(
        nodes: &[Node<T>],
        params: &Params<T>,
        facts: &Facts,
        shared: bool,
        sum_of: &[usize],
        outer: &dyn Fn(usize) -> Option<usize>,
    ) -> Self {
        let member = |id: usize| facts.shared[id] == shared;
        let mut home: Vec<Option<Home>> = vec![None; nodes.len()];
        let (mut kept, mut kept_indices) = (Vec::new(), Vec::new());
        let mut keep = |len: usize| {
            kept.push(len);
            kept.len() - 1
        };
        let mut steps: Vec<Step<T>> = Vec::new();
        for (id, node) in nodes.iter().enumerate() {
            let Kind::Op { rules, .. } = &node.kind else {
                home[id] = Some(match &node.kind {
                    Kind::Input { offset } => Home::Input(*offset),
                    Kind::Param(p) => {
                        let slice = &params.slices[*p];
                        let range = slice.range.clone();
                        if slice.is_trained() {
                            Home::Theta(range)
                        } else {
                            Home::Fixed(range)
                        }
                    }
                    _ => Home::Constant(id),
                });
                continue;
            };
            if !member(id) {
                home[id] = outer(id).map(Home::Outer);
                continue;
            }
            if facts.root[id] != id || !facts.live[id] {
                continue;
            }
            let len = node.shape.size();
            // Shared values are few and computed once: all of them stay.
            let is_kept = shared || facts.read[id];
            let this = if is_kept {
                Home::Kept(keep(len))
            } else {
                Home::Slot(usize::MAX)
            };
            home[id] = Some(this.clone());
            let saved = rules.saved();
            let saved_reals = (saved.reals > 0).then(|| keep(saved.reals));
            let saved_indices = (saved.indices > 0).then(|| {
                kept_indices.push(saved.indices);
                kept_indices.len() - 1
            });
            let needs = rules.needs();
            let mut operands: SmallVec<[Operand; 4]> = SmallVec::new();
            for (j, &x) in node.operands.iter().enumerate() {
                let root = facts.root[x];
                let role = match facts.active[root] {
                    false => Role::Inactive,
                    true if !facts.reached[id] || !rules.has_cotangent(j) => Role::Read,
                    true if facts.shared[root] && !shared => Role::Shared(sum_of[root]),
                    true => Role::Inner,
                };
                operands.push(Operand {
                    root,
                    len: nodes[root].shape.size(),
                    home: home[root].clone().unwrap_or(Home::Constant(root)),
                    read: needs.input(j),
                    role,
                    first: false,
                    pass: operands.iter().filter(|o| o.root == root).count(),
                });
            }
            let passes = operands.iter().map(|o| o.pass + 1).max().unwrap_or(1);
            steps.push(Step {
                node: id,
                rules: rules.clone(),
                len,
                home: this,
                operands,
                active: facts.active[id],
                reached: facts.reached[id],
                valued: facts.valued[id],
                read: needs.output,
                saved,
                saved_reals,
                saved_indices,
                passes,
            });
        }
        let mut stratum = Stratum {
            steps,
            kept,
            kept_indices,
            forward: Vec::new(),
            product: Slots::default(),
            hessian: Slots::default(),
            gradient: Slots::default(),
        };
        if shared {
            stratum.place_shared(nodes.len(), sum_of);
        } else {
            stratum.mark_first(nodes.len());
            stratum.place_forward(nodes.len());
            stratum.product = stratum.place_product(nodes.len(), false);
            stratum.hessian = stratum.place_product(nodes.len(), true);
            stratum.gradient = stratum.place_gradient(nodes.len());
        }
        stratum
    }
}
