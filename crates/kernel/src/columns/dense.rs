//! Squares of the adjoint in the weight, by matrix products.
//!
//! A part of the kernel at a time, whose sums stay in the cache until they are squared. Where
//! cotangents have too few channels to fill vectors, they lie next to each other, pixel by pixel,
//! and are columns of one contraction.

use super::Columns;
use crate::Scalar;
use crate::contraction::{Contraction, Rows, Terms};
use crate::direct::{Channels, window};
use crate::geometry::ConvGeometry;
use crate::vectorized;
use std::ops::Range;

/// Numbers of the sums that are squared at a time.
const SUMS: usize = 8192;
/// Bytes of image and cotangents that are read again and again.
const NEAR: usize = 32 << 10;
/// Bytes of a row of columns that fill the vectors of every machine.
const WIDE: usize = 128;

/// How one geometry is cut up.
struct Cut {
    channels: Channels,
    /// Cotangents side by side in one contraction.
    beside: usize,
    /// Rows of the kernel, and columns, whose sums are squared together.
    taps: [usize; 2],
    /// Rows of the output that are read at a time.
    pixels: usize,
}

impl Cut {
    fn new<T: Scalar>(g: &ConvGeometry, columns: usize) -> Self {
        let channels = Channels::of(g);
        let narrow = g.groups == 1 && g.cout * size_of::<T>() < WIDE;
        let beside = if narrow { columns.max(1) } else { 1 };
        let tap = channels.terms(channels.cin) * channels.cout * beside;
        let taps = match g.kernel {
            [kh, kw] if kh * kw * tap <= SUMS => [kh, kw],
            [_, kw] if kw * tap <= SUMS => [1, kw],
            _ => [1, 1],
        };
        let seen = g.stride[0] * window(g).cols * g.cin;
        let row = (seen + g.output[1] * g.cout * beside) * size_of::<T>();
        let pixels = (NEAR / row).clamp(1, g.output[0]);
        Cut {
            channels,
            beside,
            taps,
            pixels,
        }
    }

    /// Numbers of the sums.
    fn sums(&self) -> usize {
        let rows = self.taps[0] * self.taps[1] * self.channels.terms(self.channels.cin);
        rows * self.channels.cout * self.beside
    }

    /// Numbers of the cotangents that lie side by side, if they have to be copied.
    fn copied(&self, g: &ConvGeometry) -> usize {
        match self.beside {
            1 => 0,
            beside => beside * g.output_len(),
        }
    }
}

/// Numbers of scratch for so many cotangents.
pub(super) fn scratch_len<T: Scalar>(g: &ConvGeometry, columns: usize) -> usize {
    let cut = Cut::new::<T>(g, columns);
    cut.sums() + cut.copied(g)
}

/// Parts of 0..n of this length.
fn parts(n: usize, step: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(step).map(move |i| i..(i + step).min(n))
}

/// Adds the squares; `x` is padded.
pub(super) fn add<T: Scalar>(
    geometry: &ConvGeometry,
    x: &[T],
    (columns, g, apart): Columns<'_, T>,
    scratch: &mut [T],
    out: &mut [T],
) {
    let cut = Cut::new::<T>(geometry, columns);
    let (sums, copy) = scratch.split_at_mut(cut.sums());
    let (n, cout) = (geometry.output_len(), geometry.cout);
    let g = match cut.beside {
        1 => g,
        beside => {
            let copy = &mut copy[..beside * n];
            for c in 0..beside {
                let pixels = g[c * apart..][..n].chunks_exact(cout);
                for (pixel, to) in pixels.zip(copy.chunks_exact_mut(beside * cout)) {
                    to[c * cout..][..cout].copy_from_slice(pixel);
                }
            }
            copy
        }
    };
    let [kh, kw] = geometry.kernel;
    for group in 0..cut.channels.groups {
        for ky in parts(kh, cut.taps[0]) {
            for kx in parts(kw, cut.taps[1]) {
                let taps = [ky.clone(), kx];
                for c in 0..columns / cut.beside {
                    let g = &g[c * apart..];
                    add_part(geometry, &cut, group, taps.clone(), (x, g), sums, out);
                }
            }
        }
    }
}

/// The same for a part of the kernel and the cotangents of one contraction.
fn add_part<T: Scalar>(
    geometry: &ConvGeometry,
    cut: &Cut,
    group: usize,
    [ky, kx]: [Range<usize>; 2],
    (x, g): (&[T], &[T]),
    sums: &mut [T],
    out: &mut [T],
) {
    let channels = &cut.channels;
    let (cin, pixel) = (channels.terms(channels.cin), geometry.cout * cut.beside);
    let [stride, dilation] = [geometry.stride, geometry.dilation];
    let pitch = window(geometry).cols * geometry.cin;
    let cols = channels.cout * cut.beside;
    let sums = &mut sums[..ky.len() * kx.len() * cin * cols];
    sums.fill(T::zero());
    for rows in parts(geometry.output[0], cut.pixels) {
        let seen = (rows.start * stride[0] + ky.start * dilation[0]) * pitch
            + kx.start * dilation[1] * geometry.cin;
        Contraction {
            rows: Rows {
                count: [ky.len(), kx.len(), cin],
                a: [dilation[0] * pitch, dilation[1] * geometry.cin, 1],
            },
            terms: Terms {
                count: [1, rows.len(), geometry.output[1]],
                a: [0, stride[0] * pitch, stride[1] * geometry.cin],
                b: [0, geometry.output[1] * pixel, pixel],
            },
            cols,
            a: &x[seen + group * channels.cin..],
            b: &g[rows.start * geometry.output[1] * pixel + group * channels.cout..],
            c: sums,
            c_row: cols,
            lane_by_lane: channels.lane_by_lane,
        }
        .dispatch();
    }
    // Rows of the weight that follow each other: kernel columns and input channels.
    let along = kx.len() * cin;
    for (y, sums) in ky.zip(sums.chunks_exact(along * cols)) {
        let first = (y * geometry.kernel[1] + kx.start) * cin * geometry.cout;
        let out = &mut out[first + group * channels.cout..];
        vectorized(
            #[inline(always)]
            || add_squares((channels.cout, geometry.cout), sums, cols, out),
        );
    }
}

/// Adds the squares of every row of `sums`, in which cotangents lie side by side, to a row of
/// `out`.
#[inline(always)]
fn add_squares<T: Scalar>((cout, row): (usize, usize), sums: &[T], cols: usize, out: &mut [T]) {
    for (sums, out) in sums.chunks_exact(cols).zip(out.chunks_mut(row)) {
        let out = &mut out[..cout];
        for sums in sums.chunks_exact(cout) {
            for (out, &sum) in out.iter_mut().zip(sums) {
                *out += sum * sum;
            }
        }
    }
}
