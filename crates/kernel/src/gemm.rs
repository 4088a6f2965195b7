//! Matrix products over strided views: C += A·B, or C = A·B.
//!
//! Large products go to the `gemm` crate, on one thread. It allocates its packing buffers on every
//! call, which is ruinous for small ones: these take the kernel in `small`, which allocates
//! nothing.

#![allow(unsafe_code)]

use super::simd::{Same, compiled, same, same_mut};
use super::small::Small;
use crate::Scalar;

/// A matrix to read: any strides, so that a transpose costs nothing.
///
/// Entry (i, j) is number `i·row_stride + j·col_stride` of `data`.
#[derive(Clone, Copy, Debug)]
pub struct Mat<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> Mat<'a, T> {
    /// A row-major matrix without gaps.
    ///
    /// # Panics
    /// As indexing does, if `data` is too short.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Self {
        Mat::strided(data, rows, cols, cols, 1)
    }

    /// A matrix with strides of its own; a stride of 0 repeats a row or a column.
    ///
    /// # Panics
    /// As indexing does, if `data` is too short.
    pub fn strided(
        data: &'a [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Self {
        assert!(
            reach(rows, cols, row_stride, col_stride).is_some_and(|n| n <= data.len()),
            "a {rows}×{cols} matrix with strides {row_stride}, {col_stride} does not lie within \
             {} numbers",
            data.len()
        );
        Mat {
            data,
            rows,
            cols,
            row_stride,
            col_stride,
        }
    }

    /// The transpose.
    pub fn transposed(self) -> Self {
        Mat {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns it has.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The distance of two rows.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// The distance of two columns.
    pub fn col_stride(&self) -> usize {
        self.col_stride
    }

    /// The numbers behind the view; entry (0, 0) comes first.
    pub fn data(&self) -> &'a [T] {
        self.data
    }
}

impl<'s, T: 'static, U: 'static> Same<U> for &mut Mat<'s, T> {
    type As = Mat<'s, U>;

    fn same(self) -> Option<Mat<'s, U>> {
        Some(Mat {
            data: same(self.data)?,
            rows: self.rows,
            cols: self.cols,
            row_stride: self.row_stride,
            col_stride: self.col_stride,
        })
    }
}

/// A row-major matrix to add into, or to [write over](Self::adding); rows may lie apart.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    adds: bool,
}

impl<'a, T> MatMut<'a, T> {
    /// A row-major matrix without gaps.
    ///
    /// # Panics
    /// As indexing does, if `data` is too short.
    pub fn new(data: &'a mut [T], rows: usize, cols: usize) -> Self {
        MatMut::strided(data, rows, cols, cols)
    }

    /// A row-major matrix whose rows lie `row_stride` apart.
    ///
    /// # Panics
    /// As indexing does, if `data` is too short; and if rows would overlap.
    pub fn strided(data: &'a mut [T], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(
            (rows <= 1 || row_stride >= cols)
                && reach(rows, cols, row_stride, 1).is_some_and(|n| n <= data.len()),
            "a {rows}×{cols} matrix with row stride {row_stride} does not lie within {} numbers \
             without overlap",
            data.len()
        );
        MatMut {
            data,
            rows,
            cols,
            row_stride,
            adds: true,
        }
    }

    /// The same, to which a product is added; or else it takes the place of what stands there,
    /// which is not read.
    pub fn adding(self, adds: bool) -> Self {
        MatMut { adds, ..self }
    }

    /// Whether a product is added to what stands there.
    pub fn adds(&self) -> bool {
        self.adds
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns it has.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The distance of two rows.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// The numbers behind the view; entry (0, 0) comes first.
    pub fn data(&mut self) -> &mut [T] {
        self.data
    }
}

impl<'a, T: 'static, U: 'static> Same<U> for &'a mut MatMut<'_, T> {
    type As = MatMut<'a, U>;

    fn same(self) -> Option<MatMut<'a, U>> {
        Some(MatMut {
            data: same_mut(self.data)?,
            rows: self.rows,
            cols: self.cols,
            row_stride: self.row_stride,
            adds: self.adds,
        })
    }
}

/// How many numbers a matrix reaches over, or `None` where that overflows.
fn reach(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Option<usize> {
    if rows == 0 || cols == 0 {
        return Some(0);
    }
    let down = (rows - 1).checked_mul(row_stride)?;
    let across = (cols - 1).checked_mul(col_stride)?;
    down.checked_add(across)?.checked_add(1)
}

/// C += A·B; or C = A·B, where `c` is [not added to](MatMut::adding).
///
/// # Shapes
/// `a` is m×k, `b` is k×n, `c` is m×n.
///
/// # Panics
/// If the shapes don't fit together.
///
/// # Example
/// ```
/// use osculant_kernel::gemm::{gemm, Mat, MatMut};
///
/// let a = [1.0, 2.0, 3.0, 4.0];
/// let mut c = [10.0, 10.0];
/// // C += A·(1, 1)ᵀ
/// gemm(Mat::new(&a, 2, 2), Mat::new(&[1.0, 1.0], 2, 1), MatMut::new(&mut c, 2, 1));
/// assert_eq!(c, [13.0, 17.0]);
/// ```
pub fn gemm<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, mut c: MatMut<'_, T>) {
    if !has_terms(&a, &b, &mut c) {
        return;
    }
    let (a, b, c) = lying(a, b, c);
    if is_small(&a, &b) {
        small(a, b, c);
    } else {
        large(a, b, c);
    }
}

