//! The one loop under matrix products and convolutions: C[i, :] += Σₜ A(i, t) · B(t, :).
//!
//! A(i, t) is a number; or, lane by lane, a row as long as C's, multiplied number by number: that is
//! a depthwise convolution.
//!
//! Rows i and terms t are walked along up to three axes each, with strides of their own in A and B.
//! So a convolution needs no matrix of patches: its rows are pixels, its terms run over kernel
//! rows, kernel columns and channels, and A is the image itself, in which patches overlap. Columns
//! of B and C lie next to each other; they are what is vectorized.
//!
//! A block of P rows × N vectors of C stays in registers over the whole sum: each step loads N
//! vectors of B, broadcasts P numbers of A, and multiplies and adds N·P times.

#![allow(unsafe_code)]

use super::simd::{Lane, run, same, same_mut};
use crate::Scalar;
use pulp::{Simd, WithSimd};
use std::mem::MaybeUninit;

/// How the rows of C lie in A: three nested axes, the last one fastest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) count: [usize; 3],
    pub(crate) a: [usize; 3],
}

/// How the terms of the sum lie in A and in B: three nested axes, the last one fastest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) count: [usize; 3],
    pub(crate) a: [usize; 3],
    pub(crate) b: [usize; 3],
}

/// C[i, :] += Σₜ A(i, t) · B(t, :) as a kernel.
#[derive(Debug)]
pub(crate) struct Contraction<'a, L> {
    pub(crate) rows: Rows,
    pub(crate) terms: Terms,
    pub(crate) cols: usize,
    pub(crate) a: &'a [L],
    pub(crate) b: &'a [L],
    pub(crate) c: &'a mut [L],
    /// The distance of two rows of C.
    pub(crate) c_row: usize,
    /// Whether A(i, t) is a row instead of a number.
    pub(crate) lane_by_lane: bool,
}

impl<T: Scalar> Contraction<'_, T> {
    /// Adds to C.
    ///
    /// # Panics
    /// If a stride reaches beyond an operand.
    pub(crate) fn add(mut self) {
        if let Some(contraction) = self.same() {
            add_f32(contraction);
        } else if let Some(contraction) = self.same() {
            add_f64(contraction);
        }
    }

    /// The same contraction, if `T` is `U`.
    fn same<U: 'static>(&mut self) -> Option<Contraction<'_, U>> {
        Some(Contraction {
            rows: self.rows,
            terms: self.terms,
            cols: self.cols,
            a: same(self.a)?,
            b: same(self.b)?,
            c: same_mut(self.c)?,
            c_row: self.c_row,
            lane_by_lane: self.lane_by_lane,
        })
    }
}

// Not generic, so that the loops are compiled in this crate, once.
fn add_f32(contraction: Contraction<'_, f32>) {
    run(contraction);
}
fn add_f64(contraction: Contraction<'_, f64>) {
    run(contraction);
}

/// The last number that nested axes reach; saturates.
fn last(count: [usize; 3], stride: [usize; 3]) -> usize {
    (0..3).fold(0usize, |n, i| {
        n.saturating_add((count[i] - 1).saturating_mul(stride[i]))
    })
}

impl Terms {
    /// The same terms in the same order, with as few and as long axes as strides allow.
    fn merged(mut self) -> Self {
        // Axis 1 twice: after the first merge, another axis has taken its place.
        for i in [1, 1, 0] {
            // Axis i continues where axis i + 1 ends.
            let inner = self.count[i + 1];
            let follows = |stride: [usize; 3]| stride[i] == inner * stride[i + 1];
            if self.count[i] == 1 || (follows(self.a) && follows(self.b)) {
                self.count[i + 1] = self.count[i] * inner;
                // What is left of axis i: nothing; the axes outside move in.
                for j in (1..=i).rev() {
                    self.count[j] = self.count[j - 1];
                    self.a[j] = self.a[j - 1];
                    self.b[j] = self.b[j - 1];
                }
                self.count[0] = 1;
            } else if inner == 1 {
                // Axis i + 1 is no axis: axis i takes its place.
                for j in (1..=i + 1).rev() {
                    self.count[j] = self.count[j - 1];
                    self.a[j] = self.a[j - 1];
                    self.b[j] = self.b[j - 1];
                }
                self.count[0] = 1;
            }
        }
        self
    }
}

