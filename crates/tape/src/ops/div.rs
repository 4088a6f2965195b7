//! Quotients.

use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = a / b, elementwise.
///
/// # Shapes
/// Equal, or one the last axes of the other, as for [`Add`](super::Add).
///
/// # Formula
/// ∂y/∂a = 1/b, ∂y/∂b = −a/b². Where b = 0, y and its derivatives are infinite or NaN.
///
/// # Errors
/// Any other pair of shapes.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let (x, norm) = (tape.input([5]), tape.input([]));
/// assert_eq!(*(x / norm).shape(), [5]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Div;

impl PointwiseFn<2> for Div {
    const READS: Reads = Reads::Inputs;

    fn name(&self) -> &'static str {
        "div"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [a, b]: [T; 2]) -> T {
        a / b
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, [a, b]: [T; 2], _: T) -> [T; 2] {
        [b.recip(), -a / b / b]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, [a, b]: [T; 2], _: T) -> [[T; 2]; 2] {
        let mixed = -(b * b).recip();
        [
            [T::zero(), mixed],
            [mixed, T::from_f64(2.0) * a / b / b / b],
        ]
    }
}

impl<'t, T: Scalar> std::ops::Div for Var<'t, T> {
    type Output = Var<'t, T>;
    /// See [`Div`].
    #[track_caller]
    fn div(self, b: Var<'t, T>) -> Var<'t, T> {
        self.apply2(b, Pointwise(Div))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Div {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_pair(Div)
    }

    fn domain(&self, operand: usize) -> crate::check::Domain {
        match operand {
            1 => crate::check::Domain::NonZero,
            _ => crate::check::Domain::Real,
        }
    }
}
