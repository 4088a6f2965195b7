//! Deferred sums: one task per range of a large operand, over all examples of a round.

use super::Leaves;
use super::fold::Places;
use crate::buffer::Buffer;
use crate::graph::Graph;
use crate::{Scalar, View};
use rayon::prelude::*;

/// A deferred sum is cut into about this many tasks.
const RANGES: usize = 16;

/// What deferred sums read of a round.
pub(super) struct Round<'a, T> {
    pub sets: usize,
    pub examples: usize,
    /// Numbers per example of `rows`, of all sets.
    pub row: usize,
    pub rows: &'a [T],
    /// Nothing was summed before it.
    pub fresh: bool,
    pub inline: bool,
}

impl<T: Scalar> Graph<T> {
    /// Adds up what the tiles of a round left for deferred sums.
    pub(super) fn sum_deferred(
        &self,
        round: &Round<'_, T>,
        leaves: Leaves,
        sums: &mut [Buffer<T>],
        (places, out): (&Places<'_>, &mut [T]),
    ) {
        let &Round {
            sets,
            examples: n,
            row,
            rows,
            fresh,
            inline,
        } = round;
        let each = (0..sets).flat_map(|set| self.plan.deferred.iter().map(move |d| (set, d)));
        for (set, d) in each {
            let step = &self.plan.tile.steps[d.step];
            let Some(rule) = step.rules.deferred() else {
                continue;
            };
            let (a_len, g_len) = (d.a_len, d.g_len);
            let rows = &rows[set * (row / sets)..];
            let part = |offset: usize, len: usize| View::strided(&rows[offset..], len, row);
            let number = set * self.plan.sums.len() + d.sum;
            let sum = match places.of(number) {
                Some(place) => &mut out[place],
                None => &mut sums[number][..self.plan.sums[d.sum]],
            };
            let chunk = (sum.len() / d.row).div_ceil(RANGES).max(1) * d.row;
            let sum_range = |(c, out): (usize, &mut [T])| {
                let range = c * chunk..c * chunk + out.len();
                let mut over = fresh && d.first;
                let mut add = |a, g| {
                    let range = range.clone();
                    if std::mem::take(&mut over) {
                        rule.sum.write_range(n, a, g, range, out);
                    } else {
                        rule.sum.sum_range(n, a, g, range, out);
                    }
                };
                if leaves == Leaves::HessianCotangents {
                    // The tangent of Σ aᵀg: Σ aᵀdg + Σ daᵀg.
                    let at = d.hessian_offset;
                    add(part(at, a_len), part(at + a_len, g_len));
                    if d.a_active {
                        let at = at + d.row_len();
                        add(part(at, a_len), part(at + a_len, g_len));
                    }
                } else {
                    add(part(d.offset, a_len), part(d.offset + a_len, g_len));
                }
            };
            if inline {
                sum.chunks_mut(chunk).enumerate().for_each(sum_range);
            } else {
                sum.par_chunks_mut(chunk).enumerate().for_each(sum_range);
            }
        }
    }
}
