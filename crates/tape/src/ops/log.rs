//! The natural logarithm.

use crate::kernel::elementary::ln;
use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = ln x, elementwise.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = 1/x, y'' = −1/x². At 0, y and its derivatives are infinite; below, y is NaN.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.log().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Log;

impl PointwiseFn<1> for Log {
    const READS: Reads = Reads::Inputs;

    fn name(&self) -> &'static str {
        "log"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        ln(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, [x]: [T; 1], _: T) -> [T; 1] {
        [x.recip()]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, [x]: [T; 1], _: T) -> [[T; 1]; 1] {
        [[-(x * x).recip()]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = ln x, elementwise; see [`Log`].
    #[track_caller]
    pub fn log(self) -> Var<'t, T> {
        self.apply(Pointwise(Log))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Log {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Log)
    }

    fn domain(&self, _: usize) -> crate::check::Domain {
        crate::check::Domain::Positive
    }
}
