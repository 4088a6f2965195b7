//! Products with the Hessian of Σ ξ(z(θ)): jvp → B → vjp_jvp.

use super::product::Pass;
use super::{Curvature, Linearization, TileData};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::error::Result;
use crate::graph::scratch_len;
use crate::rounds::{Lane, Leaves, Totals, Worker};
use crate::sweep::{self, Block, Direction, Point, Sink, grow_all};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// [`Cotangents`](super::Cotangents) that an operator may carry to another thread.
pub type OwnedCotangents<'a, T> =
    dyn Fn(&TileData<'_, T>, Option<&mut [T]>) -> Result<f64> + Send + Sync + 'a;

/// A linearization together with the gradient's cotangents at every node.
///
/// Made by [`Linearization::with_gradient`].
pub struct Curved<'g, T: Scalar> {
    lin: Arc<Linearization<'g, T>>,
    u: Box<OwnedCotangents<'g, T>>,
    /// The gradient's cotangents, tile by tile; empty if every product recomputes them.
    tiles: Vec<Vec<Buffer<T>>>,
    /// The shared stratum's part of them: sums over all examples.
    shared: Vec<Buffer<T>>,
}

impl<T: Scalar> fmt::Debug for Curved<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Curved").field("at", &self.lin).finish()
    }
}

impl<'g, T: Scalar> Linearization<'g, T> {
    /// Keeps the cotangents of Jᵀu, where `u` gives the outputs' cotangents: what products with
    /// the Hessian of Σ ξ(z) start from, u being ∇ξ.
    ///
    /// # Errors
    /// An error of `u`.
    pub fn with_gradient(
        self: &Arc<Self>,
        u: Box<OwnedCotangents<'g, T>>,
    ) -> Result<Curved<'g, T>> {
        let (graph, tile_len) = (self.graph, self.tile_len);
        let (tiles, shared) = (Vec::new(), Vec::new());
        let mut curved = Curved {
            lin: self.clone(),
            u,
            tiles,
            shared,
        };
        if !graph.is_active() {
            return Ok(curved);
        }
        let gradient: usize = graph.plan.tile.gradient.lens.iter().sum();
        let bytes = self.kept_bytes() + gradient * size_of::<T>();
        if self.keeps_values() && bytes.saturating_mul(self.len()) <= self.budget.0 {
            let mut tiles: Vec<Vec<Buffer<T>>> = vec![Vec::new(); self.blocks.len()];
            graph.each_tile(self.len(), tile_len, &mut tiles, 1, &|w, range, tiles| {
                let point = self.point(range.clone(), false);
                let Worker {
                    per_example: unused,
                    scratch,
                    ..
                } = w;
                graph.clear(unused, 1);
                scratch.grow(scratch_len(&graph.plan.tile, range.len()));
                let block = &self.blocks[range.start / tile_len];
                let mut sink = Sink::sums(unused);
                curved.gradient(&point, block, &mut tiles[0], &mut sink, scratch, &range)
            })?;
            curved.tiles = tiles;
        }
        if graph.plan.shared.has_reverse() {
            curved.shared = curved.shared_gradient()?;
        }
        Ok(curved)
    }
}

