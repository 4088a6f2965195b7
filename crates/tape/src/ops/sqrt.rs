//! Square roots.

use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = √x, elementwise.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = 1/(2y), y'' = −1/(4y³). At 0 the derivatives are infinite; below, y is NaN.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.sqrt().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Sqrt;

impl PointwiseFn<1> for Sqrt {
    const READS: Reads = Reads::Output;

    fn name(&self) -> &'static str {
        "sqrt"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x.sqrt()
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, _: [T; 1], y: T) -> [T; 1] {
        [T::from_f64(0.5) / y]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, _: [T; 1], y: T) -> [[T; 1]; 1] {
        [[T::from_f64(-0.25) / (y * y * y)]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = √x, elementwise; see [`Sqrt`].
    #[track_caller]
    pub fn sqrt(self) -> Var<'t, T> {
        self.apply(Pointwise(Sqrt))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Sqrt {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Sqrt)
    }

    fn domain(&self, _: usize) -> crate::check::Domain {
        crate::check::Domain::Positive
    }
}