impl<L: Lane> WithSimd for Contraction<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Contraction {
            rows,
            terms,
            cols,
            a,
            b,
            c,
            c_row,
            lane_by_lane,
        } = self;
        if cols == 0 || rows.count.contains(&0) || terms.count.contains(&0) {
            return;
        }
        let n_rows = rows.count.iter().product::<usize>();
        let c_last = (n_rows - 1).saturating_mul(c_row).saturating_add(cols - 1);
        let a_last = last(rows.count, rows.a)
            .saturating_add(last(terms.count, terms.a))
            .saturating_add(if lane_by_lane { cols - 1 } else { 0 });
        let b_last = last(terms.count, terms.b).saturating_add(cols - 1);
        assert!(
            a_last < a.len()
                && b_last < b.len()
                && c_last < c.len()
                && (n_rows == 1 || c_row >= cols),
            "a contraction reaches beyond its operands"
        );
        // SAFETY: the assertion holds for the last number that each of the three reaches, and
        // strides are not negative; `c` is borrowed mutably, so it overlaps neither `a` nor `b`.
        unsafe {
            let (terms, a, b, c) = (terms.merged(), a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
            if lane_by_lane {
                contract::<L, S, true>(simd, rows, terms, cols, a, b, (c, c_row));
            } else {
                contract::<L, S, false>(simd, rows, terms, cols, a, b, (c, c_row));
            }
        }
    }
}

/// The contraction, on operands that were checked; LANES says that A(i, t) is a row.
///
/// # Safety
/// All of A(i, t) and B(t, :) can be read, all of C[i, :] be read and written, and C overlaps
/// neither.
#[inline(always)]
pub(crate) unsafe fn contract<L: Lane, S: Simd, const LANES: bool>(
    simd: S,
    rows: Rows,
    terms: Terms,
    cols: usize,
    a: *const L,
    b: *const L,
    (c, c_row): (*mut L, usize),
) {
    let lanes = L::lanes::<S>();
    let n_rows = rows.count.iter().product::<usize>();
    let all = L::mask(simd, lanes);
    let mut j = 0;
    while j < cols {
        let left = cols - j;
        let a = if LANES { a.wrapping_add(j) } else { a };
        let (b, c) = (b.wrapping_add(j), (c.wrapping_add(j), c_row));
        // SAFETY: a panel takes whole vectors while that many columns are left, and masks its last
        // vector to what is left.
        unsafe {
            // Few rows: wide blocks, or there were too few sums to hide how long each takes.
            if n_rows == 1 && left >= 8 * lanes {
                single::<L, S, LANES, 8>(simd, &terms, a, b, c);
                j += 8 * lanes;
            } else if n_rows <= 4 && left >= 4 * lanes {
                panel::<L, S, LANES, 4, false, true>(simd, &rows, &terms, a, b, c, all);
                j += 4 * lanes;
            } else if left >= 2 * lanes {
                panel::<L, S, LANES, 2, false, false>(simd, &rows, &terms, a, b, c, all);
                j += 2 * lanes;
            } else if left > lanes {
                let mask = L::mask(simd, left - lanes);
                panel::<L, S, LANES, 2, true, false>(simd, &rows, &terms, a, b, c, mask);
                j = cols;
            } else if left == lanes {
                panel::<L, S, LANES, 1, false, false>(simd, &rows, &terms, a, b, c, all);
                j = cols;
            } else {
                let mask = L::mask(simd, left);
                panel::<L, S, LANES, 1, true, false>(simd, &rows, &terms, a, b, c, mask);
                j = cols;
            }
        }
    }
}

/// One row × N vectors.
///
/// # Safety
/// As for [`block`].
#[inline(always)]
unsafe fn single<L: Lane, S: Simd, const LANES: bool, const N: usize>(
    simd: S,
    terms: &Terms,
    a: *const L,
    b: *const L,
    c: (*mut L, usize),
) {
    let all = L::mask(simd, L::lanes::<S>());
    // SAFETY: the caller vouches for all.
    unsafe { block::<L, S, LANES, 1, N, false>(simd, terms, [a], b, c, all) }
}

