//! An op under test, whatever its type: the checks are compiled once for all ops.

use super::{Cases, Domain};
use crate::op::{Op, Rules};
use crate::{Scalar, Shape};
use proptest::prelude::*;
use std::fmt::Debug;
use std::sync::Arc;

/// What the checks ask of an op.
pub(super) trait Subject: Debug {
    fn name(&self) -> &'static str;
    fn domain(&self, operand: usize) -> Domain;
    fn narrow(&self, shapes: &[Shape]) -> Result<Box<dyn Rules<f32>>, String>;
    fn wide(&self, shapes: &[Shape]) -> Result<Box<dyn Rules<f64>>, String>;
}

impl<O: Cases + Op<f32> + Op<f64>> Subject for O {
    fn name(&self) -> &'static str {
        Op::<f64>::name(self)
    }
    fn domain(&self, operand: usize) -> Domain {
        Cases::domain(self, operand)
    }
    fn narrow(&self, shapes: &[Shape]) -> Result<Box<dyn Rules<f32>>, String> {
        self.resolve(shapes)
    }
    fn wide(&self, shapes: &[Shape]) -> Result<Box<dyn Rules<f64>>, String> {
        self.resolve(shapes)
    }
}

/// A scalar type in which a subject has rules.
pub(super) trait Tried: Scalar {
    fn rules(op: &dyn Subject, shapes: &[Shape]) -> Result<Box<dyn Rules<Self>>, String>;
}

impl Tried for f32 {
    fn rules(op: &dyn Subject, shapes: &[Shape]) -> Result<Box<dyn Rules<f32>>, String> {
        op.narrow(shapes)
    }
}

impl Tried for f64 {
    fn rules(op: &dyn Subject, shapes: &[Shape]) -> Result<Box<dyn Rules<f64>>, String> {
        op.wide(shapes)
    }
}

/// A strategy for an op, with shapes of its operands.
pub(super) type Subjects = BoxedStrategy<(Arc<dyn Subject>, Vec<Shape>)>;

/// The cases of an op.
pub(super) fn subjects<O: Cases + Op<f32> + Op<f64>>() -> Subjects {
    O::cases()
        .prop_map(|(op, shapes)| (Arc::new(op) as Arc<dyn Subject>, shapes))
        .boxed()
}
