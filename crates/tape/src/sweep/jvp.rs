//! jvp, the R-operator (Pearlmutter 1994): J v.

use super::{Block, Direction, Point};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::error::Result;
use crate::op::At;
use crate::plan::{Slots, Step};
use std::mem::take;

/// Computes the tangents of all nodes that depend on θ and that something reads, into `slots` as
/// `table` says.
pub(crate) fn jvp<T: Scalar>(
    point: &Point<'_, T>,
    block: &Block<T>,
    direction: Direction<'_, T>,
    table: &Slots,
    slots: &mut [Buffer<T>],
    scratch: &mut [T],
) -> Result<()> {
    let k = point.tile.len;
    let wanted = |s: &&Step<T>| s.active && (s.reached || point.second_order);
    for step in point.stratum.steps.iter().filter(wanted) {
        let at = table.tangent[step.node];
        let mut buffer = take(&mut slots[at]);
        let dy = &mut buffer[..k * step.len];
        if !step.rules.jvp_overwrites() {
            dy.fill(T::zero());
        }
        {
            let x = point.values_read(step, block);
            let dx = point.tangents(step, direction, table, slots);
            let (y, saved) = (point.output(step, block), point.saved(step, block));
            step.rules.jvp(
                &At {
                    tile: point.tile,
                    x: &x,
                    y,
                    saved,
                },
                &dx,
                scratch,
                dy,
            );
        }
        let inspected = point.inspect("tangent", step.node, step.len, dy);
        slots[at] = buffer;
        inspected?;
    }
    Ok(())
}
