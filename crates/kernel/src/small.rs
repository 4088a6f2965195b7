//! C += A·B, or C = A·B, without packing and without allocation, for products that fit the core's
//! cache.
//!
//! Where the columns of B lie next to each other, this is a contraction. Where they don't, either
//! both factors run along the sum (a transposed B: then entries are inner products), or a panel of
//! B is copied to the stack first.

#![allow(unsafe_code)]

use super::block::Operands;
use super::contraction::{Room, Rows, Terms, contract, room};
use super::gemm::{Mat, MatMut, inner_products};
use super::simd::Lane;
use super::transpose;
use pulp::{Simd, WithSimd};

/// The product as a kernel: C += A·B, or C = A·B.
pub(crate) struct Small<'a, L> {
    pub(crate) a: Mat<'a, L>,
    pub(crate) b: Mat<'a, L>,
    pub(crate) c: MatMut<'a, L>,
}

/// Rows of numbers at a stride, read by the blocks.
struct Source<L> {
    data: *const L,
    row: usize,
    col: usize,
}

impl<L> Clone for Source<L> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<L> Copy for Source<L> {}

impl<L: Lane> Source<L> {
    fn of(m: &Mat<'_, L>) -> Self {
        Source {
            data: m.data().as_ptr(),
            row: m.row_stride(),
            col: m.col_stride(),
        }
    }

    /// The matrix from entry (i, j) on, which exists or is one past an end.
    #[inline(always)]
    fn from(self, i: usize, j: usize) -> Self {
        Source {
            data: self.data.wrapping_add(i * self.row + j * self.col),
            ..self
        }
    }
}

/// Where the result goes.
struct Target<L> {
    data: *mut L,
    row: usize,
    /// Whether to what stands there, or over it.
    adds: bool,
}

impl<L> Clone for Target<L> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<L> Copy for Target<L> {}

impl<L: Lane> WithSimd for Small<'_, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Small { a, b, mut c } = self;
        let shape = (a.rows(), a.cols(), b.cols());
        let dots = inner_products(&a, &b);
        let panels = b.col_stride() == 1 || b.cols() == 1;
        let (a, b) = (Source::of(&a), Source::of(&b));
        let c = Target {
            row: c.row_stride(),
            adds: c.adds(),
            data: c.data().as_mut_ptr(),
        };
        // SAFETY: `Mat` and `MatMut` checked that all entries lie within their slices, and `gemm`
        // that A is m×k, B is k×n and C is m×n; C is borrowed mutably, so it overlaps no other.
        unsafe {
            if panels {
                let mut copy = Room::new();
                contraction(simd, shape, a, b, c, copy.start());
            } else if !turning_a_pays::<L, S>(shape) && dots {
                self::dots(simd, shape, a, b, c);
            } else {
                simd.vectorize(Turned { shape, a, b, c });
            }
        }
    }
}

/// A·B where the columns of B do not lie next to each other: a kernel of its own, so that others do
/// not touch the stack that it needs.
struct Turned<L> {
    shape: (usize, usize, usize),
    a: Source<L>,
    b: Source<L>,
    c: Target<L>,
}

impl<L: Lane> WithSimd for Turned<L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Turned { shape, a, b, c } = self;
        // SAFETY: `Small` alone makes this kernel, from matrices that were checked.
        unsafe {
            if turning_a_pays::<L, S>(shape) {
                turned_result(simd, shape, a, b, c);
            } else {
                turned_panels(simd, shape, a, b, c);
            }
        }
    }
}

