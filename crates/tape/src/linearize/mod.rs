//! A graph at a θ: values kept, products on demand.
//!
//! | file | computes |
//! |---|---|
//! | `stream.rs` | value and gradient, keeping nothing |
//! | `product.rs` | J v, Jᵀ u, Jᵀ B J v |
//! | `together.rs` | Jᵀ B J V for several vectors |
//! | `route.rs` | which of two ways these take, and why |
//! | `stored.rs` | the second way: S = ∂z/∂(exit) kept, so that nothing travels the network |
//! | `hessian.rs` | products with the Hessian of Σ ξ(z) |
//! | `per_example.rs` | Jᵀ u of each example on its own |
//! | `squares.rs` | sums of their squares: diagonals of JᵀBJ |

mod hessian;
mod per_example;
mod product;
mod route;
mod squares;
mod stored;
mod stream;
mod together;

pub use hessian::{Curved, OwnedCotangents};
pub use route::{Choice, Options, Route};
pub use squares::Columns;

use crate::buffer::Buffer;
use crate::error::{GraphError, Result};
use crate::graph::Graph;
use crate::op::Tile;
use crate::plan::Slots;
use crate::rounds::{Lane, Leaves, Worker};
use crate::sweep::{Block, Point, Sink, grow_all};
use crate::{Scalar, Theta, graph::scratch_len};
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

/// Writes the input of the example of this number: all of its inputs, one after the other.
pub type Feed<'a, T> = dyn Fn(usize, &mut [T]) + Send + Sync + 'a;

/// What a function between two sweeps may read of a tile.
#[derive(Clone, Debug)]
pub struct TileData<'a, T> {
    /// Where the tile's examples stand among those of the sum.
    pub positions: Range<usize>,
    /// Their numbers in the data set.
    pub examples: &'a [usize],
    /// Their inputs, one after the other.
    pub inputs: &'a [T],
    /// Their outputs z, one after the other.
    pub outputs: &'a [T],
}

/// Given outputs, overwrites their cotangents if wanted, and returns a value that is summed: a
/// loss.
pub type Cotangents<'a, T> = dyn Fn(&TileData<'_, T>, Option<&mut [T]>) -> Result<f64> + Sync + 'a;

/// Given tangents of the outputs, overwrites their cotangents: a product with B.
pub type Curvature<'a, T> = dyn Fn(&TileData<'_, T>, &[T], &mut [T]) -> Result<()> + Sync + 'a;

/// What is made of a tile's outputs: items of one's own for each example.
pub type Visit<'a, T, U> = dyn Fn(&TileData<'_, T>, &mut [U]) -> Result<()> + Sync + 'a;

/// How much memory a linearization may use for what it keeps, in bytes. Above it, every product
/// recomputes values tile by tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget(pub usize);

impl Default for Budget {
    /// 2 GiB on any machine: the route, and with it the last bits, must not depend on what is free.
    fn default() -> Self {
        Budget(2 << 30)
    }
}

/// A graph linearized at a θ for some examples: J v, Jᵀ u and what is made of them.
///
/// Made by [`Graph::linearize`]. In what follows, n is the length of θ, m the size of an output,
/// and l the number of examples.
pub struct Linearization<'g, T: Scalar> {
    graph: &'g Graph<T>,
    theta: Theta<'g, T>,
    feed: &'g Feed<'g, T>,
    examples: Vec<usize>,
    shared: Block<T>,
    budget: Budget,
    choice: Choice,
    /// Examples per tile: fewer where S is kept too.
    tile_len: usize,
    /// The kept values, tile by tile; empty if every product recomputes them.
    blocks: Vec<Block<T>>,
    /// S at every exit, tile by tile: m rows per example. Prepared for the first product of the
    /// stored route, so that whoever wants other products does without.
    sensitivities: OnceLock<Vec<Vec<Buffer<T>>>>,
}

impl<T: Scalar> Graph<T> {
    /// Linearizes at `theta` for products over `examples`: one forward pass, whose values are kept
    /// as far as the budget allows. The route of its products is chosen here, once; see
    /// [`Options`].
    ///
    /// Values of examples are not looked through: a derivative that ignores NaN, as a rectifier's
    /// does, is finite then, and [`Graph::audit`] finds it.
    ///
    /// # Errors
    /// A θ that doesn't fit or isn't finite; the stored route where it was asked for and what it
    /// keeps exceeds the budget.
    pub fn linearize<'g>(
        &'g self,
        theta: &[T],
        feed: &'g Feed<'g, T>,
        examples: &[usize],
        options: impl Into<Options>,
    ) -> Result<Linearization<'g, T>> {
        self.theta(theta)?.linearize(feed, examples, options)
    }
}

