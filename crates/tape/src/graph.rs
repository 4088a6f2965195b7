//! A finished graph: recorded for one example, replayed on any number.

use crate::buffer::Buffer;
use crate::copy::push_copy;
use crate::error::{GraphError, Place, Result};
use crate::fuse::{Pixels, fuse};
use crate::linearize::Feed;
use crate::op::Tile;
use crate::params::{Params, check_vector};
use crate::plan::{Plan, Stratum};
use crate::rounds::{Totals, Worker};
use crate::sweep::{Block, Point, grow_all};
use crate::tape::{Kind, Node, Role};
use crate::{Scalar, Shape, Tape, Var, sweep};
use std::fmt;
use std::ops::Range;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

/// A function of one example and of θ, with its plan of where every value lives.
#[derive(Debug)]
pub struct Graph<T> {
    /// As planned: rewritten.
    pub(crate) nodes: Vec<Node<T>>,
    /// As recorded, and the node of the output there.
    recorded: (Vec<Node<T>>, usize),
    pub(crate) params: Params<T>,
    pub(crate) plan: Plan<T>,
    pub(crate) input_size: usize,
    input_shapes: Vec<Shape>,
    output: usize,
    pub(crate) workers: Pool<Box<Worker<T>>>,
    pub(crate) totals: Pool<Box<Totals<T>>>,
    pub(crate) blocks: Pool<Block<T>>,
    pub(crate) sensitivities: Pool<Vec<Buffer<T>>>,
    pub(crate) thetas: Pool<Arc<Buffer<T>>>,
}

/// Things that are costly to make and are used again and again.
pub(crate) struct Pool<U>(Mutex<Vec<U>>);

impl<U: Default> Pool<U> {
    pub fn new() -> Self {
        Pool(Mutex::new(Vec::new()))
    }

    pub fn take(&self) -> U {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default()
    }

    pub fn give_back(&self, item: U) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(item);
    }
}

impl<U> fmt::Debug for Pool<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl<T: Scalar> Clone for Graph<T> {
    fn clone(&self) -> Self {
        Graph {
            nodes: self.nodes.clone(),
            recorded: self.recorded.clone(),
            params: self.params.clone(),
            plan: self.plan.clone(),
            input_size: self.input_size,
            input_shapes: self.input_shapes.clone(),
            output: self.output,
            workers: Pool::new(),
            totals: Pool::new(),
            blocks: Pool::new(),
            sensitivities: Pool::new(),
            thetas: Pool::new(),
        }
    }
}

