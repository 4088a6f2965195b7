//! Adam and AdamW.

use super::sgd::below_one;
use super::{Step, StepRule};
use crate::error::{OptimError, Result};
use crate::vector;
use osculant_tape::Scalar;

/// Adam: steps scaled by running moments of each parameter's gradient.
///
/// # Formula
/// With g the gradient of the batch and t the number of the step:
///
/// ```text
/// m ← β₁m + (1 − β₁)g                  v ← β₂v + (1 − β₂)g²
/// θ ← θ − α m̂/(√v̂ + ε)                 m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)
/// ```
///
/// AdamW, with [`decoupled_decay`](Self::decoupled_decay) w, begins the step with θ ← (1 − αw)θ,
/// where the objective's regularization term covers θ. That term, if C is finite, is in g as ever:
/// for AdamW alone leave it out.
///
/// # Reference
/// Kingma and Ba, *Adam*, ICLR 2015, Algorithm 1. Loshchilov and Hutter, *Decoupled weight decay
/// regularization*, ICLR 2019, Algorithm 2, with w for their λ/α, as it is usual.
///
/// # Errors
/// β₁ or β₂ outside [0, 1); an ε that is not above 0; a decay that is negative or not finite.
///
/// # Example
/// ```
/// use osculant_optim::train::{Adam, FirstOrder};
/// let adam = FirstOrder::new(Adam::default()).rate(1e-3)?;
/// let adamw = FirstOrder::new(Adam::default().decoupled_decay(0.01)?);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    decay: f64,
}

impl Default for Adam {
    /// β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸, no decay.
    fn default() -> Self {
        Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            decay: 0.0,
        }
    }
}

impl Adam {
    /// The same with other decays β₁ and β₂ of the moments.
    pub fn betas(mut self, beta1: f64, beta2: f64) -> Result<Self> {
        self.beta1 = below_one("β₁ of Adam", beta1)?;
        self.beta2 = below_one("β₂ of Adam", beta2)?;
        Ok(self)
    }

    /// The same with another ε.
    pub fn epsilon(mut self, epsilon: f64) -> Result<Self> {
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            let message = "it must be finite and above 0, such as 1e-8";
            return Err(OptimError::invalid("ε of Adam", epsilon, message));
        }
        self.epsilon = epsilon;
        Ok(self)
    }

    /// AdamW: the same with a decay of θ that the moments don't see; 0 for none.
    pub fn decoupled_decay(mut self, decay: f64) -> Result<Self> {
        if !(decay >= 0.0 && decay.is_finite()) {
            let message = "it must be finite and not negative, such as 0.01";
            return Err(OptimError::invalid("the decoupled decay", decay, message));
        }
        self.decay = decay;
        Ok(self)
    }
}

impl<T: Scalar> StepRule<T> for Adam {
    fn name(&self) -> &'static str {
        "adam"
    }

    fn usual_rate(&self) -> f64 {
        1e-3
    }

    fn vectors(&self) -> &'static [&'static str] {
        &["first_moment", "second_moment"]
    }

    fn step(&self, at: &mut Step<'_, T>) -> Result<()> {
        let Adam {
            beta1,
            beta2,
            epsilon,
            decay,
        } = *self;
        if decay > 0.0 {
            at.shrink(1.0 - at.rate * decay);
        }
        let correction = |beta: f64| 1.0 - libm::pow(beta, at.number as f64);
        // α m̂/(√v̂ + ε) = α' m/(√v + ε') with the corrections in α' and ε'.
        let root = correction(beta2).sqrt();
        let rate = T::from_f64(at.rate * root / correction(beta1));
        // In f32 a small ε would be 0, and 0/0 the step of a parameter without a gradient.
        let epsilon = T::from_f64(epsilon * root).max(T::min_positive_value());
        let (b1, b2) = (T::from_f64(beta1), T::from_f64(beta2));
        let (c1, c2) = (T::from_f64(1.0 - beta1), T::from_f64(1.0 - beta2));
        let [m, v] = &mut *at.memory else {
            return Ok(());
        };
        vector::each_chunk([&mut *at.theta, m, v, &mut *at.gradient], &|[
            theta,
            m,
            v,
            g,
        ]| {
            let moments = m.iter_mut().zip(v);
            for ((theta, (m, v)), &mut g) in theta.iter_mut().zip(moments).zip(g) {
                *m = b1 * *m + c1 * g;
                *v = b2 * *v + c2 * g * g;
                *theta -= rate * *m / (v.sqrt() + epsilon);
            }
        });
        Ok(())
    }
}
