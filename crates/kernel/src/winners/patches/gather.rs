//! gw(o, t) += Σₚ g(p, o) · x(off(p, o) + t): the adjoint in the weight, from winners.
//!
//! A piece of the channel's packed row stays in registers while all windows that have a winner in
//! the channel add theirs: one broadcast of g, and a vector of x for every sum.

#![allow(unsafe_code)]

use super::{Gather, Patches};
use crate::simd::Lane;
use crate::winners::{AtWinners, Packing, part};
use pulp::{Simd, WithSimd};

impl<L: Lane> WithSimd for Gather<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Gather {
            patches,
            lists,
            images,
            g,
            gw,
            mut gb,
        } = self;
        let (layout, row) = (&patches.layout, patches.layout.row_len());
        let (len, kept, m) = (layout.len(), patches.saved_len(), patches.output_len());
        assert!(
            images.len() * kept >= lists.len() * len
                && g.len() * kept >= lists.len() * m
                && gw.len() >= layout.packed_len(),
            "an image, a cotangent or a weight is shorter than its layout"
        );
        let lanes = L::lanes::<S>();
        for c in 0..patches.lists.channels {
            let mut first = gb.is_some();
            for (r, &run) in layout.runs.iter().enumerate() {
                let (mut v, vectors) = (0, layout.run_padded / lanes);
                while v < vectors {
                    let n = part(vectors - v, 12);
                    let from = Piece {
                        patches,
                        lists,
                        images,
                        g,
                        c,
                        offset: run + v * lanes,
                    };
                    let to = &mut gw[c * row + r * layout.run_padded + v * lanes..][..n * lanes];
                    macro_rules! piece {
                        ($n:literal, $u:literal) => {
                            if first {
                                let sum = from.add::<S, $n, $u, true>(simd, to);
                                if let Some(gb) = &mut gb {
                                    gb[c] += sum;
                                }
                            } else {
                                from.add::<S, $n, $u, false>(simd, to);
                            }
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
                    first = false;
                    v += n;
                }
            }
        }
    }
}

/// What one piece of a packed row is summed from.
struct Piece<'a, L> {
    patches: &'a Patches,
    lists: &'a [u32],
    images: &'a [L],
    g: &'a [L],
    c: usize,
    /// From the patch on.
    offset: usize,
}

impl<L: Lane> Piece<'_, L> {
    /// Adds N vectors, in U sets of sums in turn; with BIAS, returns the sum of the cotangents.
    #[inline(always)]
    fn add<S: Simd, const N: usize, const U: usize, const BIAS: bool>(
        &self,
        simd: S,
        to: &mut [L],
    ) -> L {
        let Piece {
            patches,
            lists,
            images,
            g,
            c,
            offset,
        } = *self;
        let (len, kept, m) = (
            patches.layout.len(),
            patches.saved_len(),
            patches.output_len(),
        );
        let (lanes, channels) = (L::lanes::<S>(), patches.lists.channels);
        assert_eq!(to.len(), N * lanes);
        let zero = L::splat(simd, L::zero());
        let mut sums = [[zero; N]; U];
        let mut total = [L::zero(); U];
        let images = images.as_ptr();
        for (i, lists) in lists.chunks_exact(kept).enumerate() {
            let entries = patches.lists.whole_channel(lists, c);
            let g = &g[i * m..][..m];
            // A macro, since a closure would be compiled without the instruction set's vectors.
            macro_rules! one {
                ($e:expr, $u:expr) => {{
                    let (e, u): (u16, usize) = ($e, $u);
                    let at = patches.patch(e);
                    let scale = g[patches.lists.position(e) * channels + c];
                    if BIAS {
                        total[u] += scale;
                    }
                    let scale = L::splat(simd, scale);
                    // SAFETY: there are as many images as lists; `patch` checked that all runs lie
                    // within the laid-out image, and N vectors from `offset` on are a part of one.
                    unsafe {
                        let from = images.add((i * len).wrapping_add(at).wrapping_add(offset));
                        for j in 0..N {
                            sums[u][j] =
                                L::fma(simd, L::load::<S>(from.add(j * lanes)), scale, sums[u][j]);
                        }
                    }
                }};
            }
            let (sets, rest) = entries.as_chunks::<U>();
            for set in sets {
                for (u, &e) in set.iter().enumerate() {
                    one!(e, u);
                }
            }
            for &e in rest {
                one!(e, 0);
            }
        }
        for j in 0..N {
            let mut sum = sums[0][j];
            for other in &sums[1..] {
                sum = L::plus(simd, sum, other[j]);
            }
            let to = to[j * lanes..].as_mut_ptr();
            // SAFETY: `to` has N vectors.
            unsafe { L::store(to, L::plus(simd, L::load::<S>(to), sum)) };
        }
        total.into_iter().fold(L::zero(), |a, b| a + b)
    }
}
