//! What a loss is checked at, and strategies that draw it.

use proptest::prelude::*;
use std::ops::{Range, RangeInclusive};

/// One output, target and input to check a loss at.
#[derive(Clone, Debug, PartialEq)]
pub struct LossCase<Y> {
    /// The output's shape.
    pub shape: Vec<usize>,
    /// The output.
    pub z: Vec<f64>,
    /// The target, in its owned form: a `Vec<f64>` where the loss takes `[f64]`.
    pub y: Y,
    /// The input, for losses that look at it.
    pub x: Vec<f64>,
}

/// Outputs of one axis, each with a class label.
pub fn labelled_cases(
    classes: RangeInclusive<usize>,
    z: Range<f64>,
) -> impl Strategy<Value = LossCase<u32>> {
    classes.prop_flat_map(move |m| {
        (prop::collection::vec(z.clone(), m), 0..m.max(1)).prop_map(move |(z, y)| LossCase {
            shape: vec![m],
            z,
            y: y as u32,
            x: Vec::new(),
        })
    })
}

/// Outputs of one axis, each with a target vector of the same length.
pub fn paired_cases(
    sizes: RangeInclusive<usize>,
    z: Range<f64>,
    y: Range<f64>,
) -> impl Strategy<Value = LossCase<Vec<f64>>> {
    sizes.prop_flat_map(move |m| {
        let vectors = (
            prop::collection::vec(z.clone(), m),
            prop::collection::vec(y.clone(), m),
        );
        vectors.prop_map(move |(z, y)| LossCase {
            shape: vec![m],
            z,
            y,
            x: Vec::new(),
        })
    })
}
