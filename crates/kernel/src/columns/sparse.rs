//! Squares of the adjoint in the weight, over the support: channel by channel, along the taps.
//!
//! A channel's cotangents are first copied next to each other, output after output. Its row of
//! squares lies along the taps, so that a patch is loaded as it stands in the image; rows are added
//! to the weight's squares, transposed, when some channels are done.

#![allow(unsafe_code)]

use super::support::{Support, indices};
use super::{Columns, FULL, Piece, widest};
use crate::Scalar;
use crate::direct::window;
use crate::gemm::{Mat, MatMut};
use crate::geometry::ConvGeometry;
use crate::simd::{Lane, compiled};
use crate::transpose::add_transpose;
use crate::winners::part;
use pulp::{Simd, WithSimd};
use std::ops::Range;

/// Numbers that some channels' cotangents may take together.
const COPIED: usize = 1 << 18;

/// A patch as runs of neighbouring numbers of the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs {
    /// How many there are: down, across; and where they begin.
    pub count: [usize; 2],
    pub stride: [usize; 2],
    /// Numbers of each.
    pub len: usize,
}

impl Runs {
    fn of(g: &ConvGeometry) -> Self {
        let pitch = window(g).cols * g.cin;
        let [kh, kw] = g.kernel;
        let (across, len) = match g.dilation[1] {
            1 => (1, kw * g.cin),
            _ => (kw, g.cin),
        };
        Runs {
            count: [kh, across],
            stride: [g.dilation[0] * pitch, g.dilation[1] * g.cin],
            len,
        }
    }

    /// Where each begins.
    fn begins(self) -> impl Iterator<Item = usize> {
        let Runs { count, stride, .. } = self;
        (0..count[0]).flat_map(move |y| (0..count[1]).map(move |x| y * stride[0] + x * stride[1]))
    }

    /// Numbers from the first to the last.
    fn reach(self) -> usize {
        (0..2)
            .map(|i| (self.count[i] - 1) * self.stride[i])
            .sum::<usize>()
            + self.len
    }
}

/// Output channels that are copied together.
fn at_once(g: &ConvGeometry, columns: usize) -> usize {
    let pixels = g.output[0] * g.output[1];
    (COPIED / (pixels * columns).max(1)).clamp(1, g.cout)
}

/// Taps of a channel's row.
fn row_len(g: &ConvGeometry) -> usize {
    g.kernel[0] * g.kernel[1] * g.cin
}

/// From one channel to the next, so that all can be written in turn: where distances are multiples
/// of 4 kB, they share their places in the cache.
fn apart(numbers: usize) -> usize {
    numbers.next_multiple_of(1024) + 16
}

/// Numbers of scratch.
pub(super) fn scratch_len(g: &ConvGeometry, columns: usize) -> usize {
    let pixels = g.output[0] * g.output[1];
    let lists = apart(pixels) + apart(pixels * columns);
    Support::room(g) + at_once(g, columns) * (1 + lists + row_len(g))
}

/// Adds the squares; `x` is padded. `false`, and nothing is done, where dense sums are faster.
pub(super) fn add<T: Scalar>(
    geometry: &ConvGeometry,
    x: &[T],
    cotangents: Columns<'_, T>,
    scratch: &mut [T],
    out: &mut [T],
) -> bool {
    let (columns, cout) = (cotangents.0, geometry.cout);
    let pixels = geometry.output[0] * geometry.output[1];
    let (row, most) = (row_len(geometry), at_once(geometry, columns));
    let (room, scratch) = scratch.split_at_mut(Support::room(geometry));
    let (counts, scratch) = scratch.split_at_mut(most);
    let (begins, scratch) = scratch.split_at_mut(most * apart(pixels));
    let (values, sums) = scratch.split_at_mut(most * apart(pixels * columns));
    let mut lists = Lists {
        geometry,
        channels: 0..most,
        counts: indices(counts),
        begins: indices(begins),
        values,
    };
    lists.counts.fill(0);
    let visit = |pixels, support: Support<'_>| lists.note(pixels, support, cotangents);
    let Some(support) = Support::of(geometry, cotangents, room, visit) else {
        return false;
    };
    loop {
        let channels = lists.channels.clone();
        let sums = &mut sums[..channels.len() * row];
        sums.fill(T::zero());
        Channels {
            runs: Runs::of(geometry),
            counts: &lists.counts[..channels.len()],
            begins: lists.begins,
            apart: [apart(pixels), apart(pixels * columns)],
            columns,
            image: x,
            g: lists.values,
            sums,
        }
        .dispatch();
        add_transpose(
            Mat::new(sums, channels.len(), row),
            MatMut::strided(&mut out[channels.start..], row, channels.len(), cout),
        );
        if channels.end == cout {
            return true;
        }
        lists.channels = channels.end..(channels.end + most).min(cout);
        lists.counts.fill(0);
        lists.note(0..pixels, support, cotangents);
    }
}

