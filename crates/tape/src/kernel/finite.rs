//! The first number that is not finite.

use super::vectorized;
use crate::Scalar;
use rayon::prelude::*;

/// Vectors are looked through in parts of this many numbers.
const PART: usize = 8192;
/// Below so many numbers, other threads are not asked.
const ALONE: usize = 16 * PART;

/// Where the first number stands that is NaN or infinite.
///
/// ```
/// use osculant_tape::kernel::first_not_finite;
/// assert_eq!(first_not_finite(&[1.0, f64::NAN, f64::INFINITY]), Some(1));
/// assert_eq!(first_not_finite(&[f32::MAX; 100]), None);
/// ```
pub fn first_not_finite<T: Scalar>(x: &[T]) -> Option<usize> {
    // From outside the pool, waking a thread would take longer than the numbers do.
    let alone = x.len() < ALONE || rayon::current_thread_index().is_none();
    let faulty = if alone {
        x.chunks(PART).position(|x| !all_finite(x))
    } else {
        x.par_chunks(PART).position_first(|x| !all_finite(x))
    };
    let start = faulty? * PART;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_found_wherever_it_stands() {
        for n in [1, 5, 64, 100, PART + 3, 3 * PART, ALONE + 70] {
            let mut x = vec![f32::MAX; n];
            assert_eq!(first_not_finite(&x), None);
            for i in [0, n / 2, n - 1] {
                for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    x[i] = wrong;
                    assert_eq!(first_not_finite(&x), Some(i));
                    let both = rayon::join(|| first_not_finite(&x), || ());
                    assert_eq!(both.0, Some(i));
                }
                x[i] = -0.0;
            }
            x[n - 1] = f32::NAN;
            x[n / 2] = f32::INFINITY;
            assert_eq!(first_not_finite(&x), Some(n / 2));
        }
    }
}
