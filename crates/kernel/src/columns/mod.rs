//! Several cotangents of one image: the adjoint of a convolution in the image for each of them, and
//! the squares of its adjoint in the weight, out(t, o) += Σ_c (Σ_p x(p, t) · g_c(p, o))².
//!
//! Where cotangents have passed a rectifier, all are 0 at the same outputs, often at half of them.
//! Both are then summed over the outputs that are left, which a [`Support`] lists: half of the
//! work, and exact. One cotangent alone would not pay for the lists; several share them.
//!
//! | | dense | over the support |
//! |---|---|---|
//! | adjoint in the image | `direct`, one by one | `image` |
//! | squares of the adjoint in the weight | `dense` | `sparse` |

mod dense;
mod image;
mod piece;
mod sparse;
mod support;

pub(super) use self::piece::{Piece, widest};

use self::support::Support;
use super::direct::{image_scratch, window};
use super::geometry::ConvGeometry;
use crate::Scalar;

/// Numbers of a run, a multiple of which every run must be: vectors of every machine are full.
const FULL: usize = 16;

/// Cotangents of one image: how many, the first, and the distance of two.
pub(super) type Columns<'a, T> = (usize, &'a [T], usize);

/// Whether runs of input channels fill vectors, and lists can hold the outputs.
fn has_runs(g: &ConvGeometry) -> bool {
    let numbers = g.output_len().max(g.image_len()).max(image_scratch(g));
    let counted = numbers <= u32::MAX as usize;
    g.groups == 1 && g.cin.is_multiple_of(FULL) && counted
}

/// Whether the adjoint in the image can be summed over the support.
fn has_sparse_adjoint(g: &ConvGeometry) -> bool {
    has_runs(g) && g.stride == [1, 1] && g.dilation == [1, 1]
}

/// Numbers of scratch for [`adjoint_image`].
pub(super) fn adjoint_scratch(g: &ConvGeometry) -> usize {
    if has_sparse_adjoint(g) {
        Support::room(g)
    } else {
        0
    }
}

/// The support of cotangents, if the adjoint in the image is faster over it.
fn support<'a, T: Scalar>(
    geometry: &ConvGeometry,
    cotangents: Columns<'_, T>,
    scratch: &'a mut [T],
) -> Option<Support<'a>> {
    let shared = cotangents.0 > 1 && has_sparse_adjoint(geometry);
    shared.then(|| Support::of(geometry, cotangents, scratch, |_, _| {}))?
}

/// Whether [`adjoint_image`] would do something for these cotangents.
pub(super) fn has_zeros<T: Scalar>(
    geometry: &ConvGeometry,
    cotangents: Columns<'_, T>,
    scratch: &mut [T],
) -> bool {
    support(geometry, cotangents, scratch).is_some()
}

/// Adds the adjoint in the image of all cotangents, over their support, to images that begin
/// `to.1` numbers from each other; with the weight flipped and transposed. `false`, and nothing is
/// done, where the dense adjoint is faster.
pub(super) fn adjoint_image<T: Scalar>(
    geometry: &ConvGeometry,
    (columns, g, apart): Columns<'_, T>,
    flipped: &[T],
    scratch: &mut [T],
    (gx, to_apart): (&mut [T], usize),
) -> bool {
    let Some(support) = support(geometry, (columns, g, apart), scratch) else {
        return false;
    };
    image::Image {
        geometry,
        support,
        columns,
        apart,
        to_apart,
        flipped,
        g,
        gx,
    }
    .dispatch();
    true
}

/// Numbers of scratch for [`add_weight_squares`].
pub(super) fn squares_scratch<T: Scalar>(g: &ConvGeometry, columns: usize) -> usize {
    let sparse = if has_runs(g) {
        sparse::scratch_len(g, columns)
    } else {
        0
    };
    image_scratch(g) + sparse.max(dense::scratch_len::<T>(g, columns))
}

/// Adds the squares of the adjoint in the weight. The image is padded once for all cotangents.
pub(super) fn add_weight_squares<T: Scalar>(
    geometry: &ConvGeometry,
    x: &[T],
    (columns, g, apart): Columns<'_, T>,
    scratch: &mut [T],
    out: &mut [T],
) {
    let (padded, scratch) = scratch.split_at_mut(image_scratch(geometry));
    let x = window(geometry).of(x, geometry.image, geometry.cin, padded);
    let cotangents = (columns, g, apart);
    let sparse = columns > 1 && has_runs(geometry);
    if !sparse || !sparse::add(geometry, x, cotangents, scratch, out) {
        dense::add(geometry, x, cotangents, scratch, out);
    }
}
