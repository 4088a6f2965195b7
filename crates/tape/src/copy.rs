//! A copy of a node's numbers, where a graph's output would otherwise have no place of its own.

use crate::error::{GraphError, Result};
use crate::kind::{Linear, LinearMap, LinearOp};
use crate::op::Op;
use crate::tape::{Kind, Node};
use crate::{Scalar, Shape, Slot, View};
use std::sync::Arc;

/// The output must be an op's own numbers; where it is an input, a parameter or a reshape, a copy
/// of it is.
pub(crate) fn push_copy<T: Scalar>(nodes: &mut Vec<Node<T>>, of: usize) -> Result<usize> {
    let Node {
        shape,
        layer,
        place,
        ..
    } = nodes[of].clone();
    let op = Linear(Copy);
    let rules = Op::<T>::resolve(&op, std::slice::from_ref(&shape));
    let rules = rules.map_err(|message| GraphError::Op {
        op: "copy",
        layer: layer.to_string(),
        place,
        shapes: vec![shape.clone()],
        message,
    })?;
    let kind = Kind::Op {
        op: Arc::new(op),
        rules: rules.into(),
    };
    nodes.push(Node {
        kind,
        operands: smallvec::smallvec![of],
        shape,
        layer,
        place,
    });
    Ok(nodes.len() - 1)
}

#[derive(Debug, Clone)]
struct Copy;

#[derive(Debug)]
struct CopyMap(Shape);

impl LinearOp for Copy {
    fn name(&self) -> &'static str {
        "output"
    }
    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        Ok(Box::new(CopyMap(x[0].clone())))
    }
}

impl<T: Scalar> LinearMap<T> for CopyMap {
    fn shape(&self) -> &Shape {
        &self.0
    }
    fn apply(&self, _: usize, k: usize, x: View<'_, T>, y: &mut [T]) {
        for (i, y) in y.chunks_exact_mut(x.len()).take(k).enumerate() {
            y.iter_mut().zip(x.example(i)).for_each(|(y, &x)| *y += x);
        }
    }
    fn adjoint(&self, _: usize, k: usize, g: &[T], gx: &mut Slot<'_, T>) {
        for (i, g) in g.chunks_exact(gx.len()).take(k).enumerate() {
            gx.example(i).iter_mut().zip(g).for_each(|(x, &g)| *x += g);
        }
    }
}
