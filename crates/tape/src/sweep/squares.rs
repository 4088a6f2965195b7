//! vjp of several cotangents of one tile, and the squares of what arrives at shared operands:
//! Σ over examples and columns of (Jᵀ u)², entry by entry.
//!
//! All columns of a tile travel together, one after the other in every buffer: values, masks and
//! lists are read once, and products have as many rows as columns and examples together.

use super::vjp::{settle, slots_of};
use super::{Block, Point};
use crate::buffer::Buffer;
use crate::error::Result;
use crate::kernel::vectorized;
use crate::op::At;
use crate::plan::{DeferredStep, Operand, Role, Slots, Step, defers};
use crate::{Scalar, Slot};
use smallvec::SmallVec;
use std::mem::take;

/// Where squares of cotangents of shared operands go.
pub(crate) struct Squares<'a, T> {
    /// One sum of squares per shared operand.
    pub sums: &'a mut [Buffer<T>],
    /// Cotangents of single examples, where an op has no better way.
    pub apart: &'a mut Buffer<T>,
    /// What deferred sums will read, one row per example: a², and Σ g² over columns.
    pub rows: &'a mut [T],
    pub row: usize,
    pub deferred: &'a [DeferredStep],
    /// Whether these are the tile's first columns: rows hold nothing yet.
    pub fresh: bool,
}

/// Carries `columns` cotangents of every output back to the parameters. They stand in the place of
/// the output's cotangent, column after column.
#[allow(clippy::too_many_arguments)] // each a different thing; a struct would only rename them
pub(crate) fn squares<T: Scalar>(
    point: &Point<'_, T>,
    block: &Block<T>,
    columns: usize,
    table: &Slots,
    slots: &mut [Buffer<T>],
    into: &mut Squares<'_, T>,
    scratch: &mut Buffer<T>,
) -> Result<()> {
    let all = columns * point.tile.len;
    for (i, step) in point.stratum.reversed().rev() {
        let place = table.cotangent[step.node];
        let buffer = take(&mut slots[place]);
        let g = &buffer[..all * step.len];
        let inspected = point.inspect("cotangent", step.node, step.len, g);
        let x = point.values_read(step, block);
        let at = At {
            tile: point.tile,
            x: &x,
            y: point.output(step, block),
            saved: point.saved(step, block),
        };
        for pass in 0..step.passes {
            let take_inner = |o: &Operand| {
                let here = o.role == Role::Inner && o.pass == pass;
                here.then(|| take(&mut slots[table.cotangent[o.root]]))
            };
            let mut taken: SmallVec<[Option<Buffer<T>>; 4]> =
                step.operands.iter().map(take_inner).collect();
            if taken.iter().any(Option::is_some) {
                let mut gx = slots_of(all, step, &mut taken, true);
                scratch.grow(step.rules.columns_scratch(point.tile.len, columns));
                step.rules.vjp_columns(&at, columns, g, scratch, &mut gx);
                settle(&mut gx);
            }
            for (o, buffer) in step.operands.iter().zip(taken) {
                if let Some(buffer) = buffer {
                    slots[table.cotangent[o.root]] = buffer;
                }
            }
        }
        for (j, o) in step.operands.iter().enumerate() {
            match o.role {
                Role::Shared(sum) if defers(into.deferred, sum) => {}
                Role::Shared(sum) => {
                    let out = &mut into.sums[sum][..o.len];
                    match step.rules.squares(j) {
                        Some(rule) => {
                            scratch.grow(rule.scratch(point.tile.len, columns));
                            rule.add(j, &at, columns, g, scratch, out);
                        }
                        None => add_apart(step, j, &at, columns, g, scratch, into.apart, out),
                    }
                }
                Role::Inactive | Role::Read | Role::Inner => {}
            }
        }
        if let Some(d) = into.deferred.iter().find(|d| d.step == i) {
            into.keep(d, point, block, step, columns, g);
        }
        slots[place] = buffer;
        inspected?;
    }
    Ok(())
}

/// The squares of operand j's cotangents, each example's written down.
#[allow(clippy::too_many_arguments)] // as above
fn add_apart<T: Scalar>(
    step: &Step<T>,
    j: usize,
    at: &At<'_, T>,
    columns: usize,
    g: &[T],
    scratch: &mut [T],
    apart: &mut Buffer<T>,
    out: &mut [T],
) {
    let (k, len) = (at.tile.len, out.len());
    apart.grow(k * len);
    let apart = &mut apart[..k * len];
    for g in g.chunks_exact(g.len() / columns.max(1)) {
        apart.fill(T::zero());
        let mut gx: SmallVec<[Option<Slot<'_, T>>; 4]> =
            step.operands.iter().map(|_| None).collect();
        gx[j] = Some(Slot::tile(apart, len));
        step.rules.vjp(at, g, scratch, &mut gx);
        drop(gx);
        for own in apart.chunks_exact(len.max(1)) {
            for (sum, &g) in out.iter_mut().zip(own) {
                *sum += g * g;
            }
        }
    }
}

impl<T: Scalar> Squares<'_, T> {
    /// Writes what the deferred sum of an outer product's squares reads.
    fn keep(
        &mut self,
        d: &DeferredStep,
        point: &Point<'_, T>,
        block: &Block<T>,
        step: &Step<T>,
        columns: usize,
        g: &[T],
    ) {
        let (k, len) = (point.tile.len, step.len);
        let a = point.value(&step.operands[d.a], block, &[]);
        vectorized(
            #[inline(always)]
            || {
                for (i, row) in self.rows.chunks_exact_mut(self.row).take(k).enumerate() {
                    let (squares, sum) = row[d.offset..][..d.row_len()].split_at_mut(d.a_len);
                    if self.fresh {
                        for (x, &a) in squares.iter_mut().zip(a.example(i)) {
                            *x = a * a;
                        }
                        sum.fill(T::zero());
                    }
                    for c in 0..columns {
                        for (x, &g) in sum.iter_mut().zip(&g[(c * k + i) * len..][..len]) {
                            *x += g * g;
                        }
                    }
                }
            },
        );
    }
}
