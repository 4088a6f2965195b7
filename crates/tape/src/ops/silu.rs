//! The sigmoid linear unit, also called swish.

use crate::kernel::elementary::logistic;
use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = x σ(x), elementwise, where σ is the logistic function.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = σ(x) + x σ'(x), y'' = σ'(x) (2 + x (1 − 2σ(x))), where σ'(x) = σ(x) σ(−x).
///
/// # Reference
/// Elfwing, Uchibe and Doya, *Sigmoid-weighted linear units for neural network function
/// approximation in reinforcement learning*, Neural Networks 107, 2018.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.silu().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Silu;

impl PointwiseFn<1> for Silu {
    const READS: Reads = Reads::Inputs;

    fn name(&self) -> &'static str {
        "silu"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x * logistic(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, [x]: [T; 1], _: T) -> [T; 1] {
        let (s, t) = (logistic(x), logistic(-x));
        [s * (T::one() + x * t)]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, [x]: [T; 1], _: T) -> [[T; 1]; 1] {
        let (s, t) = (logistic(x), logistic(-x));
        [[s * t * (T::from_f64(2.0) + x * (t - s))]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = x σ(x), elementwise, where σ is the logistic function; see [`Silu`].
    #[track_caller]
    pub fn silu(self) -> Var<'t, T> {
        self.apply(Pointwise(Silu))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Silu {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Silu)
    }
}
