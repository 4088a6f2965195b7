//! Convolution, bias, rectifier and max-pooling as one node.
//!
//! y = select(x ∗ w + b), where the selection (winners of windows, rectifier off) is fixed at the
//! point of linearization. So it is bilinear in x and w, linear in b, and every rule but `forward`
//! computes at winners only.

use super::chain::{Chain, op};
use super::push;
use super::shared::{Detached, Pack};
use crate::kernel::conv2d;
use crate::kernel::winners::{AtWinners, Channels, Images, Patches, Stage};
use crate::kind::{Bilinear, Linear, Selection};
use crate::op::{At, Needs, Op, Rules, Saved, SavedMut, SquareSum, Tile};
use crate::ops::{Conv2d, MaxPool2d};
use crate::tape::Node;
use crate::{Scalar, Shape, Slot, View};

/// Appends the fused form of a chain, if it has one.
pub(super) fn replace<T: Scalar>(
    nodes: &[Node<T>],
    chain: &Chain,
    moved: &[usize],
    fused: &mut Vec<Node<T>>,
) -> Option<usize> {
    let (conv, pool) = (&nodes[chain.conv], &nodes[chain.pool?]);
    let [x, w] = conv.operands[..] else {
        return None;
    };
    let options = &op::<T, Bilinear<Conv2d>>(conv)?.0;
    let geometry = options.geometry(&nodes[x].shape, &nodes[w].shape).ok()?;
    let windows = op::<T, Selection<MaxPool2d>>(pool)?
        .0
        .windows(&conv.shape)
        .ok()?;
    let stage = Stage::new(&geometry, &windows, chain.rectified)?;
    let (shape, operands) = (pool.shape.clone(), [moved[x], moved[w]]);
    if let Some(winners) = Channels::new::<T>(stage.clone(), chain.active) {
        return append(nodes, chain, moved, (shape, winners), operands, fused);
    }
    let winners = Patches::new::<T>(stage, chain.active)?;
    append(nodes, chain, moved, (shape, winners), operands, fused)
}

/// Appends the fused form that computes with these kernels.
fn append<T: Scalar, K: AtWinners>(
    nodes: &[Node<T>],
    chain: &Chain,
    moved: &[usize],
    (shape, winners): (Shape, K),
    [image, weight]: [usize; 2],
    fused: &mut Vec<Node<T>>,
) -> Option<usize> {
    let conv = &nodes[chain.conv];
    let weight_shape = fused[weight].shape.clone();
    let pack = Pack::new(winners.packing(), &weight_shape);
    let packing = Linear(pack.clone())
        .resolve(std::slice::from_ref(&weight_shape))
        .ok()?;
    let detached = push(
        fused,
        conv,
        Detached(weight_shape.clone()),
        Box::new(Detached(weight_shape)),
        &[weight],
    );
    let packed = push(fused, conv, Linear(pack), packing, &[weight]);
    let mut operands = vec![image, detached, packed];
    operands.extend(chain.bias.map(|bias| moved[bias]));
    let rules = ConvPool { winners, shape };
    let (recorded, rules) = (rules.clone(), Box::new(rules));
    Some(push(fused, &nodes[chain.end], recorded, rules, &operands))
}

/// Operands: the images, the weight as recorded (for `forward` only, without derivative), the
/// packed weight, and perhaps a bias.
#[derive(Clone, Debug)]
struct ConvPool<K> {
    winners: K,
    shape: Shape,
}

const IMAGE: usize = 0;
const WEIGHT: usize = 1;
const PACKED: usize = 2;
const BIAS: usize = 3;

impl<T: Scalar, K: AtWinners> Op<T> for ConvPool<K> {
    fn name(&self) -> &'static str {
        "conv2d with max_pool2d"
    }

    fn resolve(&self, _: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        Ok(Box::new(self.clone()))
    }
}

/// Images that are not the node's own, and cotangents to go with them.
type Others<'a, T> = (View<'a, T>, &'a [T]);

fn images<'a, T>(x: View<'a, T>) -> Images<'a, T> {
    Images {
        data: x.data(),
        stride: x.stride(),
    }
}

