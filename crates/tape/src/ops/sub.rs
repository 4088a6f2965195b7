//! Differences.

use super::add::Combination;
use crate::kind::{Linear, LinearMap, LinearOp};
use crate::{Scalar, Shape, Var};

/// y = a − b.
///
/// # Shapes
/// Equal, or one the last axes of the other, as for [`Add`](super::Add).
///
/// # Errors
/// Any other pair of shapes.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let (image, mean) = (tape.input([8, 8, 3]), tape.input([3]));
/// assert_eq!(*(image - mean).shape(), [8, 8, 3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sub;

impl LinearOp for Sub {
    fn name(&self) -> &'static str {
        "sub"
    }

    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        Combination::boxed(x, [T::one(), -T::one()])
    }
}

impl<'t, T: Scalar> std::ops::Sub for Var<'t, T> {
    type Output = Var<'t, T>;
    /// See [`Sub`].
    #[track_caller]
    fn sub(self, b: Var<'t, T>) -> Var<'t, T> {
        self.apply2(b, Linear(Sub))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Sub {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_pair(Sub)
    }
}