/// A·B as a contraction.
///
/// # Safety
/// All entries of the m×k matrix `a` and the k×n matrix `b` can be read, and all of the m×n matrix
/// at `c`, which overlaps neither, can be read and written (only written, if `c` is not added to,
/// and k is not 0). Columns of B lie next to each other, or there is one only. `copy` is a
/// [`Room`], unless rows of B have no gaps: then nothing is copied.
#[inline(always)]
unsafe fn contraction<L: Lane, S: Simd>(
    simd: S,
    (m, k, n): (usize, usize, usize),
    a: Source<L>,
    b: Source<L>,
    c: Target<L>,
    copy: *mut L,
) {
    let rows = Rows {
        count: [1, 1, m],
        a: [0, 0, a.row],
    };
    let terms = Terms {
        count: [1, 1, k],
        a: [0, 0, a.col],
        b: [0, 0, b.row],
    };
    let operands = Operands {
        a: a.data,
        b: b.data,
        c: c.data,
        c_row: c.row,
        adds: c.adds,
    };
    // SAFETY: these are the rows, terms and columns of the matrices that the caller vouches for.
    unsafe { contract::<L, S, false>(simd, rows, terms, n, operands, copy) }
}

/// A·B as contractions of one panel of B after the other, which is turned on the stack first.
///
/// # Safety
/// As for [`contraction`], but for the columns of B.
#[inline(always)]
unsafe fn turned_panels<L: Lane, S: Simd>(
    simd: S,
    (m, k, n): (usize, usize, usize),
    a: Source<L>,
    b: Source<L>,
    c: Target<L>,
) {
    let mut panel = Room::new();
    let panel = panel.start::<L>();
    let width = 2 * L::lanes::<S>();
    let depth = room::<L>() / width;
    for j in (0..n).step_by(width) {
        let cols = width.min(n - j);
        for l in (0..k).step_by(depth) {
            let terms = depth.min(k - l);
            let from = b.from(l, j);
            // SAFETY: rows l..l + terms and columns j..j + cols exist in B, columns j.. in C and
            // columns l.. in A. `terms · cols` numbers fit the panel, and all are written before
            // they are read.
            unsafe {
                let stride = (from.col, from.row);
                transpose::turn::<L, false>((cols, terms), from.data, stride, panel, cols);
                let b = Source {
                    data: panel.cast_const(),
                    row: cols,
                    col: 1,
                };
                let c = Target {
                    data: c.data.add(j),
                    adds: c.adds || l > 0,
                    ..c
                };
                contraction(simd, (m, terms, cols), a.from(0, l), b, c, panel);
            }
        }
    }
}

/// How many columns of Aᵀ a panel of it holds, and how many terms of the sum.
#[inline(always)]
fn panel_of_a<L: Lane, S: Simd>(m: usize) -> (usize, usize) {
    let vectors = if S::REGISTER_COUNT >= 32 { 4 } else { 2 };
    let width = m.min(vectors * L::lanes::<S>());
    (width, room::<L>() / width)
}

/// Whether turning A and the result is far less work than turning B.
#[inline(always)]
fn turning_a_pays<L: Lane, S: Simd>((m, k, n): (usize, usize, usize)) -> bool {
    let parts = k.div_ceil(panel_of_a::<L, S>(m).1);
    m >= L::lanes::<S>() && 2 * (m * k + parts * m * n) < k * n
}

/// A·B as the transpose of Bᵀ·Aᵀ, where columns of B do not lie next to each other: its numbers are
/// then read where they lie. A and the result are turned, a panel after the other, on the stack.
///
/// # Safety
/// As for [`contraction`].
#[inline(always)]
unsafe fn turned_result<L: Lane, S: Simd>(
    simd: S,
    (m, k, n): (usize, usize, usize),
    a: Source<L>,
    b: Source<L>,
    c: Target<L>,
) {
    let (mut panel, mut result) = (Room::new(), Room::new());
    let (panel, result) = (panel.start::<L>(), result.start::<L>());
    let (width, depth) = panel_of_a::<L, S>(m);
    let height = room::<L>() / width;
    for i in (0..m).step_by(width) {
        let cols = width.min(m - i);
        for l in (0..k).step_by(depth) {
            let terms = depth.min(k - l);
            // SAFETY: rows i.. and columns l.. of A exist; `terms · cols` numbers fit the panel.
            unsafe {
                let from = a.from(i, l);
                transpose::turn::<L, false>(
                    (cols, terms),
                    from.data,
                    (from.row, from.col),
                    panel,
                    cols,
                );
            }
            for j in (0..n).step_by(height) {
                let count = height.min(n - j);
                let from = b.from(l, j);
                let left = Source {
                    row: from.col,
                    col: from.row,
                    ..from
                };
                let right = Source {
                    data: panel.cast_const(),
                    row: cols,
                    col: 1,
                };
                let product = Target {
                    data: result,
                    row: cols,
                    adds: false,
                };
                // SAFETY: rows l.. and columns j.. of B and the panel's numbers can be read, and
                // `count · cols` numbers of the result fit its room; they are written before they
                // are read. Rows i.. and columns j.. of C exist.
                unsafe {
                    contraction(simd, (count, terms, cols), left, right, product, panel);
                    let (shape, to) = ((count, cols), c.data.add(i * c.row + j));
                    if c.adds || l > 0 {
                        transpose::turn::<L, true>(shape, result, (cols, 1), to, c.row);
                    } else {
                        transpose::turn::<L, false>(shape, result, (cols, 1), to, c.row);
                    }
                }
            }
        }
    }
}

