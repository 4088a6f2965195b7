//! The rectifier.

use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = max(x, 0), elementwise.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = 1 where x > 0, else 0; so y'(0) = 0. y'' = 0. NaN passes through.
///
/// # Reference
/// Glorot, Bordes and Bengio, *Deep sparse rectifier neural networks*, AISTATS 2011.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.relu().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Relu;

impl PointwiseFn<1> for Relu {
    const READS: Reads = Reads::Output;
    const PIECEWISE_LINEAR: bool = true;

    fn name(&self) -> &'static str {
        "relu"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        // Not `max`, which would turn NaN into 0.
        if x <= T::zero() { T::zero() } else { x }
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, _: [T; 1], y: T) -> [T; 1] {
        [if y > T::zero() { T::one() } else { T::zero() }]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, _: [T; 1], _: T) -> [[T; 1]; 1] {
        [[T::zero()]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = max(x, 0), elementwise; see [`Relu`].
    #[track_caller]
    pub fn relu(self) -> Var<'t, T> {
        self.apply(Pointwise(Relu))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Relu {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Relu)
    }

    fn domain(&self, _: usize) -> crate::check::Domain {
        crate::check::Domain::NonZero
    }
}