impl<'g, T: Scalar> Theta<'g, T> {
    /// [`Graph::linearize`] at this θ, which is not copied again.
    ///
    /// # Errors
    /// The stored route where it was asked for and what it keeps exceeds the budget.
    pub fn linearize(
        &self,
        feed: &'g Feed<'g, T>,
        examples: &[usize],
        options: impl Into<Options>,
    ) -> Result<Linearization<'g, T>> {
        let (graph, theta) = (self.graph(), self.clone());
        let options = options.into();
        let budget = options.budget;
        let choice = Choice::new(graph, examples.len(), options)?;
        // Derivatives at a number that is not finite are none.
        let (mut shared, mut scratch) = (Block::default(), Buffer::default());
        graph.shared_forward(&theta, (false, true), &mut shared, &mut scratch)?;
        let keep = graph.kept_bytes().saturating_mul(examples.len()) <= budget.0;
        let examples = examples.to_vec();
        let tile_len = match choice.route() {
            Route::Stored => graph.plan.stored_tile_len,
            _ => graph.plan.tile_len,
        };
        let (blocks, sensitivities) = (Vec::new(), OnceLock::new());
        let mut lin = Linearization {
            graph,
            theta,
            feed,
            examples,
            shared,
            budget,
            choice,
            tile_len,
            blocks,
            sensitivities,
        };
        if keep {
            let tiles = lin.len().div_ceil(tile_len);
            let mut blocks: Vec<Block<T>> = (0..tiles).map(|_| graph.blocks.take()).collect();
            let filled =
                graph.each_tile(lin.len(), tile_len, &mut blocks, 1, &|w, range, blocks| {
                    let point = lin.point(range, false);
                    graph.fill(&point, feed, &mut blocks[0], &mut w.slots, &mut w.scratch)
                });
            lin.blocks = blocks;
            filled?;
        }
        Ok(lin)
    }
}

impl<T: Scalar> Graph<T> {
    fn tile_data<'a>(
        &self,
        positions: Range<usize>,
        examples: &'a [usize],
        block: &'a Block<T>,
    ) -> TileData<'a, T> {
        let (k, m) = (examples.len(), self.output_shape().size());
        TileData {
            positions,
            examples,
            inputs: &block.input[..k * self.input_size],
            outputs: &block.reals[self.plan.output][..k * m],
        }
    }

    /// The same of a tile that may be a part of its block.
    fn part_data<'a>(
        &self,
        point: &Point<'a, T>,
        positions: Range<usize>,
        block: &'a Block<T>,
    ) -> TileData<'a, T> {
        let (inputs, outputs) = (&block.input, &block.reals[self.plan.output]);
        TileData {
            positions,
            examples: point.tile.examples,
            inputs: point.part(inputs, self.input_size),
            outputs: point.part(outputs, self.output_shape().size()),
        }
    }

    /// Where the reverse sweep expects the output's cotangent.
    fn output_slot<'a>(&self, table: &Slots, slots: &'a mut [Buffer<T>], k: usize) -> &'a mut [T] {
        let n = k * self.output_shape().size();
        &mut slots[table.cotangent[self.plan.output_root]][..n]
    }

    fn sink<'a>(&'a self, lane: &'a mut Lane<T>, rows: &'a mut [T], leaves: Leaves) -> Sink<'a, T> {
        let plan = &self.plan;
        let row = if leaves == Leaves::HessianCotangents {
            plan.hessian_row
        } else {
            plan.row
        };
        Sink {
            sums: &mut lane.sums,
            per_example: false,
            deferred: &plan.deferred,
            rows,
            row,
        }
    }

    /// Makes room for every sum, `k` times, and sets it to 0.
    fn clear(&self, sums: &mut Vec<Buffer<T>>, k: usize) {
        grow_all(sums, &self.plan.sums, k);
        for (sum, &len) in sums.iter_mut().zip(&self.plan.sums) {
            sum[..k * len].fill(T::zero());
        }
    }

    /// Whether the output depends on θ at all: steps that nothing reads are left out, so that the
    /// last one is the output's.
    fn is_active(&self) -> bool {
        self.plan.tile.steps.last().is_some_and(|s| s.active)
    }

    fn check_room<U>(&self, out: &[U], expected: usize) -> Result<()> {
        if out.len() == expected {
            return Ok(());
        }
        let what = "the room for the result".into();
        let hint = format!(
            "θ has {} numbers, an output {}",
            self.params.len(),
            self.output_shape().size()
        );
        Err(GraphError::Length {
            what,
            found: out.len(),
            expected,
            hint,
        })
    }
}

