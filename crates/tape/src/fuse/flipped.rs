//! A convolution that reads its weight flipped where a cotangent goes back through its images.
//!
//! To flip the weight for every tile was a thirtieth of a Hessian product where tiles are single
//! images. Now a node that all examples share flips it: once per θ, and its tangent once per v.
//! Tiles read both and hand no cotangent back to it, as the weight gets its own.

use super::chain::{Uses, op};
use super::push;
use super::shared::Pack;
use crate::kernel::conv2d::{self, ImageAdjoint};
use crate::kernel::geometry::ConvGeometry;
use crate::kernel::winners::Packing;
use crate::kind::{Bilinear, Linear};
use crate::op::{At, Deferred, Needs, Op, Rules, SavedMut, SquareSum, Tile};
use crate::ops::Conv2d;
use crate::tape::{Kind, Node};
use crate::{Scalar, Shape, Slot, View};
use std::sync::Arc;

/// Appends the form with a flipped weight of node `id`, if that is a convolution through whose images
/// a cotangent goes, and its kernel flips.
pub(super) fn replace<T: Scalar>(
    nodes: &[Node<T>],
    id: usize,
    uses: &Uses,
    moved: &[usize],
    fused: &mut Vec<Node<T>>,
) -> Option<usize> {
    let node = &nodes[id];
    let options = &op::<T, Bilinear<Conv2d>>(node)?.0;
    let (Kind::Op { op, rules }, &[x, w]) = (&node.kind, &node.operands[..]) else {
        return None;
    };
    if !uses.active[x] || uses.shared[x] || !uses.shared[w] {
        return None;
    }
    let weight = &nodes[w].shape;
    let geometry = options.geometry(&nodes[x].shape, weight).ok()?;
    if !conv2d::flips(&geometry) {
        return None;
    }
    let flip = Pack::new(&Flip(geometry.clone()), weight);
    let flipping = Linear(flip.clone())
        .resolve(std::slice::from_ref(weight))
        .ok()?;
    let flipped = push(fused, node, Linear(flip), flipping, &[moved[w]]);
    let conv = Flipped {
        name: op.name(),
        conv: rules.clone(),
        geometry,
    };
    let operands = [moved[x], moved[w], flipped];
    Some(push(fused, node, conv.clone(), Box::new(conv), &operands))
}

/// How the weight is flipped.
#[derive(Clone, Debug)]
struct Flip(ConvGeometry);

impl Packing for Flip {
    fn packed_len(&self) -> usize {
        self.0.weight_len()
    }

    fn pack<T: Scalar>(&self, weight: &[T], packed: &mut [T]) {
        conv2d::flip(&self.0, weight, packed);
    }

    fn unpack<T: Scalar>(&self, packed: &[T], weight: &mut [T]) {
        conv2d::add_unflipped(&self.0, packed, weight);
    }
}

/// Operands: those of the convolution, and its weight flipped.
#[derive(Clone, Debug)]
struct Flipped<T> {
    name: &'static str,
    /// The rules of the convolution as recorded.
    conv: Arc<dyn Rules<T>>,
    geometry: ConvGeometry,
}

const WEIGHT: usize = 1;
const FLIPPED: usize = 2;

impl<T: Scalar> Flipped<T> {
    /// ga += the adjoint in the images, of k cotangents.
    fn adjoint_image(
        &self,
        k: usize,
        g: &[T],
        flipped: View<'_, T>,
        scratch: &mut [T],
        ga: &mut Slot<'_, T>,
    ) {
        let mut adjoint = ImageAdjoint::flipped(&self.geometry, flipped.example(0), scratch);
        let examples = g.chunks_exact(self.geometry.output_len()).take(k);
        for (i, g) in examples.enumerate() {
            adjoint.add(g, ga.example(i));
        }
    }
}

/// The point as the convolution sees it.
fn of_conv<'a, T: Copy>(at: &At<'a, T>) -> At<'a, T> {
    At {
        x: &at.x[..FLIPPED],
        ..*at
    }
}

