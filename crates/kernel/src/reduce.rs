//! Sums, and products elementwise, where a shorter operand repeats along a longer one.
//!
//! The shorter length divides the longer one. Where it does not, nothing is read or written beyond an
//! end: the last repetition is cut short, and what one operand lacks is left out.

use crate::Scalar;

/// y += c x, for slices of one length.
#[inline(always)]
pub fn add_scaled<T: Scalar>(c: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += c * x;
    }
}

/// y += c x, where y is shorter and every repetition of it takes its part of x.
#[inline(always)]
pub fn add_scaled_fold<T: Scalar>(c: T, x: &[T], y: &mut [T]) {
    match y {
        [y] => *y += c * T::from_f64(sum(x)),
        _ => {
            for x in x.chunks(y.len().max(1)) {
                add_scaled(c, x, y);
            }
        }
    }
}

/// y += a b, where one of a and b may be shorter than y and repeats.
#[inline(always)]
pub fn add_product<T: Scalar>(a: &[T], b: &[T], y: &mut [T]) {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    match *short {
        [c] => add_scaled(c, long, y),
        _ => {
            let n = short.len().max(1);
            for (y, long) in y.chunks_mut(n).zip(long.chunks(n)) {
                for ((y, &l), &s) in y.iter_mut().zip(long).zip(short) {
                    *y += l * s;
                }
            }
        }
    }
}

/// y += g x, where one of x and y may be shorter than g and repeats.
#[inline(always)]
pub fn add_product_fold<T: Scalar>(g: &[T], x: &[T], y: &mut [T]) {
    if y.len() == g.len() {
        add_product(g, x, y);
    } else if let [y] = y {
        *y += T::from_f64(dot(g, x));
    } else {
        let n = y.len().max(1);
        for (g, x) in g.chunks(n).zip(x.chunks(n)) {
            add_product(g, x, y);
        }
    }
}

/// Σ x, accumulated in f64: eight partial sums, added in a fixed order.
#[inline(always)]
pub fn sum<T: Scalar>(x: &[T]) -> f64 {
    let mut lanes = [0.0; 8];
    let (blocks, rest) = x.as_chunks::<8>();
    for block in blocks {
        for (lane, &x) in lanes.iter_mut().zip(block) {
            *lane += x.to_f64();
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&x| x.to_f64()).sum::<f64>()
}

/// Σ x y, accumulated as in [`sum`].
#[inline(always)]
pub fn dot<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    let mut lanes = [0.0; 8];
    let ((xs, x), (ys, y)) = (x.as_chunks::<8>(), y.as_chunks::<8>());
    for (x, y) in xs.iter().zip(ys) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x.to_f64() * y.to_f64();
        }
    }
    let rest = x.iter().zip(y).map(|(&x, &y)| x.to_f64() * y.to_f64());
    lanes.iter().sum::<f64>() + rest.sum::<f64>()
}
