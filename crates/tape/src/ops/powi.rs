//! Whole powers.

use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = xⁿ for a whole number n, elementwise.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = n xⁿ⁻¹, y'' = n(n − 1) xⁿ⁻². For n < 0, y and its derivatives are infinite at 0.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.powi(3).shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Powi {
    /// The power.
    pub n: i32,
}

impl PointwiseFn<1> for Powi {
    const READS: Reads = Reads::Inputs;

    fn name(&self) -> &'static str {
        "powi"
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x.powi(self.n)
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, [x]: [T; 1], _: T) -> [T; 1] {
        // 0 · x⁻¹ is 0 here, even at x = 0.
        [match self.n {
            0 => T::zero(),
            n => T::from_f64(f64::from(n)) * x.powi(n.saturating_sub(1)),
        }]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, [x]: [T; 1], _: T) -> [[T; 1]; 1] {
        [[match self.n {
            0 | 1 => T::zero(),
            n => T::from_f64(f64::from(n) * (f64::from(n) - 1.0)) * x.powi(n.saturating_sub(2)),
        }]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = xⁿ, elementwise; see [`Powi`].
    #[track_caller]
    pub fn powi(self, n: i32) -> Var<'t, T> {
        self.apply(Pointwise(Powi { n }))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Powi {
    fn cases() -> crate::check::Drawn<Self> {
        use proptest::prelude::*;
        (-3..5, crate::check::draw::shape())
            .prop_map(|(n, x)| (Powi { n }, vec![x]))
            .boxed()
    }

    fn domain(&self, _: usize) -> crate::check::Domain {
        match self.n {
            0.. => crate::check::Domain::Real,
            _ => crate::check::Domain::NonZero,
        }
    }
}
