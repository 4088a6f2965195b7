//! Products with the sensitivities S of a tile: S dy and Sᵀu, example by example.
//!
//! S is read once from end to end, m rows of `len` numbers per example, and nothing of it is used
//! twice: these kernels stream. A tile is one call, since an example alone may be a few vectors.

#![allow(unsafe_code)]

use super::simd::{Lane, compiled};
use crate::Scalar;
use pulp::{Simd, WithSimd};

/// dz += S dy for every example.
///
/// # Shapes
/// `s` is k × m × len, `dy` is k × len, `dz` is k × m, all without gaps; k follows from `dz`.
///
/// # Panics
/// If the lengths don't fit together, or m or `len` is 0.
pub fn add_products<T: Scalar>((m, len): (usize, usize), s: &[T], dy: &[T], dz: &mut [T]) {
    let k = dz.len() / m;
    assert!(s.len() == k * m * len && dy.len() == k * len && dz.len() == k * m);
    Products { m, len, s, dy, dz }.dispatch();
}

/// g = Sᵀu for every example.
///
/// # Shapes
/// `s` is k × m × len, `u` is k × m, `g` is k × len, all without gaps; k follows from `u`.
///
/// # Panics
/// If the lengths don't fit together, or m or `len` is 0.
pub fn transposed_products<T: Scalar>((m, len): (usize, usize), s: &[T], u: &[T], g: &mut [T]) {
    let k = u.len() / m;
    assert!(s.len() == k * m * len && u.len() == k * m && g.len() == k * len);
    Transposed { m, len, s, u, g }.dispatch();
}

compiled! {
    Products { m, len; s, dy, dz }
    Transposed { m, len; s, u, g }
}

struct Products<'a, L> {
    m: usize,
    len: usize,
    s: &'a [L],
    dy: &'a [L],
    dz: &'a mut [L],
}

impl<L: Lane> WithSimd for Products<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Products { m, len, s, dy, dz } = self;
        let examples = s.chunks_exact(m * len).zip(dy.chunks_exact(len));
        for ((s, dy), dz) in examples.zip(dz.chunks_exact_mut(m)) {
            let mut blocks = s.chunks_exact(4 * len).zip(dz.chunks_exact_mut(4));
            for (s, dz) in &mut blocks {
                dots::<L, S, 4, 1>(simd, s, dy, dz);
            }
            let (s, dz) = (&s[m / 4 * 4 * len..], &mut dz[m / 4 * 4..]);
            for (s, dz) in s.chunks_exact(len).zip(dz.chunks_exact_mut(1)) {
                dots::<L, S, 1, 4>(simd, s, dy, dz);
            }
        }
    }
}

/// Adds the inner products of P rows with `x`, each in U sums at once.
#[inline(always)]
fn dots<L: Lane, S: Simd, const P: usize, const U: usize>(
    simd: S,
    rows: &[L],
    x: &[L],
    out: &mut [L],
) {
    let (lanes, len) = (L::lanes::<S>(), x.len());
    assert!(rows.len() == P * len && out.len() == P);
    let mut sums = [[L::splat(simd, L::zero()); U]; P];
    let mut t = 0;
    // SAFETY: each load starts at a number below `len` of `x` or of one of P rows of `len` numbers,
    // and ends there at the latest: whole vectors while U of them are left, then vectors under a
    // mask of what is left.
    unsafe {
        while t + U * lanes <= len {
            for i in 0..U {
                let at = t + i * lanes;
                let b = L::load::<S>(x.as_ptr().add(at));
                for (p, sums) in sums.iter_mut().enumerate() {
                    let a = L::load::<S>(rows.as_ptr().add(p * len + at));
                    sums[i] = L::fma(simd, a, b, sums[i]);
                }
            }
            t += U * lanes;
        }
        while t < len {
            let mask = L::mask(simd, (len - t).min(lanes));
            let b = L::load_masked(simd, mask, x.as_ptr().add(t));
            for (p, sums) in sums.iter_mut().enumerate() {
                let a = L::load_masked(simd, mask, rows.as_ptr().add(p * len + t));
                sums[0] = L::fma(simd, a, b, sums[0]);
            }
            t += lanes;
        }
    }
    for (out, sums) in out.iter_mut().zip(&sums) {
        let sum = sums[1..].iter().fold(sums[0], |a, &b| L::plus(simd, a, b));
        *out += L::total(simd, sum);
    }
}

struct Transposed<'a, L> {
    m: usize,
    len: usize,
    s: &'a [L],
    u: &'a [L],
    g: &'a mut [L],
}

impl<L: Lane> WithSimd for Transposed<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Transposed { m, len, s, u, g } = self;
        let lanes = L::lanes::<S>();
        let examples = s.chunks_exact(m * len).zip(u.chunks_exact(m));
        for ((s, u), g) in examples.zip(g.chunks_exact_mut(len)) {
            let mut t = 0;
            while t + 4 * lanes <= len {
                columns::<L, S, 4>(simd, lanes, &s[t..], len, u, &mut g[t..]);
                t += 4 * lanes;
            }
            while t < len {
                let n = lanes.min(len - t);
                columns::<L, S, 1>(simd, n, &s[t..], len, u, &mut g[t..]);
                t += n;
            }
        }
    }
}

/// Σ uⱼ times the first Q vectors of row j, where rows lie `len` apart; of the last vector, the
/// first `last` lanes.
#[inline(always)]
fn columns<L: Lane, S: Simd, const Q: usize>(
    simd: S,
    last: usize,
    s: &[L],
    len: usize,
    u: &[L],
    g: &mut [L],
) {
    let lanes = L::lanes::<S>();
    let width = (Q - 1) * lanes + last;
    assert!(last <= lanes && g.len() >= width && s.len() >= (u.len() - 1) * len + width);
    let mut sums = [L::splat(simd, L::zero()); Q];
    let mask = L::mask(simd, last);
    // SAFETY: `width` numbers are left in `g` and in every row of S, which was just checked; whole
    // vectors but for the last, which the mask cuts to `last` lanes.
    unsafe {
        for (j, &u) in u.iter().enumerate() {
            let u = L::splat(simd, u);
            let row = s.as_ptr().add(j * len);
            for (q, sum) in sums.iter_mut().enumerate() {
                let x = if q + 1 < Q || last == lanes {
                    L::load::<S>(row.add(q * lanes))
                } else {
                    L::load_masked(simd, mask, row.add(q * lanes))
                };
                *sum = L::fma(simd, u, x, *sum);
            }
        }
        for (q, &sum) in sums.iter().enumerate() {
            let to = g.as_mut_ptr().add(q * lanes);
            if q + 1 < Q || last == lanes {
                L::store::<S>(to, sum);
            } else {
                L::store_masked(simd, mask, to, sum);
            }
        }
    }
}
