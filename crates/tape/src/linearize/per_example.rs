//! Jᵀ u of each example on its own.
//!
//! Cotangents that are outer products, and those of large weights, are never kept for a tile: an
//! example's is written where it belongs from what deferred sums read.

use super::{Cotangents, Linearization};
use crate::error::{GraphError, Result};
use crate::graph::scratch_len;
use crate::kernel::{copy_finite, first_not_finite};
use crate::plan::{DeferredStep, defers};
use crate::rounds::Worker;
use crate::sweep::{self, Block, Point, Sink, grow_all};
use crate::{Scalar, View};
use std::ops::Range;

/// Numbers that one tile's per-example cotangents may take where they are not the result.
pub(super) const PER_TILE: usize = 4 << 20;
/// Numbers of a weight's cotangent that are written at a time.
const NEAR: usize = 4096;

impl<T: Scalar> Linearization<'_, T> {
    /// Jᵀu of every example, not summed: l·n numbers.
    ///
    /// # Errors
    /// An error of `u`, or room of the wrong length; a cotangent that isn't finite, with its node.
    pub fn per_example_into(&self, u: &Cotangents<'_, T>, out: &mut [T]) -> Result<()> {
        let (graph, n) = (self.graph, self.graph.params.len());
        graph.check_room(out, self.len() * n)?;
        if n == 0 || !graph.is_active() {
            out.fill(T::zero());
            return Ok(());
        }
        match self.write_examples(u, false, out) {
            // A second run names the node.
            Err(error @ GraphError::NotFinite { .. }) => {
                self.write_examples(u, true, out)?;
                Err(error)
            }
            result => result,
        }
    }

    fn write_examples(&self, u: &Cotangents<'_, T>, audit: bool, out: &mut [T]) -> Result<()> {
        let (graph, n) = (self.graph, self.graph.params.len());
        let apart = &graph.plan.apart;
        let tile_len = self.apart_tile_len(&apart.steps);
        graph.each_tile(self.len(), tile_len, out, tile_len * n, &|w, range, out| {
            let mut own = std::mem::take(&mut w.block);
            let values = (range, audit);
            let result = self.with_values(values, w, &mut own, |point, range, w, block| {
                self.examples_vjp(point, range, w, block, u, &apart.steps)?;
                let rows = std::mem::take(&mut w.rows);
                let read = &rows[..point.tile.len * apart.row];
                // Few numbers are looked through where they are written.
                let (fault, safe) = if n > NEAR {
                    (first_not_finite(read), products_are_finite(read))
                } else {
                    (None, true)
                };
                let examples = out.chunks_exact_mut(n).enumerate();
                let written = expect_finite(fault, read).and_then(|()| {
                    examples.into_iter().try_for_each(|(i, out)| {
                        self.write_apart(i, &rows, out);
                        self.example(w, i, &apart.steps, out)?;
                        let fault = (!safe).then(|| first_not_finite(out));
                        expect_finite(fault.flatten(), out)
                    })
                });
                w.rows = rows;
                written
            });
            w.block = own;
            result
        })
    }

    /// Examples per tile where those cotangents stay apart that these steps do not write.
    pub(super) fn apart_tile_len(&self, steps: &[DeferredStep]) -> usize {
        let sums = self.graph.plan.sums.iter().enumerate();
        let apart = sums.filter(|&(sum, _)| !defers(steps, sum));
        let numbers: usize = apart.map(|(_, len)| len).sum();
        let examples = (PER_TILE / numbers.max(1)).clamp(1, self.tile_len);
        // A power of two, as the length of every tile: so these are parts of the kept ones.
        1 << examples.ilog2()
    }

    /// Runs `f` on a tile, or on a part of one, with its values: the kept ones, or computed into
    /// `own`. An audit refuses what is not finite.
    pub(super) fn with_values(
        &self,
        (range, audit): (Range<usize>, bool),
        w: &mut Worker<T>,
        own: &mut Block<T>,
        f: impl FnOnce(&Point<'_, T>, Range<usize>, &mut Worker<T>, &Block<T>) -> Result<()>,
    ) -> Result<()> {
        let mut point = self.point(range.clone(), audit);
        let (slots, scratch) = (&mut w.slots, &mut w.scratch);
        let block = match self.blocks.get(range.start / self.tile_len) {
            Some(kept) => {
                point.first = range.start % self.tile_len;
                scratch.grow(scratch_len(&self.graph.plan.tile, range.len()));
                kept
            }
            None => {
                self.graph.fill(&point, self.feed, own, slots, scratch)?;
                own
            }
        };
        f(&point, range, w, block)
    }

    /// One reverse sweep whose shared cotangents stay apart, example by example. Of those that
    /// `steps` write, the worker's rows get what is read for it instead.
    pub(super) fn examples_vjp(
        &self,
        point: &Point<'_, T>,
        range: Range<usize>,
        w: &mut Worker<T>,
        block: &Block<T>,
        u: &Cotangents<'_, T>,
        steps: &[DeferredStep],
    ) -> Result<()> {
        let (graph, plan, k) = (self.graph, &self.graph.plan, point.tile.len);
        let table = &plan.tile.product;
        grow_all(&mut w.slots, &table.lens, k);
        w.per_example
            .resize_with(plan.sums.len().max(w.per_example.len()), Default::default);
        for (i, &len) in plan.sums.iter().enumerate() {
            if !defers(steps, i) {
                w.per_example[i].grow(k * len);
                w.per_example[i][..k * len].fill(T::zero());
            }
        }
        w.rows.grow(k * plan.apart.row);
        let data = graph.part_data(point, range, block);
        u(&data, Some(graph.output_slot(table, &mut w.slots, k)))?;
        let mut sink = Sink {
            per_example: true,
            deferred: steps,
            rows: &mut w.rows,
            row: plan.apart.row,
            ..Sink::sums(&mut w.per_example)
        };
        sweep::vjp(point, block, table, &mut w.slots, &mut sink, &mut w.scratch)
    }

    /// Writes those of example i's cotangents to their places in θ that are read from rows.
    fn write_apart(&self, i: usize, rows: &[T], out: &mut [T]) {
        let plan = &self.graph.plan;
        let rows = &rows[i * plan.apart.row..][..plan.apart.row];
        for (sum, range) in &plan.parameters {
            let steps = plan.apart.steps.iter().filter(|d| d.sum == *sum);
            let mut lens = steps.clone().map(|d| d.row);
            let Some(row) = lens.next() else {
                continue;
            };
            // A piece at a time, so that what is added to it finds it in the cache. A weight that
            // is used under two shapes has rows of two lengths: pieces that both divide need not
            // exist.
            let size = if lens.all(|other| other == row) {
                (NEAR / row).max(1) * row
            } else {
                range.len()
            };
            for (c, out) in out[range.clone()].chunks_mut(size).enumerate() {
                let here = c * size..c * size + out.len();
                for d in steps.clone() {
                    let a = View::shared(&rows[d.offset..][..d.a_len]);
                    let g = View::shared(&rows[d.offset + d.a_len..][..d.g_len]);
                    match plan.tile.steps[d.step].rules.deferred() {
                        Some(rule) if d.first => rule.sum.write_range(1, a, g, here.clone(), out),
                        Some(rule) => rule.sum.sum_range(1, a, g, here.clone(), out),
                        None => {}
                    }
                }
            }
        }
    }

    /// Carries example i's shared cotangents on to θ; those that `steps` write stand there already.
    pub(super) fn example(
        &self,
        w: &mut Worker<T>,
        i: usize,
        steps: &[DeferredStep],
        out: &mut [T],
    ) -> Result<()> {
        let (graph, plan) = (self.graph, &self.graph.plan);
        // Few numbers are looked through where they now stand, those that `steps` wrote too.
        let few = out.len() <= NEAR;
        let parameters = plan.parameters.iter();
        let mut parameters = parameters.filter(|(sum, _)| !defers(steps, *sum));
        if !plan.shared.has_reverse() {
            parameters.try_for_each(|(sum, range)| {
                let own = &w.per_example[*sum][i * range.len()..][..range.len()];
                copy(own, &mut out[range.clone()], few)
            })?;
            return expect_finite(few.then(|| first_not_finite(out)).flatten(), out);
        }
        let Worker {
            per_example,
            gradient: sums,
            scratch,
            ..
        } = w;
        grow_all(sums, &plan.sums, 1);
        for (s, &n) in plan.sums.iter().enumerate() {
            if !defers(steps, s) {
                sums[s][..n].copy_from_slice(&per_example[s][i * n..][..n]);
            }
        }
        graph.shared_vjp(&self.theta, &self.shared, false, sums, scratch)?;
        parameters.try_for_each(|(sum, range)| {
            let own = &sums[*sum][..range.len()];
            copy(own, &mut out[range.clone()], few)
        })?;
        expect_finite(few.then(|| first_not_finite(out)).flatten(), out)
    }
}

/// Writes a part of an example's cotangents; unless they are few and looked through together, what
/// is not finite is refused.
fn copy<T: Scalar>(own: &[T], out: &mut [T], few: bool) -> Result<()> {
    if few {
        out.copy_from_slice(own);
        return Ok(());
    }
    expect_finite(copy_finite(own, out), own)
}

/// Whether sums of products of two of these are finite, as their size says: outer products need
/// then not be looked through themselves.
fn products_are_finite<T: Scalar>(factors: &[T]) -> bool {
    let largest = factors.iter().fold(T::zero(), |m, x| m.max(x.abs()));
    (largest * largest * T::from_f64(factors.len() as f64)).is_finite()
}

/// Refuses a number that was found not to be finite, of cotangents of examples or of those that
/// they are written from.
fn expect_finite<T: Scalar>(fault: Option<usize>, numbers: &[T]) -> Result<()> {
    fault.map_or(Ok(()), |index| {
        Err(GraphError::NotFinite {
            what: "a cotangent of an example".into(),
            index,
            value: numbers[index].to_f64(),
        })
    })
}
