//! Public verification of any op.

use crate::Shape;
use proptest::strategy::BoxedStrategy;
use std::fmt::Debug;

/// Draws options and shapes to test an op with.
pub trait Cases: Debug + Clone + Sized + 'static {
    /// The strategy: every option, and operand shapes that fit it.
    fn cases() -> BoxedStrategy<(Self, Vec<Shape>)>;
}
