//! Stochastic meta-descent: a step size for every parameter, learnt along the way.

use super::sgd::below_one;
use super::{Schedule, Step, StepRule};
use crate::error::{OptimError, Result};
use crate::vector;
use osculant_tape::Scalar;

/// Stochastic meta-descent: step sizes p, one per parameter, adapted with one `G v` per step.
///
/// # Formula
/// With g and G the gradient and the Gauss-Newton matrix of the batch at θ, products and maximum
/// entry by entry:
///
/// ```text
/// p ← p·max(½, 1 + μ v·g)
/// θ ← θ − p·g
/// v ← λv + p·(g − λ G v)
/// ```
///
/// v is how θ answers to the step sizes, −∂θ/∂ln p, averaged over about 1/(1 − λ) steps; where G
/// is constant and p does not change it tends towards G⁻¹g. It starts at 0, p at the learning rate
/// everywhere. Every step linearizes at its batch for its one product: about 3 times the work of a
/// step of gradient descent.
///
/// # Reference
/// Schraudolph, *Fast curvature matrix-vector products for second-order gradient descent*, Neural
/// Computation 14(7), 2002, the section on stochastic meta-descent, with its safeguard of ½.
///
/// # Errors
/// A meta-rate μ that is negative or not finite; a memory λ outside [0, 1). A schedule that is not
/// constant: p changes by itself.
///
/// # Example
/// ```
/// use osculant_optim::train::{FirstOrder, Smd};
/// let trainer = FirstOrder::new(Smd::default().meta_rate(0.05)?).rate(0.1)?;
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smd {
    meta_rate: f64,
    memory: f64,
}

impl Default for Smd {
    /// μ = 0.02, λ = 0.99.
    fn default() -> Self {
        Smd {
            meta_rate: 0.02,
            memory: 0.99,
        }
    }
}

impl Smd {
    /// The same with another meta-rate μ; with 0, p never changes.
    pub fn meta_rate(mut self, mu: f64) -> Result<Self> {
        if !(mu >= 0.0 && mu.is_finite()) {
            let message = "it must be finite and not negative, such as 0.02";
            return Err(OptimError::invalid("the meta-rate μ of SMD", mu, message));
        }
        self.meta_rate = mu;
        Ok(self)
    }

    /// The same with another memory λ.
    pub fn memory(mut self, lambda: f64) -> Result<Self> {
        self.memory = below_one("the memory λ of SMD", lambda)?;
        Ok(self)
    }
}

impl<T: Scalar> StepRule<T> for Smd {
    fn name(&self) -> &'static str {
        "smd"
    }

    fn usual_rate(&self) -> f64 {
        0.01
    }

    fn vectors(&self) -> &'static [&'static str] {
        &["step_sizes", "sensitivity"]
    }

    fn check(&self, schedule: &Schedule) -> Result<()> {
        if schedule.is_constant() {
            return Ok(());
        }
        let message = "its step sizes change by themselves; give a constant learning rate, from \
                       which they start";
        Err(OptimError::invalid(
            "the schedule of SMD",
            "not constant",
            message,
        ))
    }

    fn begin(&self, rate: f64, memory: &mut [Vec<T>]) {
        if let Some(sizes) = memory.first_mut() {
            sizes.fill(T::from_f64(rate));
        }
    }

    fn step(&self, at: &mut Step<'_, T>) -> Result<()> {
        let Smd { meta_rate, memory } = *self;
        at.curvature_times(1)?;
        let (mu, lambda) = (T::from_f64(meta_rate), T::from_f64(memory));
        let half = T::from_f64(0.5);
        let [p, v] = &mut *at.memory else {
            return Ok(());
        };
        let vectors: [&mut [T]; 5] = [&mut *at.theta, p, v, &mut *at.gradient, at.scratch];
        vector::each_chunk(vectors, &|[theta, p, v, g, gv]| {
            let (sizes, known) = (p.iter_mut().zip(v), g.iter().zip(gv));
            for ((theta, (p, v)), (&g, &mut gv)) in theta.iter_mut().zip(sizes).zip(known) {
                let change = T::one() + mu * *v * g;
                // `max` would drop a NaN.
                *p *= if change < half { half } else { change };
                *theta -= *p * g;
                *v = lambda * *v + *p * (g - lambda * gv);
            }
        });
        Ok(())
    }
}
