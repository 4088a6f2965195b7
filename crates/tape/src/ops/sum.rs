//! The sum of all numbers.

use super::mean::Total;
use crate::kind::{Linear, LinearMap, LinearOp};
use crate::{Scalar, Shape, Var};

/// The sum of all numbers of an example.
///
/// # Shapes
/// Any; the output is a scalar, `[]`.
///
/// # Formula
/// y = Σⱼ xⱼ, accumulated in f64.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([4, 3]);
/// assert_eq!(*x.sum().shape(), []);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sum;

impl LinearOp for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        Total::boxed(x, |_| 1.0)
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The sum of all numbers; see [`Sum`].
    #[track_caller]
    pub fn sum(self) -> Var<'t, T> {
        self.apply(Linear(Sum))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Sum {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Sum)
    }
}
