//! ξ = Σ log(1 + exp zₖ) − yₖzₖ, cross-entropy of binary labels on logits.

use super::{Convexity, Loss, diagonal_column, expect_domain, expect_some_output, expect_target};
use crate::error::Result;
use osculant_tape::Scalar;

/// The logistic loss: binary cross-entropy on logits, for one label or several independent ones.
///
/// # Shapes
///
/// z of any shape; y as many numbers as z, each in [0, 1]: 0 or 1 for labels, between for
/// probabilities. Keeps one number per logit.
///
/// # Formula
///
/// ```text
/// σ(z) = 1/(1 + exp(−z))      ξ = Σ log(1 + exp zₖ) − yₖzₖ
/// ∇ξ = σ(z) − y      B = diag σ(1 − σ)      S = diag √(σ(1 − σ))
/// ```
///
/// What is kept is s = σ(−|z|), the smaller of σ and 1 − σ, so that no difference cancels.
///
/// # Reference
///
/// Bishop, *Pattern Recognition and Machine Learning*, 2006, eqs. (4.90), (4.91) and (4.97).
///
/// # Errors
///
/// Targets of another length than the output, or outside [0, 1]. Labels −1 and 1 are to be
/// mapped to 0 and 1 first.
///
/// # Example
///
/// ```
/// use osculant_optim::loss::{Loss, LogisticLoss};
/// let mut kept = [0.0];
/// let value = LogisticLoss.value(&[0.0], &[1.0], &[], &mut kept);
/// assert!((value - 2f64.ln()).abs() < 1e-15);
/// let mut g = [0.0];
/// LogisticLoss.gradient(&[0.0], &[1.0], &[], &kept, &mut g);
/// assert_eq!(g, [-0.5]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogisticLoss;

impl<T: Scalar> Loss<T> for LogisticLoss {
    type Target = [T];

    fn name(&self) -> &str {
        "logistic"
    }

    fn check_output(&self, shape: &[usize]) -> Result<()> {
        expect_some_output("logistic", shape)
    }

    fn check_target(&self, shape: &[usize], y: &[T]) -> Result<()> {
        expect_target("logistic", shape, y)?;
        expect_domain(
            "logistic",
            y,
            |y| y >= T::zero() && y <= T::one(),
            "must lie in [0, 1]; map labels -1 and 1 to 0 and 1",
        )
    }

    fn convexity(&self) -> Convexity {
        Convexity::Convex
    }

    fn kept(&self, shape: &[usize]) -> usize {
        shape.iter().product()
    }

    fn value(&self, z: &[T], y: &[T], _x: &[T], kept: &mut [T]) -> f64 {
        let mut sum = 0.0;
        for ((kept, &z), &y) in kept.iter_mut().zip(z).zip(y) {
            let (z, y) = (z.to_f64(), y.to_f64());
            // log(1 + exp z) = max(z, 0) + log(1 + exp(−|z|)), and max(z, 0) − yz has no
            // cancellation when written by the sign of z.
            let e = (-z.abs()).exp();
            let linear = if z >= 0.0 { (1.0 - y) * z } else { -y * z };
            sum += e.ln_1p() + linear;
            *kept = T::from_f64(e / (1.0 + e));
        }
        sum
    }

    fn gradient(&self, z: &[T], y: &[T], _x: &[T], s: &[T], g: &mut [T]) {
        for (((g, &z), &y), &s) in g.iter_mut().zip(z).zip(y).zip(s) {
            *g = if z >= T::zero() {
                (T::one() - y) - s
            } else {
                s - y
            };
        }
    }

    fn curvature(&self, _z: &[T], _y: &[T], _x: &[T], s: &[T], dz: &[T], out: &mut [T]) {
        for ((out, &s), &dz) in out.iter_mut().zip(s).zip(dz) {
            *out = s * (T::one() - s) * dz;
        }
    }

    fn factor_columns(&self, shape: &[usize]) -> Option<usize> {
        Some(shape.iter().product())
    }

    fn factor(&self, _z: &[T], _y: &[T], _x: &[T], s: &[T], column: usize, out: &mut [T]) {
        let s = s.get(column).copied().unwrap_or(T::nan());
        diagonal_column(column, (s * (T::one() - s)).sqrt(), out);
    }
}
