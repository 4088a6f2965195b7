//! Squares.

use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = x², elementwise.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = 2x, y'' = 2.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.square().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Square;

impl PointwiseFn<1> for Square {
    const READS: Reads = Reads::Inputs;

    fn name(&self) -> &'static str {
        "square"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x * x
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, [x]: [T; 1], _: T) -> [T; 1] {
        [x + x]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, _: [T; 1], _: T) -> [[T; 1]; 1] {
        [[T::from_f64(2.0)]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = x², elementwise; see [`Square`].
    #[track_caller]
    pub fn square(self) -> Var<'t, T> {
        self.apply(Pointwise(Square))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Square {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Square)
    }
}