impl<T: Scalar> Graph<T> {
    /// Records what `f` describes.
    ///
    /// # Errors
    /// The first mistake of the recording, with its source line.
    #[track_caller]
    pub fn new(f: impl for<'t> FnOnce(&'t Tape<T>) -> Var<'t, T>) -> Result<Self> {
        let place = Place(Location::caller());
        let tape = Tape::new();
        let output = {
            let output = f(&tape);
            let foreign = !std::ptr::eq(output.tape, &tape);
            if foreign {
                return Err(GraphError::ForeignVar {
                    op: "output",
                    place,
                });
            }
            output.node
        };
        let Some(mut output) = output else {
            // A placeholder exists only where a mistake was noted.
            return Err(tape.mistake().unwrap_or(GraphError::ForeignVar {
                op: "output",
                place,
            }));
        };
        let recording = tape.finish()?;
        let (mut nodes, params) = (recording.nodes, Params::new(recording.params));
        let mut root = output;
        while let Kind::Op { rules, .. } = &nodes[root].kind
            && rules.is_alias()
        {
            root = nodes[root].operands[0];
        }
        let is_op = |n: &Node<T>| matches!(n.kind, Kind::Op { .. });
        if !is_op(&nodes[root]) || root != output {
            output = push_copy(&mut nodes, output)?;
        }
        let input_shapes = nodes
            .iter()
            .filter(|n| matches!(n.kind, Kind::Input { .. }));
        let input_shapes = input_shapes.map(|n| n.shape.clone()).collect();
        let input_size = recording.input_size;
        let recorded = (nodes, output);
        let (nodes, output) = fuse(&recorded.0, output, Pixels::Winners);
        let plan = Plan::new(&nodes, output, &params, input_size);
        Ok(Graph {
            nodes,
            recorded,
            params,
            plan,
            input_size,
            input_shapes,
            output,
            workers: Pool::new(),
            totals: Pool::new(),
            blocks: Pool::new(),
            sensitivities: Pool::new(),
            thetas: Pool::new(),
        })
    }

    /// The same graph without the rewrites that fuse neighbouring nodes: slower, and equal to
    /// rounding.
    pub fn unfused(&self) -> Self {
        self.rewritten(self.recorded.clone())
    }

    /// The same graph, with convolutions before a max-pooling computed at every pixel rather than,
    /// in derivatives, at the winners: slower, and equal to rounding.
    pub fn every_pixel(&self) -> Self {
        let (nodes, output) = &self.recorded;
        self.rewritten(fuse(nodes, *output, Pixels::All))
    }

    /// The same graph with other nodes, and the node of the output there.
    fn rewritten(&self, (nodes, output): (Vec<Node<T>>, usize)) -> Self {
        let plan = Plan::new(&nodes, output, &self.params, self.input_size);
        Graph {
            nodes,
            output,
            plan,
            ..self.clone()
        }
    }

    /// The layout of θ.
    pub fn params(&self) -> &Params<T> {
        &self.params
    }

    /// The shape of an example's output.
    pub fn output_shape(&self) -> &Shape {
        &self.nodes[self.output].shape
    }

    /// The shapes of an example's inputs, which lie one after the other in its row.
    pub fn input_shapes(&self) -> &[Shape] {
        &self.input_shapes
    }

    /// How many numbers all inputs of an example have together.
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// How many examples share a tile of the sweep route.
    pub fn tile_len(&self) -> usize {
        self.plan.tile_len
    }

    /// Bytes per example that a linearization keeps.
    pub fn kept_bytes(&self) -> usize {
        let t = &self.plan.tile;
        let reals = self.input_size + t.kept.iter().sum::<usize>();
        let indices = t.kept_indices.iter().sum::<usize>();
        let indices = indices.saturating_mul(size_of::<u32>());
        reals.saturating_mul(size_of::<T>()).saturating_add(indices)
    }

    /// Bytes per example of S, which a linearization by the stored route keeps besides.
    pub fn sensitivity_bytes(&self) -> usize {
        self.plan.sensitivity_bytes()
    }

    /// Overwrites the numbers of the parameter or buffer of this name.
    ///
    /// # Errors
    /// An unknown name, a wrong length, a value that is not finite.
    pub fn set(&mut self, theta: &mut [T], name: &str, values: &[T]) -> Result<()> {
        self.params.set(theta, name, values)
    }

    /// Takes parameters out of θ at their present values: the one of this name, or all of the
    /// layer of this name. They get no tangent and no cotangent. Returns the shorter θ.
    ///
    /// # Errors
    /// An unknown name, or a `theta` that doesn't fit.
    pub fn freeze(&mut self, theta: &[T], name: &str) -> Result<Vec<T>> {
        self.change_role(theta, name, Role::Frozen)
    }

    /// Makes frozen parameters a part of θ again. Returns the longer θ.
    ///
    /// # Errors
    /// An unknown name, or a `theta` that doesn't fit.
    pub fn unfreeze(&mut self, theta: &[T], name: &str) -> Result<Vec<T>> {
        self.change_role(theta, name, Role::Trained)
    }

    /// Leaves parameters out of the regularization term: the one of this name, or all of the
    /// layer of this name.
    ///
    /// # Errors
    /// An unknown name.
    pub fn exempt(&mut self, name: &str) -> Result<()> {
        self.params.exempt(name)
    }

    fn change_role(&mut self, theta: &[T], name: &str, role: Role) -> Result<Vec<T>> {
        let theta = self.params.set_role(name, role, theta)?;
        self.plan = Plan::new(&self.nodes, self.output, &self.params, self.input_size);
        // Buffers of the old plan have other sizes.
        (self.workers, self.totals, self.blocks) = (Pool::new(), Pool::new(), Pool::new());
        (self.sensitivities, self.thetas) = (Pool::new(), Pool::new());
        Ok(theta)
    }

    pub(crate) fn point<'a>(
        &'a self,
        stratum: &'a Stratum<T>,
        theta: &'a [T],
        outer: &'a Block<T>,
        tile: Tile<'a>,
    ) -> Point<'a, T> {
        Point {
            nodes: &self.nodes,
            stratum,
            theta,
            fixed: &self.params.fixed,
            input_size: self.input_size,
            outer,
            tile,
            first: 0,
            audit: false,
            values_only: false,
            second_order: false,
        }
    }

    /// Fetches the examples' inputs and computes the tile's values.
    pub(crate) fn fill(
        &self,
        point: &Point<'_, T>,
        feed: &Feed<'_, T>,
        block: &mut Block<T>,
        slots: &mut Vec<Buffer<T>>,
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let (k, n) = (point.tile.len, self.input_size);
        block.reserve(point.stratum, n, k);
        grow_all(slots, &point.stratum.forward, k);
        scratch.grow(scratch_len(point.stratum, k));
        for (i, &example) in point.tile.examples.iter().enumerate() {
            let input = &mut block.input[i * n..][..n];
            feed(example, input);
            // Before the sweep, which would name the op that the input went into.
            if point.audit
                && let Some(index) = input.iter().position(|x| !x.is_finite())
            {
                return Err(GraphError::NotFinite {
                    what: format!("the input of example {example}"),
                    index,
                    value: input[index].to_f64(),
                });
            }
        }
        sweep::forward(point, block, slots, scratch)
    }

    /// The outputs of `examples`, one after the other.
    ///
    /// Values that are not finite are handed out as they are: at a trial point of a line search
    /// they are an answer.
    ///
    /// # Errors
    /// A θ that doesn't fit or isn't finite, or an `out` of the wrong length.
    pub fn forward(
        &self,
        theta: &[T],
        feed: &Feed<'_, T>,
        examples: &[usize],
        out: &mut [T],
    ) -> Result<()> {
        let m = self.output_shape().size();
        if out.len() != examples.len() * m {
            return Err(GraphError::Length {
                what: "the room for outputs".into(),
                found: out.len(),
                expected: examples.len() * m,
                hint: format!("{} examples with outputs of shape {}", examples.len(), {
                    self.output_shape()
                }),
            });
        }
        self.params.check("theta", theta)?;
        let mut totals = self.totals.take();
        let Totals {
            shared,
            scratch,
            aligned,
            ..
        } = &mut *totals;
        let theta = self.aligned(examples.len(), theta, aligned);
        let computed = self.shared_forward(theta, (true, false), shared, scratch);
        let shared = &*shared;
        let tile_len = self.plan.tile_len;
        let body = |w: &mut Worker<T>, range: Range<usize>, out: &mut [T]| {
            let tile = Tile {
                len: range.len(),
                examples: &examples[range],
                ..Tile::default()
            };
            let mut point = self.point(&self.plan.tile, theta, shared, tile);
            point.values_only = true;
            self.fill(&point, feed, &mut w.block, &mut w.slots, &mut w.scratch)?;
            out.copy_from_slice(&w.block.reals[self.plan.output][..out.len()]);
            Ok(())
        };
        let result = computed
            .and_then(|()| self.each_tile(examples.len(), tile_len, out, tile_len * m, &body));
        self.totals.give_back(totals);
        result
    }

    /// Finds where a value that is not finite first appears among these examples.
    ///
    /// # Errors
    /// [`GraphError::Arose`] names the node; `Ok` if all values are finite.
    pub fn audit(&self, theta: &[T], feed: &Feed<'_, T>, examples: &[usize]) -> Result<()> {
        self.params.check("theta", theta)?;
        let (mut shared, mut scratch) = (Block::default(), Buffer::default());
        self.shared_forward(theta, (true, true), &mut shared, &mut scratch)?;
        let mut worker = self.workers.take();
        let w = &mut *worker;
        let result = examples
            .chunks(self.plan.tile_len)
            .try_for_each(|examples| {
                let tile = Tile {
                    len: examples.len(),
                    examples,
                    ..Tile::default()
                };
                let mut point = self.point(&self.plan.tile, theta, &shared, tile);
                point.audit = true;
                self.fill(&point, feed, &mut w.block, &mut w.slots, &mut w.scratch)
            });
        self.workers.give_back(worker);
        result
    }

    pub(crate) fn check_outputs(&self, what: &str, u: &[T], examples: usize) -> Result<()> {
        let m = self.output_shape().size();
        let hint = format!(
            "{examples} examples with outputs of shape {}",
            self.output_shape()
        );
        check_vector(what, u, examples * m, &hint)
    }
}

/// The workspace that any step of the stratum needs for a tile of `k` examples.
pub(crate) fn scratch_len<T: Scalar>(stratum: &Stratum<T>, k: usize) -> usize {
    stratum
        .steps
        .iter()
        .map(|s| s.rules.scratch(k))
        .max()
        .unwrap_or(0)
}
