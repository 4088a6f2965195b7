//! J v, Jᵀ u, and Jᵀ B J v: the Gauss-Newton product.

use super::{Curvature, Linearization, Route};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::error::{GraphError, Result};
use crate::kernel::first_not_finite;
use crate::plan::Slots;
use crate::rounds::{Lane, Leaves, Totals, Worker};
use crate::sweep::{self, Block, Direction, Point, Sink, grow_all};
use std::ops::Range;

/// One tile on its way: what a product's sweeps read and write.
pub(super) struct Pass<'p, T> {
    pub point: Point<'p, T>,
    pub block: &'p Block<T>,
    pub slots: &'p mut Vec<Buffer<T>>,
    pub gradient: &'p mut Vec<Buffer<T>>,
    pub unused: &'p mut Vec<Buffer<T>>,
    pub scratch: &'p mut Buffer<T>,
    pub direction: Direction<'p, T>,
    pub sink: Sink<'p, T>,
    pub range: Range<usize>,
}

impl<T: Scalar> Linearization<'_, T> {
    /// J v: the outputs' tangents, example after example, l·m numbers.
    ///
    /// # Errors
    /// A vector that doesn't fit or isn't finite; a tangent that isn't finite, with its node.
    pub fn jvp_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        let (graph, m) = (self.graph, self.graph.output_shape().size());
        graph.params.check("v", v)?;
        graph.check_room(out, self.len() * m)?;
        if !graph.is_active() {
            out.fill(T::zero());
            return Ok(());
        }
        self.prepare()?;
        let table = self.table();
        let root = graph.plan.output_root;
        self.audited(out, &|audit, out| {
            let mut totals = graph.totals.take();
            let shared =
                graph.shared_jvp(&self.theta, &self.shared, v, (false, audit), &mut totals);
            let result = shared.and_then(|()| {
                let direction = Direction {
                    v,
                    outer: &totals.tangents,
                };
                graph.each_tile(
                    self.len(),
                    self.tile_len,
                    out,
                    self.tile_len * m,
                    &|w, range, out| {
                        let point = self.point(range.clone(), audit);
                        let Worker {
                            block,
                            slots,
                            scratch,
                            ..
                        } = w;
                        let block = self.values(&point, &range, block, slots, scratch)?;
                        grow_all(slots, &table.lens, range.len());
                        self.tile_jvp(&point, &range, block, direction, slots, scratch)?;
                        out.copy_from_slice(&slots[table.tangent[root]][..out.len()]);
                        Ok(())
                    },
                )
            });
            graph.totals.give_back(totals);
            result
        })
    }

    /// Jᵀ u, summed over the examples: n numbers.
    ///
    /// # Errors
    /// A vector that doesn't fit or isn't finite; a cotangent that isn't finite, with its node.
    pub fn vjp_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        let (graph, m) = (self.graph, self.graph.output_shape().size());
        graph.check_outputs("u", u, self.len())?;
        self.prepare()?;
        let table = self.table();
        let tile = |mut p: Pass<'_, T>| {
            grow_all(p.slots, &table.lens, p.range.len());
            let u = &u[p.range.start * m..p.range.end * m];
            graph
                .output_slot(table, p.slots, p.range.len())
                .copy_from_slice(u);
            self.tile_vjp(&p.point, &p.range, p.block, p.slots, &mut p.sink, p.scratch)
        };
        self.reverse(out, &[], Leaves::Cotangents, &tile, &|audit, totals| {
            let Totals { sums, scratch, .. } = totals;
            graph.shared_vjp(&self.theta, &self.shared, audit, sums, scratch)
        })
    }

    /// Jᵀ B J v, summed over the examples, for whatever B is: n numbers.
    ///
    /// # Errors
    /// A vector that doesn't fit or isn't finite; a tangent or cotangent that isn't finite, with
    /// its node; an error of `b`.
    pub fn product_into(&self, v: &[T], b: &Curvature<'_, T>, out: &mut [T]) -> Result<()> {
        let graph = self.graph;
        graph.params.check("v", v)?;
        self.prepare()?;
        let table = self.table();
        let tile = |mut p: Pass<'_, T>| {
            let (point, range, block) = (&p.point, &p.range, p.block);
            grow_all(p.slots, &table.lens, range.len());
            self.tile_jvp(point, range, block, p.direction, p.slots, p.scratch)?;
            self.curve(point, block, table, p.slots, range, b)?;
            self.tile_vjp(point, range, block, p.slots, &mut p.sink, p.scratch)
        };
        self.reverse(out, v, Leaves::Cotangents, &tile, &|audit, totals| {
            let Totals { sums, scratch, .. } = totals;
            graph.shared_vjp(&self.theta, &self.shared, audit, sums, scratch)
        })
    }

    /// Where this route's tangents and cotangents stand.
    pub(super) fn table(&self) -> &Slots {
        match self.choice.route() {
            Route::Stored => &self.graph.plan.segments.inside.product,
            _ => &self.graph.plan.tile.product,
        }
    }

    /// J v of a tile, in the place of the output's tangent.
    pub(super) fn tile_jvp(
        &self,
        point: &Point<'_, T>,
        range: &Range<usize>,
        block: &Block<T>,
        direction: Direction<'_, T>,
        slots: &mut [Buffer<T>],
        scratch: &mut [T],
    ) -> Result<()> {
        match self.choice.route() {
            Route::Stored => self.stored_jvp(point, range, block, direction, slots, scratch),
            _ => sweep::jvp(point, block, direction, self.table(), slots, scratch),
        }
    }

    /// Jᵀu of a tile, from u in the place of the output's cotangent.
    pub(super) fn tile_vjp(
        &self,
        point: &Point<'_, T>,
        range: &Range<usize>,
        block: &Block<T>,
        slots: &mut [Buffer<T>],
        sink: &mut Sink<'_, T>,
        scratch: &mut [T],
    ) -> Result<()> {
        match self.choice.route() {
            Route::Stored => self.stored_vjp(point, range, block, slots, sink, scratch),
            _ => sweep::vjp(point, block, self.table(), slots, sink, scratch),
        }
    }

    /// Applies B between the two sweeps of a product.
    pub(super) fn curve(
        &self,
        point: &Point<'_, T>,
        block: &Block<T>,
        table: &Slots,
        slots: &mut [Buffer<T>],
        range: &Range<usize>,
        b: &Curvature<'_, T>,
    ) -> Result<()> {
        let (graph, k) = (self.graph, range.len());
        let tangent = table.tangent[graph.plan.output_root];
        let dz = std::mem::take(&mut slots[tangent]);
        let data = graph.tile_data(range.clone(), point.tile.examples, block);
        let n = k * graph.output_shape().size();
        let result = b(&data, &dz[..n], graph.output_slot(table, slots, k));
        slots[tangent] = dz;
        result
    }

    /// Runs `tile` on every tile, lets `shared` carry the sums back to the parameters', and hands
    /// out θ's numbers. A `v` of no numbers has no tangents.
    pub(super) fn reverse(
        &self,
        out: &mut [T],
        v: &[T],
        leaves: Leaves,
        tile: &(dyn Fn(Pass<'_, T>) -> Result<()> + Sync),
        shared: &dyn Fn(bool, &mut Totals<T>) -> Result<()>,
    ) -> Result<()> {
        let graph = self.graph;
        graph.check_room(out, graph.params.len())?;
        if !graph.is_active() {
            out.fill(T::zero());
            return Ok(());
        }
        self.audited(out, &|audit, out| {
            let mut totals = graph.totals.take();
            let result = self.sweep_all(v, leaves, audit, tile, &mut totals, out);
            let result = result.and_then(|()| shared(audit, &mut totals));
            if result.is_ok() {
                graph.gather(&totals.sums, leaves, out);
            }
            graph.totals.give_back(totals);
            result
        })
    }

    fn sweep_all(
        &self,
        v: &[T],
        leaves: Leaves,
        audit: bool,
        tile: &(dyn Fn(Pass<'_, T>) -> Result<()> + Sync),
        totals: &mut Totals<T>,
        out: &mut [T],
    ) -> Result<()> {
        let (graph, second_order) = (self.graph, leaves == Leaves::HessianCotangents);
        if !v.is_empty() {
            graph.shared_jvp(&self.theta, &self.shared, v, (second_order, audit), totals)?;
        }
        let tangents = std::mem::take(&mut totals.tangents);
        let mut room = std::mem::take(&mut totals.aligned);
        let direction = Direction {
            v: graph.aligned(self.len(), v, &mut room),
            outer: &tangents,
        };
        let body = |w: &mut Worker<T>, lane: &mut Lane<T>, range: Range<usize>, rows: &mut [T]| {
            let point = Point {
                second_order,
                ..self.point(range.clone(), audit)
            };
            let Worker {
                block,
                slots,
                scratch,
                gradient,
                per_example,
                ..
            } = w;
            let block = self.values(&point, &range, block, slots, scratch)?;
            let sink = graph.sink(lane, rows, leaves);
            let unused = per_example;
            tile(Pass {
                point,
                block,
                slots,
                gradient,
                unused,
                scratch,
                direction,
                sink,
                range,
            })?;
            Ok(0.0)
        };
        let summed = graph.sum_tiles(self.len(), self.tile_len, leaves, totals, out, &body);
        (totals.tangents, totals.aligned) = (tangents, room);
        summed.map(|_| ())
    }

    /// Runs a product; if its result is not finite, runs it again looking for the node at fault.
    pub(super) fn audited(
        &self,
        out: &mut [T],
        run: &dyn Fn(bool, &mut [T]) -> Result<()>,
    ) -> Result<()> {
        run(false, out)?;
        let Some(index) = first_not_finite(out) else {
            return Ok(());
        };
        let value = out[index].to_f64();
        run(true, out)?;
        Err(GraphError::NotFinite {
            what: "the product".into(),
            index,
            value,
        })
    }
}