/// A·B as inner products, where rows of A and columns of B have no gaps.
///
/// # Safety
/// As for [`contraction`]; `a.col` and `b.row` are 1.
#[inline(always)]
unsafe fn dots<L: Lane, S: Simd>(
    simd: S,
    (m, k, n): (usize, usize, usize),
    a: Source<L>,
    b: Source<L>,
    c: Target<L>,
) {
    let mut i = 0;
    while i < m {
        let height = if m - i >= 4 { 4 } else { 1 };
        let mut j = 0;
        while j < n {
            let width = if n - j >= 4 { 4 } else { 1 };
            let (a, b) = (a.from(i, 0), b.from(0, j));
            let data = c.data.wrapping_add(i * c.row + j);
            let c = Target { data, ..c };
            // SAFETY: `height` rows and `width` columns are left.
            unsafe {
                match (height, width) {
                    (4, 4) => dot_block::<L, S, 4, 4>(simd, k, a, b, c),
                    (4, _) => dot_block::<L, S, 4, 1>(simd, k, a, b, c),
                    (_, 4) => dot_block::<L, S, 1, 4>(simd, k, a, b, c),
                    _ => dot_block::<L, S, 1, 1>(simd, k, a, b, c),
                }
            }
            j += width;
        }
        i += height;
    }
}

/// P×Q inner products at once.
///
/// # Safety
/// `a` has P rows of k numbers next to each other, `b` has Q such columns; `c` has P rows of Q
/// numbers.
#[inline(always)]
unsafe fn dot_block<L: Lane, S: Simd, const P: usize, const Q: usize>(
    simd: S,
    k: usize,
    a: Source<L>,
    b: Source<L>,
    c: Target<L>,
) {
    let lanes = L::lanes::<S>();
    let zero = L::splat(simd, L::zero());
    let mut sum = [[zero; Q]; P];
    let whole = k - k % lanes;
    let mask = L::mask(simd, k - whole);
    // SAFETY: numbers 0..k of each of the P rows and Q columns exist; the last vector is masked
    // to what is left of them.
    unsafe {
        macro_rules! step {
            ($p:ident => $load:expr) => {{
                let mut bs = [zero; Q];
                for (j, x) in bs.iter_mut().enumerate() {
                    let $p = b.data.add(j * b.col);
                    *x = $load;
                }
                for (i, sum) in sum.iter_mut().enumerate() {
                    let $p = a.data.add(i * a.row);
                    let x = $load;
                    for (sum, &b) in sum.iter_mut().zip(&bs) {
                        *sum = L::fma(simd, x, b, *sum);
                    }
                }
            }};
        }
        let mut t = 0;
        while t < whole {
            step!(p => L::load::<S>(p.add(t)));
            t += lanes;
        }
        if whole < k {
            step!(p => L::load_masked(simd, mask, p.add(whole)));
        }
        for (i, sum) in sum.iter().enumerate() {
            for (j, &sum) in sum.iter().enumerate() {
                let (to, total) = (c.data.add(i * c.row + j), L::total(simd, sum));
                *to = if c.adds { *to + total } else { total };
            }
        }
    }
}
