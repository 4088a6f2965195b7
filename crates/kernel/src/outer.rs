//! Outer products.

use super::vectorized;
use crate::Scalar;

/// out = a gᵀ, row-major.
///
/// # Panics
/// If `out` has not the length of `a` times that of `g`, which is not 0.
pub fn outer_product<T: Scalar>(a: &[T], g: &[T], out: &mut [T]) {
    assert_eq!(out.len(), a.len() * g.len(), "a row for every number of a");
    vectorized(
        #[inline(always)]
        || {
            for (row, &a) in out.chunks_exact_mut(g.len()).zip(a) {
                for (x, &g) in row.iter_mut().zip(g) {
                    *x = a * g;
                }
            }
        },
    );
}
