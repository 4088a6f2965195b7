//! The hyperbolic tangent.

use crate::kernel::elementary::tanh;
use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = tanh x, elementwise.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = 1 − y², y'' = −2y y'.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.tanh().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

impl PointwiseFn<1> for Tanh {
    const READS: Reads = Reads::Output;

    fn name(&self) -> &'static str {
        "tanh"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        tanh(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, _: [T; 1], y: T) -> [T; 1] {
        [(T::one() - y) * (T::one() + y)]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, _: [T; 1], y: T) -> [[T; 1]; 1] {
        [[T::from_f64(-2.0) * y * (T::one() - y) * (T::one() + y)]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = tanh x, elementwise; see [`Tanh`].
    #[track_caller]
    pub fn tanh(self) -> Var<'t, T> {
        self.apply(Pointwise(Tanh))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Tanh {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Tanh)
    }
}
