//! Arithmetic with constants: `-x`, `x * 2.0`, `2.0 * x`, `x / 2.0`, `x + 1.0`, `1.0 - x`.

use crate::kind::{Pointwise, PointwiseFn, Reads};
use crate::{Scalar, Var};

/// y = scale · x + shift with fixed numbers: all arithmetic of a variable with constants.
///
/// Constants are `f64` for both scalar types; were there operators for `f32` too, Rust could not
/// tell the type of the literal in `(2.0 * x).relu()`. `x / c` multiplies by 1/c.
///
/// # Shapes
/// Any; the output has the same.
///
/// # Errors
/// A constant that is not finite; so also `x / 0.0`.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([3]);
/// assert_eq!(*(1.0 - 2.0 * x).relu().shape(), [3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// What x is multiplied by.
    pub scale: f64,
    /// What is added.
    pub shift: f64,
}

impl PointwiseFn<1> for Affine {
    const READS: Reads = Reads::Nothing;
    const PIECEWISE_LINEAR: bool = true;

    fn name(&self) -> &'static str {
        "affine"
    }

    fn check<T: Scalar>(&self) -> Result<(), String> {
        for (what, c) in [("scale", self.scale), ("shift", self.shift)] {
            if !T::from_f64(c).is_finite() {
                return Err(format!(
                    "its {what} is {c:?}; a constant must be finite, as a number of the graph's type too"
                ));
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn f<T: Scalar>(&self, [x]: [T; 1]) -> T {
        T::from_f64(self.scale) * x + T::from_f64(self.shift)
    }

    #[inline(always)]
    fn df<T: Scalar>(&self, _: [T; 1], _: T) -> [T; 1] {
        [T::from_f64(self.scale)]
    }

    #[inline(always)]
    fn d2f<T: Scalar>(&self, _: [T; 1], _: T) -> [[T; 1]; 1] {
        [[T::zero()]]
    }
}

/// One operator: its trait, its two sides, and what it means.
macro_rules! operator {
    ($Trait:ident, $method:ident, $Left:ty, $Right:ty, $meaning:expr) => {
        impl<'t, T: Scalar> std::ops::$Trait<$Right> for $Left {
            type Output = Var<'t, T>;
            /// See [`Affine`].
            #[track_caller]
            fn $method(self, right: $Right) -> Var<'t, T> {
                let (x, scale, shift): (Var<'t, T>, f64, f64) = $meaning(self, right);
                x.apply(Pointwise(Affine { scale, shift }))
            }
        }
    };
}

operator!(Add, add, Var<'t, T>, f64, |x, c| (x, 1.0, c));
operator!(Add, add, f64, Var<'t, T>, |c, x| (x, 1.0, c));
operator!(Sub, sub, Var<'t, T>, f64, |x, c: f64| (x, 1.0, -c));
operator!(Sub, sub, f64, Var<'t, T>, |c, x| (x, -1.0, c));
operator!(Mul, mul, Var<'t, T>, f64, |x, c| (x, c, 0.0));
operator!(Mul, mul, f64, Var<'t, T>, |c, x| (x, c, 0.0));
// 1/∞ is 0, and would hide what is refused elsewhere.
operator!(Div, div, Var<'t, T>, f64, |x, c: f64| {
    let scale = if c.is_finite() { 1.0 / c } else { c };
    (x, scale, 0.0)
});

impl<'t, T: Scalar> std::ops::Neg for Var<'t, T> {
    type Output = Var<'t, T>;
    /// See [`Affine`].
    #[track_caller]
    fn neg(self) -> Var<'t, T> {
        self * -1.0
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Affine {
    fn cases() -> crate::check::Drawn<Self> {
        use proptest::prelude::*;
        (-2.0..2.0, -2.0..2.0, crate::check::draw::shape())
            .prop_map(|(scale, shift, x)| (Affine { scale, shift }, vec![x]))
            .boxed()
    }
}
