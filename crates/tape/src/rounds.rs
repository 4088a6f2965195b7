//! The sum over examples: rounds, tiles and lanes, in this one place.
//!
//! Examples go in rounds of at most [`ROUND`]. A round is cut into tiles, and its tiles into at
//! most [`LANES`] runs of neighbours, the lanes. A lane is one task: it sweeps its tiles in order
//! and adds the cotangents of small shared operands into sums of its own, which persist across
//! rounds and are folded at the end in a fixed tree. Cotangents of large shared operands are
//! *deferred*: tiles leave what they need in the round's rows, and one task per range of the
//! operand then sums over all examples of the round, in order.
//!
//! Nothing here depends on the number of threads, so neither do the bits of the result. Threads
//! fill this loop today; processes on other machines can fill the same place.

mod deferred;
mod fold;

use self::deferred::Round;
use self::fold::{Folded, Places};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::error::{GraphError, Result};
use crate::graph::Graph;
use crate::plan::ROUND;
use crate::sweep::Block;
use rayon::prelude::*;
use std::ops::Range;

/// Independent runs of tiles in a round, whatever the number of threads.
pub(crate) const LANES: usize = 16;
/// Below about this many multiply-adds, entering the thread pool costs more than it gains.
pub(crate) const INLINE: usize = 2_000_000;
/// What a worker needs for any tile: grown once, then reused.
#[derive(Debug, Default)]
pub(crate) struct Worker<T> {
    /// The tile's values, where they are not kept elsewhere.
    pub block: Block<T>,
    pub slots: Vec<Buffer<T>>,
    pub scratch: Buffer<T>,
    /// The gradient's cotangents, where they are not kept elsewhere.
    pub gradient: Vec<Buffer<T>>,
    /// Cotangents of shared operands, one per example.
    pub per_example: Vec<Buffer<T>>,
    /// Columns of a factor.
    pub columns: Buffer<T>,
    /// θ-sized workspace.
    pub output: Buffer<T>,
    /// What deferred sums read, where it doesn't go to the round's rows.
    pub rows: Buffer<T>,
}

#[derive(Debug, Default)]
pub(crate) struct Lane<T> {
    pub sums: Vec<Buffer<T>>,
    value: f64,
    error: Option<GraphError>,
}

/// The sums of one product: grown once, then reused.
#[derive(Debug, Default)]
pub(crate) struct Totals<T> {
    /// One per parameter and shared node that depends on θ.
    pub sums: Vec<Buffer<T>>,
    /// Values of the shared stratum, where nothing is linearized.
    pub shared: Block<T>,
    /// Tangents of the shared stratum.
    pub tangents: Vec<Buffer<T>>,
    /// θ or v, where sweeps read a copy of it.
    pub aligned: Buffer<T>,
    pub scratch: Buffer<T>,
    lanes: Vec<Lane<T>>,
    rows: Buffer<T>,
}

/// What the tiles of a sum leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// A value only.
    Nothing,
    /// Cotangents from vjp.
    Cotangents,
    /// Cotangents from vjp_jvp.
    HessianCotangents,
    /// Functions of every example's own cotangents: nothing is deferred.
    PerExample,
}

impl Leaves {
    /// Whether sums of parameters that no shared node touches stand in their places in the result,
    /// if there is one.
    pub fn in_place(self) -> bool {
        matches!(self, Leaves::Cotangents | Leaves::HessianCotangents)
    }
}

/// What a sum does with a tile: its positions, and its part of the round's rows.
pub(crate) type Body<'a, T> =
    dyn Fn(&mut Worker<T>, &mut Lane<T>, Range<usize>, &mut [T]) -> Result<f64> + Sync + 'a;

/// What is done with a tile that has a part of the result to itself.
pub(crate) type EachBody<'a, T, U> =
    dyn Fn(&mut Worker<T>, Range<usize>, &mut [U]) -> Result<()> + Sync + 'a;

impl<T: Scalar> Graph<T> {
    /// Whether a computation over `count` examples is too small for threads.
    pub(crate) fn is_inline(&self, count: usize) -> bool {
        count.saturating_mul(self.plan.work).saturating_mul(4) < INLINE
    }

