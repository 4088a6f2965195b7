//! The one loop under matrix products and convolutions: C[i, :] += Σₜ A(i, t) · B(t, :).
//!
//! A(i, t) is a number; or, lane by lane, a row as long as C's, multiplied elementwise: that is
//! a depthwise convolution.
//!
//! Rows i and terms t are walked along up to three axes each, with strides of their own in A and B.
//! So a convolution needs no matrix of patches: its rows are pixels, its terms run over kernel
//! rows, kernel columns and channels, and A is the image itself, in which patches overlap. Columns
//! of B and C lie next to each other; they are what is vectorized.

#![allow(unsafe_code)]

use super::block::{Ahead, Operands, block, blocks};
use super::simd::{Lane, compiled};
use crate::line::LINE;
use pulp::{Simd, WithSimd};
use std::mem::MaybeUninit;

/// How the rows of C lie in A: three nested axes, the last one fastest.
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    pub count: [usize; 3],
    pub a: [usize; 3],
}

/// How the terms of the sum lie in A and in B: three nested axes, the last one fastest.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub count: [usize; 3],
    pub a: [usize; 3],
    pub b: [usize; 3],
}

/// C[i, :] += Σₜ A(i, t) · B(t, :) as a kernel. It panics where a stride reaches beyond an operand.
#[derive(Debug)]
pub struct Contraction<'a, L> {
    pub rows: Rows,
    pub terms: Terms,
    pub cols: usize,
    pub a: &'a [L],
    pub b: &'a [L],
    pub c: &'a mut [L],
    /// The distance of two rows of C.
    pub c_row: usize,
    /// Whether A(i, t) is a row instead of a number.
    pub lane_by_lane: bool,
}

compiled!(Contraction { rows, terms, cols, c_row, lane_by_lane; a, b, c });

impl Rows {
    /// How many rows there are.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.count.iter().product()
    }
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
        let n_rows = rows.len();
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
            let terms = terms.merged();
            let mut copy = Room::new();
            let copy = copy.start();
            let operands = Operands {
                a: a.as_ptr(),
                b: b.as_ptr(),
                c: c.as_mut_ptr(),
                c_row,
                adds: true,
            };
            if lane_by_lane {
                contract::<L, S, true>(simd, rows, terms, cols, operands, copy);
            } else {
                contract::<L, S, false>(simd, rows, terms, cols, operands, copy);
            }
        }
    }
}

/// Room on the stack for a part of B: 24 kB. More would cost small products dearly, since each page
/// of it is touched on entry.
///
/// Its numbers begin on a cache line, as every vector among them then does: one that crosses two
/// lines is two reads. (A type with that alignment would make every function that has such room
/// keep a frame pointer, and so lose a register.)
pub(super) struct Room([MaybeUninit<u64>; ROOM / 8 + LINE / 8 - 1]);

/// Bytes of a [`Room`] from where its numbers begin.
const ROOM: usize = 24 << 10;

impl Room {
    /// Room whose numbers are to be written before they are read.
    #[inline(always)]
    pub(super) fn new() -> Self {
        Room([MaybeUninit::uninit(); _])
    }

    /// Where its numbers begin, [`room`] of them, as long as it lives.
    #[inline(always)]
    pub(super) fn start<L>(&mut self) -> *mut L {
        let first = self.0.as_mut_ptr();
        // At most all but one of a line's eight parts lie before the next line.
        first
            .wrapping_add((first as usize).wrapping_neg() % LINE / 8)
            .cast()
    }
}

/// How many numbers of B there is room for.
pub(super) const fn room<L>() -> usize {
    ROOM / size_of::<L>()
}

/// A panel of B is copied where it reaches over this many bytes …
const FAR: usize = 512 << 10;

/// … and is used by at least this many rows.
const OFTEN: usize = 24;

