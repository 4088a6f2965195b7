//! Value and gradient: tiles stream through, and nothing is kept.

use super::{Cotangents, Feed};
use crate::Scalar;
use crate::error::Result;
use crate::graph::Graph;
use crate::op::Tile;
use crate::rounds::{Lane, Leaves, Totals, Worker};
use crate::sweep::{self, grow_all};
use std::ops::Range;

impl<T: Scalar> Graph<T> {
    /// Sums a function of the outputs over `examples`, and its gradient if `out` is given, keeping
    /// nothing.
    ///
    /// The sum may be NaN or infinite, and so may the gradient: the caller decides what that
    /// means, and [`Graph::audit`] tells where it began.
    ///
    /// # Errors
    /// A θ that doesn't fit or isn't finite, room of the wrong length, or an error of `f`.
    pub fn stream(
        &self,
        theta: &[T],
        feed: &Feed<'_, T>,
        examples: &[usize],
        f: &Cotangents<'_, T>,
        mut out: Option<&mut [T]>,
    ) -> Result<f64> {
        if let Some(out) = &out {
            self.check_room(out, self.params.len())?;
        }
        self.params.check("theta", theta)?;
        let mut totals = self.totals.take();
        let mut shared = std::mem::take(&mut totals.shared);
        let mut room = std::mem::take(&mut totals.aligned);
        let theta = self.aligned(examples.len(), theta, &mut room);
        let wanted = (out.is_none(), false);
        let computed = self.shared_forward(theta, wanted, &mut shared, &mut totals.scratch);
        let plan = &self.plan;
        let leaves = if out.is_some() {
            Leaves::Cotangents
        } else {
            Leaves::Nothing
        };
        let body = |w: &mut Worker<T>, lane: &mut Lane<T>, range: Range<usize>, rows: &mut [T]| {
            let here = &examples[range.clone()];
            let tile = Tile {
                len: here.len(),
                examples: here,
                ..Tile::default()
            };
            let point = self.point(&plan.tile, theta, &shared, tile);
            let Worker {
                block,
                slots,
                scratch,
                ..
            } = w;
            self.fill(&point, feed, block, slots, scratch)?;
            let data = self.tile_data(range, here, block);
            if leaves == Leaves::Nothing || !self.is_active() {
                return f(&data, None);
            }
            let table = &plan.tile.product;
            grow_all(slots, &table.lens, here.len());
            let value = f(&data, Some(self.output_slot(table, slots, here.len())))?;
            let mut sink = self.sink(lane, rows, leaves);
            sweep::vjp(&point, block, table, slots, &mut sink, scratch)?;
            Ok(value)
        };
        let direct = out.as_deref_mut().unwrap_or_default();
        let (count, tile_len) = (examples.len(), plan.tile_len);
        let summed = computed
            .and_then(|()| self.sum_tiles(count, tile_len, leaves, &mut totals, direct, &body));
        let result = summed.and_then(|value| {
            if let Some(out) = out {
                let Totals { sums, scratch, .. } = &mut *totals;
                self.shared_vjp(theta, &shared, false, sums, scratch)?;
                self.gather(sums, leaves, out);
            }
            Ok(value)
        });
        (totals.shared, totals.aligned) = (shared, room);
        self.totals.give_back(totals);
        result
    }
}
