//! out(o, t) += Σ_c (Σₚ g_c(p, o) · x(off(p, o) + t))²: squares of the adjoint in the weight, for
//! several cotangents of one image.
//!
//! A channel's cotangents are first copied next to each other, window after window.

#![allow(unsafe_code)]

use super::Patches;
use crate::columns::{Piece, widest};
use crate::simd::{Lane, compiled};
use crate::winners::{Packing, part};
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
        let widest = widest::<S>();
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
                        entries,
                        patch: |entry| patches.patch(entry),
                        image,
                        columns,
                        g: g_of,
                        offset: run + v * lanes,
                    };
                    let first = channel * row + r * layout.run_padded + v * lanes;
                    let to = &mut out[first..][..n * lanes];
                    // SAFETY: `patch` checks that all runs lie within the laid-out image, and n
                    // vectors from v on are a part of one.
                    unsafe {
                        match n {
                            1 => from.add::<S, 1>(simd, to),
                            2 => from.add::<S, 2>(simd, to),
                            _ => from.add::<S, 3>(simd, to),
                        }
                    }
                    v += n;
                }
            }
        }
    }
}
