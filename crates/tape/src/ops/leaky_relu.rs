//! The rectifier that keeps a little of negative numbers.

use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = x where x > 0, else slope · x, elementwise.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Formula
/// y' = 1 where x > 0, else the slope; so y'(0) is the slope. y'' = 0. NaN passes through.
///
/// # Reference
/// Maas, Hannun and Ng, *Rectifier nonlinearities improve neural network acoustic models*, ICML
/// 2013.
///
/// # Errors
/// A slope that is negative or not finite: the derivative is read off the sign of the output.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*x.leaky_relu(0.01).shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakyRelu {
    /// The derivative for negative numbers, at least 0.
    pub slope: f64,
}

impl PointwiseFn<1> for LeakyRelu {
    const READS: Reads = Reads::Output;
    const PIECEWISE_LINEAR: bool = true;

    fn name(&self) -> &'static str {
        "leaky_relu"
    }

    fn check<T: Scalar>(&self) -> Result<(), String> {
        if self.slope >= 0.0 && T::from_f64(self.slope).is_finite() {
            Ok(())
        } else {
            Err(format!(
                "its slope is {:?}; it must be a finite number of at least 0, in the graph's type too",
                self.slope
            ))
        }
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        let slope = T::from_f64(self.slope);
        if x > T::zero() { x } else { slope * x }
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, _: [T; 1], y: T) -> [T; 1] {
        let slope = T::from_f64(self.slope);
        [if y > T::zero() { T::one() } else { slope }]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, _: [T; 1], _: T) -> [[T; 1]; 1] {
        [[T::zero()]]
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// y = x where x > 0, else slope · x; see [`LeakyRelu`].
    #[track_caller]
    pub fn leaky_relu(self, slope: f64) -> Var<'t, T> {
        self.apply(Pointwise(LeakyRelu { slope }))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for LeakyRelu {
    fn cases() -> crate::check::Drawn<Self> {
        use proptest::prelude::*;
        (0.0..1.5, crate::check::draw::shape())
            .prop_map(|(slope, x)| (LeakyRelu { slope }, vec![x]))
            .boxed()
    }

    fn domain(&self, _: usize) -> crate::check::Domain {
        crate::check::Domain::NonZero
    }
}
