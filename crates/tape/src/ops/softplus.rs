//! The smooth rectifier.

use crate::kernel::elementary::{exp, exp_m1, softplus};
use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = ln(1 + eˣ), elementwise.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = σ(x) = 1 − e⁻ʸ, y'' = e⁻ʸ(1 − e⁻ʸ), where σ is the logistic function. Computed as
/// max(x, 0) + ln(1 + e^−|x|), which neither overflows nor loses digits for large |x|.
///
/// # Reference
/// Dugas, Bengio, Bélisle, Nadeau and Garcia, *Incorporating second-order functional knowledge for
/// better option pricing*, NIPS 2000.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.softplus().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Softplus;

impl PointwiseFn<1> for Softplus {
    const READS: Reads = Reads::Output;

    fn name(&self) -> &'static str {
        "softplus"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        softplus(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, _: [T; 1], y: T) -> [T; 1] {
        [-exp_m1(-y)]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, _: [T; 1], y: T) -> [[T; 1]; 1] {
        [[-exp_m1(-y) * exp(-y)]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = ln(1 + eˣ), elementwise; see [`Softplus`].
    #[track_caller]
    pub fn softplus(self) -> Var<'t, T> {
        self.apply(Pointwise(Softplus))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Softplus {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Softplus)
    }
}
