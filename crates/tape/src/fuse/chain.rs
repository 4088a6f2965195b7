//! Finding chains: a convolution and what follows it, as far as each has a single consumer.

use crate::Scalar;
use crate::kind::{Bilinear, Linear, Pointwise, Selection};
use crate::ops::{Add, Conv2d, MaxPool2d, Relu};
use crate::tape::{Kind, Node};
use std::any::Any;

/// A convolution, then perhaps a bias, then perhaps a rectifier, before or after a max-pooling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    /// The convolution's node.
    pub conv: usize,
    /// The bias, a node of one number per channel that all examples share.
    pub bias: Option<usize>,
    pub rectified: bool,
    /// Whether the images depend on parameters.
    pub active: bool,
    /// The max-pooling's node.
    pub pool: Option<usize>,
    /// The last node.
    pub end: usize,
}

/// All chains of a recording.
pub(super) struct Chains(Vec<Chain>);

/// Who reads each node of a recording, and what it depends on.
pub(super) struct Uses {
    consumers: Vec<usize>,
    /// The last one.
    consumer: Vec<usize>,
    output: usize,
    /// Whether it depends on no example.
    pub shared: Vec<bool>,
    /// Whether it depends on parameters.
    pub active: Vec<bool>,
}

impl Uses {
    pub fn of<T: Scalar>(nodes: &[Node<T>], output: usize) -> Uses {
        let n = nodes.len();
        let mut uses = Uses {
            consumers: vec![0; n],
            consumer: vec![usize::MAX; n],
            output,
            shared: vec![false; n],
            active: vec![false; n],
        };
        for (id, node) in nodes.iter().enumerate() {
            for &x in &node.operands {
                uses.consumers[x] += 1;
                uses.consumer[x] = id;
            }
            uses.shared[id] = match node.kind {
                Kind::Input { .. } => false,
                Kind::Param(_) | Kind::Constant(_) => true,
                Kind::Op { .. } => node.operands.iter().all(|&x| uses.shared[x]),
            };
            let is_param = matches!(node.kind, Kind::Param(_));
            uses.active[id] = is_param || node.operands.iter().any(|&x| uses.active[x]);
        }
        uses
    }

    /// The node that reads this one, if it is the only one.
    pub fn next(&self, id: usize) -> Option<usize> {
        (id != self.output && self.consumers[id] == 1).then(|| self.consumer[id])
    }
}

impl Chains {
    pub fn of<T: Scalar>(nodes: &[Node<T>], uses: &Uses) -> Chains {
        let (shared, active) = (&uses.shared, &uses.active);
        let mut chains = Vec::new();
        for (id, node) in nodes.iter().enumerate() {
            let begins = op::<T, Bilinear<Conv2d>>(node).is_some();
            if !begins || shared[id] || !shared[node.operands[1]] {
                continue;
            }
            let mut chain = Chain {
                conv: id,
                bias: None,
                rectified: false,
                active: active[node.operands[0]],
                pool: None,
                end: id,
            };
            while let Some(after) = uses.next(chain.end) {
                let node = &nodes[after];
                if op::<T, Linear<Add>>(node).is_some() {
                    let other = node.operands.iter().copied().find(|&x| x != chain.end);
                    let channels = nodes[chain.conv].shape.last();
                    let is_bias = |x: usize| shared[x] && nodes[x].shape[..] == [channels];
                    let plain = chain.bias.is_none() && !chain.rectified && chain.pool.is_none();
                    match other {
                        Some(x) if plain && is_bias(x) => chain.bias = Some(x),
                        _ => break,
                    }
                } else if op::<T, Pointwise<Relu, 1>>(node).is_some() {
                    chain.rectified = true;
                } else if op::<T, Selection<MaxPool2d>>(node).is_some() && chain.pool.is_none() {
                    chain.pool = Some(after);
                } else {
                    break;
                }
                chain.end = after;
            }
            chains.push(chain);
        }
        Chains(chains)
    }

    /// The chain whose last node this is.
    pub fn ending_at(&self, id: usize) -> Option<&Chain> {
        self.0.iter().find(|chain| chain.end == id)
    }
}

/// The op of a node, if it is an `O`.
pub(super) fn op<T: Scalar, O: 'static>(node: &Node<T>) -> Option<&O> {
    match &node.kind {
        Kind::Op { op, .. } => (&**op as &dyn Any).downcast_ref(),
        _ => None,
    }
}