impl<T: Scalar> fmt::Debug for Linearization<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linearization")
            .field("examples", &self.len())
            .field("parameters", &self.theta.len())
            .field("keeps_values", &self.keeps_values())
            .field("route", &self.choice.route())
            .finish()
    }
}

impl<T: Scalar> Drop for Linearization<'_, T> {
    fn drop(&mut self) {
        for block in self.blocks.drain(..) {
            self.graph.blocks.give_back(block);
        }
        for s in self.sensitivities.take().into_iter().flatten() {
            self.graph.sensitivities.give_back(s);
        }
    }
}

impl<T: Scalar> Linearization<'_, T> {
    /// How many examples it covers.
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Whether products run on the thread pool: those that are too small don't.
    pub fn is_parallel(&self) -> bool {
        !self.graph.is_inline(self.len())
    }

    /// Whether it covers no example.
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }

    /// The examples' numbers in the data set.
    pub fn examples(&self) -> &[usize] {
        &self.examples
    }

    /// The point of linearization.
    pub fn theta(&self) -> &[T] {
        &self.theta
    }

    /// Calls `f` on every tile with its part of `out`: `per_example` items for each example.
    ///
    /// # Errors
    /// An error of `f`, or room of the wrong length.
    pub fn map_outputs<U: Send>(
        &self,
        per_example: usize,
        out: &mut [U],
        f: &Visit<'_, T, U>,
    ) -> Result<()> {
        self.graph
            .check_room(out, self.len().saturating_mul(per_example))?;
        if out.is_empty() {
            return Ok(());
        }
        let per_tile = self.tile_len * per_example;
        self.graph.each_tile(
            self.len(),
            self.tile_len,
            out,
            per_tile,
            &|w, range, out| {
                let point = self.point(range.clone(), false);
                let Worker {
                    block,
                    slots,
                    scratch,
                    ..
                } = w;
                let block = self.values(&point, &range, block, slots, scratch)?;
                f(
                    &self.graph.tile_data(range, point.tile.examples, block),
                    out,
                )
            },
        )
    }

    /// Whether values are kept, rather than recomputed by every product.
    pub fn keeps_values(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Which way products take, and why.
    pub fn route(&self) -> &Choice {
        &self.choice
    }

    /// Bytes per example of all that is kept, if it is.
    fn kept_bytes(&self) -> usize {
        match self.choice.route() {
            Route::Stored => self.graph.kept_bytes() + self.graph.sensitivity_bytes(),
            _ => self.graph.kept_bytes(),
        }
    }

    fn point(&self, range: Range<usize>, audit: bool) -> Point<'_, T> {
        let examples = &self.examples[range];
        let tile = Tile {
            len: examples.len(),
            examples,
            ..Tile::default()
        };
        let graph = self.graph;
        let mut point = graph.point(&graph.plan.tile, &self.theta, &self.shared, tile);
        point.audit = audit;
        point
    }

    /// The tile's values: the kept ones, or computed into the worker's block.
    fn values<'a>(
        &'a self,
        point: &Point<'_, T>,
        range: &Range<usize>,
        block: &'a mut Block<T>,
        slots: &mut Vec<Buffer<T>>,
        scratch: &mut Buffer<T>,
    ) -> Result<&'a Block<T>> {
        match self.blocks.get(range.start / self.tile_len) {
            Some(kept) => {
                scratch.grow(scratch_len(&self.graph.plan.tile, point.tile.len));
                Ok(kept)
            }
            None => {
                self.graph.fill(point, self.feed, block, slots, scratch)?;
                Ok(block)
            }
        }
    }
}
