//! The exponential function.

use crate::kernel::elementary::exp;
use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = eˣ, elementwise.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = y, y'' = y.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.exp().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Exp;

impl PointwiseFn<1> for Exp {
    const READS: Reads = Reads::Output;

    fn name(&self) -> &'static str {
        "exp"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        exp(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, _: [T; 1], y: T) -> [T; 1] {
        [y]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, _: [T; 1], y: T) -> [[T; 1]; 1] {
        [[y]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = eˣ, elementwise; see [`Exp`].
    #[track_caller]
    pub fn exp(self) -> Var<'t, T> {
        self.apply(Pointwise(Exp))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Exp {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Exp)
    }
}
