//! Products, elementwise.

use crate::kernel::reduce::{add_product, add_product_fold};
use crate::kernel::vectorized;
use crate::kind::{Bilinear, BilinearMap, BilinearOp, Broadcast};
use crate::{Scalar, Shape, Slot, Var, View};

/// y = a · b, elementwise.
///
/// # Shapes
/// Equal, or one the last axes of the other: `[h, w, c] * [c]`, `[n] * []`. The output has the
/// longer one.
///
/// # Errors
/// Any other pair of shapes.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let (image, gain) = (tape.input([8, 8, 3]), tape.input([3]));
/// assert_eq!(*(image * gain).shape(), [8, 8, 3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Mul;

impl BilinearOp for Mul {
    fn name(&self) -> &'static str {
        "mul"
    }

    fn resolve<T: Scalar>(&self, a: &Shape, b: &Shape) -> Result<Box<dyn BilinearMap<T>>, String> {
        Ok(Box::new(Product(Broadcast::of(&[a.clone(), b.clone()])?)))
    }
}

impl<'t, T: Scalar> std::ops::Mul for Var<'t, T> {
    type Output = Var<'t, T>;
    /// See [`Mul`].
    #[track_caller]
    fn mul(self, b: Var<'t, T>) -> Var<'t, T> {
        self.apply2(b, Bilinear(Mul))
    }
}

#[derive(Debug)]
struct Product(Broadcast);

impl Product {
    /// gx += g · other, folded onto x where x is the shorter one.
    fn adjoint<T: Scalar>(&self, k: usize, g: &[T], other: View<'_, T>, gx: &mut Slot<'_, T>) {
        let n = self.0.shape.size();
        vectorized(
            #[inline(always)]
            || match other.contiguous(k) {
                Some(other) if other.len() == g.len() && gx.len() == n && gx.is_contiguous(k) => {
                    add_product(g, other, gx.all(k));
                }
                _ => {
                    for i in 0..k {
                        add_product_fold(&g[i * n..][..n], other.example(i), gx.example(i));
                    }
                }
            },
        );
    }
}

impl<T: Scalar> BilinearMap<T> for Product {
    fn shape(&self) -> &Shape {
        &self.0.shape
    }

    fn work(&self) -> usize {
        self.0.shape.size()
    }

    fn apply(&self, k: usize, a: View<'_, T>, b: View<'_, T>, _: &mut [T], y: &mut [T]) {
        let n = self.0.shape.size();
        vectorized(
            #[inline(always)]
            || match (a.contiguous(k), b.contiguous(k)) {
                (Some(a), Some(b)) if a.len() == y.len() && b.len() == y.len() => {
                    add_product(a, b, y);
                }
                _ => {
                    for i in 0..k {
                        add_product(a.example(i), b.example(i), &mut y[i * n..][..n]);
                    }
                }
            },
        );
    }

    fn adjoint_a(&self, k: usize, g: &[T], b: View<'_, T>, _: &mut [T], ga: &mut Slot<'_, T>) {
        self.adjoint(k, g, b, ga);
    }

    fn adjoint_b(&self, k: usize, a: View<'_, T>, g: &[T], _: &mut [T], gb: &mut Slot<'_, T>) {
        self.adjoint(k, g, a, gb);
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Mul {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_pair(Mul)
    }
}