/// The weight's slot alone, for k examples: the images' cotangent is taken with the flipped weight.
fn of_weight<'a, T: Scalar>(
    k: usize,
    weight: &'a mut Option<Slot<'_, T>>,
) -> [Option<Slot<'a, T>>; 2] {
    [None, weight.as_mut().map(|slot| slot.part(0, k))]
}

impl<T: Scalar> Op<T> for Flipped<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn resolve(&self, _: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        Ok(Box::new(self.clone()))
    }
}

impl<T: Scalar> Rules<T> for Flipped<T> {
    fn shape(&self) -> &Shape {
        self.conv.shape()
    }

    fn needs(&self) -> Needs {
        let Needs { inputs, output } = self.conv.needs();
        Needs {
            inputs: inputs | 1 << FLIPPED,
            output,
        }
    }

    fn has_cotangent(&self, j: usize) -> bool {
        j != FLIPPED
    }

    fn scratch(&self, k: usize) -> usize {
        self.conv.scratch(k)
    }

    fn columns_scratch(&self, k: usize, columns: usize) -> usize {
        self.conv.columns_scratch(k, columns)
    }

    fn work(&self) -> usize {
        self.conv.work()
    }

    fn derivative_work(&self, j: usize) -> usize {
        match j {
            FLIPPED => 0,
            _ => self.conv.derivative_work(j),
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
        self.conv.forward(tile, &x[..FLIPPED], saved, scratch, y);
    }

    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], scratch: &mut [T], dy: &mut [T]) {
        self.conv.jvp(&of_conv(at), &dx[..FLIPPED], scratch, dy);
    }

    fn vjp(&self, at: &At<'_, T>, g: &[T], scratch: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        let k = at.tile.len;
        let [ga, gw, ..] = gx else { return };
        if let Some(ga) = ga {
            self.adjoint_image(k, g, at.input(FLIPPED), scratch, ga);
        }
        let mut gx = of_weight(k, gw);
        self.conv.vjp(&of_conv(at), g, scratch, &mut gx);
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
            let (scratch, room) = scratch.split_at_mut(conv2d::scratch_len(&self.geometry));
            let flipped = at.input(FLIPPED).example(0);
            let mut adjoint = ImageAdjoint::flipped(&self.geometry, flipped, scratch);
            adjoint.add_tile((at.tile.len, columns), g, room, ga.all(all));
        }
        let mut gx = of_weight(all, gw);
        self.conv
            .vjp_columns(&of_conv(at), columns, g, scratch, &mut gx);
    }

    fn squares(&self, j: usize) -> Option<&dyn SquareSum<T>> {
        self.conv.squares(j)
    }

    // As of any bilinear op, with the images' part taken from the flipped weight and its tangent.
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
            if let Some(dg) = dg {
                self.adjoint_image(k, dg, at.input(FLIPPED), scratch, ha);
            }
            if let Some(dflipped) = dx[FLIPPED] {
                self.adjoint_image(k, g, dflipped, scratch, ha);
            }
        }
        let mut hx = of_weight(k, hw);
        self.conv
            .vjp_jvp(&of_conv(at), &dx[..=WEIGHT], g, dg, scratch, &mut hx);
    }

    fn deferred(&self) -> Option<Deferred<'_, T>> {
        self.conv.deferred()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacking_is_the_inverse_and_the_adjoint_of_flipping() {
        // Plain, grouped, depthwise.
        for ([cin, cout], groups) in [([5, 7], 1), ([6, 4], 2), ([6, 6], 6)] {
            let weight = [3, 2, cin / groups, cout];
            let geometry =
                ConvGeometry::new([5, 6, cin], weight, [1; 2], [1; 2], [0; 4], groups).unwrap();
            let flip = Flip(geometry);
            let w: Vec<f64> = (0..flip.packed_len()).map(|i| i as f64).collect();
            let (mut flipped, mut back) = (vec![f64::NAN; w.len()], vec![1.0; w.len()]);
            flip.pack(&w, &mut flipped);
            flip.unpack(&flipped, &mut back);
            assert_ne!(flipped, w);
            assert!(
                back.iter().zip(&w).all(|(back, w)| *back == 1.0 + w),
                "{groups} groups"
            );
        }
    }
}
