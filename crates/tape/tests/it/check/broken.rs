//! An op with one fault of choice.

use osculant_tape::check::{Cases, Drawn};
use osculant_tape::op::{At, Needs, Op, Rules, Saved, SavedMut, SquareSum, Tile};
use osculant_tape::{Scalar, Shape, Slot, View};
use proptest::prelude::*;

/// y = a b² for operands of this length, all four rules by hand, with one fault.
#[derive(Clone, Debug)]
pub struct Broken<const FAULT: usize> {
    length: usize,
}

pub const SOUND: usize = 0;
pub const WRONG_JVP: usize = 1;
pub const WRONG_VJP: usize = 2;
pub const WRONG_BOTH: usize = 3;
pub const WRONG_SECOND: usize = 4;
pub const ASYMMETRIC: usize = 5;
pub const NO_DG: usize = 6;
pub const VJP_OVERWRITES: usize = 7;
pub const FORWARD_ADDS: usize = 8;
pub const UNDECLARED: usize = 9;
pub const CONSTANT_TANGENT: usize = 10;
pub const PANICS_ON_SHAPES: usize = 11;
pub const WRONG_SHAPE: usize = 12;
pub const COARSE_F32: usize = 13;
pub const FIRST_EXAMPLE_ONLY: usize = 14;
pub const STALE_SAVED: usize = 15;
pub const SUM_IGNORED: usize = 16;
pub const READS_SCRATCH: usize = 17;
pub const COLUMNS_IN_ONE_PLACE: usize = 18;
pub const SQUARES_LOST: usize = 19;

impl<const FAULT: usize> Cases for Broken<FAULT> {
    fn cases() -> Drawn<Self> {
        (1usize..5)
            .prop_map(|length| {
                let shape = Shape::from([length]);
                (Broken { length }, vec![shape.clone(), shape])
            })
            .boxed()
    }
}

impl<T: Scalar, const FAULT: usize> Op<T> for Broken<FAULT> {
    fn name(&self) -> &'static str {
        "a_b_squared"
    }

    fn resolve(&self, x: &[Shape]) -> Result<Box<dyn Rules<T>>, String> {
        if FAULT != PANICS_ON_SHAPES && (x.len() != 2 || x[0] != x[1] || *x[0] != [self.length]) {
            return Err("it takes two operands of its length".into());
        }
        assert_eq!(x[0], x[1]);
        let shape = match FAULT {
            WRONG_SHAPE => Shape::from([x[0].size() + 1]),
            _ => x[0].clone(),
        };
        let n = x[0].size();
        Ok(Box::new(BrokenRules::<FAULT> { shape, n }))
    }
}

#[derive(Debug)]
struct BrokenRules<const FAULT: usize> {
    shape: Shape,
    n: usize,
}

impl<const FAULT: usize> BrokenRules<FAULT> {
    /// a, b of number e of example i.
    fn ab<T: Scalar>(&self, at: &At<'_, T>, i: usize, e: usize) -> (T, T) {
        let a = match FAULT {
            UNDECLARED => at.x[0].map_or(T::nan(), |a| a.example(i)[e]),
            STALE_SAVED => at.saved.reals[i * (self.n + 1) + e],
            _ => at.input(0).example(i)[e],
        };
        (a, at.input(1).example(i)[e])
    }

    fn examples(&self, k: usize) -> usize {
        if FAULT == FIRST_EXAMPLE_ONLY { 1 } else { k }
    }
}

impl<T: Scalar, const FAULT: usize> Rules<T> for BrokenRules<FAULT> {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn needs(&self) -> Needs {
        match FAULT {
            UNDECLARED => Needs {
                inputs: 0b10,
                output: false,
            },
            _ => Needs::inputs(2),
        }
    }

    fn saved(&self) -> Saved {
        let reals = if FAULT == STALE_SAVED { self.n + 1 } else { 0 };
        Saved { reals, indices: 0 }
    }

    fn scratch(&self, _: usize) -> usize {
        1
    }

