//! The adjoint in the image of several cotangents, over their support.
//!
//! An image pixel's cotangents, some input channels of some columns, stay in registers. What it is
//! summed from, the outputs that see it, are runs of neighbouring pixels, one for each row of the
//! kernel; entries of the support lie in the order of the flipped weight's rows.

#![allow(unsafe_code)]

use super::piece::beside;
use super::support::Support;
use crate::geometry::ConvGeometry;
use crate::simd::{Lane, compiled};
use crate::winners::part;
use pulp::{Simd, WithSimd};

/// gx_c(q, :) += Σ over entries (p, o) of g_c(p, o) · w(q − p, o, :), without strides or dilations.
pub(super) struct Image<'a, L> {
    pub geometry: &'a ConvGeometry,
    pub support: Support<'a>,
    /// How many cotangents, the distance of two, and that of their images.
    pub columns: usize,
    pub apart: usize,
    pub to_apart: usize,
    /// The weight, `[kh, kw, out, in]`, both kernel axes reversed.
    pub flipped: &'a [L],
    pub g: &'a [L],
    pub gx: &'a mut [L],
}

compiled!(Image { geometry, support, columns, apart, to_apart; flipped, g, gx });

/// What one pixel's cotangents are summed from: for each row of the kernel that sees outputs.
struct Pixel<'a, L> {
    image: &'a Image<'a, L>,
    /// Output rows, and the one that the flipped kernel's first row would see.
    rows: std::ops::Range<usize>,
    first_row: isize,
    cols: std::ops::Range<usize>,
    first_col: isize,
}

impl<L: Lane> WithSimd for Image<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (geometry, lanes) = (self.geometry, L::lanes::<S>());
        let (cin, [height, width]) = (geometry.cin, geometry.image);
        let last = (self.columns - 1) * self.apart + geometry.output_len();
        assert!(
            self.flipped.len() >= geometry.weight_len()
                && self.g.len() >= last
                && cin.is_multiple_of(lanes),
            "a weight or a cotangent is shorter than its geometry"
        );
        let gx = std::mem::take(&mut self.gx);
        for y in 0..height {
            let (rows, first_row) = seen(geometry, 0, y);
            for x in 0..width {
                let (cols, first_col) = seen(geometry, 1, x);
                let pixel = Pixel {
                    image: &self,
                    rows: rows.clone(),
                    first_row,
                    cols,
                    first_col,
                };
                let mut c = 0;
                while c < self.columns {
                    let beside = part(self.columns - c, beside::<S>());
                    let mut v = 0;
                    while v < cin / lanes {
                        let n = part(cin / lanes - v, 2);
                        let to = c * self.to_apart + (y * width + x) * cin + v * lanes;
                        macro_rules! sums {
                            ($($C:literal),*) => {
                                match (beside, n) {
                                    $(($C, 1) => pixel.add::<S, $C, 1>(simd, c, v * lanes, &mut gx[to..]),
                                      ($C, _) => pixel.add::<S, $C, 2>(simd, c, v * lanes, &mut gx[to..]),)*
                                    (_, 1) => pixel.add::<S, 9, 1>(simd, c, v * lanes, &mut gx[to..]),
                                    _ => pixel.add::<S, 9, 2>(simd, c, v * lanes, &mut gx[to..]),
                                }
                            };
                        }
                        sums!(1, 2, 3, 4, 5, 6, 7, 8);
                        v += n;
                    }
                    c += beside;
                }
            }
        }
    }
}

/// The outputs along one axis that see pixel `i`, and the one that the flipped kernel's first tap
/// would see.
fn seen(g: &ConvGeometry, axis: usize, i: usize) -> (std::ops::Range<usize>, isize) {
    let end = i + g.before[axis] + 1;
    let first = end as isize - g.kernel[axis] as isize;
    let end = end.min(g.output[axis]);
    ((first.max(0) as usize).min(end)..end, first)
}

impl<L: Lane> Pixel<'_, L> {
    /// Adds N vectors of input channels from `channel` on, of C columns from `c` on.
    #[inline(always)]
    fn add<S: Simd, const C: usize, const N: usize>(
        &self,
        simd: S,
        c: usize,
        channel: usize,
        gx: &mut [L],
    ) {
        let image = self.image;
        let (geometry, lanes) = (image.geometry, L::lanes::<S>());
        let (cin, cout) = (geometry.cin, geometry.cout);
        let [kw, width] = [geometry.kernel[1], geometry.output[1]];
        let mut sums = [[L::splat(simd, L::zero()); N]; C];
        let g = image.g[c * image.apart..].as_ptr();
        for row in self.rows.clone() {
            let first = row * width;
            let entries = image
                .support
                .pixels(first + self.cols.start, first + self.cols.end);
            let tap = (row as isize - self.first_row) as usize * kw;
            // The row of the weight that belongs to output 0, if there were one.
            let origin = (tap as isize - first as isize - self.first_col) * cout as isize;
            for &at in entries {
                let at = at as usize;
                let weight = (origin + at as isize) as usize * cin + channel;
                // SAFETY: entry `at` is output channel o of a pixel in `cols` and this row, which
                // sees the pixel under a tap of the kernel: `origin + at` is that tap's row o of
                // the flipped weight, whose length was checked; N vectors from `channel` on are a
                // part of its cin numbers. All columns have a number `at`, which was checked too.
                unsafe {
                    let from = image.flipped.as_ptr().add(weight);
                    let mut w = [sums[0][0]; N];
                    for (j, w) in w.iter_mut().enumerate() {
                        *w = L::load::<S>(from.add(j * lanes));
                    }
                    for (c, sums) in sums.iter_mut().enumerate() {
                        let g = L::splat(simd, *g.add(c * image.apart + at));
                        for (sum, &w) in sums.iter_mut().zip(&w) {
                            *sum = L::fma(simd, w, g, *sum);
                        }
                    }
                }
            }
        }
        for (c, sums) in sums.into_iter().enumerate() {
            let gx = &mut gx[c * image.to_apart..][..N * lanes];
            for (j, sum) in sums.into_iter().enumerate() {
                let to = gx[j * lanes..].as_mut_ptr();
                // SAFETY: there are N vectors.
                unsafe { L::store(to, L::plus(simd, L::load::<S>(to), sum)) };
            }
        }
    }
}