    /// Runs `f` on the thread pool if sweeps over `count` examples run there.
    ///
    /// To enter the pool takes as long as a small sweep: whoever calls several sweeps, or looks
    /// through long vectors between them, enters it once.
    ///
    /// ```
    /// # use osculant_tape::{Graph, Init, ops::dense};
    /// let graph = Graph::<f64>::new(|tape| {
    ///     dense(tape.input([300]), tape.param("weight", [300, 10], Init::Zeros))
    /// })?;
    /// assert!(graph.on_pool(1000, || rayon::current_thread_index().is_some()));
    /// assert!(graph.on_pool(1, || rayon::current_thread_index().is_none()));
    /// # Ok::<(), osculant_tape::GraphError>(())
    /// ```
    pub fn on_pool<R: Send>(&self, count: usize, f: impl FnOnce() -> R + Send) -> R {
        if self.is_inline(count) {
            f()
        } else {
            rayon::scope(|_| f())
        }
    }

    /// θ or v as a value, a gradient or a product over `count` examples reads it: beginning on a
    /// cache line, where every tile reads small weights in place. (Large ones are copied panel by
    /// panel.)
    pub(crate) fn aligned<'a>(&self, count: usize, x: &'a [T], room: &'a mut Buffer<T>) -> &'a [T] {
        if self.plan.deferred.is_empty() && !self.is_inline(count) {
            room.aligned(x)
        } else {
            x
        }
    }

    /// Runs `body` on every tile of `count` examples and sums what it returns and leaves. Sums that
    /// can be taken in place stand in `out`, which has θ's length; or among the others, if `out`
    /// has no numbers.
    pub(crate) fn sum_tiles(
        &self,
        count: usize,
        tile_len: usize,
        leaves: Leaves,
        totals: &mut Totals<T>,
        out: &mut [T],
        body: &Body<'_, T>,
    ) -> Result<f64> {
        self.sum_sets(1, (count, tile_len), leaves, totals, out, body)
    }

    /// The same with several sets of all sums, one after the other: of the sums themselves, of
    /// their places in `out`, and of what an example leaves in its row.
    pub(crate) fn sum_sets(
        &self,
        sets: usize,
        (count, tile_len): (usize, usize),
        leaves: Leaves,
        totals: &mut Totals<T>,
        out: &mut [T],
        body: &Body<'_, T>,
    ) -> Result<f64> {
        let plan = &self.plan;
        let all = sets * plan.sums.len();
        let inline = self.is_inline(count);
        let row = sets
            * match leaves {
                Leaves::Nothing | Leaves::PerExample => 1,
                Leaves::Cotangents => plan.row.max(1),
                Leaves::HessianCotangents => plan.hessian_row.max(1),
            };
        let summed = leaves != Leaves::Nothing;
        let places = Places {
            of_set: if leaves.in_place() && !out.is_empty() {
                &plan.in_place
            } else {
                &[]
            },
            theta: self.params.len(),
        };
        let is_local = |i: usize| plan.local[i % plan.local.len()] || leaves == Leaves::PerExample;
        let Totals {
            sums, lanes, rows, ..
        } = totals;
        rows.grow(ROUND.min(count) * row);
        lanes.resize_with(LANES, Lane::default);
        if summed {
            sums.resize_with(all.max(sums.len()), Buffer::default);
            let lens = plan.sums.iter().cycle();
            for (i, (sum, &len)) in sums.iter_mut().zip(lens).enumerate().take(all) {
                if places.of(i).is_none() {
                    sum.grow(len);
                }
            }
        }
        for lane in lanes.iter_mut() {
            (lane.value, lane.error) = (0.0, None);
        }
        if count == 0 && summed {
            out.fill(T::zero());
            sums.iter_mut().for_each(|s| s.fill(T::zero()));
        }
        let mut lanes_used = 0;
        for start in (0..count).step_by(ROUND) {
            let n = ROUND.min(count - start);
            // Later rounds never use more lanes than the first: it is the fullest.
            let fresh = start == 0;
            let tiles = n.div_ceil(tile_len);
            let per_lane = tiles.div_ceil(LANES);
            let used = tiles.div_ceil(per_lane);
            lanes_used = lanes_used.max(used);
            let run_lane = |j: usize, lane: &mut Lane<T>, rows: &mut [T]| {
                if summed && fresh {
                    self.clear_lane(lane, all, &is_local);
                }
                let first = j * per_lane * tile_len;
                let end = (first + per_lane * tile_len).min(n);
                let tiles = (start + first..start + end, tile_len);
                self.run_lane(tiles, lane, (row, rows), body);
            };
            let chunk = per_lane * tile_len * row;
            let (lanes, rows) = (&mut lanes[..used], &mut rows[..n * row]);
            if inline {
                let both = lanes.iter_mut().zip(rows.chunks_mut(chunk)).enumerate();
                both.for_each(|(j, (lane, rows))| run_lane(j, lane, rows));
            } else {
                let both = lanes
                    .par_iter_mut()
                    .zip(rows.par_chunks_mut(chunk))
                    .enumerate();
                both.with_max_len(1)
                    .for_each(|(j, (lane, rows))| run_lane(j, lane, rows));
            }
            if let Some(error) = lanes.iter_mut().find_map(|lane| lane.error.take()) {
                return Err(error);
            }
            if summed && leaves != Leaves::PerExample {
                let round = Round {
                    sets,
                    examples: n,
                    row,
                    rows,
                    fresh,
                    inline,
                };
                self.sum_deferred(&round, leaves, sums, (&places, out));
            }
        }
        let lanes = &lanes[..lanes_used];
        if summed {
            let folded = Folded {
                lanes,
                inline,
                is_local: &is_local,
                places: &places,
            };
            folded.write((0, &mut sums[..all]), (0, out));
        }
        Ok(lanes.iter().map(|lane| lane.value).sum())
    }

