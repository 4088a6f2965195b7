//! The checks find what they look for: ops with one fault each are reported, by the right check.

use osculant_tape::check::{self, Cases, Check, Domain, Drawn, Failure, OpCheck, draw};
use osculant_tape::kind::{
    Bilinear, BilinearMap, BilinearOp, Pointwise, PointwiseFn, Reads, Select, Selection,
    SelectionOp,
};
use osculant_tape::op::{At, DeferredSum, Needs, Op, Rules, Saved, SavedMut, SquareSum, Tile};
use osculant_tape::{Scalar, Shape, Slot, View};
use proptest::prelude::*;
use std::ops::Range;

/// y = a b² for operands of this length, all four rules by hand, with one fault.
#[derive(Clone, Debug)]
struct Broken<const FAULT: usize> {
    length: usize,
}

const SOUND: usize = 0;
const WRONG_JVP: usize = 1;
const WRONG_VJP: usize = 2;
const WRONG_BOTH: usize = 3;
const WRONG_SECOND: usize = 4;
const ASYMMETRIC: usize = 5;
const NO_DG: usize = 6;
const VJP_OVERWRITES: usize = 7;
const FORWARD_ADDS: usize = 8;
const UNDECLARED: usize = 9;
const CONSTANT_TANGENT: usize = 10;
const PANICS_ON_SHAPES: usize = 11;
const WRONG_SHAPE: usize = 12;
const COARSE_F32: usize = 13;
const FIRST_EXAMPLE_ONLY: usize = 14;
const STALE_SAVED: usize = 15;
const SUM_IGNORED: usize = 16;
const READS_SCRATCH: usize = 17;
const COLUMNS_IN_ONE_PLACE: usize = 18;
const SQUARES_LOST: usize = 19;

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

fn fails<O: Cases + Op<f32> + Op<f64>>(check: Check) -> Box<Failure> {
    let failure = match OpCheck::new().only(check).run::<O>() {
        Err(failure) => failure,
        Ok(()) => panic!("{check:?} passes an op that is wrong"),
    };
    assert_eq!(failure.check, check);
    failure
}

#[test]
fn a_sound_op_passes() {
    check::op::<Broken<SOUND>>();
}

#[test]
fn every_fault_is_found_by_its_check() {
    fails::<Broken<WRONG_JVP>>(Check::Adjoint);
    fails::<Broken<WRONG_JVP>>(Check::Jvp);
    fails::<Broken<WRONG_VJP>>(Check::Adjoint);
    fails::<Broken<WRONG_BOTH>>(Check::Jvp);
    fails::<Broken<WRONG_SECOND>>(Check::VjpJvp);
    fails::<Broken<ASYMMETRIC>>(Check::VjpJvp);
    fails::<Broken<ASYMMETRIC>>(Check::Symmetry);
    fails::<Broken<NO_DG>>(Check::VjpJvp);
    fails::<Broken<VJP_OVERWRITES>>(Check::Accumulation);
    fails::<Broken<VJP_OVERWRITES>>(Check::Tiles);
    fails::<Broken<FORWARD_ADDS>>(Check::Accumulation);
    fails::<Broken<UNDECLARED>>(Check::Adjoint);
    fails::<Broken<CONSTANT_TANGENT>>(Check::Linearity);
    fails::<Broken<PANICS_ON_SHAPES>>(Check::Shapes);
    fails::<Broken<WRONG_SHAPE>>(Check::Shapes);
    fails::<Broken<COARSE_F32>>(Check::Precision);
    fails::<Broken<FIRST_EXAMPLE_ONLY>>(Check::Tiles);
    fails::<Broken<STALE_SAVED>>(Check::Accumulation);
    fails::<Broken<SUM_IGNORED>>(Check::Tiles);
    fails::<Broken<READS_SCRATCH>>(Check::Shapes);
    fails::<Broken<COLUMNS_IN_ONE_PLACE>>(Check::Columns);
    fails::<Broken<SQUARES_LOST>>(Check::Columns);
}

#[test]
fn a_wrong_derivative_that_agrees_with_its_transpose_passes_only_the_transposed_check() {
    let adjoint = OpCheck::new().only(Check::Adjoint);
    assert!(adjoint.run::<Broken<WRONG_BOTH>>().is_ok());
}

#[test]
fn a_failure_is_small_and_prints_a_table() {
    let failure = fails::<Broken<WRONG_SECOND>>(Check::VjpJvp);
    assert_eq!(failure.shapes, [Shape::from([1]), Shape::from([1])]);
    let entry = &failure.fault.entries[0];
    assert!(entry.relative_error() > 1e-3, "{entry:?}");
    let text = failure.to_string();
    for part in [
        "`a_b_squared` fails check 3",
        "Broken { length: 1 }",
        "[1] and [1]",
        "analytic",
        "numeric",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn a_panic_is_a_failure_with_its_message() {
    let failure = fails::<Broken<PANICS_ON_SHAPES>>(Check::Shapes);
    assert!(failure.fault.message.contains("a rule panics"), "{failure}");
}

/// A rectifier that turns NaN into 0.
#[derive(Clone, Debug)]
struct Forgetful;

impl PointwiseFn<1> for Forgetful {
    const READS: Reads = Reads::Output;
    fn name(&self) -> &'static str {
        "forgetful"
    }
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x.max(T::zero())
    }
    fn df<T: Scalar>(&self, _: [T; 1], y: T) -> [T; 1] {
        [if y > T::zero() { T::one() } else { T::zero() }]
    }
    fn d2f<T: Scalar>(&self, _: [T; 1], _: T) -> [[T; 1]; 1] {
        [[T::zero()]]
    }
}

