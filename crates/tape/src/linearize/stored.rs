//! The stored route: S = ∂z/∂(exit) kept at the exit of every segment.
//!
//! ```text
//! J v = Σ over segments  S · (jvp inside, the entry's tangent None)
//! Jᵀu = Σ over segments  vjp inside of Sᵀu, no cotangent of the entry wanted
//! ```
//!
//! Which steps make a segment is told in `plan/segments.rs`. S lies example after example, m rows
//! of the exit's numbers each. A product reads the S of a tile twice, and the second time finds it
//! in the cache.

use super::{Linearization, Route};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::error::{GraphError, Result};
use crate::graph::scratch_len;
use crate::kernel::sensitivity::{add_products, transposed_products};
use crate::rounds::Worker;
use crate::sweep::{self, Block, Direction, Point, Sink, grow_all};
use std::mem::take;
use std::ops::Range;

impl<T: Scalar> Linearization<'_, T> {
    /// Has S ready: pulls the output's unit vectors back through the network, once, and keeps what
    /// arrives at the exits. The sweep route needs nothing.
    pub(super) fn prepare(&self) -> Result<()> {
        if self.choice.route() != Route::Stored || self.sensitivities.get().is_some() {
            return Ok(());
        }
        let graph = self.graph;
        let tiles = self.blocks.len();
        let mut kept: Vec<Vec<Buffer<T>>> =
            (0..tiles).map(|_| graph.sensitivities.take()).collect();
        graph.each_tile(self.len(), self.tile_len, &mut kept, 1, &|w, range, s| {
            // A number that is not finite is traced to its node by a second run.
            match self.prepare_tile(w, &range, &mut s[0], false)? {
                None => Ok(()),
                Some((index, value)) => {
                    self.prepare_tile(w, &range, &mut s[0], true)?;
                    let what = "a sensitivity of the output".into();
                    Err(GraphError::NotFinite { what, index, value })
                }
            }
        })?;
        // Where two first products meet, both prepare the same bits: a lock held meanwhile could
        // wait for its own thread, which the pool may have lent to the other product.
        if let Err(second) = self.sensitivities.set(kept) {
            second
                .into_iter()
                .for_each(|s| graph.sensitivities.give_back(s));
        }
        Ok(())
    }

    /// S of a tile, exit by exit.
    fn tile_sensitivities(&self, range: &Range<usize>) -> &[Buffer<T>] {
        let tiles = self.sensitivities.get().map_or(&[][..], Vec::as_slice);
        tiles
            .get(range.start / self.tile_len)
            .map_or(&[], Vec::as_slice)
    }

    /// Fills the S of a tile, and finds a number in it that is not finite.
    fn prepare_tile(
        &self,
        w: &mut Worker<T>,
        range: &Range<usize>,
        s: &mut Vec<Buffer<T>>,
        audit: bool,
    ) -> Result<Option<(usize, f64)>> {
        let (graph, k, m) = (self.graph, range.len(), self.graph.output_shape().size());
        let segments = &graph.plan.segments;
        let table = &segments.between.product;
        let point = Point {
            stratum: &segments.between,
            ..self.point(range.clone(), audit)
        };
        let Worker { slots, scratch, .. } = w;
        grow_all(slots, &table.lens, k);
        scratch.grow(scratch_len(point.stratum, k));
        s.resize_with(segments.exits.len(), Buffer::default);
        let mut fault = None;
        for j in 0..m {
            let units = graph.output_slot(table, slots, k);
            units.fill(T::zero());
            units
                .iter_mut()
                .skip(j)
                .step_by(m)
                .for_each(|u| *u = T::one());
            let block = &self.blocks[range.start / self.tile_len];
            let mut sink = Sink::sums(&mut []);
            sweep::vjp(&point, block, table, slots, &mut sink, scratch)?;
            for (exit, s) in segments.exits.iter().zip(s.iter_mut()) {
                s.grow(k * m * exit.len);
                let arrived = &slots[table.cotangent[exit.node]][..k * exit.len];
                for (i, row) in arrived.chunks_exact(exit.len).enumerate() {
                    s[(i * m + j) * exit.len..][..exit.len].copy_from_slice(row);
                }
                let wrong = arrived.iter().position(|x| !x.is_finite());
                fault = fault.or(wrong.map(|at| (at % exit.len, arrived[at].to_f64())));
            }
        }
        Ok(fault)
    }

    /// J v of a tile, in the place of the output's tangent.
    pub(super) fn stored_jvp(
        &self,
        point: &Point<'_, T>,
        range: &Range<usize>,
        block: &Block<T>,
        direction: Direction<'_, T>,
        slots: &mut [Buffer<T>],
        scratch: &mut [T],
    ) -> Result<()> {
        let (graph, m) = (self.graph, self.graph.output_shape().size());
        let segments = &graph.plan.segments;
        let (stratum, table) = (&segments.inside, &segments.inside.product);
        let point = Point { stratum, ..*point };
        sweep::jvp(&point, block, direction, table, slots, scratch)?;
        let output = graph.plan.output_root;
        let mut sum = take(&mut slots[table.tangent[output]]);
        let dz = &mut sum[..range.len() * m];
        // A segment that ends at the output has left its part there, by S = I.
        if !stratum.steps.last().is_some_and(|s| s.active) {
            dz.fill(T::zero());
        }
        let kept = self.tile_sensitivities(range);
        for (exit, s) in segments.exits.iter().zip(kept) {
            let dy = &slots[table.tangent[exit.node]][..range.len() * exit.len];
            add_products((m, exit.len), &s[..m * dy.len()], dy, dz);
        }
        slots[table.tangent[output]] = sum;
        Ok(())
    }

    /// Jᵀu of a tile, from u in the place of the output's cotangent.
    pub(super) fn stored_vjp(
        &self,
        point: &Point<'_, T>,
        range: &Range<usize>,
        block: &Block<T>,
        slots: &mut [Buffer<T>],
        sink: &mut Sink<'_, T>,
        scratch: &mut [T],
    ) -> Result<()> {
        let (graph, m) = (self.graph, self.graph.output_shape().size());
        let segments = &graph.plan.segments;
        let (stratum, table) = (&segments.inside, &segments.inside.product);
        let output = table.cotangent[graph.plan.output_root];
        let at_output = take(&mut slots[output]);
        let u = &at_output[..range.len() * m];
        let kept = self.tile_sensitivities(range);
        // In reverse: what J v read last is the likeliest to be in the cache.
        for (exit, s) in segments.exits.iter().zip(kept).rev() {
            let g = &mut slots[table.cotangent[exit.node]][..range.len() * exit.len];
            transposed_products((m, exit.len), &s[..m * g.len()], u, g);
        }
        slots[output] = at_output;
        let point = Point { stratum, ..*point };
        sweep::vjp(&point, block, table, slots, sink, scratch)
    }
}
