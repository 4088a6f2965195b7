//! ξ = Σ exp zₖ − yₖzₖ, the Poisson loss with a logarithmic link.

use super::{Convexity, Loss, diagonal_column, expect_domain, expect_some_output, expect_target};
use crate::error::Result;
use osculant_tape::Scalar;

/// The negative log-likelihood of counts y whose logarithmic rate is the output z.
///
/// # Shapes
///
/// z of any shape; y as many numbers as z, each ≥ 0 (counts, or averages of counts). Keeps
/// exp z, one number per output.
///
/// # Formula
///
/// ```text
/// ξ = Σ exp zₖ − yₖzₖ      ∇ξ = exp z − y      B = diag exp z      S = diag exp(z/2)
/// ```
///
/// The term log y!, which does not depend on z, is left out: values may be negative. An exp
/// that overflows the scalar type (z > 88 in `f32`, z > 709 in `f64`) makes the value infinite.
///
/// # Reference
///
/// McCullagh and Nelder, *Generalized Linear Models*, 2nd ed. 1989, §6.2.
///
/// # Errors
///
/// Targets of another length than the output, negative or not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::loss::{Loss, PoissonLoss};
/// let mut kept = [0.0; 2];
/// assert_eq!(PoissonLoss.value(&[0.0, 0.0], &[3.0, 0.0], &[], &mut kept), 2.0);
/// let mut g = [0.0; 2];
/// PoissonLoss.gradient(&[0.0, 0.0], &[3.0, 0.0], &[], &kept, &mut g);
/// assert_eq!(g, [-2.0, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoissonLoss;

impl<T: Scalar> Loss<T> for PoissonLoss {
    type Target = [T];

    fn name(&self) -> &str {
        "Poisson"
    }

    fn check_output(&self, shape: &[usize]) -> Result<()> {
        expect_some_output("Poisson", shape)
    }

    fn check_target(&self, shape: &[usize], y: &[T]) -> Result<()> {
        expect_target("Poisson", shape, y)?;
        expect_domain(
            "Poisson",
            y,
            |y| y >= T::zero(),
            "counts are never negative",
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
            let rate = z.to_f64().exp();
            *kept = T::from_f64(rate);
            // Where f32 overflows and f64 does not, the value must overflow like the gradient.
            sum += if kept.is_infinite() {
                f64::INFINITY
            } else {
                rate - y.to_f64() * z.to_f64()
            };
        }
        sum
    }

    fn gradient(&self, _z: &[T], y: &[T], _x: &[T], rate: &[T], g: &mut [T]) {
        for ((g, &y), &rate) in g.iter_mut().zip(y).zip(rate) {
            *g = rate - y;
        }
    }

    fn curvature(&self, _z: &[T], _y: &[T], _x: &[T], rate: &[T], dz: &[T], out: &mut [T]) {
        for ((out, &rate), &dz) in out.iter_mut().zip(rate).zip(dz) {
            *out = rate * dz;
        }
    }

    fn factor_columns(&self, shape: &[usize]) -> Option<usize> {
        Some(shape.iter().product())
    }

    fn factor(&self, _z: &[T], _y: &[T], _x: &[T], rate: &[T], column: usize, out: &mut [T]) {
        let root = rate.get(column).map_or(T::nan(), |rate| rate.sqrt());
        diagonal_column(column, root, out);
    }
}
