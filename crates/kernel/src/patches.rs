//! The adjoint in the image by a matrix of patches, for geometries without a better route.
//!
//! Row (y, x) of the matrix is the cotangent of what the kernel sees from output pixel (y, x),
//! ordered `[ky, kx, c]` as the weight is: the output's cotangent times the transposed weight. It
//! is built for a block of output rows at a time, so that it stays in the core's cache, and then
//! added to where the patches came from. The blocks depend on the geometry alone.

use super::conv2d::Group;
use super::gemm::{MatMut, gemm};
use super::geometry::ConvGeometry;
use crate::Scalar;

/// A block of patches takes about this many numbers.
const BLOCK: usize = 1 << 16;

/// Output rows in a block.
fn block_rows(g: &ConvGeometry) -> usize {
    let row = g.output[1] * g.kernel[0] * g.kernel[1] * (g.cin / g.groups);
    (BLOCK / row).clamp(1, g.output[0])
}

/// Numbers in the patches of a block.
pub(super) fn scratch_len(g: &ConvGeometry) -> usize {
    block_rows(g) * g.output[1] * g.kernel[0] * g.kernel[1] * (g.cin / g.groups)
}

/// gx += the adjoint in the image.
pub(super) fn adjoint_image<T: Scalar>(
    geometry: &ConvGeometry,
    g: &[T],
    w: &[T],
    scratch: &mut [T],
    gx: &mut [T],
) {
    for group in Group::all(geometry) {
        for (first, rows) in blocks(geometry) {
            let pixels = rows * geometry.output[1];
            let patches = &mut scratch[..pixels * group.patch()];
            patches.fill(T::zero());
            gemm(
                group.output_rows(g, first, rows),
                group.weight(w).transposed(),
                MatMut::new(patches, pixels, group.patch()),
            );
            scatter(geometry, &group, patches, first, rows, gx);
        }
    }
}

/// The blocks of output rows: first row and number of rows.
fn blocks(g: &ConvGeometry) -> impl Iterator<Item = (usize, usize)> {
    let (rows, step) = (g.output[0], block_rows(g));
    (0..rows)
        .step_by(step)
        .map(move |first| (first, step.min(rows - first)))
}

/// Adds the patches of a block back to where they came from.
fn scatter<T: Scalar>(
    g: &ConvGeometry,
    group: &Group<'_>,
    patches: &[T],
    first: usize,
    rows: usize,
    gx: &mut [T],
) {
    each_run(g, group, first, rows, |patch, image, len| {
        for (to, &from) in gx[image..image + len]
            .iter_mut()
            .zip(&patches[patch..patch + len])
        {
            *to += from;
        }
    });
}

/// Calls `visit(position in the patches, position in the image, length)` for every run of numbers
/// that lie next to each other in both.
fn each_run(
    g: &ConvGeometry,
    group: &Group<'_>,
    first: usize,
    rows: usize,
    mut visit: impl FnMut(usize, usize, usize),
) {
    let [kh, kw] = g.kernel;
    let (channel, channels) = group.cin;
    let size = group.patch();
    // Neighbouring columns of the kernel see neighbouring pixels, all channels of them.
    let joined = g.dilation[1] == 1 && g.groups == 1;
    for ky in 0..kh {
        let seen = g.outputs(0, ky);
        for y in seen.start.max(first)..seen.end.min(first + rows) {
            let iy = g.seen(0, y, ky);
            let row = ((y - first) * g.output[1], iy * g.image[1]);
            if joined {
                for x in 0..g.output[1] {
                    // Columns kx with 0 ≤ x·s + kx − p < width.
                    let start = x * g.stride[1];
                    let from = g.before[1].saturating_sub(start).min(kw);
                    let to = (g.image[1] + g.before[1]).saturating_sub(start).min(kw);
                    if from < to {
                        visit(
                            (row.0 + x) * size + (ky * kw + from) * channels,
                            (row.1 + start + from - g.before[1]) * channels,
                            (to - from) * channels,
                        );
                    }
                }
            } else {
                for kx in 0..kw {
                    for x in g.outputs(1, kx) {
                        visit(
                            (row.0 + x) * size + (ky * kw + kx) * channels,
                            (row.1 + g.seen(1, x, kx)) * g.cin + channel,
                            channels,
                        );
                    }
                }
            }
        }
    }
}
