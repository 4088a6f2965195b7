//! Blocks of a contraction: P rows × N vectors of C, in registers over the whole sum.
//!
//! Each step of the sum loads N vectors of B, broadcasts P numbers of A, and multiplies and adds
//! N·P times.

#![allow(unsafe_code)]

use super::contraction::{Rows, Terms};
use super::simd::{Lane, fetch};
use pulp::Simd;

/// Where the operands begin.
#[derive(Debug)]
pub(super) struct Operands<L> {
    pub(super) a: *const L,
    pub(super) b: *const L,
    pub(super) c: *mut L,
    /// The distance of two rows of C.
    pub(super) c_row: usize,
    /// Whether the product is added to C; or else takes its place, and C is not read.
    pub(super) adds: bool,
}

/// Numbers that will be read soon: the address of the first, and the distance of two terms.
#[derive(Debug)]
pub(super) struct Ahead<L> {
    pub(super) from: *const L,
    pub(super) step: usize,
}

impl<L> Clone for Ahead<L> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<L> Copy for Ahead<L> {}

impl<L> Clone for Operands<L> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<L> Copy for Operands<L> {}

/// All rows × N vectors of columns, in blocks of rows of about equal height.
///
/// LANES says that A(i, t) is a row of numbers, MASKED that the last vector exists in the lanes of
/// `mask` only. Meanwhile what lies `ahead` is fetched into the cache: of each term a vector by
/// each of the first N blocks, so that the requests don't queue.
///
/// With a `copy`, the first block leaves there what it reads of B, without gaps, for the others:
/// its stores cost nothing beside the products.
///
/// # Safety
/// All of A(i, t) and N vectors of B(t, :) can be read, N vectors of C[i, :] be read and written,
/// and C overlaps neither. A `copy` has room for N vectors of each term.
#[inline(always)]
pub(super) unsafe fn blocks<
    L: Lane,
    S: Simd,
    const LANES: bool,
    const N: usize,
    const MASKED: bool,
>(
    simd: S,
    rows: &Rows,
    terms: &Terms,
    Operands {
        a,
        mut b,
        mut c,
        c_row,
        adds,
    }: Operands<L>,
    mask: L::Mask<S>,
    ahead: Ahead<L>,
    copy: Option<*mut L>,
) {
    let mut terms = *terms;
    let mut copy = copy.filter(|_| !LANES);
    // Sums, the N vectors of B and one of A must fit the registers.
    let most = match S::REGISTER_COUNT {
        32.. if N < 4 => 8,
        32.. => 6,
        _ if N < 4 => 6,
        _ => 4,
    };
    let mut at = Position::default();
    let mut left = rows.len();
    let mut number = 0;
    while left > 0 {
        let height = left.div_ceil(left.div_ceil(most));
        macro_rules! block {
            ($p:literal $(, to: $to:expr)?) => {{
                let mut from = [a; $p];
                for from in &mut from {
                    *from = a.wrapping_add(at.next(rows));
                }
                let ahead = if number < N {
                    let from = ahead.from.wrapping_add(number * L::lanes::<S>());
                    Ahead { from, ..ahead }
                } else {
                    Ahead { from: b, step: 0 }
                };
                let to = None$(.or(Some($to)))?;
                // SAFETY: `height` rows are left, and `from` says where each begins; there is room
                // for a copy, where one is made.
                unsafe {
                    block::<L, S, LANES, $p, N, MASKED, { block!(@copies $($to)?) }>(
                        simd,
                        &terms,
                        from,
                        b,
                        (c, c_row, adds),
                        mask,
                        ahead,
                        to,
                    );
                }
            }};
            (@copies) => { false };
            (@copies $to:expr) => { true };
        }
        match (copy, height) {
            (Some(to), 4) => block!(4, to: to),
            (Some(to), 5) => block!(5, to: to),
            (Some(to), 6) => block!(6, to: to),
            (Some(to), 7) if N < 4 => block!(7, to: to),
            (Some(to), 8) if N < 4 => block!(8, to: to),
            (_, 1) => block!(1),
            (_, 2) => block!(2),
            (_, 3) => block!(3),
            (_, 4) => block!(4),
            (_, 5) => block!(5),
            (_, 6) => block!(6),
            (_, 7) if N < 4 => block!(7),
            _ if N < 4 => block!(8),
            _ => {}
        }
        // Few rows are not worth a copy: their block made none.
        if let Some(copy) = copy.take().filter(|_| height >= 4) {
            let width = N * L::lanes::<S>();
            terms.b = [
                terms.count[1] * terms.count[2] * width,
                terms.count[2] * width,
                width,
            ];
            b = copy.cast_const();
        }
        number += 1;
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

/// One block, whose rows begin in A where `a` says.
///
/// # Safety
/// As for [`blocks`], for these rows.
#[inline(always)]
#[allow(clippy::too_many_arguments)] // each is one of the loop's
pub(super) unsafe fn block<
    L: Lane,
    S: Simd,
    const LANES: bool,
    const P: usize,
    const N: usize,
    const MASKED: bool,
    const COPIES: bool,
>(
    simd: S,
    terms: &Terms,
    a: [*const L; P],
    b: *const L,
    (c, c_row, adds): (*mut L, usize, bool),
    mask: L::Mask<S>,
    ahead: Ahead<L>,
    copy: Option<*mut L>,
) {
    let mut copy = copy.unwrap_or(b.cast_mut());
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
                let mut next = ahead.from;
                for _ in 0..count[2] {
                    fetch(next);
                    next = next.wrapping_add(ahead.step);
                    let mut bs = [zero; N];
                    for (j, x) in bs.iter_mut().enumerate() {
                        *x = load!(b, j);
                        if COPIES {
                            L::store(copy, *x);
                            copy = copy.wrapping_add(lanes);
                        }
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
        if adds {
            for (i, sum) in sum.iter_mut().enumerate() {
                for (j, sum) in sum.iter_mut().enumerate() {
                    let row = c.add(i * c_row);
                    *sum = L::plus(simd, load!(row, j), *sum);
                }
            }
        }
        // All loads before the first store: a short row's masked store reaches over the next row,
        // whose load would wait for it.
        for (i, sum) in sum.iter().enumerate() {
            for (j, &sum) in sum.iter().enumerate() {
                let to = c.add(i * c_row + j * lanes);
                if MASKED && j == N - 1 {
                    L::store_masked(simd, mask, to, sum);
                } else {
                    L::store(to, sum);
                }
            }
        }
    }
}
