//! The same numbers under another shape.

use crate::kernel::reduce::add_scaled;
use crate::kind::{Linear, LinearMap, LinearOp};
use crate::{IntoShape, Scalar, Shape, Slot, Var, View};

/// The same numbers, in the same row-major order, under another shape.
///
/// # Shapes
/// Any, as many numbers as before.
///
/// # Errors
/// A shape of another size.
///
/// # Example
/// ```
/// use osculant_tape::Tape;
/// let tape = Tape::<f32>::new();
/// let x = tape.input([28, 28, 1]);
/// assert_eq!(*x.reshape([4, 196]).shape(), [4, 196]);
/// assert_eq!(*x.flatten().shape(), [784]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshape {
    /// The output's shape.
    pub shape: Shape,
}

impl LinearOp for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        let [x] = x else {
            return Err(format!("it takes one operand, not {}", x.len()));
        };
        let Reshape { shape } = self;
        match (x.checked_size(), shape.checked_size()) {
            (Some(from), Some(to)) if from == to => Ok(Box::new(Same(shape.clone()))),
            (Some(from), Some(to)) => Err(format!(
                "{x} holds {from} numbers and {shape} holds {to}; a reshape keeps them all"
            )),
            _ => Err(format!("{shape} holds more numbers than can be counted")),
        }
    }
}

/// y = x.
#[derive(Debug)]
struct Same(Shape);

impl<T: Scalar> LinearMap<T> for Same {
    fn shape(&self) -> &Shape {
        &self.0
    }

    fn is_alias(&self) -> bool {
        true
    }

    fn apply(&self, _: usize, k: usize, x: View<'_, T>, y: &mut [T]) {
        let n = self.0.size();
        for i in 0..k {
            add_scaled(T::one(), x.example(i), &mut y[i * n..][..n]);
        }
    }

    fn adjoint(&self, _: usize, k: usize, g: &[T], gx: &mut Slot<'_, T>) {
        let n = self.0.size();
        for i in 0..k {
            add_scaled(T::one(), &g[i * n..][..n], gx.example(i));
        }
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The same numbers under another shape; see [`Reshape`].
    #[track_caller]
    pub fn reshape(self, shape: impl IntoShape) -> Var<'t, T> {
        let shape = shape.into_shape();
        self.apply(Linear(Reshape { shape }))
    }

    /// All numbers along one axis, in row-major order; see [`Reshape`].
    #[track_caller]
    pub fn flatten(self) -> Var<'t, T> {
        let shape = Shape::from([self.shape().size()]);
        self.apply(Linear(Reshape { shape }))
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for Reshape {
    fn cases() -> crate::check::Drawn<Self> {
        use proptest::prelude::*;
        (1usize..4, 1usize..4, 1usize..4)
            .prop_map(|(a, b, c)| {
                let shape = Shape::from([b * c, a]);
                (Reshape { shape }, vec![Shape::from([a, b, c])])
            })
            .boxed()
    }
}
