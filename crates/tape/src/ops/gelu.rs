//! The Gaussian error linear unit.

use crate::kernel::elementary::{normal_density, normal_distribution};
use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = x Φ(x), elementwise, where Φ is the normal distribution function.
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
/// # Example
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

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x * normal_distribution(x)
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, [x]: [T; 1], _: T) -> [T; 1] {
        [normal_distribution(x) + x * normal_density(x)]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, [x]: [T; 1], _: T) -> [[T; 1]; 1] {
        // The density times x first: it is 0 before x² overflows.
        let density = normal_density(x);
        [[density + density - x * (x * density)]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = x Φ(x), elementwise, where Φ is the normal distribution function; see [`Gelu`].
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
