//! Jᵀ B J V for several vectors: tile by tile, each with all vectors while its data are in the
//! cache.

use super::{Curvature, Linearization};
use crate::Scalar;
use crate::error::{GraphError, Result};
use crate::rounds::{Lane, Leaves, Totals, Worker};
use crate::sweep::{Direction, Sink, grow_all};
use smallvec::SmallVec;
use std::ops::Range;

/// Vectors that go together at most.
const MOST: usize = 8;
/// Bytes of vectors and of their sums that may stand beside a tile in a core's cache.
const NEAR: usize = 1 << 20;
/// Bytes that stay in the cache that cores share.
const FAR: usize = 32 << 20;

impl<T: Scalar> Linearization<'_, T> {
    /// Jᵀ B J V for k vectors, each stored after the other: for every vector the same bits as
    /// [`product_into`](Self::product_into).
    ///
    /// A tile's values, winners and sensitivities are read once for several vectors, as long as
    /// these are short enough to stay in the cache as well.
    ///
    /// # Errors
    /// A block that doesn't fit or a vector that isn't finite; a tangent or cotangent that isn't
    /// finite, with its node; an error of `b`.
    pub fn product_block_into(
        &self,
        k: usize,
        v: &[T],
        b: &Curvature<'_, T>,
        out: &mut [T],
    ) -> Result<()> {
        let n = self.graph.params.len();
        self.graph.check_room(out, k.saturating_mul(n))?;
        if v.len() != k.saturating_mul(n) {
            return Err(GraphError::Length {
                what: "the block of vectors".into(),
                found: v.len(),
                expected: k.saturating_mul(n),
                hint: format!("{k} vectors of θ's {n} numbers, one after the other"),
            });
        }
        if n == 0 {
            return Ok(());
        }
        let few = self.together() * n;
        for (v, out) in v.chunks(few).zip(out.chunks_mut(few)) {
            if v.len() == n {
                self.product_into(v, b, out)?;
            } else {
                self.products_together(v, b, out)?;
            }
        }
        Ok(())
    }

    /// How many vectors go together. Each has a direction and sums as long as θ, which every tile
    /// reads. Large weights (those whose sums are deferred) are read faster one vector after the
    /// other, unless what is kept is larger still and comes from memory.
    fn together(&self) -> usize {
        if !self.graph.is_active() {
            return 1;
        }
        let room = match self.graph.plan.deferred.is_empty() {
            true => NEAR,
            false if self.kept_bytes().saturating_mul(self.len()) > FAR => FAR / 2,
            false => 0,
        };
        (room / (self.graph.params.len() * size_of::<T>())).clamp(1, MOST)
    }

    fn products_together(&self, v: &[T], b: &Curvature<'_, T>, out: &mut [T]) -> Result<()> {
        let (graph, n) = (self.graph, self.graph.params.len());
        for v in v.chunks_exact(n) {
            graph.params.check("v", v)?;
        }
        self.prepare()?;
        self.audited(out, &|audit, out| {
            let mut totals = graph.totals.take();
            let mut shared: SmallVec<[Box<Totals<T>>; MOST]> =
                v.chunks_exact(n).map(|_| graph.totals.take()).collect();
            let result = self.sum_together(v, b, audit, &mut shared, &mut totals, out);
            shared.into_iter().for_each(|t| graph.totals.give_back(t));
            graph.totals.give_back(totals);
            result
        })
    }

    /// The products, with the shared nodes' tangents of each vector in `shared`.
    fn sum_together(
        &self,
        v: &[T],
        b: &Curvature<'_, T>,
        audit: bool,
        shared: &mut [Box<Totals<T>>],
        totals: &mut Totals<T>,
        out: &mut [T],
    ) -> Result<()> {
        let (graph, n, table) = (self.graph, self.graph.params.len(), self.table());
        let sums = graph.plan.sums.len();
        for (v, shared) in v.chunks_exact(n).zip(&mut *shared) {
            graph.shared_jvp(&self.theta, &self.shared, v, (false, audit), shared)?;
        }
        let vectors = &*shared;
        let (sets, row) = (vectors.len(), graph.plan.row);
        let body = |w: &mut Worker<T>, lane: &mut Lane<T>, range: Range<usize>, rows: &mut [T]| {
            let point = self.point(range.clone(), audit);
            let Worker {
                block,
                slots,
                scratch,
                ..
            } = w;
            let block = self.values(&point, &range, block, slots, scratch)?;
            grow_all(slots, &table.lens, range.len());
            let each = v.chunks_exact(n).zip(vectors);
            let each = each.zip(lane.sums.chunks_exact_mut(sums));
            for (set, ((v, shared), sums)) in each.enumerate() {
                let outer = &shared.tangents[..];
                let direction = Direction { v, outer };
                self.tile_jvp(&point, &range, block, direction, slots, scratch)?;
                self.curve(&point, block, table, slots, &range, b)?;
                let mut sink = Sink {
                    deferred: &graph.plan.deferred,
                    rows: &mut rows[set * row..],
                    row: sets * row,
                    ..Sink::sums(sums)
                };
                self.tile_vjp(&point, &range, block, slots, &mut sink, scratch)?;
            }
            Ok(0.0)
        };
        let leaves = Leaves::Cotangents;
        let tiles = (self.len(), self.tile_len);
        graph.sum_sets(sets, tiles, leaves, totals, out, &body)?;
        let Totals {
            sums: all, scratch, ..
        } = totals;
        for (sums, out) in all.chunks_exact_mut(sums).zip(out.chunks_exact_mut(n)) {
            graph.shared_vjp(&self.theta, &self.shared, audit, sums, scratch)?;
            graph.gather(sums, leaves, out);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linearize::{Options, Route};
    use crate::ops::dense;
    use crate::{Graph, Init, Random};

    /// Vectors of a network with a large weight, over so many examples: how many go together, and
    /// whether each has the bits of a product by itself.
    fn together(count: usize, route: Route) -> (usize, bool) {
        let (width, k) = (2048, 5);
        let graph = Graph::<f64>::new(|tape| {
            let param =
                |name, shape: [usize; 2]| tape.param(name, shape, Init::Normal { std: 0.1 });
            let x = dense(tape.input([width]), param("large", [width, 8])).tanh();
            dense(x, param("small", [8, 3])).tanh()
        });
        let graph = graph.unwrap();
        assert!(!graph.plan.deferred.is_empty() && graph.plan.local.contains(&true));
        let feed = |i: usize, x: &mut [f64]| Random::new(3, i as u64).normal(1.0, x);
        let examples: Vec<usize> = (0..count).collect();
        let theta = graph.params().init(0);
        let options = Options {
            route,
            ..Options::default()
        };
        let lin = graph.linearize(&theta, &feed, &examples, options).unwrap();
        let n = theta.len();
        let mut v = vec![0.0; k * n];
        Random::new(4, 0).normal(1.0, &mut v);
        let b = |_: &crate::linearize::TileData<'_, f64>, dz: &[f64], u: &mut [f64]| {
            u.copy_from_slice(dz);
            Ok(())
        };
        let (mut block, mut each) = (vec![0.0; k * n], vec![0.0; k * n]);
        lin.product_block_into(k, &v, &b, &mut block).unwrap();
        for (v, out) in v.chunks(n).zip(each.chunks_mut(n)) {
            lin.product_into(v, &b, out).unwrap();
        }
        (lin.together(), block == each && block[0] != 0.0)
    }

    #[test]
    fn large_weights_go_together_where_more_is_kept_than_a_cache_holds() {
        for route in [Route::Sweep, Route::Stored] {
            assert_eq!(together(300, route), (1, true), "{route:?}");
            // 35 MB of inputs, in nine rounds.
            assert_eq!(together(2150, route), (MOST, true), "{route:?}");
        }
    }
}
