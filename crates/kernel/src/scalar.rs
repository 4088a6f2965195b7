//! The two scalar types, `f32` and `f64`, behind one sealed trait.

use std::fmt::{Debug, Display};

mod sealed {
    /// What the elementary functions know of a type is not for users: it hides here.
    pub trait Sealed: crate::elementary::Format {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A real number that graphs compute with: `f32` or `f64`, and no other.
///
/// Loss values and inner products are accumulated in `f64` whatever the scalar type is; hence
/// the two conversions.
pub trait Scalar:
    sealed::Sealed
    + num_traits::Float
    + num_traits::NumAssign
    + num_traits::FloatConst
    + std::iter::Sum
    + Default
    + Debug
    + Display
    + Send
    + Sync
    + 'static
{
    /// The name of the type in messages and files: `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// The value nearest to `x`.
    fn from_f64(x: f64) -> Self;
    /// The value as an `f64`, exactly.
    fn to_f64(self) -> f64;
}

impl Scalar for f32 {
    const NAME: &'static str = "f32";
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    const NAME: &'static str = "f64";
    #[inline(always)]
    fn from_f64(x: f64) -> Self {
        x
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
}
