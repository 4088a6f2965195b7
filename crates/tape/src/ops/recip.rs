//! Reciprocals: `1.0 / x`.

use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = c / x with a fixed numerator c.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = −c/x². At x = 0, y and its derivatives are infinite.
///
/// # Errors
/// A numerator that is not finite.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*(1.0 / x).shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recip {
    /// The number that is divided.
    pub numerator: f64,
}

impl PointwiseFn<1> for Recip {
    const READS: Reads = Reads::Inputs;

    fn name(&self) -> &'static str {
        "recip"
    }

    fn check<T: Scalar>(&self) -> Result<(), String> {
        if T::from_f64(self.numerator).is_finite() {
            Ok(())
        } else {
            Err(format!(
                "its numerator is {:?}; a constant must be finite, as a number of the graph's type too",
                self.numerator
            ))
        }
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        T::from_f64(self.numerator) / x
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, [x]: [T; 1], _: T) -> [T; 1] {
        [T::from_f64(-self.numerator) / x / x]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, [x]: [T; 1], _: T) -> [[T; 1]; 1] {
        [[T::from_f64(2.0 * self.numerator) / x / x / x]]
    }
}

impl<'t, T: Scalar> std::ops::Div<Var<'t, T>> for f64 {
    type Output = Var<'t, T>;
    /// See [`Recip`].
    #[track_caller]
    fn div(self, x: Var<'t, T>) -> Var<'t, T> {
        x.apply(Pointwise(Recip { numerator: self }))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Recip {
    fn cases() -> crate::check::Drawn<Self> {
        use proptest::prelude::*;
        (-2.0..2.0, crate::check::draw::shape())
            .prop_map(|(numerator, x)| (Recip { numerator }, vec![x]))
            .boxed()
    }

    fn domain(&self, _: usize) -> crate::check::Domain {
        crate::check::Domain::NonZero
    }
}