/// A column of C without gaps as a row: (A b)ᵀ = bᵀ Aᵀ. Kernels vectorize along rows.
fn lying<'a, 'c, T>(
    a: Mat<'a, T>,
    b: Mat<'a, T>,
    c: MatMut<'c, T>,
) -> (Mat<'a, T>, Mat<'a, T>, MatMut<'c, T>) {
    if b.cols == 1 && a.rows > 1 && c.row_stride == 1 {
        let c = MatMut {
            data: c.data,
            rows: 1,
            cols: a.rows,
            row_stride: a.rows,
            ..c
        };
        (b.transposed(), a.transposed(), c)
    } else {
        (a, b, c)
    }
}

/// Compares the shapes, and says whether there is anything to multiply. A sum of no terms is 0.
fn has_terms<T: Scalar>(a: &Mat<'_, T>, b: &Mat<'_, T>, c: &mut MatMut<'_, T>) -> bool {
    assert!(
        a.cols == b.rows && a.rows == c.rows && b.cols == c.cols,
        "a {}×{} times a {}×{} matrix does not make a {}×{} one",
        a.rows,
        a.cols,
        b.rows,
        b.cols,
        c.rows,
        c.cols
    );
    if a.rows == 0 || b.cols == 0 {
        return false;
    }
    if a.cols == 0 && !c.adds {
        let cols = c.cols;
        for row in c.data.chunks_mut(c.row_stride.max(1)).take(c.rows) {
            row[..cols].fill(T::zero());
        }
    }
    a.cols > 0
}

/// Whether the kernel of our own is faster, packing and allocation counted.
///
/// The bounds were measured with `cargo bench -p osculant-tape --bench kernels -- products`; they
/// are constants, so that the same product takes the same route on every machine.
fn is_small<T>(a: &Mat<'_, T>, b: &Mat<'_, T>) -> bool {
    const CACHE: usize = 512 << 10;
    let bytes = |m: &Mat<'_, T>| m.rows.saturating_mul(m.cols).saturating_mul(size_of::<T>());
    let work = bytes(a).saturating_mul(b.cols) / size_of::<T>();
    if b.col_stride == 1 || b.cols == 1 {
        // Nothing to pack: until the operands leave the cache; or where there is little reuse, as
        // in a tile, which has at most 64 examples.
        a.rows <= 64 || (bytes(a) <= CACHE && bytes(b) <= CACHE)
    } else {
        a.rows <= 64 || inner_products(a, b) || work <= 64 * 64 * 64
    }
}

/// Whether inner products beat a copy of B: both factors lie along the sum, which is long, and too
/// few rows or columns would profit from the copy.
pub(super) fn inner_products<T>(a: &Mat<'_, T>, b: &Mat<'_, T>) -> bool {
    let sum = a.cols * size_of::<T>();
    (a.col_stride == 1 && b.row_stride == 1)
        && ((a.rows <= 4 && sum >= 128) || ((a.rows <= 32 || b.cols <= 12) && sum >= 384))
}

/// The same by the kernel of our own, whatever the size.
///
/// # Panics
/// If the shapes don't fit together.
pub fn small<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, mut c: MatMut<'_, T>) {
    if !has_terms(&a, &b, &mut c) {
        return;
    }
    let (a, b, c) = lying(a, b, c);
    Small { a, b, c }.dispatch();
}

compiled!(Small { ; a, b, c });

/// The same by the `gemm` crate, whatever the size.
///
/// # Panics
/// If the shapes don't fit together.
pub fn large<T: Scalar>(a: Mat<'_, T>, b: Mat<'_, T>, mut c: MatMut<'_, T>) {
    if !has_terms(&a, &b, &mut c) {
        return;
    }
    // SAFETY: `Mat` and `MatMut` checked at construction that every entry lies within its slice, so
    // that strides fit an `isize`; `has_terms` compared the shapes; `c` is borrowed mutably, hence
    // overlaps neither `a` nor `b`, and its rows don't overlap each other.
    unsafe {
        gemm::gemm(
            a.rows,
            b.cols,
            a.cols,
            c.data.as_mut_ptr(),
            1,
            c.row_stride as isize,
            c.adds,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            T::one(),
            T::one(),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
