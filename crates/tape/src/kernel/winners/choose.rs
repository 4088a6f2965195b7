//! Bias, pooling and rectifier on one convolution's output, and the winners.

use super::Winners;
use super::lists::NONE;
use crate::Scalar;
use crate::kernel::simd::{Compiled, compiled, same, same_mut};
use pulp::{Simd, WithSimd};

struct Choose<'a, T> {
    stage: &'a Winners,
    outputs: &'a [T],
    bias: Option<&'a [T]>,
    saved: &'a mut [u32],
    y: &'a mut [T],
}

compiled!(Choose);
compiled!(Values { stage; outputs, bias, y });

pub(super) fn choose<T: Scalar>(
    stage: &Winners,
    outputs: &[T],
    bias: Option<&[T]>,
    saved: &mut [u32],
    y: &mut [T],
) {
    if let (Some(outputs), Some(y)) = (same::<T, f32>(outputs), same_mut::<T, f32>(y)) {
        let bias = bias.and_then(same::<T, f32>);
        Choose::<f32> {
            stage,
            outputs,
            bias,
            saved,
            y,
        }
        .execute();
    } else if let (Some(outputs), Some(y)) = (same::<T, f64>(outputs), same_mut::<T, f64>(y)) {
        let bias = bias.and_then(same::<T, f64>);
        Choose::<f64> {
            stage,
            outputs,
            bias,
            saved,
            y,
        }
        .execute();
    }
}

impl<T: Scalar> WithSimd for Choose<'_, T> {
    type Output = ();

    // The loops over channels are plain: compiled for the instruction set, they vectorize.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Choose {
            stage,
            outputs,
            bias,
            saved,
            y,
        } = self;
        let (lists, channels) = (&stage.lists, stage.lists.channels);
        let mut group = 0;
        let [width, across] = [stage.windows.window()[1], stage.conv.output[1]];
        lists.clear(saved);
        for (p, y) in y.chunks_exact_mut(channels).enumerate() {
            let (start, [rows, cols]) = (stage.windows.start(p), stage.windows.covered(p));
            let winners = lists.room(saved);
            winners.fill(NONE);
            for row in rows {
                for col in cols.clone() {
                    let x = &outputs[(row * across + col) * channels..][..channels];
                    // Counted from the window's start, which may lie in padding.
                    let down = (row as isize - start[0]) as usize;
                    let candidate = (down * width) as u32 + (col as isize - start[1]) as u32;
                    match bias {
                        Some(bias) => {
                            for (((y, winner), &x), &b) in
                                y.iter_mut().zip(&mut *winners).zip(x).zip(bias)
                            {
                                take(y, winner, x + b, candidate);
                            }
                        }
                        None => {
                            for ((y, winner), &x) in y.iter_mut().zip(&mut *winners).zip(x) {
                                take(y, winner, x, candidate);
                            }
                        }
                    }
                }
            }
            if stage.rectified {
                for (y, winner) in y.iter_mut().zip(&mut *winners) {
                    // Not `max`, which would turn NaN into 0.
                    let off = *y <= T::zero();
                    *y = if off { T::zero() } else { *y };
                    *winner = if off { NONE } else { *winner };
                }
            }
            if p == lists.groups[group].end {
                group += 1;
                lists.next_group(group, saved);
            }
            lists.note(p, group, saved);
        }
    }
}

/// The pooled values alone: y = max(outputs) + b, rectified.
struct Values<'a, T> {
    stage: &'a Winners,
    outputs: &'a [T],
    bias: Option<&'a [T]>,
    y: &'a mut [T],
}

pub(super) fn values<T: Scalar>(stage: &Winners, outputs: &[T], bias: Option<&[T]>, y: &mut [T]) {
    Values {
        stage,
        outputs,
        bias,
        y,
    }
    .dispatch();
}

impl<T: Scalar> WithSimd for Values<'_, T> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::eq_op, clippy::neg_cmp_op_on_partial_ord)] // as for `take`
    fn with_simd<S: Simd>(self, _: S) {
        let Values {
            stage,
            outputs,
            bias,
            y,
        } = self;
        let (channels, across) = (stage.lists.channels, stage.conv.output[1]);
        for (p, y) in y.chunks_exact_mut(channels).enumerate() {
            let [rows, cols] = stage.windows.covered(p);
            let mut first = true;
            for row in rows {
                for col in cols.clone() {
                    let x = &outputs[(row * across + col) * channels..][..channels];
                    for (y, &x) in y.iter_mut().zip(x) {
                        let better = first | (!(x <= *y) & (*y == *y));
                        *y = if better { x } else { *y };
                    }
                    first = false;
                }
            }
            // Adding b rounds monotonically: the largest stays the largest.
            if let Some(bias) = bias {
                for (y, &b) in y.iter_mut().zip(bias) {
                    *y += b;
                }
            }
            if stage.rectified {
                for y in y.iter_mut() {
                    *y = if *y <= T::zero() { T::zero() } else { *y };
                }
            }
        }
    }
}

/// The first of the largest wins; NaN wins over every number.
#[inline(always)]
#[allow(clippy::eq_op, clippy::neg_cmp_op_on_partial_ord)] // NaN differs from itself and wins
fn take<T: Scalar>(best: &mut T, winner: &mut u32, x: T, candidate: u32) {
    let first = *winner == NONE;
    let better = !(x <= *best) & (*best == *best);
    let wins = first | better;
    *best = if wins { x } else { *best };
    *winner = if wins { candidate } else { *winner };
}
