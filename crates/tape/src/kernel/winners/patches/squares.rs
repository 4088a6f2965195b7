//! out(o, t) += Σ_c (Σₚ g_c(p, o) · x(off(p, o) + t))²: squares of the adjoint in the weight, for
//! several cotangents of one image.
//!
//! A piece of the channel's packed row stays in registers for several cotangents at once: every
//! vector of x is loaded once for all of them. A channel's cotangents are first copied next to each
//! other, window after window.

#![allow(unsafe_code)]

use super::Patches;
use crate::kernel::simd::{Lane, compiled};
use crate::kernel::winners::{Packing, part};
use pulp::{Simd, WithSimd};

/// One image, laid out, and its cotangents.
pub(super) struct GatherSquares<'a, L> {
    pub patches: &'a Patches,
    pub lists: &'a [u32],
    pub image: &'a [L],
    /// How many cotangents there are; the first; the distance of two.
    pub columns: usize,
    pub g: &'a [L],
    pub apart: usize,
    /// Room for a channel's cotangents: as many numbers as there are windows, for each.
    pub room: &'a mut [L],
    pub out: &'a mut [L],
}

compiled!(GatherSquares { patches, lists, columns, apart; image, g, room, out });

impl<L: Lane> WithSimd for GatherSquares<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let GatherSquares {
            patches,
            lists,
            image,
            columns,
            g,
            apart,
            room,
            out,
        } = self;
        let (layout, row) = (&patches.layout, patches.layout.row_len());
        assert!(
            image.len() >= layout.len() && out.len() >= layout.packed_len(),
            "an image or a weight is shorter than its layout"
        );
        let lanes = L::lanes::<S>();
        // Sums, N vectors of x and a number of g must fit the registers.
        let widest = if S::REGISTER_COUNT >= 32 { 4 } else { 2 };
        for channel in 0..patches.lists.channels {
            let entries = patches.lists.whole_channel(lists, channel);
            if entries.is_empty() {
                continue;
            }
            let g_of = &mut room[..entries.len() * columns];
            for (&entry, to) in entries.iter().zip(g_of.chunks_exact_mut(columns)) {
                let at = patches.lists.position(entry) * patches.lists.channels + channel;
                for (c, to) in to.iter_mut().enumerate() {
                    *to = g[c * apart + at];
                }
            }
            for (r, &run) in layout.runs.iter().enumerate() {
                let (mut v, vectors) = (0, layout.run_padded / lanes);
                while v < vectors {
                    let n = part(vectors - v, widest);
                    let from = Piece {
                        patches,
                        entries,
                        image,
                        columns,
                        g: g_of,
                        offset: run + v * lanes,
                    };
                    let first = channel * row + r * layout.run_padded + v * lanes;
                    let to = &mut out[first..][..n * lanes];
                    match n {
                        1 => from.add::<S, 1>(simd, to),
                        2 => from.add::<S, 2>(simd, to),
                        3 => from.add::<S, 3>(simd, to),
                        _ => from.add::<S, 4>(simd, to),
                    }
                    v += n;
                }
            }
        }
    }
}

/// What one piece of a packed row is summed from.
struct Piece<'a, L> {
    patches: &'a Patches,
    entries: &'a [u16],
    image: &'a [L],
    columns: usize,
    /// The channel's cotangents, entry after entry.
    g: &'a [L],
    /// From the patch on.
    offset: usize,
}

impl<L: Lane> Piece<'_, L> {
    /// Adds N vectors of squares.
    #[inline(always)]
    fn add<S: Simd, const N: usize>(&self, simd: S, to: &mut [L]) {
        let lanes = L::lanes::<S>();
        assert_eq!(to.len(), N * lanes);
        let mut total = [L::splat(simd, L::zero()); N];
        let mut c = 0;
        while c < self.columns {
            let beside = part(self.columns - c, 5);
            match beside {
                1 => self.sums::<S, N, 1>(simd, c, &mut total),
                2 => self.sums::<S, N, 2>(simd, c, &mut total),
                3 => self.sums::<S, N, 3>(simd, c, &mut total),
                4 => self.sums::<S, N, 4>(simd, c, &mut total),
                _ => self.sums::<S, N, 5>(simd, c, &mut total),
            }
            c += beside;
        }
        for (j, total) in total.into_iter().enumerate() {
            let to = to[j * lanes..].as_mut_ptr();
            // SAFETY: `to` has N vectors.
            unsafe { L::store(to, L::plus(simd, L::load::<S>(to), total)) };
        }
    }

    /// The squares of C cotangents from number `c` on.
    #[inline(always)]
    fn sums<S: Simd, const N: usize, const C: usize>(
        &self,
        simd: S,
        c: usize,
        total: &mut [L::Vector<S>; N],
    ) {
        let lanes = L::lanes::<S>();
        let mut sums = [[L::splat(simd, L::zero()); N]; C];
        let image = self.image.as_ptr();
        for (&entry, g) in self.entries.iter().zip(self.g.chunks_exact(self.columns)) {
            let at = self.patches.patch(entry).wrapping_add(self.offset);
            let g = &g[c..][..C];
            // SAFETY: `patch` checked that all runs lie within the laid-out image, and N vectors
            // from `offset` on are a part of one.
            unsafe {
                let from = image.add(at);
                let mut x = [total[0]; N];
                for (j, x) in x.iter_mut().enumerate() {
                    *x = L::load::<S>(from.add(j * lanes));
                }
                for (sums, &g) in sums.iter_mut().zip(g) {
                    let g = L::splat(simd, g);
                    for (sum, &x) in sums.iter_mut().zip(&x) {
                        *sum = L::fma(simd, x, g, *sum);
                    }
                }
            }
        }
        for sums in sums {
            for (total, sum) in total.iter_mut().zip(sums) {
                *total = L::fma(simd, sum, sum, *total);
            }
        }
    }
}
