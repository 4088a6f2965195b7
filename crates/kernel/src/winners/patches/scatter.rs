//! gx(off(p, o) + t) += g(p, o) · w(o, t): the adjoint in the image, from winners.
//!
//! All channels that the same pixel of a window won add to the same patch: a piece of it stays in
//! registers while they do. The pieces are short enough for all channels' part of the weight to
//! stay in the cache.

#![allow(unsafe_code)]

use super::Scatter;
use crate::simd::Lane;
use crate::winners::{Packing, part};
use pulp::{Simd, WithSimd};

/// Bytes of the weight that are used again and again.
const NEAR: usize = 32 << 10;

impl<L: Lane> WithSimd for Scatter<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let layout = &self.patches.layout;
        assert!(
            self.w.len() >= layout.packed_len()
                && self.gx.len() >= layout.len()
                && self.g.len() >= self.patches.output_len(),
            "an image, a cotangent or a weight is shorter than its layout"
        );
        let lanes = L::lanes::<S>();
        let vector = lanes * size_of::<L>() * self.patches.lists.channels;
        let most = (NEAR / vector).clamp(1, 12);
        let mut kernel = self;
        for (r, &run) in layout.runs.iter().enumerate() {
            let (mut v, vectors) = (0, layout.run_padded / lanes);
            while v < vectors {
                let n = part(vectors - v, most);
                let (row, offset) = (r * layout.run_padded + v * lanes, run + v * lanes);
                macro_rules! piece {
                    ($n:literal, $u:literal) => {
                        // SAFETY: the lengths were checked, and the piece lies within its run.
                        unsafe { kernel.piece::<S, $n, $u>(simd, row, offset) }
                    };
                }
                match n {
                    1 => piece!(1, 4),
                    2 => piece!(2, 4),
                    3 => piece!(3, 4),
                    4 => piece!(4, 2),
                    5 => piece!(5, 2),
                    6 => piece!(6, 2),
                    7 => piece!(7, 1),
                    8 => piece!(8, 1),
                    9 => piece!(9, 1),
                    10 => piece!(10, 1),
                    11 => piece!(11, 1),
                    _ => piece!(12, 1),
                }
                v += n;
            }
        }
    }
}

impl<L: Lane> Scatter<'_, L> {
    /// Adds N vectors of every patch, which begin `row` numbers into a packed row and `offset`
    /// numbers from the patch on, in U sets of sums in turn.
    ///
    /// # Safety
    /// The operands are as long as their layouts say, and the N vectors lie within a run with its
    /// cache lines.
    #[inline(always)]
    unsafe fn piece<S: Simd, const N: usize, const U: usize>(
        &mut self,
        simd: S,
        row: usize,
        offset: usize,
    ) {
        let (patches, lanes) = (self.patches, L::lanes::<S>());
        let (channels, row_len) = (patches.lists.channels, patches.layout.row_len());
        let zero = L::splat(simd, L::zero());
        let mut lists = patches.lists.by_window(self.lists);
        while let [entry, count, rest @ ..] = lists {
            let (won, rest) = rest.split_at(*count as usize);
            lists = rest;
            let g = &self.g[patches.lists.position(*entry) * channels..][..channels];
            let mut sums = [[zero; N]; U];
            // A macro, since a closure would be compiled without the instruction set's vectors.
            macro_rules! one {
                ($c:expr, $u:expr) => {{
                    let (c, u) = ($c as usize, $u);
                    let scale = L::splat(simd, g[c]);
                    // SAFETY: `c` indexes `g`, hence is a channel; the piece lies within its row.
                    unsafe {
                        let w = self.w.as_ptr().add(c * row_len + row);
                        for j in 0..N {
                            sums[u][j] =
                                L::fma(simd, L::load::<S>(w.add(j * lanes)), scale, sums[u][j]);
                        }
                    }
                }};
            }
            let (sets, last) = won.as_chunks::<U>();
            for set in sets {
                for (u, &c) in set.iter().enumerate() {
                    one!(c, u);
                }
            }
            for &c in last {
                one!(c, 0);
            }
            let at = patches.patch(*entry) + offset;
            for j in 0..N {
                let mut sum = sums[0][j];
                for other in &sums[1..] {
                    sum = L::plus(simd, sum, other[j]);
                }
                // SAFETY: `patch` checked that all runs lie within the laid-out image.
                unsafe {
                    let to = self.gx.as_mut_ptr().add(at + j * lanes);
                    L::store(to, L::plus(simd, L::load::<S>(to), sum));
                }
            }
        }
    }
}
