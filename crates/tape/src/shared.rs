//! The shared stratum: what all examples have in common runs once per θ, or once per v.

use crate::Scalar;
use crate::buffer::Buffer;
use crate::error::Result;
use crate::graph::{Graph, scratch_len};
use crate::op::Tile;
use crate::rounds::{Leaves, Totals};
use crate::sweep::{self, Block, Direction, Point, Sink, grow_all};

impl<T: Scalar> Graph<T> {
    /// The shared stratum as a tile of one; nothing lies outside of it but θ, so `empty` is empty.
    pub(crate) fn shared_point<'a>(
        &'a self,
        theta: &'a [T],
        empty: &'a Block<T>,
        audit: bool,
    ) -> Point<'a, T> {
        let tile = Tile {
            len: 1,
            ..Tile::default()
        };
        Point {
            audit,
            ..self.point(&self.plan.shared, theta, empty, tile)
        }
    }

    /// Computes what all examples share, at a θ that was checked: all of it, or what values depend
    /// on. An audit refuses what is not finite; without one, it is an answer like others.
    pub(crate) fn shared_forward(
        &self,
        theta: &[T],
        (values_only, audit): (bool, bool),
        block: &mut Block<T>,
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let stratum = &self.plan.shared;
        if stratum.steps.is_empty() {
            return Ok(());
        }
        let empty = Block::default();
        block.reserve(stratum, 0, 1);
        scratch.grow(scratch_len(stratum, 1));
        let point = Point {
            values_only,
            ..self.shared_point(theta, &empty, audit)
        };
        sweep::forward(&point, block, &mut [], scratch)
    }

    /// Computes the tangents of what all examples share, as far as a product of first or second
    /// order reads them.
    pub(crate) fn shared_jvp(
        &self,
        theta: &[T],
        shared: &Block<T>,
        v: &[T],
        (second_order, audit): (bool, bool),
        totals: &mut Totals<T>,
    ) -> Result<()> {
        let stratum = &self.plan.shared;
        if stratum.steps.is_empty() {
            return Ok(());
        }
        let empty = Block::default();
        let point = Point {
            second_order,
            ..self.shared_point(theta, &empty, audit)
        };
        grow_all(&mut totals.tangents, &stratum.product.lens, 1);
        totals.scratch.grow(scratch_len(stratum, 1));
        let direction = Direction { v, outer: &[] };
        let (tangents, scratch) = (&mut totals.tangents, &mut totals.scratch);
        sweep::jvp(
            &point,
            shared,
            direction,
            &stratum.product,
            tangents,
            scratch,
        )
    }

    /// Carries the sums of shared nodes back to the parameters' sums.
    pub(crate) fn shared_vjp(
        &self,
        theta: &[T],
        shared: &Block<T>,
        audit: bool,
        sums: &mut [Buffer<T>],
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let stratum = &self.plan.shared;
        if !stratum.has_reverse() {
            return Ok(());
        }
        let empty = Block::default();
        let point = self.shared_point(theta, &empty, audit);
        scratch.grow(scratch_len(stratum, 1));
        let mut sink = Sink::sums(&mut []);
        sweep::vjp(&point, shared, &stratum.product, sums, &mut sink, scratch)
    }

    /// Copies the parameters' sums to their places in θ, but for those that were summed there.
    pub(crate) fn gather(&self, sums: &[Buffer<T>], leaves: Leaves, out: &mut [T]) {
        for (sum, range) in &self.plan.parameters {
            if !leaves.in_place() || self.plan.in_place[*sum].is_none() {
                out[range.clone()].copy_from_slice(&sums[*sum][..range.len()]);
            }
        }
    }
}
