//! Arithmetic on flat vectors: θ, gradients, products and directions.
//!
//! Vectors are cut in chunks of [`CHUNK`] elements, whatever the number of threads; from
//! [`PARALLEL`] elements on the chunks are shared out. Sums accumulate in `f64`, chunk by
//! chunk, and chunk sums are added in the order of chunks: the same bits on 1, 2 or 16 threads.
//! Nothing here allocates.
//!
//! # Errors
//! What returns a `Result` refuses vectors of different lengths, and nothing else.

use crate::error::{Result, expect_length};
use osculant_tape::Scalar;
use rayon::prelude::*;

/// The length of a chunk.
pub const CHUNK: usize = 8192;

/// The length from which the thread pool is used; below it a fork costs more than it brings.
pub const PARALLEL: usize = 8 * CHUNK;

/// Chunk sums that are held at a time, on the stack.
const ROUND: usize = 64;

fn same_length(x: usize, y: usize) -> Result<()> {
    expect_length("the second vector", y, x, "the length of the first")
}

/// ⟨x, y⟩, accumulated in `f64`.
pub fn dot<T: Scalar>(x: &[T], y: &[T]) -> Result<f64> {
    same_length(x.len(), y.len())?;
    Ok(sum_chunks(x, y, chunk_dot))
}

/// ‖x‖², accumulated in `f64`.
pub fn norm_squared<T: Scalar>(x: &[T]) -> f64 {
    sum_chunks(x, x, chunk_dot)
}

/// ‖x‖, accumulated in `f64`.
pub fn norm<T: Scalar>(x: &[T]) -> f64 {
    norm_squared(x).sqrt()
}

/// max |xᵢ|; 0 if there are none, NaN if one is NaN.
pub fn max_abs<T: Scalar>(x: &[T]) -> f64 {
    let mut largest = 0.0;
    for &x in x {
        let x = x.to_f64().abs();
        if x > largest || x.is_nan() {
            largest = x;
        }
        if x.is_nan() {
            break;
        }
    }
    largest
}

/// Whether every number is finite.
pub fn all_finite<T: Scalar>(x: &[T]) -> bool {
    // Without a way out in the middle, so that the compiler may vectorize.
    let finite = |chunk: &[T]| chunk.iter().fold(true, |all, x| all & x.is_finite());
    if x.len() < PARALLEL {
        finite(x)
    } else {
        x.par_chunks(CHUNK).all(finite)
    }
}

/// y = y + a·x.
pub fn add_scaled<T: Scalar>(a: T, x: &[T], y: &mut [T]) -> Result<()> {
    zip_chunks(x, y, |x, y| {
        for (y, &x) in y.iter_mut().zip(x) {
            *y += a * x;
        }
    })
}

/// y = x + a·y, the update of a search direction.
pub fn scale_add<T: Scalar>(a: T, x: &[T], y: &mut [T]) -> Result<()> {
    zip_chunks(x, y, |x, y| {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x + a * *y;
        }
    })
}

/// y = x − y.
pub fn subtract_from<T: Scalar>(x: &[T], y: &mut [T]) -> Result<()> {
    zip_chunks(x, y, |x, y| {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x - *y;
        }
    })
}

/// y = x.
pub fn copy<T: Scalar>(x: &[T], y: &mut [T]) -> Result<()> {
    zip_chunks(x, y, |x, y| y.copy_from_slice(x))
}

/// x = a·x.
pub fn scale<T: Scalar>(a: T, x: &mut [T]) {
    let scale = |chunk: &mut [T]| {
        for x in chunk {
            *x *= a;
        }
    };
    if x.len() < PARALLEL {
        scale(x);
    } else {
        x.par_chunks_mut(CHUNK).for_each(scale);
    }
}

/// x, or 0 for what is smaller than the smallest normal number.
#[inline(always)]
fn normal<T: Scalar>(x: T) -> T {
    // Not `>=`: NaN stays what it is.
    if x.abs() < T::min_positive_value() {
        T::zero()
    } else {
        x
    }
}

