//! The logistic function.

use crate::kernel::elementary::logistic;
use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = 1/(1 + e⁻ˣ), elementwise.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = y(1 − y), y'' = y'(1 − 2y). No exponential overflows, however large |x| is.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.sigmoid().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid;

impl PointwiseFn<1> for Sigmoid {
    const READS: Reads = Reads::Output;

    fn name(&self) -> &'static str {
        "sigmoid"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        logistic(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, _: [T; 1], y: T) -> [T; 1] {
        [y * (T::one() - y)]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, _: [T; 1], y: T) -> [[T; 1]; 1] {
        [[y * (T::one() - y) * (T::one() - y - y)]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = 1/(1 + e⁻ˣ), elementwise; see [`Sigmoid`].
    #[track_caller]
    pub fn sigmoid(self) -> Var<'t, T> {
        self.apply(Pointwise(Sigmoid))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Sigmoid {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Sigmoid)
    }
}
