//! y(p, o) += Σₜ x(off(p, o) + t) · w(o, t): the convolution at winners.
//!
//! Up to eight windows that have a winner in a channel go together: each vector of the channel's
//! weight is loaded once, and multiplied with the vector of each window's patch. The sum over the
//! vector's lanes comes last.

#![allow(unsafe_code)]

use super::Dots;
use crate::simd::Lane;
use crate::winners::{Packing, part};
use pulp::{Simd, WithSimd};

impl<L: Lane> WithSimd for Dots<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Dots {
            patches,
            lists,
            pairs,
            bias,
            y,
        } = self;
        let (layout, channels, row) = (
            &patches.layout,
            patches.lists.channels,
            patches.layout.row_len(),
        );
        for (x, w) in pairs.iter().flatten() {
            assert!(
                x.len() >= layout.len() && w.len() >= layout.packed_len(),
                "an image or a weight is shorter than its layout"
            );
        }
        for group in 0..patches.lists.groups() {
            for c in 0..channels {
                let mut entries = patches.lists.channel(lists, c, group);
                let shift = bias.map_or(L::zero(), |b| b[c]);
                while !entries.is_empty() {
                    let height = part(entries.len(), 8);
                    let (these, others) = entries.split_at(height);
                    entries = others;
                    macro_rules! block {
                        ($p:literal, $u:literal) => {{
                            let mut at = [0; $p];
                            for (at, &e) in at.iter_mut().zip(these) {
                                *at = patches.patch(e);
                            }
                            let mut sums = [[L::splat(simd, L::zero()); $p]; $u];
                            for (x, w) in pairs.iter().flatten() {
                                // SAFETY: the lengths were checked above, and `patch` checked
                                // that all runs lie within the laid-out image.
                                unsafe {
                                    let w = w.as_ptr().add(c * row);
                                    add::<L, S, $p, $u>(
                                        simd,
                                        &layout.runs,
                                        layout.run_padded,
                                        x.as_ptr(),
                                        w,
                                        &at,
                                        &mut sums,
                                    );
                                }
                            }
                            for (i, &e) in these.iter().enumerate() {
                                let mut sum = sums[0][i];
                                for other in &sums[1..] {
                                    sum = L::plus(simd, sum, other[i]);
                                }
                                y[patches.lists.position(e) * channels + c] +=
                                    L::total(simd, sum) + shift;
                            }
                        }};
                    }
                    match height {
                        1 => block!(1, 4),
                        2 => block!(2, 4),
                        3 => block!(3, 2),
                        4 => block!(4, 2),
                        5 => block!(5, 2),
                        6 => block!(6, 1),
                        7 => block!(7, 1),
                        _ => block!(8, 1),
                    }
                }
            }
        }
    }
}

/// Adds the products of P patches with one packed row, in U sets of sums in turn.
///
/// # Safety
/// From `x + at[i]` on, every run of `padded` numbers can be read, and from `w` on the whole packed
/// row.
#[inline(always)]
unsafe fn add<L: Lane, S: Simd, const P: usize, const U: usize>(
    simd: S,
    runs: &[usize],
    padded: usize,
    x: *const L,
    w: *const L,
    at: &[usize; P],
    sums: &mut [[L::Vector<S>; P]; U],
) {
    let lanes = L::lanes::<S>();
    let vectors = padded / lanes;
    let mut w = w;
    let mut local = *sums;
    // SAFETY: the caller vouches for every run and for the packed row.
    unsafe {
        for &run in runs {
            let from: [*const L; P] = std::array::from_fn(|i| x.add(at[i].wrapping_add(run)));
            let mut v = 0;
            while v + U <= vectors {
                for (u, sums) in local.iter_mut().enumerate() {
                    let weight = L::load::<S>(w.add((v + u) * lanes));
                    for (sum, from) in sums.iter_mut().zip(&from) {
                        *sum = L::fma(simd, L::load::<S>(from.add((v + u) * lanes)), weight, *sum);
                    }
                }
                v += U;
            }
            while U > 1 && v < vectors {
                let weight = L::load::<S>(w.add(v * lanes));
                for (sum, from) in local[0].iter_mut().zip(&from) {
                    *sum = L::fma(simd, L::load::<S>(from.add(v * lanes)), weight, *sum);
                }
                v += 1;
            }
            w = w.add(padded);
        }
    }
    *sums = local;
}