/// Some channels' outputs in the support, next to each other.
struct Lists<'a, T> {
    geometry: &'a ConvGeometry,
    channels: Range<usize>,
    /// How many outputs each channel has, where their patches begin, and all cotangents of each.
    counts: &'a mut [u32],
    begins: &'a mut [u32],
    values: &'a mut [T],
}

impl<T: Scalar> Lists<'_, T> {
    /// Adds the outputs of some pixels.
    fn note(
        &mut self,
        pixels: Range<usize>,
        support: Support<'_>,
        (columns, g, to_next): Columns<'_, T>,
    ) {
        let (geometry, first) = (self.geometry, self.channels.start);
        let (cout, [height, width]) = (geometry.cout, geometry.output);
        let (to_begins, to_values) = (apart(height * width), apart(height * width * columns));
        let last = (columns - 1) * to_next + geometry.output_len();
        assert!(g.len() >= last, "a cotangent is shorter than its geometry");
        let [down, across] = geometry.stride.map(|stride| stride * geometry.cin);
        let pitch = window(geometry).cols;
        for pixel in pixels {
            let begin = (pixel / width * down * pitch + pixel % width * across) as u32;
            for &at in support.pixels(pixel, pixel + 1) {
                let at = at as usize;
                let channel = (at - pixel * cout).wrapping_sub(first);
                if channel >= self.channels.len() {
                    continue;
                }
                let place = self.counts[channel] as usize;
                self.counts[channel] += 1;
                self.begins[channel * to_begins + place] = begin;
                let to = &mut self.values[channel * to_values + place * columns..][..columns];
                for (c, to) in to.iter_mut().enumerate() {
                    // SAFETY: an entry is smaller than the number of outputs, and all columns have
                    // so many numbers, as was checked.
                    *to = unsafe { *g.get_unchecked(c * to_next + at) };
                }
            }
        }
    }
}

/// Squares of some channels, one row each.
pub(super) struct Channels<'a, L> {
    pub runs: Runs,
    /// How many outputs of a channel are in the support, and where their patches begin.
    pub counts: &'a [u32],
    pub begins: &'a [u32],
    /// The distances of two channels' patches, and of their cotangents.
    pub apart: [usize; 2],
    pub columns: usize,
    pub image: &'a [L],
    /// Cotangents of each of these outputs.
    pub g: &'a [L],
    pub sums: &'a mut [L],
}

compiled!(Channels { runs, counts, begins, apart, columns; image, g, sums });

impl<L: Lane> WithSimd for Channels<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Channels {
            runs,
            counts,
            begins,
            apart: [to_begins, to_values],
            columns,
            image,
            g,
            sums,
        } = self;
        let lanes = L::lanes::<S>();
        let vectors = runs.len / lanes;
        assert!(
            runs.len.is_multiple_of(FULL) && FULL.is_multiple_of(lanes),
            "a run does not fill its vectors"
        );
        // A geometry refuses kernels that are larger than the padded image, and callers pad it.
        let last = image.len().checked_sub(runs.reach());
        let last = last.expect("an image holds a patch");
        let patch = |begin: u32| {
            assert!(begin as usize <= last, "a patch lies outside of its image");
            begin as usize
        };
        let row = runs.count[0] * runs.count[1] * runs.len;
        let widest = widest::<S>();
        for ((channel, &count), sums) in counts.iter().enumerate().zip(sums.chunks_exact_mut(row)) {
            let count = count as usize;
            let entries = &begins[channel * to_begins..][..count];
            let g = &g[channel * to_values..][..count * columns];
            for (run, sums) in runs.begins().zip(sums.chunks_exact_mut(runs.len)) {
                let mut v = 0;
                while v < vectors {
                    let n = part(vectors - v, widest);
                    let piece = Piece {
                        entries,
                        patch,
                        image,
                        columns,
                        g,
                        offset: run + v * lanes,
                    };
                    let to = &mut sums[v * lanes..][..n * lanes];
                    // SAFETY: `patch` checks that the image holds all runs of an entry's patch, and
                    // n vectors from v on are a part of one.
                    unsafe {
                        match n {
                            1 => piece.add::<S, 1>(simd, to),
                            2 => piece.add::<S, 2>(simd, to),
                            _ => piece.add::<S, 3>(simd, to),
                        }
                    }
                    v += n;
                }
            }
        }
    }
}
