//! Bias, pooling and rectifier on one convolution's output, and the winners.

use super::Stage;
use super::channels::Lanes;
use super::patches::Lists;
use crate::Scalar;
use crate::simd::{Compiled, compiled, same, same_mut};
use pulp::{Simd, WithSimd};

/// No pixel: the rectifier is off.
pub(super) const NONE: u32 = u32::MAX;

/// Where winners are noted, among an op's indices: a window at a time.
#[derive(Clone, Copy)]
pub enum Notes<'a> {
    Lists(&'a Lists),
    Lanes(&'a Lanes),
}

macro_rules! either {
    ($notes:expr, $it:ident => $what:expr) => {
        match $notes {
            Notes::Lists($it) => $what,
            Notes::Lanes($it) => $what,
        }
    };
}

impl Notes<'_> {
    /// How many indices there are per image.
    pub(super) fn len(self) -> usize {
        either!(self, it => it.len())
    }

    /// Begins an image.
    fn clear(self, saved: &mut [u32]) {
        if let Notes::Lists(lists) = self {
            lists.clear(saved);
        }
    }

    /// Room for the winners of one window: by channel, the [`pixel`](Self::pixel), or [`NONE`].
    #[inline(always)]
    fn room(self, saved: &mut [u32]) -> &mut [u32] {
        either!(self, it => it.room(saved))
    }

    /// The number of a pixel of a window.
    #[inline(always)]
    fn pixel(self, down: usize, across: usize) -> u32 {
        either!(self, it => it.candidate(down, across)) as u32
    }

    /// Notes the winners of window `p`, which stand in the [`room`](Self::room); windows come in
    /// order.
    #[inline(always)]
    fn note(self, p: usize, saved: &mut [u32]) {
        either!(self, it => it.note(p, saved));
    }
}

struct Choose<'a, T> {
    stage: &'a Stage,
    notes: Notes<'a>,
    outputs: &'a [T],
    bias: Option<&'a [T]>,
    saved: &'a mut [u32],
    y: &'a mut [T],
}

compiled!(Choose);
compiled!(Values { stage; outputs, bias, y });

pub(super) fn choose<T: Scalar>(
    stage: &Stage,
    notes: Notes<'_>,
    outputs: &[T],
    bias: Option<&[T]>,
    saved: &mut [u32],
    y: &mut [T],
) {
    if let (Some(outputs), Some(y)) = (same::<T, f32>(outputs), same_mut::<T, f32>(y)) {
        let bias = bias.and_then(same::<T, f32>);
        Choose::<f32> {
            stage,
            notes,
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
            notes,
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
            notes,
            outputs,
            bias,
            saved,
            y,
        } = self;
        let (channels, across) = (stage.channels(), stage.conv.output[1]);
        notes.clear(saved);
        for (p, y) in y.chunks_exact_mut(channels).enumerate() {
            let (start, [rows, cols]) = (stage.windows.start(p), stage.windows.covered(p));
            let winners = notes.room(saved);
            winners.fill(NONE);
            for row in rows {
                for col in cols.clone() {
                    let x = &outputs[(row * across + col) * channels..][..channels];
                    // Counted from the window's start, which may lie in padding.
                    let down = (row as isize - start[0]) as usize;
                    let candidate = notes.pixel(down, (col as isize - start[1]) as usize);
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
            notes.note(p, saved);
        }
    }
}

/// The pooled values alone: y = max(outputs) + b, rectified.
struct Values<'a, T> {
    stage: &'a Stage,
    outputs: &'a [T],
    bias: Option<&'a [T]>,
    y: &'a mut [T],
}

pub(super) fn values<T: Scalar>(stage: &Stage, outputs: &[T], bias: Option<&[T]>, y: &mut [T]) {
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
        let (channels, across) = (stage.channels(), stage.conv.output[1]);
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
