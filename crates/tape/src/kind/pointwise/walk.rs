//! How a pointwise rule walks through a tile, and what it finds where it stands.

use super::{Broadcast, PointwiseFn};
use crate::kernel::vectorized;
use crate::kernel::zip::{self, Part, array, zip_into, zip_sum};
use crate::op::At;
use crate::{Scalar, Slot, View};

/// How a rule walks through a tile: by examples of `n` outputs, in runs.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    examples: usize,
    n: usize,
    run: usize,
    /// The examples of the tile, where they are taken as one.
    whole: Option<usize>,
    /// Whether an operand of one number is stretched.
    stretch: bool,
}

impl Walk {
    /// Through a tile of k examples. Where no operand is stretched and all lie without `gaps`, they
    /// are taken as one: loops are then long, however small an example is.
    pub fn new(fit: &Broadcast, k: usize, gaps: bool) -> Walk {
        let n = fit.shape.size();
        let whole = k > 1 && !gaps && fit.sizes.iter().all(|&size| size == n);
        let run = if whole { k * n } else { fit.run() };
        Walk {
            examples: if whole { 1 } else { k },
            n: if whole { k * n } else { n },
            run: run.max(1),
            whole: whole.then_some(k),
            stretch: n != 1,
        }
    }

    /// Calls `visit` for every run, compiled for the vectors of this machine.
    #[inline(always)]
    pub fn each(self, mut visit: impl FnMut(Place)) {
        vectorized(
            #[inline(always)]
            || {
                for example in 0..self.examples {
                    for start in (0..self.n).step_by(self.run) {
                        visit(Place {
                            walk: self,
                            example,
                            start,
                        });
                    }
                }
            },
        );
    }
}

/// Where a run lies: from output `start` of an example.
#[derive(Clone, Copy)]
pub(super) struct Place {
    walk: Walk,
    example: usize,
    start: usize,
}

impl Place {
    /// Its numbers among all outputs of the tile. (Cut by the length of the run, which the compiler
    /// then knows to be that of all other parts.)
    #[inline(always)]
    pub fn outputs<'a, T>(&self, y: &'a [T]) -> &'a [T] {
        &y[self.example * self.walk.n + self.start..][..self.walk.run]
    }

    /// The same, to be changed.
    #[inline(always)]
    pub fn outputs_mut<'a, T>(&self, y: &'a mut [T]) -> &'a mut [T] {
        &mut y[self.example * self.walk.n + self.start..][..self.walk.run]
    }

    /// The part of an operand, or of its tangent. (With one operand there is nothing to stretch.)
    #[inline(always)]
    pub fn part<'a, T: Scalar, const N: usize>(&self, x: View<'a, T>) -> Part<'a, T> {
        let from = self.example * x.stride();
        if N > 1 && x.len() == 1 && self.walk.stretch {
            return Part::All(x.data()[from]);
        }
        Part::Each(&x.data()[from + self.start % x.len()..][..self.walk.run])
    }

    /// What the derivatives of `F` read of the operands and of the output. In the place of what
    /// they don't read, `anything` as long.
    #[inline(always)]
    pub fn reads<'a, T: Scalar, F: PointwiseFn<N>, const N: usize>(
        &self,
        at: &At<'a, T>,
        anything: Part<'a, T>,
    ) -> ([Part<'a, T>; N], Part<'a, T>) {
        let x = array(
            #[inline(always)]
            |j| match F::READS.inputs() {
                true => self.part::<T, N>(at.input(j)),
                false => anything,
            },
        );
        let y = if F::READS.output() {
            Part::Each(self.outputs(at.output()))
        } else {
            anything
        };
        (x, y)
    }

    /// Adds `value(a, b₀, b₁, b₂)` to the operand's cotangent, for the outputs of this run.
    #[inline(always)]
    pub fn add<T: Scalar, const N: usize>(
        &self,
        slot: &mut Slot<'_, T>,
        reads: zip::Reads<Part<'_, T>, N>,
        value: impl Fn([T; N], T, T, T) -> T,
    ) {
        let (gx, adds) = match self.walk.whole {
            Some(k) => slot.write_all(k),
            None => (slot.example(self.example), true),
        };
        match gx {
            // A single number that all outputs read.
            [gx] if N > 1 && self.walk.stretch => {
                *gx += T::from_f64(zip_sum(self.walk.run, reads, value));
            }
            _ => {
                let start = self.start % gx.len();
                let before = |gx: &T| if adds { *gx } else { T::zero() };
                zip_into(
                    &mut gx[start..][..self.walk.run],
                    reads,
                    #[inline(always)]
                    |gx, a, b0, b1, b2| *gx = before(gx) + value(a, b0, b1, b2),
                );
            }
        }
    }
}

/// Whether an operand's examples do not follow each other without gaps.
pub(super) fn gaps<T: Copy>(k: usize, x: &[Option<View<'_, T>>]) -> bool {
    x.iter().flatten().any(|x| x.contiguous(k).is_none())
}

/// The same of cotangents.
pub(super) fn slot_gaps<T: Scalar>(k: usize, gx: &[Option<Slot<'_, T>>]) -> bool {
    gx.iter().flatten().any(|gx| !gx.is_contiguous(k))
}
