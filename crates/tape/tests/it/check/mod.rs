//! The checks find what they look for: ops with one fault each are reported, by the right check.

mod broken;

use broken::*;
use osculant_tape::check::{self, Cases, Check, Domain, Drawn, Failure, OpCheck, draw};
use osculant_tape::kind::{
    Bilinear, BilinearMap, BilinearOp, Pointwise, PointwiseFn, Reads, Select, Selection,
    SelectionOp,
};
use osculant_tape::op::{DeferredSum, Op};
use osculant_tape::{Scalar, Shape, Slot, View};
use proptest::prelude::*;
use std::ops::Range;

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
        if a == b {
            Ok(Box::new(PackedOf(a.clone())))
        } else {
            Err("it takes two operands of one shape".into())
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
