//! Shapes: the lengths of an array's axes, without a batch axis, channels last.

use crate::error::{GraphError, Place};
use smallvec::SmallVec;
use std::fmt;
use std::ops::Deref;

/// The lengths of an array's axes; a scalar has none.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(SmallVec<[usize; 4]>);

impl Shape {
    /// The shape with these axes.
    pub fn new(axes: &[usize]) -> Self {
        Shape(SmallVec::from_slice(axes))
    }

    /// The shape of a single number: no axes.
    pub fn scalar() -> Self {
        Shape::default()
    }

    /// How many numbers an array of this shape holds, or `None` where that overflows.
    pub fn checked_size(&self) -> Option<usize> {
        self.0
            .iter()
            .try_fold(1usize, |n, &axis| n.checked_mul(axis))
    }

    /// How many numbers an array of this shape holds.
    ///
    /// Shapes that entered a graph were checked for overflow; a shape of one's own that
    /// overflows saturates.
    pub fn size(&self) -> usize {
        self.checked_size().unwrap_or(usize::MAX)
    }

    /// How many numbers an array of this shape holds, at least one.
    ///
    /// # Errors
    /// A shape with an axis of length 0, or of more numbers than can be counted; the error names
    /// `what` and the caller's line.
    #[track_caller]
    pub fn expect_size(&self, what: &str) -> Result<usize, GraphError> {
        match self.checked_size() {
            Some(size @ 1..) => Ok(size),
            _ => Err(GraphError::Invalid {
                what: what.into(),
                place: Place::caller(),
                message: format!(
                    "shape {self} holds no numbers, or more than can be counted; every axis needs \
                     a length of at least 1"
                ),
            }),
        }
    }

    /// Height, width and channels, for an op that takes images.
    pub(crate) fn image(&self) -> Result<[usize; 3], String> {
        <[usize; 3]>::try_from(&**self)
            .map_err(|_| format!("it takes an image [height, width, channels], not {self}"))
    }

    /// The length of the last axis; 1 for a scalar.
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.as_slice())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl From<&[usize]> for Shape {
    fn from(axes: &[usize]) -> Self {
        Shape::new(axes)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(axes: [usize; N]) -> Self {
        Shape::new(&axes)
    }
}

/// Whatever can be read as a shape: a number, an array, a slice, a vector.
pub trait IntoShape {
    /// The shape.
    fn into_shape(self) -> Shape;
}

impl IntoShape for Shape {
    fn into_shape(self) -> Shape {
        self
    }
}
impl IntoShape for &Shape {
    fn into_shape(self) -> Shape {
        self.clone()
    }
}
impl IntoShape for usize {
    fn into_shape(self) -> Shape {
        Shape::new(&[self])
    }
}
impl<const N: usize> IntoShape for [usize; N] {
    fn into_shape(self) -> Shape {
        Shape::new(&self)
    }
}
impl IntoShape for &[usize] {
    fn into_shape(self) -> Shape {
        Shape::new(self)
    }
}
impl IntoShape for Vec<usize> {
    fn into_shape(self) -> Shape {
        Shape::new(&self)
    }
}
