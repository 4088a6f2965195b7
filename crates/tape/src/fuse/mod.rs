//! Fusing neighbours: rewrites of a finished recording, before it is planned.
//!
//! A rewrite replaces a chain of nodes, each with a single consumer, by one node that computes the
//! same. Nobody records such nodes: a user writes convolution, bias, rectifier and pooling, and
//! [`Graph::unfused`](crate::Graph::unfused) is the graph without rewrites, to compare with, and
//! [`Graph::every_pixel`](crate::Graph::every_pixel) the one without that of `conv_pool.rs`.
//!
//! | file | rewrites |
//! |---|---|
//! | `biased.rs` | a dense layer or a convolution, and its bias |
//! | `conv_pool.rs` | convolution, bias, rectifier and max-pooling: derivatives at winners only |
//! | `turned.rs` | other products, for cotangents that go back through their images or rows |
//! | `shared.rs` | what `conv_pool.rs` reads of a weight, computed once for all examples |

mod biased;
mod chain;
mod conv_pool;
mod shared;
mod turned;

use crate::Scalar;
use crate::tape::{Kind, Node};
use chain::{Chains, Uses};

/// Where derivatives of a convolution before a max-pooling are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pixels {
    Winners,
    All,
}

/// Rewrites all chains that have a fused form. Returns the new nodes and where the output went.
pub(crate) fn fuse<T: Scalar>(
    nodes: &[Node<T>],
    output: usize,
    pixels: Pixels,
) -> (Vec<Node<T>>, usize) {
    let uses = Uses::of(nodes, output);
    let chains = Chains::of(nodes, &uses);
    let mut fused: Vec<Node<T>> = Vec::with_capacity(nodes.len());
    // Where each node went.
    let mut moved = vec![0; nodes.len()];
    for (id, node) in nodes.iter().enumerate() {
        let replaced = chains
            .ending_at(id)
            .filter(|_| pixels == Pixels::Winners)
            .and_then(|chain| conv_pool::replace(nodes, chain, &moved, &mut fused))
            .or_else(|| turned::replace(nodes, id, &uses, &moved, &mut fused))
            .or_else(|| biased::replace(nodes, id, &uses, &moved, &mut fused));
        if replaced.is_none() {
            let mut node = node.clone();
            for operand in &mut node.operands {
                *operand = moved[*operand];
            }
            fused.push(node);
        }
        moved[id] = fused.len() - 1;
    }
    (fused, moved[output])
}

/// Appends a node for `rules`, recorded where `like` was.
fn push<T: Scalar>(
    fused: &mut Vec<Node<T>>,
    like: &Node<T>,
    op: impl crate::op::Op<T>,
    rules: Box<dyn crate::op::Rules<T>>,
    operands: &[usize],
) -> usize {
    let shape = rules.shape().clone();
    fused.push(Node {
        kind: Kind::Op {
            op: std::sync::Arc::new(op),
            rules: rules.into(),
        },
        operands: operands.iter().copied().collect(),
        shape,
        layer: like.layer.clone(),
        place: like.place,
    });
    fused.len() - 1
}

#[cfg(test)]
mod tests {
    use crate::ops::conv2d;
    use crate::tape::Kind;
    use crate::{Graph, Init};

    #[test]
    fn every_pixel_leaves_out_the_rewrite_to_winners_alone() {
        let graph = Graph::<f64>::new(|tape| {
            let normal = Init::Normal { std: 0.1 };
            let weight = tape.param("weight", [3, 3, 1, 16], normal);
            let bias = tape.param("bias", [16], normal);
            let y = conv2d(tape.input([8, 8, 1]), weight, Default::default()) + bias;
            y.relu().max_pool2d(2)
        });
        let graph = graph.unwrap();
        let ops = |graph: &Graph<f64>| -> Vec<&'static str> {
            let names = graph.nodes.iter().filter_map(|node| match &node.kind {
                Kind::Op { op, .. } => Some(op.name()),
                _ => None,
            });
            names.collect()
        };
        let (fused, every, plain) = (
            ops(&graph),
            ops(&graph.every_pixel()),
            ops(&graph.unfused()),
        );
        assert!(fused.contains(&"conv2d with max_pool2d"), "{fused:?}");
        assert!(!every.contains(&"conv2d with max_pool2d"), "{every:?}");
        // A bias is still where its convolution's sum begins.
        assert!(plain.contains(&"add") && plain.contains(&"max_pool2d"));
        assert!(
            !every.contains(&"add") && every.contains(&"max_pool2d"),
            "{every:?}"
        );
    }
}
