//! The product of any two matrices, or of a matrix and a vector.

use super::product::product;
use crate::kind::{Bilinear, BilinearMap, BilinearOp};
use crate::{Scalar, Shape, Var};

/// The product of two matrices, or of a matrix and a vector.
///
/// # Shapes
/// `[m, k] × [k, n] → [m, n]`; a vector counts as a row on the left, `[k] × [k, n] → [n]`, and as a
/// column on the right, `[m, k] × [k] → [m]`. Either operand may be shared by all examples or
/// differ from one to the next. The inner product of two vectors is another op.
///
/// # Formula
/// y[i, j] = Σₗ a[i, l] b[l, j]
///
/// # Errors
/// A mistake is noted on the tape with both shapes: operands that are neither matrices nor a matrix
/// and a vector, or inner axes that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatMul;

/// The product of two matrices, or of a matrix and a vector; see [`MatMul`].
///
/// # Example
/// ```
/// use osculant_tape::{Tape, ops::matmul};
///
/// let tape = Tape::<f64>::new();
/// let (a, b) = (tape.input([2, 3]), tape.input([3, 4]));
/// assert_eq!(*matmul(a, b).shape(), [2, 4]);
/// ```
#[track_caller]
pub fn matmul<'t, T: Scalar>(a: Var<'t, T>, b: Var<'t, T>) -> Var<'t, T> {
    a.apply2(b, Bilinear(MatMul))
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The product with another matrix or vector; see [`MatMul`].
    ///
    /// # Example
    /// ```
    /// use osculant_tape::Tape;
    ///
    /// let tape = Tape::<f64>::new();
    /// let (a, v) = (tape.input([2, 3]), tape.input([3]));
    /// assert_eq!(*a.matmul(v).shape(), [2]);
    /// ```
    #[track_caller]
    pub fn matmul(self, other: Var<'t, T>) -> Var<'t, T> {
        matmul(self, other)
    }
}

impl BilinearOp for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn resolve<T: Scalar>(&self, a: &Shape, b: &Shape) -> Result<Box<dyn BilinearMap<T>>, String> {
        let (inner, [k, n], shape) = match (&a[..], &b[..]) {
            (&[m, k], &[l, n]) => (l, [k, n], Shape::new(&[m, n])),
            (&[k], &[l, n]) => (l, [k, n], Shape::new(&[n])),
            (&[m, k], &[l]) => (l, [k, 1], Shape::new(&[m])),
            _ => {
                return Err(format!(
                    "it multiplies two matrices, or a matrix and a vector, not {a} and {b}; \
                     reshape the operands, or use `dense` for an operand with more axes"
                ));
            }
        };
        if inner != k {
            return Err(format!(
                "the last axis of the left operand has length {k} and the first of the right one \
                 {inner}; they must be the same"
            ));
        }
        product(a, b, [k, n], shape)
    }
}

#[cfg(feature = "check")]
mod cases {
    use super::*;
    use crate::check::Cases;
    use proptest::prelude::*;

    impl Cases for MatMul {
        fn cases() -> BoxedStrategy<(Self, Vec<Shape>)> {
            ([1usize..=5, 1usize..=5, 1usize..=5], 0..3)
                .prop_map(|([m, k, n], form)| {
                    let (a, b) = match form {
                        0 => (Shape::new(&[k]), Shape::new(&[k, n])),
                        1 => (Shape::new(&[m, k]), Shape::new(&[k])),
                        _ => (Shape::new(&[m, k]), Shape::new(&[k, n])),
                    };
                    (MatMul, vec![a, b])
                })
                .boxed()
        }
    }
}
