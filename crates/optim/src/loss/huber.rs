//! The Huber loss: quadratic near the target, linear far from it.

use super::{Convexity, Loss, diagonal_column, expect_some_output, expect_target};
use crate::error::{OptimError, Result};
use osculant_tape::Scalar;

/// The Huber loss, for targets with outliers.
///
/// # Shapes
///
/// z of any shape; y as many numbers as z.
///
/// # Formula
///
/// With r = z − y and δ in the unit of the targets:
///
/// ```text
/// ξ  = Σ ½rₖ² where |rₖ| ≤ δ,  δ(|rₖ| − ½δ) beyond
/// ∇ξ = r clamped to [−δ, δ]      B = S = diag(|r| ≤ δ)
/// ```
///
/// There is a ½ here that [`SquaredLoss`](super::SquaredLoss) has not. B is 0 for outliers, so
/// that an output far from its target adds no curvature: with C = ∞ the Gauss-Newton matrix
/// may be singular, and wants damping. At |r| = δ, where ξ has no second derivative, B = 1.
///
/// # Reference
///
/// Huber, *Robust estimation of a location parameter*, Ann. Math. Statist. 35(1), 1964.
///
/// # Errors
///
/// δ that is not positive and finite; targets of another length than the output, or not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::loss::{HuberLoss, Loss};
/// let loss = HuberLoss::new(1.0)?;
/// assert_eq!(loss.value(&[0.5, 3.0], &[0.0, 0.0], &[], &mut []), 0.125 + 2.5);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HuberLoss {
    delta: f64,
}

impl HuberLoss {
    /// The Huber loss that turns linear at |z − y| = δ.
    pub fn new(delta: f64) -> Result<Self> {
        if delta > 0.0 && delta.is_finite() {
            return Ok(HuberLoss { delta });
        }
        Err(OptimError::invalid(
            "δ of the Huber loss",
            delta,
            "it must be positive and finite, in the unit of the targets",
        ))
    }

    /// Where the loss turns linear.
    pub fn delta(&self) -> f64 {
        self.delta
    }
}

impl<T: Scalar> Loss<T> for HuberLoss {
    type Target = [T];

    fn name(&self) -> &str {
        "Huber"
    }

    fn check_output(&self, shape: &[usize]) -> Result<()> {
        if T::from_f64(self.delta) == T::zero() {
            let message = format!(
                "it is 0 in {}; give a larger one, or compute in f64",
                T::NAME
            );
            return Err(OptimError::invalid(
                "δ of the Huber loss",
                self.delta,
                &message,
            ));
        }
        expect_some_output("Huber", shape)
    }

    fn check_target(&self, shape: &[usize], y: &[T]) -> Result<()> {
        expect_target("Huber", shape, y)
    }

    fn convexity(&self) -> Convexity {
        Convexity::Convex
    }

    fn value(&self, z: &[T], y: &[T], _x: &[T], _kept: &mut [T]) -> f64 {
        let delta = self.delta;
        let term = |(&z, &y): (&T, &T)| {
            let r = (z.to_f64() - y.to_f64()).abs();
            if r <= delta {
                0.5 * r * r
            } else {
                delta * (r - 0.5 * delta)
            }
        };
        z.iter().zip(y).map(term).sum()
    }

    fn gradient(&self, z: &[T], y: &[T], _x: &[T], _kept: &[T], g: &mut [T]) {
        let delta = T::from_f64(self.delta);
        for ((g, &z), &y) in g.iter_mut().zip(z).zip(y) {
            let r = z - y;
            // Comparisons that let NaN through, which `min` and `max` would not.
            *g = if r > delta {
                delta
            } else if r < -delta {
                -delta
            } else {
                r
            };
        }
    }

    fn curvature(&self, z: &[T], y: &[T], _x: &[T], _kept: &[T], dz: &[T], out: &mut [T]) {
        for (((out, &z), &y), &dz) in out.iter_mut().zip(z).zip(y).zip(dz) {
            *out = self.curvature_at(z - y) * dz;
        }
    }

    fn factor_columns(&self, shape: &[usize]) -> Option<usize> {
        Some(shape.iter().product())
    }

    fn factor(&self, z: &[T], y: &[T], _x: &[T], _kept: &[T], column: usize, out: &mut [T]) {
        let entry = match (z.get(column), y.get(column)) {
            (Some(&z), Some(&y)) => self.curvature_at(z - y),
            _ => T::nan(),
        };
        diagonal_column(column, entry, out);
    }
}

impl HuberLoss {
    /// 1 where |r| ≤ δ, 0 beyond, NaN for NaN.
    fn curvature_at<T: Scalar>(&self, r: T) -> T {
        if r.is_nan() {
            r
        } else if r.abs() <= T::from_f64(self.delta) {
            T::one()
        } else {
            T::zero()
        }
    }
}