    /// Runs `body` on the tiles of a lane, in order, each with its part of the lane's rows, of
    /// `row` numbers per example; the first error ends it.
    fn run_lane(
        &self,
        (examples, tile_len): (Range<usize>, usize),
        lane: &mut Lane<T>,
        (row, rows): (usize, &mut [T]),
        body: &Body<'_, T>,
    ) {
        let mut worker = self.workers.take();
        for first in examples.clone().step_by(tile_len) {
            let tile = first..(first + tile_len).min(examples.end);
            let at = (first - examples.start) * row;
            let rows = &mut rows[at..at + tile.len() * row];
            match body(&mut worker, lane, tile, rows) {
                Ok(value) => lane.value += value,
                Err(error) => {
                    lane.error = Some(error);
                    break;
                }
            }
        }
        self.workers.give_back(worker);
    }

    /// Runs `body` on every tile, each with its own part of `out`: `per_tile` items, fewer for the
    /// last. Nothing is summed.
    pub(crate) fn each_tile<U: Send>(
        &self,
        count: usize,
        tile_len: usize,
        out: &mut [U],
        per_tile: usize,
        body: &EachBody<'_, T, U>,
    ) -> Result<()> {
        let run = |(t, out): (usize, &mut [U])| {
            let mut worker = self.workers.take();
            let range = t * tile_len..((t + 1) * tile_len).min(count);
            let result = body(&mut worker, range, out);
            self.workers.give_back(worker);
            result
        };
        if self.is_inline(count) {
            out.chunks_mut(per_tile).enumerate().try_for_each(run)
        } else {
            // The first error in order of examples, whichever thread finds one first.
            let mut results = Vec::new();
            out.par_chunks_mut(per_tile)
                .enumerate()
                .map(run)
                .collect_into_vec(&mut results);
            results.into_iter().collect()
        }
    }

    fn clear_lane(&self, lane: &mut Lane<T>, all: usize, is_local: &impl Fn(usize) -> bool) {
        if lane.sums.len() < all {
            lane.sums.resize_with(all, Buffer::default);
        }
        let sums = lane.sums.iter_mut().zip(self.plan.sums.iter().cycle());
        for (_, (sum, &len)) in sums.take(all).enumerate().filter(|&(i, _)| is_local(i)) {
            sum.grow(len);
            sum.fill(T::zero());
        }
    }
}
