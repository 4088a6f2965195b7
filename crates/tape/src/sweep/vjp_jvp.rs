//! vjp_jvp, forward over reverse: the tangent of Jᵀu along v.

use super::vjp::{Sink, put_back, settle, slots_of, take_cotangents};
use super::{Block, Direction, Point};
use crate::buffer::Buffer;
use crate::error::Result;
use crate::op::At;
use crate::plan::Slots;
use crate::{Scalar, View};
use std::mem::take;

/// Carries the tangent of the output's cotangent back to the parameters.
///
/// `slots` holds all tangents, as jvp with the same `table` left them, and the tangent of the
/// output's cotangent. `gradient` holds the cotangents that vjp computed for u, each in its own
/// buffer as `gradient_table` says.
#[allow(clippy::too_many_arguments)] // each a different thing; a struct would only rename them
pub(crate) fn vjp_jvp<T: Scalar>(
    point: &Point<'_, T>,
    block: &Block<T>,
    direction: Direction<'_, T>,
    (gradient, gradient_table): (&[Buffer<T>], &Slots),
    table: &Slots,
    slots: &mut [Buffer<T>],
    sink: &mut Sink<'_, T>,
    scratch: &mut [T],
) -> Result<()> {
    let k = point.tile.len;
    for (i, step) in point.stratum.reversed().rev() {
        let at = table.cotangent[step.node];
        let buffer = take(&mut slots[at]);
        let dg = &buffer[..k * step.len];
        let inspected = point.inspect("cotangent's tangent", step.node, step.len, dg);
        let g = &gradient[gradient_table.cotangent[step.node]][..k * step.len];
        for pass in 0..step.passes {
            let mut taken = take_cotangents(step, pass, table, slots, sink);
            if taken.iter().any(Option::is_some) {
                let x = point.values_read(step, block);
                let dx = point.tangents(step, direction, table, slots);
                let (y, saved) = (point.output(step, block), point.saved(step, block));
                let at = At {
                    tile: point.tile,
                    x: &x,
                    y,
                    saved,
                };
                let mut hx = slots_of(k, step, &mut taken, sink.per_example);
                step.rules.vjp_jvp(&at, &dx, g, Some(dg), scratch, &mut hx);
                settle(&mut hx);
            }
            put_back(step, taken, table, slots, sink);
        }
        if let Some(d) = sink.deferred_of(i) {
            let (a, at) = (&step.operands[d.a], d.hessian_offset);
            sink.keep(k, at, point.value(a, block, &[]));
            sink.keep(k, at + d.a_len, View::tile(dg, step.len));
            if let Some(da) = point.tangent(a, direction, table, slots) {
                let at = at + d.row_len();
                sink.keep(k, at, da);
                sink.keep(k, at + d.a_len, View::tile(g, step.len));
            }
        }
        slots[at] = buffer;
        inspected?;
    }
    Ok(())
}
