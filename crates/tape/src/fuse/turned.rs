//! A product that reads its weight turned where a cotangent goes back through its images or rows: a
//! convolution's flipped, a dense layer's transposed.
//!
//! Tiles would each turn it anew, up to 6 % of a Hessian product. Instead a node that all examples
//! share turns it: once per θ, and its tangent once per v. Tiles read both and hand no cotangent
//! back to it, as the weight gets its own.

use super::chain::Uses;
use super::push;
use crate::op::{At, Deferred, Needs, Op, Rules, Saved, SavedMut, SquareSum, Tile, Turned};
use crate::tape::{Kind, Node};
use crate::{Scalar, Shape, Slot, View};
use std::sync::Arc;

/// Appends the form with a turned weight of node `id`, if that is a product with a shared weight
/// through whose other operand a cotangent goes, and there is such a form.
pub(super) fn replace<T: Scalar>(
    nodes: &[Node<T>],
    id: usize,
    uses: &Uses,
    moved: &[usize],
    fused: &mut Vec<Node<T>>,
) -> Option<usize> {
    let node = &nodes[id];
    let (Kind::Op { op, rules }, &[x, w]) = (&node.kind, &node.operands[..]) else {
        return None;
    };
    rules.turned()?;
    if !uses.active[x] || uses.shared[x] || !uses.shared[w] {
        return None;
    }
    let turn = Turn {
        shape: Shape::new(&[nodes[w].shape.size()]),
        product: rules.clone(),
    };
    let turned = push(fused, node, turn.clone(), Box::new(turn), &[moved[w]]);
    let product = Product {
        name: op.name(),
        product: rules.clone(),
    };
    let operands = [moved[x], moved[w], turned];
    Some(push(
        fused,
        node,
        product.clone(),
        Box::new(product),
        &operands,
    ))
}

/// How these rules, for which there is a form with a turned weight, read it.
fn turned<T: Scalar>(rules: &dyn Rules<T>) -> &dyn Turned<T> {
    match rules.turned() {
        Some(turned) => turned,
        None => unreachable!("the rewrite takes rules that read a turned weight"),
    }
}

/// A weight, turned. Whoever reads it hands no cotangent back, so that vjp has nothing to do.
#[derive(Clone, Debug)]
struct Turn<T> {
    shape: Shape,
    product: Arc<dyn Rules<T>>,
}

impl<T: Scalar> Op<T> for Turn<T> {
    fn name(&self) -> &'static str {
        "turned weight"
    }

    fn resolve(&self, _: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        Ok(Box::new(self.clone()))
    }
}

impl<T: Scalar> Rules<T> for Turn<T> {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn needs(&self) -> Needs {
        Needs::NOTHING
    }

    fn jvp_overwrites(&self) -> bool {
        true
    }

    fn forward(
        &self,
        _: Tile<'_>,
        x: &[View<'_, T>],
        _: SavedMut<'_, T>,
        _: &mut [T],
        y: &mut [T],
    ) {
        turned(&*self.product).turn(x[0].example(0), y);
    }

    fn jvp(&self, _: &At<'_, T>, dx: &[Option<View<'_, T>>], _: &mut [T], dy: &mut [T]) {
        match dx[0] {
            Some(dx) => turned(&*self.product).turn(dx.example(0), dy),
            None => dy.fill(T::zero()),
        }
    }

    fn vjp(&self, _: &At<'_, T>, _: &[T], _: &mut [T], _: &mut [Option<Slot<'_, T>>]) {}

    fn vjp_jvp(
        &self,
        _: &At<'_, T>,
        _: &[Option<View<'_, T>>],
        _: &[T],
        _: Option<&[T]>,
        _: &mut [T],
        _: &mut [Option<Slot<'_, T>>],
    ) {
    }
}

/// Operands: those of the product, and its weight turned.
#[derive(Clone, Debug)]
struct Product<T> {
    name: &'static str,
    /// The rules of the product as recorded.
    product: Arc<dyn Rules<T>>,
}

const WEIGHT: usize = 1;
const TURNED: usize = 2;

/// The point as the product sees it.
fn of_product<'a, T: Copy>(at: &At<'a, T>) -> At<'a, T> {
    At {
        x: &at.x[..TURNED],
        ..*at
    }
}

