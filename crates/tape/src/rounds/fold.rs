//! The lanes' sums added up, in a fixed tree.

use super::Lane;
use crate::Scalar;
use crate::buffer::Buffer;
use crate::kernel::vectorized;
use rayon::prelude::*;
use std::ops::Range;

/// Numbers folded at a time, on the stack.
const FOLD: usize = 1024;
/// Numbers that a task folds.
const FOLDS: usize = 8 * 1024;

/// Where in the result sums stand, if not among the others.
pub(crate) struct Places<'a> {
    /// By sum, in ascending order; empty if none stands there.
    pub of_set: &'a [Option<Range<usize>>],
    /// Numbers of the result for each set of sums.
    pub theta: usize,
}

impl Places<'_> {
    /// The place of a sum, counted through all sets.
    pub fn of(&self, sum: usize) -> Option<Range<usize>> {
        let sums = self.of_set.len().max(1);
        let place = self.of_set.get(sum % sums)?.as_ref()?;
        let start = sum / sums * self.theta;
        Some(start + place.start..start + place.end)
    }
}

/// What is folded, and where to.
pub(crate) struct Folded<'a, T> {
    pub lanes: &'a [Lane<T>],
    /// Without the thread pool.
    pub inline: bool,
    /// Whether lanes hold the sum of this number.
    pub is_local: &'a (dyn Fn(usize) -> bool + Sync),
    pub places: &'a Places<'a>,
}

impl<T: Scalar> Folded<'_, T> {
    /// Folds `sums`, whose numbers begin with `first`, where they are or into the part of the
    /// result that begins at `start`.
    pub fn write(&self, (first, sums): (usize, &mut [Buffer<T>]), (start, out): (usize, &mut [T])) {
        match sums {
            [] => {}
            [_] if !(self.is_local)(first) => {}
            [sum] => {
                let sum = match self.places.of(first) {
                    Some(place) => &mut out[place.start - start..place.end - start],
                    None => &mut sum[..],
                };
                if self.inline {
                    fold(self.lanes, first, 0, sum);
                } else {
                    let parts = sum.par_chunks_mut(FOLDS).enumerate();
                    parts.for_each(|(c, part)| fold(self.lanes, first, c * FOLDS, part));
                }
            }
            _ => {
                let (left, right) = sums.split_at_mut(sums.len() / 2);
                let middle = first + left.len();
                let place = (middle..middle + right.len()).find_map(|sum| self.places.of(sum));
                let split = place.map_or(start + out.len(), |place| place.start);
                let (before, after) = out.split_at_mut(split - start);
                let mut left = || self.write((first, left), (start, before));
                let mut right = || self.write((middle, right), (split, after));
                if self.inline {
                    (left(), right())
                } else {
                    rayon::join(left, right)
                };
            }
        }
    }
}

/// Adds up the lanes' sums number `i`, from number `at` on.
fn fold<T: Scalar>(lanes: &[Lane<T>], i: usize, at: usize, out: &mut [T]) {
    for (c, out) in out.chunks_mut(FOLD).enumerate() {
        fold_chunk(lanes, i, at + c * FOLD, out);
    }
}

fn fold_chunk<T: Scalar>(lanes: &[Lane<T>], i: usize, at: usize, out: &mut [T]) {
    let part = at..at + out.len();
    match lanes {
        [] => out.fill(T::zero()),
        [lane] => out.copy_from_slice(&lane.sums[i][part]),
        [left, right] => {
            let (left, right) = (&left.sums[i][part.clone()], &right.sums[i][part]);
            vectorized(
                #[inline(always)]
                || {
                    for (out, (&x, &y)) in out.iter_mut().zip(left.iter().zip(right)) {
                        *out = x + y;
                    }
                },
            );
        }
        _ => {
            let (left, right) = lanes.split_at(lanes.len().next_power_of_two() / 2);
            let mut buffer = [T::zero(); FOLD];
            let second = &mut buffer[..out.len()];
            fold_chunk(left, i, at, out);
            fold_chunk(right, i, at, second);
            vectorized(
                #[inline(always)]
                || {
                    for (x, &y) in out.iter_mut().zip(&*second) {
                        *x += y;
                    }
                },
            );
        }
    }
}
