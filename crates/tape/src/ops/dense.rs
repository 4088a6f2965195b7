//! The product of rows with one matrix: what a dense layer computes.

use super::product::product;
use crate::kind::{Bilinear, BilinearMap, BilinearOp};
use crate::{Scalar, Shape, Var};

/// What a dense layer computes: x·W along the last axis of x.
///
/// # Shapes
/// x `[…, in]`, W `[in, out]`, output `[…, out]`. Either operand may be shared by all examples or
/// differ from one to the next.
///
/// # Formula
/// y[…, o] = Σᵢ x[…, i] W[i, o]
///
/// # Errors
/// A mistake is noted on the tape with both shapes: an x without axes, a W that is no matrix, or
/// one whose first axis is not x's last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dense;

/// x·W along the last axis of `x`; see [`Dense`].
///
/// # Example
/// ```
/// use osculant_tape::{Init, Tape, ops::dense};
///
/// let tape = Tape::<f64>::new();
/// let x = tape.input([7, 3]);
/// let weight = tape.param("weight", [3, 5], Init::Zeros);
/// assert_eq!(*dense(x, weight).shape(), [7, 5]);
/// ```
#[track_caller]
pub fn dense<'t, T: Scalar>(x: Var<'t, T>, weight: Var<'t, T>) -> Var<'t, T> {
    x.apply2(weight, Bilinear(Dense))
}

impl BilinearOp for Dense {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn resolve<T: Scalar>(&self, a: &Shape, b: &Shape) -> Result<Box<dyn BilinearMap<T>>, String> {
        let Some((&input, positions)) = a.split_last() else {
            return Err("x is a single number; it needs an axis to multiply along".into());
        };
        let &[rows, out] = &b[..] else {
            return Err(format!(
                "the weight {b} has {} axes; it needs two, [in, out]",
                b.len()
            ));
        };
        if rows != input {
            return Err(format!(
                "the last axis of x has length {input}, and the weight takes {rows}; its shape \
                 must be [{input}, {out}]"
            ));
        }
        let mut shape = positions.to_vec();
        shape.push(out);
        product(a, b, [input, out], Shape::new(&shape))
    }
}

#[cfg(feature = "check")]
mod cases {
    use super::*;
    use crate::check::Cases;
    use proptest::prelude::*;

    impl Cases for Dense {
        fn cases() -> BoxedStrategy<(Self, Vec<Shape>)> {
            (
                proptest::collection::vec(1usize..=3, 0..=2),
                1usize..=5,
                1usize..=5,
            )
                .prop_map(|(mut x, input, out)| {
                    x.push(input);
                    (Dense, vec![Shape::new(&x), Shape::new(&[input, out])])
                })
                .boxed()
        }
    }
}
