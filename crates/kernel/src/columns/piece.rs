//! A piece of one output channel's row of the weight, for several cotangents: it stays in
//! registers, and every vector of x is loaded once for all of them.

#![allow(unsafe_code)]

use crate::simd::Lane;
use crate::winners::part;
use pulp::Simd;

/// How many vectors a piece may have: so many for each of several cotangents, the vectors of x and
/// a number of g must fit the registers.
#[inline(always)]
pub(crate) fn widest<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 3 } else { 2 }
}

/// How many cotangents go together.
#[inline(always)]
pub(super) fn beside<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 9 } else { 5 }
}

/// What one piece is summed from.
pub(crate) struct Piece<'a, L, E, P> {
    /// The channel's outputs.
    pub entries: &'a [E],
    /// Where in the image the patch under an entry begins.
    pub patch: P,
    pub image: &'a [L],
    pub columns: usize,
    /// The channel's cotangents, entry after entry.
    pub g: &'a [L],
    /// Where in a patch the piece begins.
    pub offset: usize,
}

impl<L: Lane, E: Copy, P: Fn(E) -> usize> Piece<'_, L, E, P> {
    /// to(t) += Σ_c (Σₚ g_c(p) · x(patch(p) + offset + t))², N vectors of it.
    ///
    /// # Safety
    /// N vectors from `patch(e) + offset` on lie within the image, for every entry e.
    #[inline(always)]
    pub unsafe fn add<S: Simd, const N: usize>(&self, simd: S, to: &mut [L]) {
        let lanes = L::lanes::<S>();
        assert_eq!(to.len(), N * lanes);
        let mut total = [L::splat(simd, L::zero()); N];
        let mut c = 0;
        while c < self.columns {
            let beside = part(self.columns - c, beside::<S>());
            // SAFETY: the caller vouches for the patches.
            unsafe {
                match beside {
                    1 => self.sums::<S, N, 1>(simd, c, &mut total),
                    2 => self.sums::<S, N, 2>(simd, c, &mut total),
                    3 => self.sums::<S, N, 3>(simd, c, &mut total),
                    4 => self.sums::<S, N, 4>(simd, c, &mut total),
                    5 => self.sums::<S, N, 5>(simd, c, &mut total),
                    6 => self.sums::<S, N, 6>(simd, c, &mut total),
                    7 => self.sums::<S, N, 7>(simd, c, &mut total),
                    8 => self.sums::<S, N, 8>(simd, c, &mut total),
                    _ => self.sums::<S, N, 9>(simd, c, &mut total),
                }
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
    ///
    /// # Safety
    /// As for [`add`](Self::add).
    #[inline(always)]
    unsafe fn sums<S: Simd, const N: usize, const C: usize>(
        &self,
        simd: S,
        c: usize,
        total: &mut [L::Vector<S>; N],
    ) {
        let lanes = L::lanes::<S>();
        let mut sums = [[L::splat(simd, L::zero()); N]; C];
        let image = self.image.as_ptr();
        for (&entry, g) in self.entries.iter().zip(self.g.chunks_exact(self.columns)) {
            let at = (self.patch)(entry).wrapping_add(self.offset);
            let g = &g[c..][..C];
            // SAFETY: the caller vouches for N vectors from here on.
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