impl Cases for Forgetful {
    fn cases() -> Drawn<Self> {
        draw::with_shape(Forgetful)
    }
    fn domain(&self, _: usize) -> Domain {
        Domain::NonZero
    }
}

#[test]
fn a_lost_nan_is_found() {
    let failure = fails::<Pointwise<Forgetful, 1>>(Check::Special);
    assert!(failure.fault.message.contains("NaN is lost"), "{failure}");
}

/// A pointwise function that reads what it did not declare.
#[derive(Clone, Debug)]
struct Undeclared;

impl PointwiseFn<1> for Undeclared {
    const READS: Reads = Reads::Output;
    fn name(&self) -> &'static str {
        "undeclared"
    }
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x * x
    }
    fn df<T: Scalar>(&self, [x]: [T; 1], _: T) -> [T; 1] {
        [x + x]
    }
    fn d2f<T: Scalar>(&self, _: [T; 1], _: T) -> [[T; 1]; 1] {
        [[T::from_f64(2.0)]]
    }
}

impl Cases for Undeclared {
    fn cases() -> Drawn<Self> {
        draw::with_shape(Undeclared)
    }
}

#[test]
fn a_value_that_is_read_but_not_declared_is_found() {
    fails::<Pointwise<Undeclared, 1>>(Check::Jvp);
}

/// The maximum of all numbers; among equals the last wins.
#[derive(Clone, Debug)]
struct LastMax;

#[derive(Debug)]
struct LastMaxOf(Shape);

impl SelectionOp for LastMax {
    fn name(&self) -> &'static str {
        "last_max"
    }
    fn resolve<T: Scalar>(&self, _: &Shape) -> Result<Box<dyn Select<T>>, String> {
        Ok(Box::new(LastMaxOf(Shape::scalar())))
    }
}

impl<T: Scalar> Select<T> for LastMaxOf {
    fn shape(&self) -> &Shape {
        &self.0
    }
    fn choose(&self, x: &[T], winner: &mut [u32]) {
        let mut best = 0;
        for (e, v) in x.iter().enumerate() {
            if !x[best].is_nan() && (v.is_nan() || *v >= x[best]) {
                best = e;
            }
        }
        winner[0] = best as u32;
    }
}

impl Cases for LastMax {
    fn cases() -> Drawn<Self> {
        draw::with_shape(LastMax)
    }
    fn domain(&self, _: usize) -> Domain {
        Domain::Distinct
    }
}

#[test]
fn a_wrong_winner_among_equals_is_found() {
    let failure = fails::<Selection<LastMax>>(Check::Special);
    assert!(
        failure.fault.message.contains("first must win"),
        "{failure}"
    );
    assert!(
        OpCheck::new()
            .only(Check::Jvp)
            .run::<Selection<LastMax>>()
            .is_ok()
    );
}

/// y = a · b, elementwise, whose deferred sum takes the examples to lie without gaps.
#[derive(Clone, Debug)]
struct Packed;

#[derive(Debug)]
struct PackedOf(Shape);

impl Cases for Packed {
    fn cases() -> Drawn<Self> {
        (1usize..6)
            .prop_map(|n| (Packed, vec![Shape::from([n]), Shape::from([n])]))
            .boxed()
    }
}

impl BilinearOp for Packed {
    fn name(&self) -> &'static str {
        "packed"
    }
    fn resolve<T: Scalar>(&self, a: &Shape, b: &Shape) -> Result<Box<dyn BilinearMap<T>>, String> {
        match a == b {
            true => Ok(Box::new(PackedOf(a.clone()))),
            false => Err("it takes two operands of one shape".into()),
        }
    }
}

impl<T: Scalar> BilinearMap<T> for PackedOf {
    fn shape(&self) -> &Shape {
        &self.0
    }
    fn work(&self) -> usize {
        self.0.size()
    }
    fn apply(&self, k: usize, a: View<'_, T>, b: View<'_, T>, _: &mut [T], y: &mut [T]) {
        for i in 0..k {
            for e in 0..a.len() {
                y[i * a.len() + e] += a.example(i)[e] * b.example(i)[e];
            }
        }
    }
    fn adjoint_a(&self, k: usize, g: &[T], b: View<'_, T>, _: &mut [T], ga: &mut Slot<'_, T>) {
        for i in 0..k {
            for e in 0..b.len() {
                ga.example(i)[e] += g[i * b.len() + e] * b.example(i)[e];
            }
        }
    }
    fn adjoint_b(&self, k: usize, a: View<'_, T>, g: &[T], s: &mut [T], gb: &mut Slot<'_, T>) {
        self.adjoint_a(k, g, a, s, gb);
    }
    fn deferred(&self) -> Option<(usize, &dyn DeferredSum<T>)> {
        Some((1, self))
    }
}

impl<T: Scalar> DeferredSum<T> for PackedOf {
    fn sum_range(
        &self,
        k: usize,
        a: View<'_, T>,
        g: View<'_, T>,
        range: Range<usize>,
        gb: &mut [T],
    ) {
        for i in 0..k {
            for (gb, e) in gb.iter_mut().zip(range.clone()) {
                // The fault: not `g.example(i)[e]`.
                *gb += a.example(i)[e] * g.data()[i * g.len() + e];
            }
        }
    }
}

#[test]
fn a_wrong_deferred_sum_is_found() {
    assert!(
        OpCheck::new()
            .only(Check::Tiles)
            .run::<Bilinear<Packed>>()
            .is_ok()
    );
    fails::<Bilinear<Packed>>(Check::Deferred);
}
