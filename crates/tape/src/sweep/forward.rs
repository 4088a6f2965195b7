//! forward: z(θ), and what the derivatives will read.

use super::{Block, Point, Views};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::error::Result;
use crate::op::SavedMut;
use crate::plan::Home;
use std::mem::take;

/// Computes all values of the stratum for the inputs in `block`, and keeps those that are kept.
pub(crate) fn forward<T: Scalar>(
    point: &Point<'_, T>,
    block: &mut Block<T>,
    slots: &mut [Buffer<T>],
    scratch: &mut [T],
) -> Result<()> {
    let k = point.tile.len;
    let all = !point.values_only;
    for step in point.stratum.steps.iter().filter(|s| s.valued || all) {
        let mut y = match step.home {
            Home::Kept(i) => take(&mut block.reals[i]),
            Home::Slot(i) => take(&mut slots[i]),
            _ => unreachable!("an op's output is kept or in a slot"),
        };
        let mut reals = step
            .saved_reals
            .map(|i| take(&mut block.reals[i]))
            .unwrap_or_default();
        let mut indices = step
            .saved_indices
            .map(|i| take(&mut block.indices[i]))
            .unwrap_or_default();
        {
            let x: Views<'_, T> = step
                .operands
                .iter()
                .map(|o| point.value(o, block, slots))
                .collect();
            let y = &mut y[..k * step.len];
            if !(point.values_only && step.rules.evaluate(point.tile, &x, scratch, y)) {
                let saved = SavedMut {
                    reals: &mut reals[..k * step.saved.reals],
                    indices: &mut indices[..k * step.saved.indices],
                };
                step.rules.forward(point.tile, &x, saved, scratch, y);
            }
        }
        let inspected = point.inspect("value", step.node, step.len, &y[..k * step.len]);
        match step.home {
            Home::Kept(i) => block.reals[i] = y,
            Home::Slot(i) => slots[i] = y,
            _ => {}
        }
        if let Some(i) = step.saved_reals {
            block.reals[i] = reals;
        }
        if let Some(i) = step.saved_indices {
            block.indices[i] = indices;
        }
        inspected?;
    }
    Ok(())
}
