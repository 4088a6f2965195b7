//! ξ = ‖z − y‖², the squared loss, without ½.

use super::{Convexity, Loss, diagonal_column, expect_some_output, expect_target};
use crate::error::Result;
use osculant_tape::Scalar;

/// The squared loss: the squared distance of output and target.
///
/// # Shapes
///
/// z of any shape; y as many numbers as z.
///
/// # Formula
///
/// ```text
/// ξ = ‖z − y‖²      ∇ξ = 2(z − y)      B = 2I      S = √2 I
/// ```
///
/// There is no ½ and no division by the number of outputs.
///
/// # Reference
///
/// Wang, Tan and Lin, *Newton methods for convolutional neural networks*, ACM TIST 11(2),
/// 2020, eq. (5).
///
/// # Errors
///
/// Targets of another length than the output, NaN and infinite targets.
///
/// # Example
///
/// ```
/// use osculant_optim::loss::{Loss, SquaredLoss};
/// let (z, y) = ([1.0, 2.0], [0.0, 0.0]);
/// assert_eq!(SquaredLoss.value(&z, &y, &[], &mut []), 5.0);
/// let mut bv = [0.0; 2];
/// SquaredLoss.curvature(&z, &y, &[], &[], &[1.0, 3.0], &mut bv);
/// assert_eq!(bv, [2.0, 6.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SquaredLoss;

impl<T: Scalar> Loss<T> for SquaredLoss {
    type Target = [T];

    fn name(&self) -> &str {
        "squared"
    }

    fn check_output(&self, shape: &[usize]) -> Result<()> {
        expect_some_output("squared", shape)
    }

    fn check_target(&self, shape: &[usize], y: &[T]) -> Result<()> {
        expect_target("squared", shape, y)
    }

    fn convexity(&self) -> Convexity {
        Convexity::Convex
    }

    fn value(&self, z: &[T], y: &[T], _x: &[T], _kept: &mut [T]) -> f64 {
        z.iter()
            .zip(y)
            .map(|(&z, &y)| (z.to_f64() - y.to_f64()).powi(2))
            .sum()
    }

    fn gradient(&self, z: &[T], y: &[T], _x: &[T], _kept: &[T], g: &mut [T]) {
        for ((g, &z), &y) in g.iter_mut().zip(z).zip(y) {
            let r = z - y;
            *g = r + r;
        }
    }

    fn curvature(&self, _z: &[T], _y: &[T], _x: &[T], _kept: &[T], dz: &[T], out: &mut [T]) {
        for (out, &dz) in out.iter_mut().zip(dz) {
            *out = dz + dz;
        }
    }

    fn factor_columns(&self, shape: &[usize]) -> Option<usize> {
        Some(shape.iter().product())
    }

    fn factor(&self, _z: &[T], _y: &[T], _x: &[T], _kept: &[T], column: usize, out: &mut [T]) {
        diagonal_column(column, T::SQRT_2(), out);
    }
}