/// The weight's slot alone, for k examples: the other cotangent is taken with the turned weight.
fn of_weight<'a, T: Scalar>(
    k: usize,
    weight: &'a mut Option<Slot<'_, T>>,
) -> [Option<Slot<'a, T>>; 2] {
    [None, weight.as_mut().map(|slot| slot.part(0, k))]
}

impl<T: Scalar> Op<T> for Product<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn resolve(&self, _: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        Ok(Box::new(self.clone()))
    }
}

impl<T: Scalar> Rules<T> for Product<T> {
    fn shape(&self) -> &Shape {
        self.product.shape()
    }

    fn needs(&self) -> Needs {
        let Needs { inputs, output } = self.product.needs();
        Needs {
            inputs: inputs | 1 << TURNED,
            output,
        }
    }

    fn saved(&self) -> Saved {
        self.product.saved()
    }

    fn has_cotangent(&self, j: usize) -> bool {
        j != TURNED
    }

    fn scratch(&self, k: usize) -> usize {
        self.product.scratch(k)
    }

    fn columns_scratch(&self, k: usize, columns: usize) -> usize {
        let own = turned(&*self.product).columns_scratch(k, columns);
        own.max(self.product.columns_scratch(k, columns))
    }

    fn work(&self) -> usize {
        self.product.work()
    }

    fn derivative_work(&self, j: usize) -> usize {
        match j {
            TURNED => 0,
            _ => self.product.derivative_work(j),
        }
    }

    fn forward(
        &self,
        tile: Tile<'_>,
        x: &[View<'_, T>],
        saved: SavedMut<'_, T>,
        scratch: &mut [T],
        y: &mut [T],
    ) {
        self.product.forward(tile, &x[..TURNED], saved, scratch, y);
    }

    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], scratch: &mut [T], dy: &mut [T]) {
        self.product
            .jvp(&of_product(at), &dx[..TURNED], scratch, dy);
    }

    fn vjp(&self, at: &At<'_, T>, g: &[T], scratch: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        let k = at.tile.len;
        let [ga, gw, ..] = gx else { return };
        if let Some(ga) = ga {
            let weight = at.input(TURNED).example(0);
            turned(&*self.product).adjoint(k, g, weight, scratch, ga);
        }
        let mut gx = of_weight(k, gw);
        self.product.vjp(&of_product(at), g, scratch, &mut gx);
    }

    fn vjp_columns(
        &self,
        at: &At<'_, T>,
        columns: usize,
        g: &[T],
        scratch: &mut [T],
        gx: &mut [Option<Slot<'_, T>>],
    ) {
        let all = columns * at.tile.len;
        let [ga, gw, ..] = gx else { return };
        if let Some(ga) = ga {
            let (k, weight) = (at.tile.len, at.input(TURNED).example(0));
            turned(&*self.product).adjoint_columns(k, columns, g, weight, scratch, ga);
        }
        let mut gx = of_weight(all, gw);
        self.product
            .vjp_columns(&of_product(at), columns, g, scratch, &mut gx);
    }

    fn squares(&self, j: usize) -> Option<&dyn SquareSum<T>> {
        self.product.squares(j)
    }

    // As of any bilinear op, with the first operand's part taken from the turned weight and its
    // tangent.
    fn vjp_jvp(
        &self,
        at: &At<'_, T>,
        dx: &[Option<View<'_, T>>],
        g: &[T],
        dg: Option<&[T]>,
        scratch: &mut [T],
        hx: &mut [Option<Slot<'_, T>>],
    ) {
        let k = at.tile.len;
        let [ha, hw, ..] = hx else { return };
        if let Some(ha) = ha {
            let turned = turned(&*self.product);
            if let Some(dg) = dg {
                turned.adjoint(k, dg, at.input(TURNED).example(0), scratch, ha);
            }
            if let Some(dweight) = dx[TURNED] {
                turned.adjoint(k, g, dweight.example(0), scratch, ha);
            }
        }
        let mut hx = of_weight(k, hw);
        self.product
            .vjp_jvp(&of_product(at), &dx[..=WEIGHT], g, dg, scratch, &mut hx);
    }

    fn deferred(&self) -> Option<Deferred<'_, T>> {
        self.product.deferred()
    }
}