/// Sets to 0 what is smaller than the smallest normal number.
///
/// Weights that nothing but the regularizer sees shrink without end. Some processors take a hundred
/// times as long for a vector with a subnormal number in it, and every pixel meets each weight.
pub(crate) fn flush_subnormal<T: Scalar>(x: &mut [T]) {
    each_chunk([x], &|[x]| x.iter_mut().for_each(|x| *x = normal(*x)));
}

/// out = x + a·y, a trial point θ + αd; 0 where that is smaller than the smallest normal number.
pub fn combine<T: Scalar>(x: &[T], a: T, y: &[T], out: &mut [T]) -> Result<()> {
    same_length(x.len(), y.len())?;
    same_length(x.len(), out.len())?;
    let combine = |((out, x), y): ((&mut [T], &[T]), &[T])| {
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
            *out = normal(x + a * y);
        }
    };
    if x.len() < PARALLEL {
        combine(((out, x), y));
    } else {
        out.par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .zip(y.par_chunks(CHUNK))
            .for_each(combine);
    }
    Ok(())
}

/// Calls `f` with the same pieces of several vectors of one length, to change them entry by entry.
pub(crate) fn each_chunk<T: Scalar, const N: usize>(
    vectors: [&mut [T]; N],
    f: &(impl Fn([&mut [T]; N]) + Sync),
) {
    let len = vectors.first().map_or(0, |v| v.len());
    if len < PARALLEL || vectors.iter().any(|v| v.len() != len) {
        return f(vectors);
    }
    let mut right: [&mut [T]; N] = std::array::from_fn(|_| <&mut [T]>::default());
    let mut rest = right.iter_mut();
    let left = vectors.map(|v| {
        let (left, right) = v.split_at_mut(len / 2);
        if let Some(rest) = rest.next() {
            *rest = right;
        }
        left
    });
    rayon::join(|| each_chunk(left, f), || each_chunk(right, f));
}

fn zip_chunks<T: Scalar>(x: &[T], y: &mut [T], f: impl Fn(&[T], &mut [T]) + Sync) -> Result<()> {
    same_length(x.len(), y.len())?;
    if x.len() < PARALLEL {
        f(x, y);
    } else {
        y.par_chunks_mut(CHUNK)
            .zip(x.par_chunks(CHUNK))
            .for_each(|(y, x)| f(x, y));
    }
    Ok(())
}

fn sum_chunks<T: Scalar>(x: &[T], y: &[T], chunk: impl Fn(&[T], &[T]) -> f64 + Sync) -> f64 {
    let pairs = x.chunks(CHUNK).zip(y.chunks(CHUNK));
    if x.len() < PARALLEL {
        return pairs.map(|(x, y)| chunk(x, y)).fold(0.0, |a, b| a + b);
    }
    let mut total = 0.0;
    let mut sums = [0.0; ROUND];
    let rounds = x.chunks(ROUND * CHUNK).zip(y.chunks(ROUND * CHUNK));
    for (x, y) in rounds {
        let sums = &mut sums[..x.len().div_ceil(CHUNK)];
        sums.par_iter_mut()
            .zip(x.par_chunks(CHUNK))
            .zip(y.par_chunks(CHUNK))
            .for_each(|((sum, x), y)| *sum = chunk(x, y));
        for sum in sums {
            total += *sum;
        }
    }
    total
}

/// Sixteen running sums, in an order that the compiler may vectorize and no thread can change.
fn chunk_dot<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    let mut lanes = [0.0; 16];
    let (xs, x_rest) = x.as_chunks::<16>();
    let (ys, y_rest) = y.as_chunks::<16>();
    for (x, y) in xs.iter().zip(ys) {
        for k in 0..16 {
            lanes[k] += x[k].to_f64() * y[k].to_f64();
        }
    }
    for ((lane, &x), &y) in lanes.iter_mut().zip(x_rest).zip(y_rest) {
        *lane += x.to_f64() * y.to_f64();
    }
    for half in [8, 4, 2, 1] {
        for k in 0..half {
            lanes[k] += lanes[k + half];
        }
    }
    lanes[0]
}
