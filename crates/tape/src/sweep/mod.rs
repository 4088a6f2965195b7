//! The four sweeps over a stratum of the graph, for one tile.
//!
//! | sweep | computes | file |
//! |---|---|---|
//! | forward | z(θ) | `forward.rs` |
//! | jvp (the R-op) | J v | `jvp.rs` |
//! | vjp | Jᵀ u | `vjp.rs` |
//! | vjp_jvp (forward over reverse) | tangent of Jᵀ u | `vjp_jvp.rs` |
//! | vjp of several cotangents | Σ (Jᵀ u)², entry by entry | `squares.rs` |
//!
//! `G v` is jvp → B → vjp, and `H v` is jvp → B → vjp_jvp. Buffers are taken out of their places
//! while a rule writes to them and put back after, so that no two borrows meet.

mod forward;
mod jvp;
mod squares;
mod vjp;
mod vjp_jvp;

pub(crate) use forward::forward;
pub(crate) use jvp::jvp;
pub(crate) use squares::{Squares, squares};
pub(crate) use vjp::{Sink, vjp};
pub(crate) use vjp_jvp::vjp_jvp;

use crate::buffer::Buffer;
use crate::error::{GraphError, Result};
use crate::op::{SavedRef, Tile};
use crate::plan::{Home, Operand, Role, Slots, Step, Stratum};
use crate::tape::{Kind, Node};
use crate::{Scalar, View};
use smallvec::SmallVec;

/// The values of a tile, or of the shared stratum, that derivatives will read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block<T> {
    /// The examples' inputs, one after the other.
    pub input: Buffer<T>,
    pub reals: Vec<Buffer<T>>,
    pub indices: Vec<Vec<u32>>,
}

impl<T: Scalar> Block<T> {
    /// Makes room for `k` examples; allocates only the first time.
    pub fn reserve(&mut self, stratum: &Stratum<T>, input_size: usize, k: usize) {
        self.input.grow(k * input_size);
        grow_all(&mut self.reals, &stratum.kept, k);
        self.indices
            .resize_with(stratum.kept_indices.len().max(self.indices.len()), Vec::new);
        for (buffer, len) in self.indices.iter_mut().zip(&stratum.kept_indices) {
            if buffer.len() < k * len {
                buffer.resize(k * len, 0);
            }
        }
    }
}

/// Makes every buffer at least `k` times its length long.
pub(crate) fn grow_all<T: Scalar>(buffers: &mut Vec<Buffer<T>>, lens: &[usize], k: usize) {
    if buffers.len() < lens.len() {
        buffers.resize_with(lens.len(), Buffer::default);
    }
    for (buffer, len) in buffers.iter_mut().zip(lens) {
        buffer.grow(k * len);
    }
}

/// What every sweep of a tile reads.
#[derive(Clone, Copy)]
pub(crate) struct Point<'a, T> {
    pub nodes: &'a [Node<T>],
    pub stratum: &'a Stratum<T>,
    pub theta: &'a [T],
    pub fixed: &'a [T],
    /// Numbers per example of all inputs together.
    pub input_size: usize,
    /// The shared stratum's values; empty while that itself is swept.
    pub outer: &'a Block<T>,
    pub tile: Tile<'a>,
    /// Where its first example stands among those of the block.
    pub first: usize,
    /// No derivative will be asked for.
    pub values_only: bool,
    /// vjp_jvp follows: it reads tangents of operands that get no cotangent, and nothing else does.
    pub second_order: bool,
    /// Look for the first number that is not finite, and name its node.
    pub audit: bool,
}

/// The tangents that a sweep starts from.
#[derive(Clone, Copy)]
pub(crate) struct Direction<'a, T> {
    pub v: &'a [T],
    /// The shared stratum's tangents; empty while that itself is swept.
    pub outer: &'a [Buffer<T>],
}

type Views<'a, T> = SmallVec<[View<'a, T>; 4]>;
type OptionalViews<'a, T> = SmallVec<[Option<View<'a, T>>; 4]>;

