//! What an op is tested on: its options, its operands' shapes, and the numbers they may hold.

use crate::kind::{Bilinear, Linear, Pointwise, Selection};
use crate::{Random, Shape};
use proptest::prelude::*;
use std::fmt::Debug;

/// A strategy for an op together with shapes of its operands.
pub type Drawn<Op> = BoxedStrategy<(Op, Vec<Shape>)>;

/// The cases that an op is tested on.
///
/// Draw every option: a struct literal without `..` makes the compiler ask for a new field here.
/// Shapes are small, with axes of different lengths among them.
pub trait Cases: Debug + Clone + Sized + 'static {
    /// Draws the op, and shapes that it accepts.
    fn cases() -> Drawn<Self>;

    /// Where operand `operand` may be differentiated: away from kinks and poles.
    fn domain(&self, _operand: usize) -> Domain {
        Domain::Real
    }
}

/// The numbers that an operand is tested on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// Any, most of them between −2 and 2.
    Real,
    /// Between 1/4 and 4: logarithms, roots.
    Positive,
    /// Between 1/4 and 4 in size, of either sign: for a pole or a kink at 0.
    NonZero,
    /// No two within 1/16 of each other: for ops that choose the larger of two numbers.
    Distinct,
    /// Between two numbers.
    Between(f64, f64),
}

impl Domain {
    /// `n` numbers of this domain for operand `operand` of one example.
    pub(super) fn draw(self, operand: usize, n: usize, random: &mut Random) -> Vec<f64> {
        let mut x = vec![0.0; n];
        match self {
            Domain::Real => random.normal(1.0, &mut x),
            Domain::Between(low, high) => random.uniform(low, high, &mut x),
            Domain::Positive => x.fill_with(|| (4.0 * random.unit() - 2.0).exp2()),
            Domain::NonZero => x.fill_with(|| {
                let sign = if random.unit() < 0.5 { -1.0 } else { 1.0 };
                sign * (4.0 * random.unit() - 2.0).exp2()
            }),
            Domain::Distinct => {
                // Spaced by 1/8; another operand's numbers lie between.
                let order = random.permutation(n);
                for (x, place) in x.iter_mut().zip(order) {
                    *x = (place as f64 - (n / 2) as f64 + 0.5 * (operand % 2) as f64) / 8.0;
                }
            }
        }
        x
    }
}

macro_rules! lift {
    ($Kind:ident<$Inner:ident $(, const $N:ident: usize)?>) => {
        impl<$Inner: Cases $(, const $N: usize)?> Cases for $Kind<$Inner $(, $N)?> {
            fn cases() -> Drawn<Self> {
                $Inner::cases()
                    .prop_map(|(inner, shapes)| ($Kind(inner), shapes))
                    .boxed()
            }

            fn domain(&self, operand: usize) -> Domain {
                self.0.domain(operand)
            }
        }
    };
}

lift!(Linear<L>);
lift!(Bilinear<B>);
lift!(Selection<S>);
lift!(Pointwise<F, const N: usize>);