impl<T: Scalar> Curved<'_, T> {
    /// The product of v with the Hessian of Σ ξ(z(θ)), where `b` is B: n numbers.
    ///
    /// # Errors
    /// A vector that doesn't fit or isn't finite; a number that isn't finite on the way, with its
    /// node; an error of `b`.
    pub fn product_into(&self, v: &[T], b: &Curvature<'_, T>, out: &mut [T]) -> Result<()> {
        let (lin, graph) = (&self.lin, self.lin.graph);
        graph.params.check("v", v)?;
        let stratum = &graph.plan.tile;
        let table = &stratum.hessian;
        let tile = |mut p: Pass<'_, T>| {
            let kept = self.tiles.get(p.range.start / lin.tile_len);
            let gradient = match kept {
                Some(kept) => kept,
                None => {
                    graph.clear(p.unused, 1);
                    let mut sink = Sink::sums(p.unused);
                    self.gradient(
                        &p.point, p.block, p.gradient, &mut sink, p.scratch, &p.range,
                    )?;
                    &*p.gradient
                }
            };
            grow_all(p.slots, &table.lens, p.range.len());
            sweep::jvp(&p.point, p.block, p.direction, table, p.slots, p.scratch)?;
            lin.curve(&p.point, p.block, table, p.slots, &p.range, b)?;
            let gradient = (&gradient[..], &stratum.gradient);
            let (sink, direction) = (&mut p.sink, p.direction);
            sweep::vjp_jvp(
                &p.point, p.block, direction, gradient, table, p.slots, sink, p.scratch,
            )
        };
        lin.reverse(
            out,
            v,
            Leaves::HessianCotangents,
            &tile,
            &|audit, totals| self.shared(v, audit, totals),
        )
    }

    /// Carries the tangents of the shared nodes' cotangents back to the parameters'.
    fn shared(&self, v: &[T], audit: bool, totals: &mut Totals<T>) -> Result<()> {
        let (lin, graph) = (&self.lin, self.lin.graph);
        let stratum = &graph.plan.shared;
        if !stratum.has_reverse() {
            return Ok(());
        }
        let empty = Block::default();
        let point = graph.shared_point(&lin.theta, &empty, audit);
        let Totals {
            sums,
            tangents,
            scratch,
            ..
        } = totals;
        scratch.grow(scratch_len(stratum, 1));
        // The sweep finds tangents and cotangents in one list of slots: tangents first.
        let first = stratum.kept.len();
        let mut slots = std::mem::take(tangents);
        let spare = slots.split_off(first);
        slots.append(sums);
        let direction = Direction { v, outer: &[] };
        let gradient = (&self.shared[..], &stratum.gradient);
        let mut sink = Sink::sums(&mut []);
        let table = &stratum.hessian;
        let block = &lin.shared;
        let swept = sweep::vjp_jvp(
            &point, block, direction, gradient, table, &mut slots, &mut sink, scratch,
        );
        *sums = slots.split_off(first);
        slots.extend(spare);
        *tangents = slots;
        swept
    }

    /// One reverse sweep from u, every node's cotangent into a buffer of its own.
    fn gradient(
        &self,
        point: &Point<'_, T>,
        block: &Block<T>,
        buffers: &mut Vec<Buffer<T>>,
        sink: &mut Sink<'_, T>,
        scratch: &mut [T],
        range: &Range<usize>,
    ) -> Result<()> {
        let graph = self.lin.graph;
        let table = &graph.plan.tile.gradient;
        grow_all(buffers, &table.lens, range.len());
        let data = graph.tile_data(range.clone(), point.tile.examples, block);
        (self.u)(&data, Some(graph.output_slot(table, buffers, range.len())))?;
        sweep::vjp(point, block, table, buffers, sink, scratch)
    }

    fn shared_gradient(&self) -> Result<Vec<Buffer<T>>> {
        let (lin, graph) = (&self.lin, self.lin.graph);
        let leaves = Leaves::Cotangents;
        let body = |w: &mut Worker<T>, lane: &mut Lane<T>, range: Range<usize>, rows: &mut [T]| {
            let point = lin.point(range.clone(), false);
            let Worker {
                block,
                slots,
                scratch,
                gradient,
                ..
            } = w;
            let block = lin.values(&point, &range, block, slots, scratch)?;
            let mut sink = graph.sink(lane, rows, leaves);
            self.gradient(&point, block, gradient, &mut sink, scratch, &range)?;
            Ok(0.0)
        };
        let mut totals = graph.totals.take();
        let summed = graph.sum_tiles(lin.len(), lin.tile_len, leaves, &mut totals, &mut [], &body);
        let swept = summed.and_then(|_| {
            let Totals { sums, scratch, .. } = &mut *totals;
            graph.shared_vjp(&lin.theta, &lin.shared, false, sums, scratch)
        });
        let sums = totals.sums.clone();
        graph.totals.give_back(totals);
        swept.map(|()| sums)
    }
}
