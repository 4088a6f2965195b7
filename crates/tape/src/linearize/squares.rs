//! Σ of squares of Jᵀ u, example by example: diagonals of JᵀBJ.
//!
//! Where the graph allows it, several columns of B's factor go back together, and no cotangent of an
//! example is made: the square of an outer product is the product of squares.

use super::per_example::PER_TILE;
use super::{Linearization, TileData};
use crate::Scalar;
use crate::error::Result;
use crate::graph::scratch_len;
use crate::rounds::{Lane, Leaves, Worker};
use crate::sweep::{self, Block, Point, Squares, grow_all};
use std::ops::Range;

/// Bytes that the cotangents of a tile's columns may take: those that one step reads and writes
/// stay in a core's cache.
const COLUMNS: usize = 2 << 20;

/// Writes the columns of a factor for every example of a tile, column after column and in each
/// example after example, and returns how many there are.
pub type Columns<'a, T> = dyn Fn(&TileData<'_, T>, &mut [T]) -> Result<usize> + Sync + 'a;

impl<T: Scalar> Linearization<'_, T> {
    /// Σ over examples and columns c of (Jᵀ s_c)², entry by entry: the diagonal of Σ JᵀSSᵀJ, n
    /// numbers, where no S has more than `most` columns.
    ///
    /// # Errors
    /// An error of `s`, or room of the wrong length; a cotangent that isn't finite, with its node.
    pub fn squares_into(&self, most: usize, s: &Columns<'_, T>, out: &mut [T]) -> Result<()> {
        let (graph, n) = (self.graph, self.graph.params.len());
        graph.check_room(out, n)?;
        out.fill(T::zero());
        if n == 0 || most == 0 || !graph.is_active() {
            return Ok(());
        }
        self.audited(out, &|audit, out| self.sum_squares(most, s, audit, out))
    }

    fn sum_squares(
        &self,
        most: usize,
        s: &Columns<'_, T>,
        audit: bool,
        out: &mut [T],
    ) -> Result<()> {
        let graph = self.graph;
        let together = graph.plan.apart.squares;
        let (tile_len, leaves) = if together {
            (self.columns_tile(most).0, Leaves::Cotangents)
        } else {
            (self.apart_tile_len(&[]), Leaves::PerExample)
        };
        let body = |w: &mut Worker<T>, lane: &mut Lane<T>, range: Range<usize>, rows: &mut [T]| {
            let mut own = std::mem::take(&mut w.block);
            let mut columns = std::mem::take(&mut w.columns);
            let values = (range, audit);
            let result = self.with_values(values, w, &mut own, |point, range, w, block| {
                let of_one = range.len() * graph.output_shape().size();
                columns.grow(most * of_one);
                let data = graph.part_data(point, range.clone(), block);
                let count = s(&data, &mut columns[..most * of_one])?.min(most);
                let columns = &columns[..count * of_one];
                if together {
                    self.squares_together(point, w, lane, rows, block, (most, columns))
                } else {
                    columns.chunks_exact(of_one).try_for_each(|column| {
                        let column = |_: &TileData<'_, T>, u: Option<&mut [T]>| {
                            u.into_iter().for_each(|u| u.copy_from_slice(column));
                            Ok(0.0)
                        };
                        self.examples_vjp(point, range.clone(), w, block, &column, &[])?;
                        self.add_example_squares(w, lane, range.len())
                    })
                }
            });
            (w.block, w.columns) = (own, columns);
            result.map(|()| 0.0)
        };
        let mut totals = graph.totals.take();
        let summed = graph.sum_tiles(self.len(), tile_len, leaves, &mut totals, out, &body);
        let summed = summed.and_then(|_| {
            if together {
                // Shared nodes only move numbers: squares take the way of the cotangents.
                let totals = &mut *totals;
                let (sums, scratch) = (&mut totals.sums, &mut totals.scratch);
                graph.shared_vjp(&self.theta, &self.shared, audit, sums, scratch)
            } else {
                Ok(())
            }
        });
        if summed.is_ok() {
            graph.gather(&totals.sums, leaves, out);
        }
        graph.totals.give_back(totals);
        summed
    }

    /// How many examples, and how many columns of each, travel together: as the cache holds.
    /// Columns come first, since they share an example's values besides the weights.
    fn columns_tile(&self, columns: usize) -> (usize, usize) {
        let plan = &self.graph.plan;
        let bytes = plan.tile.product.lens.iter().sum::<usize>() * size_of::<T>();
        let room = (COLUMNS / bytes.max(1)).max(1);
        let parts = columns.div_ceil(room.min(columns));
        let at_once = columns.div_ceil(parts);
        let local = plan.sums.iter().zip(&plan.local);
        let largest = local.filter(|&(_, local)| *local).map(|(len, _)| *len);
        let apart = PER_TILE / largest.max().unwrap_or(1).max(1);
        let examples = (room / at_once).min(apart).clamp(1, self.tile_len);
        (1 << examples.ilog2(), at_once)
    }

    /// The squares of a tile's columns, of which there are `most` at most.
    fn squares_together(
        &self,
        point: &Point<'_, T>,
        w: &mut Worker<T>,
        lane: &mut Lane<T>,
        rows: &mut [T],
        block: &Block<T>,
        (most, columns): (usize, &[T]),
    ) -> Result<()> {
        let (graph, plan, k) = (self.graph, &self.graph.plan, point.tile.len);
        let (table, of_one) = (&plan.tile.product, k * graph.output_shape().size());
        let at_once = self.columns_tile(most).1;
        w.per_example
            .resize_with(w.per_example.len().max(1), Default::default);
        if columns.is_empty() {
            rows.fill(T::zero());
        }
        for (i, columns) in columns.chunks(at_once * of_one).enumerate() {
            let count = columns.len() / of_one;
            grow_all(&mut w.slots, &table.lens, count * k);
            w.scratch.grow(scratch_len(&plan.tile, count * k));
            graph
                .output_slot(table, &mut w.slots, count * k)
                .copy_from_slice(columns);
            let mut into = Squares {
                sums: &mut lane.sums,
                apart: &mut w.per_example[0],
                rows: &mut *rows,
                row: plan.row,
                deferred: &plan.deferred,
                fresh: i == 0,
            };
            let (slots, scratch) = (&mut w.slots, &mut w.scratch);
            sweep::squares(point, block, count, table, slots, &mut into, scratch)?;
        }
        Ok(())
    }

    /// Adds the squares by way of θ: parameters may be used more than once, or transformed.
    fn add_example_squares(&self, w: &mut Worker<T>, lane: &mut Lane<T>, k: usize) -> Result<()> {
        let (graph, n) = (self.graph, self.graph.params.len());
        let mut row = std::mem::take(&mut w.output);
        row.grow(n);
        let result = (0..k).try_for_each(|i| {
            self.example(w, i, &[], &mut row[..n])?;
            for (sum, range) in &graph.plan.parameters {
                for (x, &g) in lane.sums[*sum].iter_mut().zip(&row[range.clone()]) {
                    *x += g * g;
                }
            }
            Ok(())
        });
        w.output = row;
        result
    }
}