    fn forward(
        &self,
        tile: Tile<'_>,
        x: &[View<'_, T>],
        saved: SavedMut<'_, T>,
        scratch: &mut [T],
        y: &mut [T],
    ) {
        for i in 0..tile.len {
            for e in 0..self.n {
                let (a, b) = (x[0].example(i)[e], x[1].example(i)[e]);
                let y = &mut y[i * self.shape.size() + e];
                let coarse = FAULT == COARSE_F32 && T::NAME == "f32";
                match FAULT {
                    FORWARD_ADDS => *y += a * b * b,
                    READS_SCRATCH => *y = a * b * b + scratch[0],
                    _ if coarse => *y = a * b * b * T::from_f64(1.001),
                    _ => *y = a * b * b,
                }
                if FAULT == STALE_SAVED {
                    // One number per example is never written.
                    saved.reals[i * (self.n + 1) + e] = a;
                }
            }
        }
    }

    fn jvp(&self, at: &At<'_, T>, dx: &[Option<View<'_, T>>], _: &mut [T], dy: &mut [T]) {
        let two = T::from_f64(if FAULT == WRONG_JVP { 2.01 } else { 2.0 });
        for i in 0..at.tile.len {
            for e in 0..self.n {
                let (a, b) = self.ab(at, i, e);
                let dy = &mut dy[i * self.n + e];
                if let Some(da) = dx[0] {
                    *dy += b * b * da.example(i)[e];
                }
                if let Some(db) = dx[1] {
                    *dy += two * a * b * db.example(i)[e];
                }
                match FAULT {
                    WRONG_BOTH if dx[0].is_some() => *dy += dx[0].unwrap().example(i)[e],
                    CONSTANT_TANGENT => *dy += T::from_f64(0.01),
                    _ => (),
                }
            }
        }
    }

    fn vjp(&self, at: &At<'_, T>, g: &[T], _: &mut [T], gx: &mut [Option<Slot<'_, T>>]) {
        let two = T::from_f64(if FAULT == WRONG_VJP { 2.01 } else { 2.0 });
        for i in 0..self.examples(at.tile.len) {
            for e in 0..self.n {
                let (a, b) = self.ab(at, i, e);
                let g = g[i * self.n + e];
                if let Some(ga) = &mut gx[0] {
                    let extra = if FAULT == WRONG_BOTH { g } else { T::zero() };
                    ga.example(i)[e] += b * b * g + extra;
                }
                if let Some(gb) = &mut gx[1] {
                    let gb = &mut gb.example(i)[e];
                    match FAULT {
                        VJP_OVERWRITES => *gb = two * a * b * g,
                        SUM_IGNORED if i > 0 => (),
                        _ => *gb += two * a * b * g,
                    }
                }
            }
        }
    }

    fn vjp_columns(
        &self,
        at: &At<'_, T>,
        columns: usize,
        g: &[T],
        scratch: &mut [T],
        gx: &mut [Option<Slot<'_, T>>],
    ) {
        let k = at.tile.len;
        for c in 0..columns {
            let to = if FAULT == COLUMNS_IN_ONE_PLACE { 0 } else { c };
            let parts = gx.iter_mut();
            let parts = parts.map(|slot| slot.as_mut().map(|slot| slot.part(to * k, k)));
            let mut parts: Vec<_> = parts.collect();
            self.vjp(at, &g[c * k * self.n..][..k * self.n], scratch, &mut parts);
        }
    }

    fn squares(&self, _: usize) -> Option<&dyn SquareSum<T>> {
        (FAULT == SQUARES_LOST).then_some(self as _)
    }

    fn vjp_jvp(
        &self,
        at: &At<'_, T>,
        dx: &[Option<View<'_, T>>],
        g: &[T],
        dg: Option<&[T]>,
        scratch: &mut [T],
        hx: &mut [Option<Slot<'_, T>>],
    ) {
        let two = T::from_f64(2.0);
        if let (Some(dg), true) = (dg, FAULT != NO_DG) {
            self.vjp(at, dg, scratch, hx);
        }
        for i in 0..at.tile.len {
            for e in 0..self.n {
                let (a, b) = self.ab(at, i, e);
                let g = g[i * self.n + e];
                let d = |j: usize| dx[j].map_or(T::zero(), |dx| dx.example(i)[e]);
                if let Some(ha) = &mut hx[0] {
                    let two = if FAULT == ASYMMETRIC { T::one() } else { two };
                    ha.example(i)[e] += two * b * d(1) * g;
                }
                if let Some(hb) = &mut hx[1] {
                    let second = if FAULT == WRONG_SECOND { a + a } else { a };
                    hb.example(i)[e] += two * (b * d(0) + second * d(1)) * g;
                }
            }
        }
    }
}

impl<T: Scalar, const FAULT: usize> SquareSum<T> for BrokenRules<FAULT> {
    fn scratch(&self, _: usize, _: usize) -> usize {
        0
    }

    fn add(&self, _: usize, _: &At<'_, T>, _: usize, _: &[T], _: &mut [T], _: &mut [T]) {}
}
