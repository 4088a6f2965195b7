//! The first number that is not finite; also on the way of a copy.

use super::vectorized;
use crate::Scalar;
use rayon::prelude::*;

/// Vectors are looked through in parts of this many numbers (`tests/it/vectors.rs` knows).
const PART: usize = 8192;
/// Below so many numbers, the caller's thread looks by itself.
const ALONE: usize = 16 * PART;

/// Where the first number stands that is NaN or infinite.
///
/// ```
/// use osculant_kernel::first_not_finite;
/// assert_eq!(first_not_finite(&[1.0, f64::NAN, f64::INFINITY]), Some(1));
/// assert_eq!(first_not_finite(&[f32::MAX; 100]), None);
/// ```
pub fn first_not_finite<T: Scalar>(x: &[T]) -> Option<usize> {
    let faulty = if is_alone(x) {
        x.chunks(PART).position(|x| !all_finite(x))
    } else {
        x.par_chunks(PART).position_first(|x| !all_finite(x))
    };
    first_from(x, faulty? * PART)
}

/// Copies `from`, and tells where its first number is that is not finite: then not all may have
/// been copied.
///
/// # Panics
/// If `to` has another length.
pub fn copy_finite<T: Scalar>(from: &[T], to: &mut [T]) -> Option<usize> {
    assert_eq!(from.len(), to.len(), "a copy has the same length");
    let is_faulty = |(from, to): (&[T], &mut [T])| {
        to.copy_from_slice(from);
        !all_finite(to)
    };
    let faulty = if is_alone(from) {
        let mut parts = from.chunks(PART).zip(to.chunks_mut(PART));
        parts.position(is_faulty)
    } else {
        let parts = from.par_chunks(PART).zip(to.par_chunks_mut(PART));
        parts.position_first(is_faulty)
    };
    first_from(from, faulty? * PART)
}

/// Whether other threads are not asked: waking one from outside the pool takes longer than the
/// numbers do.
fn is_alone<T>(x: &[T]) -> bool {
    x.len() < ALONE || rayon::current_thread_index().is_none()
}

fn first_from<T: Scalar>(x: &[T], start: usize) -> Option<usize> {
    let within = x[start..].iter().position(|x| !x.is_finite());
    within.map(|i| start + i)
}

/// Without a way out in the middle, so that the compiler makes vectors of it.
fn all_finite<T: Scalar>(x: &[T]) -> bool {
    vectorized(
        #[inline(always)]
        || {
            // 0·x is 0, or NaN if x is not finite.
            let mut lanes = [T::zero(); 64];
            let (blocks, rest) = x.as_chunks::<64>();
            for block in blocks {
                for (lane, &x) in lanes.iter_mut().zip(block) {
                    *lane += x * T::zero();
                }
            }
            let zero = |x: &T| *x * T::zero() == T::zero();
            lanes.iter().all(zero) && rest.iter().all(zero)
        },
    )
}