/// The contraction, on operands that were checked; LANES says that A(i, t) is a row. C may be
/// overwritten instead of added to, as the operands say.
///
/// # Safety
/// All of A(i, t) and B(t, :) can be read, all of C[i, :] be read and written, and C overlaps
/// neither. `copy` is a [`Room`], unless rows of B lie so close that nothing is copied.
#[inline(always)]
pub(super) unsafe fn contract<L: Lane, S: Simd, const LANES: bool>(
    simd: S,
    rows: Rows,
    terms: Terms,
    cols: usize,
    operands: Operands<L>,
    copy: *mut L,
) {
    let lanes = L::lanes::<S>();
    let n_rows = rows.len();
    let all = L::mask(simd, lanes);
    let mut j = 0;
    while j < cols {
        let left = cols - j;
        let at = Operands {
            a: operands.a.wrapping_add(if LANES { j } else { 0 }),
            b: operands.b.wrapping_add(j),
            c: operands.c.wrapping_add(j),
            ..operands
        };
        macro_rules! panel {
            ($vectors:literal, masked: $masked:literal, $mask:expr) => {{
                // SAFETY: a panel takes whole vectors while that many columns are left, and masks
                // its last vector to what is left.
                unsafe {
                    panel::<L, S, LANES, $vectors, $masked>(simd, &rows, &terms, at, $mask, copy);
                }
                $vectors * lanes
            }};
        }
        // Few rows: wide panels, or there were too few sums to hide how long each takes. Many
        // registers: wide panels, so that a number of A is read for as many sums as possible.
        j += if n_rows == 1 && left >= 8 * lanes {
            let Operands {
                a,
                b,
                c,
                c_row,
                adds,
            } = at;
            let ahead = Ahead { from: b, step: 0 };
            // SAFETY: eight vectors of columns are left, and there is one row.
            unsafe {
                block::<L, S, LANES, 1, 8, false, false>(
                    simd,
                    &terms,
                    [a],
                    b,
                    (c, c_row, adds),
                    all,
                    ahead,
                    None,
                )
            };
            8 * lanes
        } else if (n_rows <= 4 || S::REGISTER_COUNT >= 32) && left >= 4 * lanes {
            panel!(4, masked: false, all)
        } else if left >= 2 * lanes {
            panel!(2, masked: false, all)
        } else if left > lanes {
            panel!(2, masked: true, L::mask(simd, left - lanes))
        } else if left == lanes {
            panel!(1, masked: false, all)
        } else {
            panel!(1, masked: true, L::mask(simd, left))
        };
    }
}

/// All rows × N vectors of columns.
///
/// A panel of B whose rows lie far apart does not stay in the cache, however small it is: where it
/// is used often enough, it is copied, some terms at a time.
///
/// # Safety
/// As for [`blocks`]; `copy` is a [`Room`] if something is copied.
#[inline(always)]
unsafe fn panel<L: Lane, S: Simd, const LANES: bool, const N: usize, const MASKED: bool>(
    simd: S,
    rows: &Rows,
    terms: &Terms,
    at: Operands<L>,
    mask: L::Mask<S>,
    copy: *mut L,
) {
    let [n0, n1, n2] = terms.count;
    let apart = terms.b[2].saturating_mul(size_of::<L>());
    let far = (n0 * n1 * n2).saturating_mul(apart) >= FAR;
    let copied = !LANES && far && rows.len() >= OFTEN;
    // A part is all terms; or, copied, as many as fit: along the last axis, and if all of it does,
    // along the middle one too.
    let width = N * L::lanes::<S>();
    let [s0, s1, s2] = if copied {
        let last = n2.min(room::<L>() / width);
        let whole = last == n2;
        [
            1,
            if whole {
                n1.min(room::<L>() / width / n2)
            } else {
                1
            },
            last,
        ]
    } else {
        terms.count
    };
    for t0 in (0..n0).step_by(s0) {
        for t1 in (0..n1).step_by(s1) {
            for t2 in (0..n2).step_by(s2) {
                let start = |stride: &[usize; 3]| t0 * stride[0] + t1 * stride[1] + t2 * stride[2];
                let part = Terms {
                    count: [s0.min(n0 - t0), s1.min(n1 - t1), s2.min(n2 - t2)],
                    ..*terms
                };
                // What comes next: the rest of these terms, or the next panel.
                let ahead = Ahead {
                    from: if t2 + s2 < n2 {
                        at.b.wrapping_add(start(&terms.b) + s2 * terms.b[2])
                    } else {
                        at.b.wrapping_add(width)
                    },
                    step: terms.b[2],
                };
                let at = Operands {
                    a: at.a.wrapping_add(start(&terms.a)),
                    b: at.b.wrapping_add(start(&terms.b)),
                    adds: at.adds || [t0, t1, t2] != [0; 3],
                    ..at
                };
                // SAFETY: the part's terms are some of all, N vectors each. A copied part has one
                // t0, and `room::<L>() / width` terms at most, which fit; what the blocks read of
                // the copy has been written.
                unsafe {
                    let copy = copied.then_some(copy);
                    blocks::<L, S, LANES, N, MASKED>(simd, rows, &part, at, mask, ahead, copy);
                }
            }
        }
    }
}
