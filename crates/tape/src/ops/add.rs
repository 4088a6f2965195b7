//! Sums of two operands.

use crate::kernel::reduce::{add_scaled, add_scaled_fold};
use crate::kernel::vectorized;
use crate::kind::{Broadcast, Linear, LinearMap, LinearOp};
use crate::{Scalar, Shape, Slot, Var, View};

/// y = a + b.
///
/// # Shapes
/// Equal, or one the last axes of the other: `[h, w, c] + [c]`, `[n] + []`. The output has the
/// longer one.
///
/// # Errors
/// Any other pair of shapes: `[n, 1]` next to `[n]` is refused, not stretched to `[n, n]`.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let (image, bias) = (tape.input([8, 8, 3]), tape.input([3]));
/// assert_eq!(*(image + bias).shape(), [8, 8, 3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Add;

impl LinearOp for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        Combination::boxed(x, [T::one(), T::one()])
    }
}

impl<'t, T: Scalar> std::ops::Add for Var<'t, T> {
    type Output = Var<'t, T>;
    /// See [`Add`].
    #[track_caller]
    fn add(self, b: Var<'t, T>) -> Var<'t, T> {
        self.apply2(b, Linear(Add))
    }
}

/// y = c₀a + c₁b, where one operand may be the last axes of the other.
#[derive(Debug)]
pub(super) struct Combination<T> {
    fit: Broadcast,
    coefficients: [T; 2],
}

impl<T: Scalar> Combination<T> {
    pub(super) fn boxed(
        x: &[Shape],
        coefficients: [T; 2],
    ) -> Result<Box<dyn LinearMap<T>>, String> {
        if x.len() != 2 {
            return Err(format!("it takes two operands, not {}", x.len()));
        }
        let fit = Broadcast::of(x)?;
        Ok(Box::new(Combination { fit, coefficients }))
    }
}

impl<T: Scalar> LinearMap<T> for Combination<T> {
    fn shape(&self) -> &Shape {
        &self.fit.shape
    }

    fn apply(&self, j: usize, k: usize, x: View<'_, T>, y: &mut [T]) {
        let (n, c) = (self.fit.shape.size(), self.coefficients[j]);
        vectorized(
            #[inline(always)]
            || match x.contiguous(k) {
                Some(x) if x.len() == y.len() => add_scaled(c, x, y),
                _ => {
                    for i in 0..k {
                        let (x, y) = (x.example(i), &mut y[i * n..][..n]);
                        for y in y.chunks_mut(x.len().max(1)) {
                            add_scaled(c, x, y);
                        }
                    }
                }
            },
        );
    }

    fn adjoint(&self, j: usize, k: usize, g: &[T], gx: &mut Slot<'_, T>) {
        let (n, c) = (self.fit.shape.size(), self.coefficients[j]);
        vectorized(
            #[inline(always)]
            || {
                if gx.len() == n && gx.is_contiguous(k) {
                    return add_scaled(c, g, gx.all(k));
                }
                for i in 0..k {
                    add_scaled_fold(c, &g[i * n..][..n], gx.example(i));
                }
            },
        );
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Add {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_pair(Add)
    }
}
