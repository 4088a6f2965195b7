//! Copying a matrix transposed.

#![allow(unsafe_code)]

use super::gemm::{Mat, MatMut};
use crate::Scalar;

/// Writes the transpose of `from` over `to`.
///
/// # Panics
/// If the shapes don't fit together.
pub fn transpose<T: Scalar>(from: Mat<'_, T>, to: MatMut<'_, T>) {
    turn_into::<T, false>(from, to);
}

/// Adds the transpose of `from` to `to`.
///
/// # Panics
/// If the shapes don't fit together.
pub fn add_transpose<T: Scalar>(from: Mat<'_, T>, to: MatMut<'_, T>) {
    turn_into::<T, true>(from, to);
}

fn turn_into<T: Scalar, const ADD: bool>(from: Mat<'_, T>, mut to: MatMut<'_, T>) {
    assert!(
        from.rows() == to.cols() && from.cols() == to.rows(),
        "the transpose of a {}×{} matrix is not {}×{}",
        from.rows(),
        from.cols(),
        to.rows(),
        to.cols()
    );
    let shape = (from.rows(), from.cols());
    let stride = (from.row_stride(), from.col_stride());
    let to_row = to.row_stride();
    // SAFETY: `Mat` and `MatMut` checked that all entries lie within their slices, and the shapes
    // are each other's; `to` is borrowed mutably, so it does not overlap `from`.
    unsafe {
        turn::<T, ADD>(
            shape,
            from.data().as_ptr(),
            stride,
            to.data().as_mut_ptr(),
            to_row,
        )
    }
}

/// Writes entry (i, j) of an m×n matrix to `to[j · to_row + i]`, or adds it to what stands there.
///
/// # Safety
/// All entries of `from` can be read, all of the n×m matrix at `to` be written (and read, to add),
/// and they don't overlap.
#[inline(always)]
pub(super) unsafe fn turn<T: Scalar, const ADD: bool>(
    (m, n): (usize, usize),
    from: *const T,
    (row, col): (usize, usize),
    to: *mut T,
    to_row: usize,
) {
    /// Squares of this size turn within registers.
    const Q: usize = 4;
    /// So many rows of the transpose are filled together: the cache holds the end of each.
    const BLOCK: usize = 16;
    let (whole_m, whole_n) = if col == 1 {
        (m - m % Q, n - n % Q)
    } else {
        (0, 0)
    };
    // SAFETY: rows i.. and columns j.. of a square exist; the caller vouches for all entries.
    unsafe {
        for block in (0..whole_n).step_by(BLOCK) {
            for i in (0..whole_m).step_by(Q) {
                for j in (block..whole_n.min(block + BLOCK)).step_by(Q) {
                    let from = from.add(i * row + j);
                    let square: [[T; Q]; Q] =
                        std::array::from_fn(|i| from.add(i * row).cast::<[T; Q]>().read());
                    let to = to.add(j * to_row + i);
                    let turned: [[T; Q]; Q] =
                        std::array::from_fn(|j| std::array::from_fn(|i| square[i][j]));
                    for (j, &turned) in turned.iter().enumerate() {
                        let to = to.add(j * to_row).cast::<[T; Q]>();
                        to.write(if ADD {
                            let old = to.read();
                            std::array::from_fn(|i| old[i] + turned[i])
                        } else {
                            turned
                        });
                    }
                }
            }
        }
        for i in 0..m {
            let start = if i < whole_m { whole_n } else { 0 };
            for j in start..n {
                let (to, x) = (to.add(j * to_row + i), *from.add(i * row + j * col));
                *to = if ADD { *to + x } else { x };
            }
        }
    }
}
