//! The mean of all numbers.

use crate::kernel::reduce;
use crate::kind::{Linear, LinearMap, LinearOp};
use crate::{Scalar, Shape, Slot, Var, View};

/// The mean of all numbers of an example.
///
/// # Shapes
/// Any; the output is a scalar, `[]`.
///
/// # Formula
/// y = 1/n Σⱼ xⱼ, accumulated in f64.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([4, 3]);
/// assert_eq!(*x.mean().shape(), []);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Mean;

impl LinearOp for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        Total::boxed(x, |n| 1.0 / n as f64)
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The mean of all numbers; see [`Mean`].
    #[track_caller]
    pub fn mean(self) -> Var<'t, T> {
        self.apply(Linear(Mean))
    }
}

/// y = c Σⱼ xⱼ.
#[derive(Debug)]
pub(super) struct Total {
    shape: Shape,
    c: f64,
}

impl Total {
    /// With a factor that depends on how many numbers there are.
    pub(super) fn boxed<T: Scalar>(
        x: &[Shape],
        c: impl FnOnce(usize) -> f64,
    ) -> Result<Box<dyn LinearMap<T>>, String> {
        let [x] = x else {
            return Err(format!("it takes one operand, not {}", x.len()));
        };
        Ok(Box::new(Total {
            shape: Shape::scalar(),
            c: c(x.size()),
        }))
    }
}

impl<T: Scalar> LinearMap<T> for Total {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn apply(&self, _: usize, k: usize, x: View<'_, T>, y: &mut [T]) {
        for (i, y) in y.iter_mut().enumerate().take(k) {
            *y += T::from_f64(self.c * reduce::sum(x.example(i)));
        }
    }

    fn adjoint(&self, _: usize, k: usize, g: &[T], gx: &mut Slot<'_, T>) {
        for (i, &g) in g.iter().enumerate().take(k) {
            let g = T::from_f64(self.c * g.to_f64());
            for gx in gx.example(i) {
                *gx += g;
            }
        }
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Mean {
    fn cases() -> crate::check::Drawn<Self> {
        crate::check::draw::with_shape(Mean)
    }
}
