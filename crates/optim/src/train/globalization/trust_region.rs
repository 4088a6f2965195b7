//! A region in which the paraboloid is trusted.

use super::step_rejection::{expect_eta, whole_step};
use super::{Direction, Globalization, Search};
use crate::error::{OptimError, Result, expect_length};

/// Directions stay within ‖d‖ ≤ Δ, and Δ follows how well the paraboloid predicted.
///
/// CG ends a direction on the boundary (Steihaug and Toint), so a radius takes the place of a
/// damping: use it with [`ConstantDamping::none`](crate::train::ConstantDamping::none).
///
/// # Formula
///
/// With ρ the ratio of actual and predicted decrease of the whole step:
///
/// ```text
/// θ ← θ + d  if  ρ > η                                η = 10⁻⁴
/// Δ ← ¼‖d‖             if ρ < ¼, or ρ is NaN, or d does not descend
/// Δ ← min(2Δ, Δ_max)   if ρ > ¾ and d ends on the boundary
/// Δ₀ = 1      Δ_max = 100
/// ```
///
/// Δ stays at least 10⁻³⁰.
///
/// # Reference
///
/// Nocedal and Wright, *Numerical Optimization*, 1st ed. 1999, Algorithm 4.1 (the 2nd has ¼Δ in
/// place of ¼‖d‖); Toint, in *Sparse Matrices and Their Uses*, 1981.
///
/// # Errors
///
/// Δ₀ that is not in [10⁻³⁰, Δ_max], or Δ_max that is not finite; η outside [0, ¼); f(θ) that is
/// not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::train::{Direction, Globalization, TrustRegion};
/// let mut region = TrustRegion::default();
/// // f is the paraboloid itself: the prediction holds, and the step went as far as it could.
/// let along = Direction { value: 1.0, slope: -1.0, curvature: 0.5, length: 1.0 };
/// region.search(&along, &mut |alpha| Ok(1.0 + along.predicted(alpha)))?;
/// assert_eq!(region.radius(), Some(2.0));
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrustRegion {
    radius: f64,
    largest: f64,
    eta: f64,
}

const SMALLEST: f64 = 1e-30;

impl Default for TrustRegion {
    fn default() -> Self {
        TrustRegion {
            radius: 1.0,
            largest: 100.0,
            eta: 1e-4,
        }
    }
}

impl TrustRegion {
    /// From Δ₀, and never beyond Δ_max.
    pub fn radii(mut self, initial: f64, largest: f64) -> Result<Self> {
        let ordered = (SMALLEST..=largest).contains(&initial) && largest.is_finite();
        if !ordered {
            return Err(OptimError::invalid(
                "the radii of the trust region",
                format!("{initial} and {largest}"),
                "the first must be at least 1e-30 and the second finite and no smaller, such as 1 \
                 and 100",
            ));
        }
        (self.radius, self.largest) = (initial, largest);
        Ok(self)
    }

    /// Takes steps of a ratio above this.
    pub fn eta(mut self, eta: f64) -> Result<Self> {
        self.eta = expect_eta(eta, 0.25)?;
        Ok(self)
    }

    fn shrink(&mut self, length: f64) {
        // A direction of length 0 or NaN, which no solver should give, must not end the region.
        let length = if length > 0.0 {
            length.min(self.radius)
        } else {
            self.radius
        };
        self.radius = (0.25 * length).max(SMALLEST);
    }
}

impl Globalization for TrustRegion {
    fn radius(&self) -> Option<f64> {
        Some(self.radius)
    }

    fn search(
        &mut self,
        along: &Direction,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<Search> {
        if !along.descends()? {
            self.shrink(along.length);
            return Ok(Search::NotDescent { slope: along.slope });
        }
        let (search, ratio) = whole_step(along, self.eta, f)?;
        // Rounding leaves ‖d‖ a little off the boundary.
        let on_boundary = along.length >= 0.999 * self.radius;
        // NaN compares false: the region shrinks.
        let fair = ratio >= 0.25;
        if ratio > 0.75 && on_boundary {
            self.radius = (2.0 * self.radius).min(self.largest);
        } else if !fair {
            self.shrink(along.length);
        }
        Ok(search)
    }

    fn state(&self) -> Vec<f64> {
        vec![self.radius]
    }

    fn restore(&mut self, state: &[f64]) -> Result<()> {
        expect_length("the state of the trust region", state.len(), 1, "Δ alone")?;
        *self = self.radii(state[0], self.largest)?;
        Ok(())
    }
}
