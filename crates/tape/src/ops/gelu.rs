//! The Gaussian error linear unit.

use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = x Φ(x), number by number, where Φ is the normal distribution function.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// With φ = Φ' the normal density, y' = Φ(x) + x φ(x), y'' = (2 − x²) φ(x). Exact (by the error
/// function), not the approximation by tanh.
///
/// # Reference
/// Hendrycks and Gimpel, *Gaussian error linear units*, arXiv:1606.08415, 2016.
///
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.gelu().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gelu;

impl PointwiseFn<1> for Gelu {
    const READS: Reads = Reads::Inputs;

    fn name(&self) -> &'static str {
        "gelu"
    }

    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x * distribution(x)
    }

    fn df<T: Scalar>(&self, [x]: [T; 1], _: T) -> [T; 1] {
        [distribution(x) + x * density(x)]
    }

    fn d2f<T: Scalar>(&self, [x]: [T; 1], _: T) -> [[T; 1]; 1] {
        [[(T::from_f64(2.0) - x * x) * density(x)]]
    }
}

/// Φ(x), without cancellation where it is small.
#[inline(always)]
fn distribution<T: Scalar>(x: T) -> T {
    T::from_f64(0.5) * (-x * T::FRAC_1_SQRT_2()).erfc()
}

/// φ(x).
#[inline(always)]
fn density<T: Scalar>(x: T) -> T {
    // 1/√(2π)
    T::from_f64(0.398_942_280_401_432_7) * (T::from_f64(-0.5) * x * x).exp()
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = x Φ(x), number by number, where Φ is the normal distribution function; see [`Gelu`].
    #[track_caller]
    pub fn gelu(self) -> Var<'t, T> {
        self.apply(Pointwise(Gelu))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Gelu {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Gelu)
    }
}
