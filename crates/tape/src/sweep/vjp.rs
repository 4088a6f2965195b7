//! vjp, the reverse sweep: Jᵀ u.

use super::{Block, Point};
use crate::buffer::Buffer;
use crate::error::Result;
use crate::op::At;
use crate::plan::{DeferredStep, Operand, Role, Slots, Step, defers};
use crate::{Scalar, Slot, View};
use smallvec::SmallVec;
use std::mem::take;

/// Where cotangents of shared operands go.
pub(crate) struct Sink<'a, T> {
    /// One sum per shared operand.
    pub sums: &'a mut [Buffer<T>],
    /// Whether the sums hold one cotangent per example instead.
    pub per_example: bool,
    /// The steps that leave cotangents of shared operands to deferred sums.
    pub deferred: &'a [DeferredStep],
    /// What those will read: one row per example of the tile.
    pub rows: &'a mut [T],
    pub row: usize,
}

impl<'a, T: Scalar> Sink<'a, T> {
    /// Nothing but sums.
    pub fn sums(sums: &'a mut [Buffer<T>]) -> Self {
        Sink {
            sums,
            per_example: false,
            deferred: &[],
            rows: &mut [],
            row: 0,
        }
    }

    /// Copies an example after the other into its row, from `offset` on.
    pub fn keep(&mut self, k: usize, offset: usize, values: View<'_, T>) {
        for i in 0..k {
            let row = &mut self.rows[i * self.row + offset..][..values.len()];
            row.copy_from_slice(values.example(i));
        }
    }

    pub fn deferred_of(&self, step: usize) -> Option<DeferredStep> {
        self.deferred.iter().find(|d| d.step == step).cloned()
    }
}

/// Buffers of an operand's cotangents, taken out of their places for the time of one rule.
pub(super) type Taken<T> = SmallVec<[Option<Buffer<T>>; 4]>;

/// Takes the buffers that pass number `pass` of a step adds into.
pub(super) fn take_cotangents<T: Scalar>(
    step: &Step<T>,
    pass: usize,
    table: &Slots,
    slots: &mut [Buffer<T>],
    sink: &mut Sink<'_, T>,
) -> Taken<T> {
    let take_one = |o: &Operand| match o.role {
        _ if o.pass != pass => None,
        Role::Inactive | Role::Read => None,
        Role::Shared(sum) if defers(sink.deferred, sum) => None,
        Role::Shared(sum) => Some(take(&mut sink.sums[sum])),
        Role::Inner => Some(take(&mut slots[table.cotangent[o.root]])),
    };
    step.operands.iter().map(take_one).collect()
}

/// The places of a rule's cotangents; those that are the first of theirs are fresh.
pub(super) fn slots_of<'a, T: Scalar>(
    k: usize,
    step: &Step<T>,
    taken: &'a mut Taken<T>,
    per_example: bool,
) -> SmallVec<[Option<Slot<'a, T>>; 4]> {
    let slot = |(o, buffer): (&Operand, &'a mut Option<Buffer<T>>)| {
        let buffer = buffer.as_mut()?;
        Some(match o.role {
            Role::Shared(_) if !per_example => Slot::shared(&mut buffer[..o.len]),
            Role::Shared(_) => Slot::tile(&mut buffer[..k * o.len], o.len),
            _ => Slot::tile(&mut buffer[..k * o.len], o.len).fresh(o.first),
        })
    };
    step.operands
        .iter()
        .zip(taken.iter_mut())
        .map(slot)
        .collect()
}

/// Clears what the rule that had these slots did not touch.
pub(super) fn settle<T: Scalar>(gx: &mut [Option<Slot<'_, T>>]) {
    gx.iter_mut().flatten().for_each(Slot::settle);
}

pub(super) fn put_back<T>(
    step: &Step<T>,
    taken: Taken<T>,
    table: &Slots,
    slots: &mut [Buffer<T>],
    sink: &mut Sink<'_, T>,
) {
    for (o, buffer) in step.operands.iter().zip(taken) {
        let Some(buffer) = buffer else { continue };
        match o.role {
            Role::Shared(sum) => sink.sums[sum] = buffer,
            _ => slots[table.cotangent[o.root]] = buffer,
        }
    }
}

/// Carries the output's cotangent, which stands in its place in `slots`, back to the parameters.
pub(crate) fn vjp<T: Scalar>(
    point: &Point<'_, T>,
    block: &Block<T>,
    table: &Slots,
    slots: &mut [Buffer<T>],
    sink: &mut Sink<'_, T>,
    scratch: &mut [T],
) -> Result<()> {
    let k = point.tile.len;
    for (i, step) in point.stratum.reversed().rev() {
        let at = table.cotangent[step.node];
        let buffer = take(&mut slots[at]);
        let g = &buffer[..k * step.len];
        let inspected = point.inspect("cotangent", step.node, step.len, g);
        for pass in 0..step.passes {
            let mut taken = take_cotangents(step, pass, table, slots, sink);
            if taken.iter().any(Option::is_some) {
                let x = point.values_read(step, block);
                let (y, saved) = (point.output(step, block), point.saved(step, block));
                let mut gx = slots_of(k, step, &mut taken, sink.per_example);
                step.rules.vjp(
                    &At {
                        tile: point.tile,
                        x: &x,
                        y,
                        saved,
                    },
                    g,
                    scratch,
                    &mut gx,
                );
                settle(&mut gx);
            }
            put_back(step, taken, table, slots, sink);
        }
        if let Some(d) = sink.deferred_of(i) {
            sink.keep(k, d.offset, point.value(&step.operands[d.a], block, &[]));
            sink.keep(k, d.offset + d.a_len, View::tile(g, step.len));
        }
        slots[at] = buffer;
        inspected?;
    }
    Ok(())
}