impl<'a, T: Scalar> Point<'a, T> {
    fn value<'b>(
        &'b self,
        o: &Operand,
        block: &'b Block<T>,
        slots: &'b [Buffer<T>],
    ) -> View<'b, T> {
        let k = self.tile.len;
        match &o.home {
            Home::Input(at) => View::strided(
                &self.part(&block.input, self.input_size)[*at..],
                o.len,
                self.input_size,
            ),
            Home::Theta(range) => View::shared(&self.theta[range.clone()]),
            Home::Fixed(range) => View::shared(&self.fixed[range.clone()]),
            Home::Constant(node) => match &self.nodes[*node].kind {
                Kind::Constant(values) => View::shared(values),
                _ => View::shared(&[]),
            },
            Home::Outer(i) => View::shared(&self.outer.reals[*i][..o.len]),
            Home::Kept(i) => View::tile(self.part(&block.reals[*i], o.len), o.len),
            Home::Slot(i) => View::tile(&slots[*i][..k * o.len], o.len),
        }
    }

    /// The operands' values as far as the step's rules read them.
    fn values_read<'b>(&'b self, step: &Step<T>, block: &'b Block<T>) -> OptionalViews<'b, T> {
        step.operands
            .iter()
            .map(|o| o.read.then(|| self.value(o, block, &[])))
            .collect()
    }

    fn tangent<'b>(
        &self,
        o: &Operand,
        direction: Direction<'b, T>,
        table: &Slots,
        slots: &'b [Buffer<T>],
    ) -> Option<View<'b, T>> {
        if o.role == Role::Inactive {
            return None;
        }
        Some(match &o.home {
            Home::Theta(range) => View::shared(&direction.v[range.clone()]),
            Home::Outer(i) => View::shared(&direction.outer[*i][..o.len]),
            _ => View::tile(
                &slots[table.tangent[o.root]][..self.tile.len * o.len],
                o.len,
            ),
        })
    }

    fn tangents<'b>(
        &self,
        step: &Step<T>,
        direction: Direction<'b, T>,
        table: &Slots,
        slots: &'b [Buffer<T>],
    ) -> OptionalViews<'b, T> {
        step.operands
            .iter()
            .map(|o| self.tangent(o, direction, table, slots))
            .collect()
    }

    fn output<'b>(&self, step: &Step<T>, block: &'b Block<T>) -> Option<&'b [T]> {
        match (&step.home, step.read) {
            (Home::Kept(i), true) => Some(self.part(&block.reals[*i], step.len)),
            _ => None,
        }
    }

    fn saved<'b>(&self, step: &Step<T>, block: &'b Block<T>) -> SavedRef<'b, T> {
        SavedRef {
            reals: step
                .saved_reals
                .map_or(&[], |i| self.part(&block.reals[i], step.saved.reals)),
            indices: step
                .saved_indices
                .map_or(&[], |i| self.part(&block.indices[i], step.saved.indices)),
        }
    }

    /// The tile's part of a block's numbers, of which an example has `len`.
    pub fn part<'b, U>(&self, numbers: &'b [U], len: usize) -> &'b [U] {
        &numbers[self.first * len..][..self.tile.len * len]
    }

    /// In an audit, refuses what is not finite.
    fn inspect(&self, what: &'static str, node: usize, len: usize, numbers: &[T]) -> Result<()> {
        if !self.audit {
            return Ok(());
        }
        let Some(i) = numbers.iter().position(|x| !x.is_finite()) else {
            return Ok(());
        };
        let node = &self.nodes[node];
        let op = match &node.kind {
            Kind::Op { op, .. } => op.name(),
            _ => "operand",
        };
        Err(GraphError::Arose {
            what,
            op,
            layer: node.layer.to_string(),
            place: node.place,
            // Several columns of a tile lie one after the other. The shared stratum has no
            // examples.
            example: {
                let position = i / len.max(1) % self.tile.len.max(1);
                self.tile.examples.get(position).copied()
            },
            value: numbers[i].to_f64(),
        })
    }
}