/// All rows × N vectors of columns; FEW says that there are four rows at most.
///
/// A panel of B whose rows lie far apart does not stay in the cache, however small it is: where it is
/// used often enough, it is copied to the stack, some terms at a time.
///
/// # Safety
/// As for [`contract`]; N vectors of columns exist, the last in the lanes of `mask` if MASKED.
#[inline(always)]
unsafe fn panel<
    L: Lane,
    S: Simd,
    const LANES: bool,
    const N: usize,
    const MASKED: bool,
    const FEW: bool,
>(
    simd: S,
    rows: &Rows,
    terms: &Terms,
    a: *const L,
    b: *const L,
    c: (*mut L, usize),
    mask: L::Mask<S>,
) {
    let apart = terms.b[2].saturating_mul(size_of::<L>());
    let extent = terms.count.iter().product::<usize>().saturating_mul(apart);
    if LANES || FEW || extent < FAR || rows.count.iter().product::<usize>() < OFTEN {
        // SAFETY: the caller vouches for all.
        unsafe { blocks::<L, S, LANES, N, MASKED, FEW>(simd, rows, terms, a, b, c, mask) };
        return;
    }
    let lanes = L::lanes::<S>();
    let width = N * lanes;
    let mut copy = [MaybeUninit::<L>::uninit(); COPY];
    let copy = copy.as_mut_ptr().cast::<L>();
    // As many terms as fit: along the last axis; if all of it does, along the others too.
    let fit = COPY / width;
    let last = terms.count[2].min(fit);
    let middle = terms.count[1].min(fit / last);
    let middle = if last == terms.count[2] { middle } else { 1 };
    for t0 in 0..terms.count[0] {
        for t1 in (0..terms.count[1]).step_by(middle) {
            for t2 in (0..terms.count[2]).step_by(last) {
                let part = Terms {
                    count: [
                        1,
                        middle.min(terms.count[1] - t1),
                        last.min(terms.count[2] - t2),
                    ],
                    a: terms.a,
                    b: [0, last.min(terms.count[2] - t2) * width, width],
                };
                let start = |stride: &[usize; 3]| t0 * stride[0] + t1 * stride[1] + t2 * stride[2];
                let a = a.wrapping_add(start(&terms.a));
                let mut to = copy;
                // SAFETY: the part's terms are some of B's, N vectors each; `fit` times N vectors
                // have room in the copy, and what the blocks read of it has been written.
                unsafe {
                    for i in 0..part.count[1] {
                        for k in 0..part.count[2] {
                            let from = b.add(start(&terms.b) + i * terms.b[1] + k * terms.b[2]);
                            for j in 0..N {
                                let x = if MASKED && j == N - 1 {
                                    L::load_masked(simd, mask, from.add(j * lanes))
                                } else {
                                    L::load::<S>(from.add(j * lanes))
                                };
                                L::store(to.add(j * lanes), x);
                            }
                            to = to.wrapping_add(width);
                        }
                    }
                    blocks::<L, S, LANES, N, MASKED, FEW>(simd, rows, &part, a, copy, c, mask);
                }
            }
        }
    }
}

/// How many numbers of B are copied at a time.
const COPY: usize = 4096;

/// B is copied where a panel of it reaches over this many bytes …
const FAR: usize = 512 << 10;

/// … and is used by at least this many rows.
const OFTEN: usize = 24;

/// A panel in blocks of rows of about equal height.
///
/// # Safety
/// As for [`panel`].
#[inline(always)]
unsafe fn blocks<
    L: Lane,
    S: Simd,
    const LANES: bool,
    const N: usize,
    const MASKED: bool,
    const FEW: bool,