impl<K: AtWinners> ConvPool<K> {
    /// The laid-out images of a tile: kept, since every product reads them, often more than once.
    fn laid<'a, T: Scalar>(&self, at: &At<'a, T>) -> &'a [T] {
        at.saved.reals
    }

    /// Convolves each image of a tile and hands the outputs on.
    fn convolve<T: Scalar>(
        &self,
        k: usize,
        x: &[View<'_, T>],
        scratch: &mut [T],
        mut then: impl FnMut(usize, &[T]),
    ) {
        let conv = self.winners.stage().conv();
        let (outputs, scratch) = scratch.split_at_mut(conv.output_len());
        let (image, weight) = (x[IMAGE], x[WEIGHT].example(0));
        for i in 0..k {
            outputs.fill(T::zero());
            conv2d::forward(conv, image.example(i), weight, scratch, outputs);
            then(i, outputs);
        }
    }

    /// Adds the adjoints of g in the packed weight and in the bias.
    fn adjoint_weight<T: Scalar>(
        &self,
        at: &At<'_, T>,
        g: &[T],
        gw: &mut Slot<'_, T>,
        mut gb: Option<&mut Slot<'_, T>>,
    ) {
        let (laid, saved) = (self.laid(at), at.saved.indices);
        if gw.is_shared() {
            let gb = gb.map(|gb| gb.example(0));
            self.winners
                .adjoint_weight(saved, laid, g, gw.example(0), gb);
            return;
        }
        let (kept, m) = (self.winners.saved_len(), self.shape.size());
        let images = laid.chunks_exact(self.winners.laid_len());
        for (i, laid) in images.enumerate() {
            let (saved, g) = (&saved[i * kept..][..kept], &g[i * m..][..m]);
            let gb = gb.as_mut().map(|gb| gb.example(i));
            self.winners
                .adjoint_weight(saved, laid, g, gw.example(i), gb);
        }
    }

    /// Adds the adjoint in the packed weight of other images, and cotangents of theirs.
    fn adjoint_weight_of<T: Scalar>(
        &self,
        at: &At<'_, T>,
        (x, g): Others<'_, T>,
        scratch: &mut [T],
        gw: &mut Slot<'_, T>,
    ) {
        let (kept, m) = (self.winners.saved_len(), self.shape.size());
        let (k, saved) = (at.tile.len, at.saved.indices);
        if gw.is_shared() {
            let (images, gw) = ((k, images(x)), gw.example(0));
            self.winners
                .adjoint_weight_of(images, saved, g, scratch, gw);
            return;
        }
        for i in 0..k {
            let image = Images {
                data: x.example(i),
                stride: 0,
            };
            let (saved, g, gw) = (&saved[i * kept..][..kept], &g[i * m..], gw.example(i));
            self.winners
                .adjoint_weight_of((1, image), saved, g, scratch, gw);
        }
    }

    /// Adds the adjoints: in the images, of cotangents with packed weights; in the packed weight,
    /// of the images with cotangents, which are the bias's too, and of other images with theirs.
    fn reverse<T: Scalar>(
        &self,
        at: &At<'_, T>,
        image: [Option<(&[T], &[T])>; 2],
        weight: (Option<&[T]>, Option<Others<'_, T>>),
        scratch: &mut [T],
        gx: &mut [Option<Slot<'_, T>>],
    ) {
        let [gx, _, gw, gb @ ..] = gx else { return };
        let (kept, m) = (self.winners.saved_len(), self.shape.size());
        if let Some(gx) = gx {
            for i in 0..at.tile.len {
                let saved = &at.saved.indices[i * kept..][..kept];
                let terms = image.map(|term| term.map(|(g, w)| (&g[i * m..][..m], w)));
                self.winners
                    .adjoint_image(saved, terms, scratch, gx.example(i));
            }
        }
        let gb = gb.first_mut().and_then(Option::as_mut);
        if let Some(g) = weight.0 {
            match (&mut *gw, gb) {
                (Some(gw), gb) => self.adjoint_weight(at, g, gw, gb),
                (None, Some(gb)) => self.adjoint_bias(at, g, gb),
                (None, None) => {}
            }
        }
        if let (Some(gw), Some(term)) = (gw, weight.1) {
            self.adjoint_weight_of(at, term, scratch, gw);
        }
    }

    fn adjoint_bias<T: Scalar>(&self, at: &At<'_, T>, g: &[T], gb: &mut Slot<'_, T>) {
        let (kept, m) = (self.winners.saved_len(), self.shape.size());
        for i in 0..at.tile.len {
            let saved = &at.saved.indices[i * kept..][..kept];
            self.winners
                .adjoint_bias(saved, &g[i * m..][..m], gb.example(i));
        }
    }
}

impl<T: Scalar, K: AtWinners> Rules<T> for ConvPool<K> {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn needs(&self) -> Needs {
        Needs {
            inputs: 1 << PACKED,
            output: false,
        }
    }

    fn saved(&self) -> Saved {
        Saved {
            reals: self.winners.laid_len(),
            indices: self.winners.saved_len(),
        }
    }

    fn scratch(&self, k: usize) -> usize {
        let conv = self.winners.stage().conv();
        let forward = conv.output_len() + conv2d::scratch_len(conv);
        forward.max(self.winners.scratch_len::<T>(k))
    }

    fn work(&self) -> usize {
        self.winners.stage().conv().work()
    }

    fn derivative_work(&self, j: usize) -> usize {
        match j {
            BIAS => self.shape.size(),
            // At winners, a multiply-add takes about twice as long as in the dense kernels.
            _ => 2 * self.winners.stage().work(),
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
        let (kept, len) = (self.winners.saved_len(), self.winners.laid_len());
        let bias = x.get(BIAS).map(|b| b.example(0));
        let outputs = |i: usize, outputs: &[T]| {
            let laid = &mut saved.reals[i * len..][..len];
            self.winners.lay_out(x[IMAGE].example(i), laid);
            let saved = &mut saved.indices[i * kept..][..kept];
            let y = &mut y[i * self.shape.size()..][..self.shape.size()];
            self.winners.choose(outputs, bias, saved, y);
        };
        self.convolve(tile.len, x, scratch, outputs);
    }

    fn evaluate(&self, tile: Tile<'_>, x: &[View<'_, T>], scratch: &mut [T], y: &mut [T]) -> bool {
        let bias = x.get(BIAS).map(|b| b.example(0));
        self.convolve(tile.len, x, scratch, |i, outputs| {
            let y = &mut y[i * self.shape.size()..][..self.shape.size()];
            self.winners.stage().values(outputs, bias, y);
        });
        true
    }

    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], scratch: &mut [T], dy: &mut [T]) {
        let (dw, w) = (dx[PACKED], at.input(PACKED));
        let x_dw = dw.map(|dw| (self.laid(at), dw.example(0)));
        let dx_w = dx[IMAGE].map(|da| (images(da), w.example(0)));
        let db = dx.get(BIAS).copied().flatten().map(|db| db.example(0));
        let (k, saved) = (at.tile.len, at.saved.indices);
        self.winners.jvp(k, saved, x_dw, dx_w, db, scratch, dy);
    }

    fn vjp(&self, at: &At<'_, T>, g: &[T], scratch: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        let image = [Some((g, at.input(PACKED).example(0))), None];
        self.reverse(at, image, (Some(g), None), scratch, gx);
    }

    fn squares(&self, j: usize) -> Option<&dyn SquareSum<T>> {
        if j == PACKED || j == BIAS {
            Some(self)
        } else {
            None
        }
    }

    // With y = select(x ∗ w + b), the tangents of the cotangents at winners: of x's, those of dg
    // with w and of g with dw; of w's, those of x with dg and of dx with g; of b's, that of dg.
    fn vjp_jvp(
        &self,
        at: &At<'_, T>,
        dx: &[Option<View<'_, T>>],
        g: &[T],
        dg: Option<&[T]>,
        scratch: &mut [T],
        hx: &mut [Option<Slot<'_, T>>],
    ) {
        let image = [
            dg.map(|dg| (dg, at.input(PACKED).example(0))),
            dx[PACKED].map(|dw| (g, dw.example(0))),
        ];
        let weight = (dg, dx[IMAGE].map(|da| (da, g)));
        self.reverse(at, image, weight, scratch, hx);
    }
}

impl<T: Scalar, K: AtWinners> SquareSum<T> for ConvPool<K> {
    fn scratch(&self, _: usize, columns: usize) -> usize {
        self.winners.squares_scratch(columns)
    }

    fn add(
        &self,
        j: usize,
        at: &At<'_, T>,
        columns: usize,
        g: &[T],
        scratch: &mut [T],
        out: &mut [T],
    ) {
        let (kept, m) = (self.winners.saved_len(), self.shape.size());
        let apart = at.tile.len * m;
        for i in 0..at.tile.len {
            let (saved, g) = (&at.saved.indices[i * kept..][..kept], &g[i * m..]);
            if j == BIAS {
                self.winners
                    .add_bias_squares(saved, (columns, g, apart), out);
            } else {
                let len = self.winners.laid_len();
                let laid = &self.laid(at)[i * len..][..len];
                self.winners
                    .add_weight_squares(saved, laid, (columns, g, apart), scratch, out);
            }
        }
    }
}
