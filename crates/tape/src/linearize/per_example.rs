//! Jᵀ u of each example on its own, and sums of their squares.

use super::{Cotangents, Linearization, TileData};
use crate::Scalar;
use crate::error::Result;
use crate::rounds::{Lane, Leaves, Worker};
use crate::sweep::{self, Point, Sink, grow_all};
use std::ops::Range;

/// Numbers that one tile's per-example cotangents may take where they are not the result.
const PER_TILE: usize = 4 << 20;

/// Writes one column of a factor for every example of a tile.
pub type Columns<'a, T> = dyn Fn(&TileData<'_, T>, usize, &mut [T]) -> Result<()> + Sync + 'a;

impl<T: Scalar> Linearization<'_, T> {
    /// Jᵀu of every example, not summed: l·n numbers.
    ///
    /// # Errors
    /// An error of `u`, or room of the wrong length.
    pub fn per_example_into(&self, u: &Cotangents<'_, T>, out: &mut [T]) -> Result<()> {
        let (graph, n) = (self.graph, self.graph.params.len());
        graph.check_room(out, self.len() * n)?;
        if n == 0 || !graph.is_active() {
            out.fill(T::zero());
            return Ok(());
        }
        graph.each_tile(
            self.len(),
            graph.plan.tile_len,
            out,
            graph.plan.tile_len * n,
            &|w, range, out| {
                let point = self.point(range.clone(), false);
                self.fill(&point, w)?;
                self.examples_vjp(&point, range, w, u)?;
                out.chunks_exact_mut(n)
                    .enumerate()
                    .try_for_each(|(i, out)| self.example(w, i, out))
            },
        )
    }

    /// Σ over examples and columns c of (Jᵀ s_c)², entry by entry: the diagonal of Σ JᵀSSᵀJ, n
    /// numbers.
    ///
    /// # Errors
    /// An error of `s`, or room of the wrong length.
    pub fn squares_into(&self, columns: usize, s: &Columns<'_, T>, out: &mut [T]) -> Result<()> {
        let (graph, n) = (self.graph, self.graph.params.len());
        graph.check_room(out, n)?;
        out.fill(T::zero());
        if n == 0 || !graph.is_active() {
            return Ok(());
        }
        let body = |w: &mut Worker<T>, lane: &mut Lane<T>, range: Range<usize>, _: &mut [T]| {
            let point = self.point(range.clone(), false);
            self.fill(&point, w)?;
            for c in 0..columns {
                let column = |data: &TileData<'_, T>, u: Option<&mut [T]>| match u {
                    Some(u) => s(data, c, u).map(|()| 0.0),
                    None => Ok(0.0),
                };
                self.examples_vjp(&point, range.clone(), w, &column)?;
                for i in 0..range.len() {
                    let mut row = std::mem::take(&mut w.output);
                    row.grow(n);
                    let result = self.example(w, i, &mut row[..n]);
                    for (sum, range) in &graph.plan.parameters {
                        for (x, &g) in lane.sums[*sum].iter_mut().zip(&row[range.clone()]) {
                            *x += g * g;
                        }
                    }
                    w.output = row;
                    result?;
                }
            }
            Ok(0.0)
        };
        let tile_len = (PER_TILE / n).clamp(1, graph.plan.tile_len);
        let mut totals = graph.totals.take();
        let summed = graph.sum_tiles(self.len(), tile_len, Leaves::PerExample, &mut totals, &body);
        if summed.is_ok() {
            graph.gather(&totals.sums, out);
        }
        graph.totals.give_back(totals);
        summed.map(|_| ())
    }

    /// Fetches inputs and computes values into the worker's own block.
    fn fill(&self, point: &Point<'_, T>, w: &mut Worker<T>) -> Result<()> {
        let Worker {
            block,
            slots,
            scratch,
            ..
        } = w;
        self.graph.fill(point, self.feed, block, slots, scratch)
    }

    /// One reverse sweep whose shared cotangents stay apart, example by example, at the values in
    /// the worker's block.
    fn examples_vjp(
        &self,
        point: &Point<'_, T>,
        range: Range<usize>,
        w: &mut Worker<T>,
        u: &Cotangents<'_, T>,
    ) -> Result<()> {
        let (graph, k) = (self.graph, point.tile.len);
        let table = &graph.plan.tile.product;
        let Worker {
            block,
            slots,
            scratch,
            per_example,
            ..
        } = w;
        grow_all(slots, &table.lens, k);
        graph.clear(per_example, k);
        let data = graph.tile_data(range, point.tile.examples, block);
        u(&data, Some(graph.output_slot(table, slots, k)))?;
        let mut sink = Sink {
            per_example: true,
            ..Sink::sums(per_example)
        };
        sweep::vjp(point, block, table, slots, &mut sink, scratch)
    }

    /// Carries example i's shared cotangents on to θ.
    fn example(&self, w: &mut Worker<T>, i: usize, out: &mut [T]) -> Result<()> {
        let (graph, plan) = (self.graph, &self.graph.plan);
        if plan.shared.steps.is_empty() {
            for (sum, range) in &plan.parameters {
                let n = range.len();
                out[range.clone()].copy_from_slice(&w.per_example[*sum][i * n..][..n]);
            }
            return Ok(());
        }
        let Worker {
            per_example,
            gradient: sums,
            scratch,
            ..
        } = w;
        graph.clear(sums, 1);
        for ((sum, per_example), &n) in sums.iter_mut().zip(&*per_example).zip(&plan.sums) {
            sum[..n].copy_from_slice(&per_example[i * n..][..n]);
        }
        graph.shared_vjp(&self.theta, &self.shared, sums, scratch)?;
        graph.gather(sums, out);
        Ok(())
    }
}