>(
    simd: S,
    rows: &Rows,
    terms: &Terms,
    a: *const L,
    b: *const L,
    (mut c, c_row): (*mut L, usize),
    mask: L::Mask<S>,
) {
    // Sums, the N vectors of B and one of A must fit the registers.
    let most = if S::REGISTER_COUNT >= 32 { 8 } else { 6 };
    let n_rows = rows.count.iter().product::<usize>();
    let mut at = Position::default();
    let mut left = n_rows;
    while left > 0 {
        let height = left.div_ceil(left.div_ceil(most));
        macro_rules! block {
            ($p:literal) => {{
                let mut from = [a; $p];
                for from in &mut from {
                    *from = a.wrapping_add(at.next(rows));
                }
                // SAFETY: `height` rows are left, and `from` says where each begins.
                unsafe {
                    block::<L, S, LANES, $p, N, MASKED>(simd, terms, from, b, (c, c_row), mask);
                }
            }};
        }
        match height {
            1 => block!(1),
            2 => block!(2),
            3 => block!(3),
            4 => block!(4),
            5 if !FEW => block!(5),
            6 if !FEW => block!(6),
            7 if !FEW => block!(7),
            _ if !FEW => block!(8),
            _ => {}
        }
        left -= height;
        c = c.wrapping_add(height * c_row);
    }
}

/// Where in A the next row begins.
#[derive(Default)]
struct Position {
    index: [usize; 3],
    offset: usize,
}

impl Position {
    #[inline(always)]
    fn next(&mut self, rows: &Rows) -> usize {
        let here = self.offset;
        self.offset = self.offset.wrapping_add(rows.a[2]);
        self.index[2] += 1;
        for axis in [2, 1] {
            if self.index[axis] < rows.count[axis] {
                break;
            }
            self.index[axis] = 0;
            self.index[axis - 1] += 1;
            self.offset = self
                .offset
                .wrapping_sub(rows.count[axis].wrapping_mul(rows.a[axis]))
                .wrapping_add(rows.a[axis - 1]);
        }
        here
    }
}

/// P rows × N vectors of C, in registers over the whole sum.
///
/// # Safety
/// `a` says where P rows begin, whose terms can all be read; N vectors of each term of `b` can be
/// read and N of P rows of `c` be read and written, the last of them in the lanes of `mask` only, if
/// MASKED; `c` overlaps neither `a` nor `b`.
#[inline(always)]
unsafe fn block<
    L: Lane,
    S: Simd,
    const LANES: bool,
    const P: usize,
    const N: usize,
    const MASKED: bool,
>(
    simd: S,
    terms: &Terms,
    a: [*const L; P],
    b: *const L,
    (c, c_row): (*mut L, usize),
    mask: L::Mask<S>,
) {
    let lanes = L::lanes::<S>();
    let zero = L::splat(simd, L::zero());
    let mut sum = [[zero; N]; P];
    // Vector j of the N that begin at `p`.
    macro_rules! load {
        ($p:expr, $j:expr) => {
            if MASKED && $j == N - 1 {
                L::load_masked(simd, mask, $p.add($j * lanes))
            } else {
                L::load::<S>($p.add($j * lanes))
            }
        };
    }
    let Terms {
        count,
        a: step,
        b: jump,
    } = *terms;
    // SAFETY: every offset that these loops make belongs to a term; the caller vouches for those.
    unsafe {
        for t0 in 0..count[0] {
            for t1 in 0..count[1] {
                let mut from = t0 * step[0] + t1 * step[1];
                let mut b = b.add(t0 * jump[0] + t1 * jump[1]);
                for _ in 0..count[2] {
                    let mut bs = [zero; N];
                    for (j, x) in bs.iter_mut().enumerate() {
                        *x = load!(b, j);
                    }
                    for (sum, a) in sum.iter_mut().zip(&a) {
                        let a = a.add(from);
                        if LANES {
                            for (j, (sum, &b)) in sum.iter_mut().zip(&bs).enumerate() {
                                *sum = L::fma(simd, load!(a, j), b, *sum);
                            }
                        } else {
                            let x = L::splat(simd, *a);
                            for (sum, &b) in sum.iter_mut().zip(&bs) {
                                *sum = L::fma(simd, x, b, *sum);
                            }
                        }
                    }
                    from = from.wrapping_add(step[2]);
                    b = b.wrapping_add(jump[2]);
                }
            }
        }
        for (i, sum) in sum.iter().enumerate() {
            for (j, &sum) in sum.iter().enumerate() {
                let to = c.add(i * c_row + j * lanes);
                if MASKED && j == N - 1 {
                    let old = L::load_masked(simd, mask, to);
                    L::store_masked(simd, mask, to, L::plus(simd, old, sum));
                } else {
                    L::store(to, L::plus(simd, L::load::<S>(to), sum));
                }
            }
        }
    }
}
