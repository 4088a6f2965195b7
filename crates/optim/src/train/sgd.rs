//! Stochastic gradient descent.

use super::{Step, StepRule};
use crate::error::{OptimError, Result};
use crate::vector;
use osculant_tape::Scalar;

/// Stochastic gradient descent with momentum.
///
/// # Formula
/// With g the gradient of the batch, the regularizer's included (that is the weight decay):
///
/// ```text
/// v ← μv + g
/// θ ← θ − αv              or θ ← θ − α(g + μv), Nesterov's
/// ```
///
/// # Reference
/// Polyak, USSR Comput. Math. Math. Phys. 4(5), 1964; Sutskever, Martens, Dahl and Hinton, *On the
/// importance of initialization and momentum in deep learning*, ICML 2013, eqs. (1) to (4), in the
/// form in which θ is the point where the gradient is taken.
///
/// # Errors
/// A momentum μ outside [0, 1).
///
/// # Example
/// ```
/// use osculant_optim::train::{FirstOrder, Schedule, Sgd};
/// let rule = Sgd::default().momentum(0.95)?.nesterov();
/// let trainer = FirstOrder::new(rule).schedule(Schedule::constant(0.02)?.cosine(30, 0.0)?);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    momentum: f64,
    nesterov: bool,
}

impl Default for Sgd {
    /// Momentum 0.9, as Polyak's.
    fn default() -> Self {
        Sgd {
            momentum: 0.9,
            nesterov: false,
        }
    }
}

impl Sgd {
    /// The same with another momentum μ; 0 for none.
    pub fn momentum(mut self, momentum: f64) -> Result<Self> {
        self.momentum = below_one("the momentum μ", momentum)?;
        Ok(self)
    }

    /// The same with Nesterov's momentum.
    pub fn nesterov(mut self) -> Self {
        self.nesterov = true;
        self
    }
}

/// Refuses a decay of averages outside [0, 1).
pub(super) fn below_one(what: &str, value: f64) -> Result<f64> {
    if (0.0..1.0).contains(&value) {
        return Ok(value);
    }
    let message = "it must be at least 0 and below 1, such as 0.9";
    Err(OptimError::invalid(what, value, message))
}

impl<T: Scalar> StepRule<T> for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn usual_rate(&self) -> f64 {
        0.01
    }

    fn vectors(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 {
            &[]
        } else {
            &["momentum"]
        }
    }

    fn step(&self, at: &mut Step<'_, T>) -> Result<()> {
        let Sgd { momentum, nesterov } = *self;
        let (rate, mu) = (T::from_f64(at.rate), T::from_f64(momentum));
        let [v] = &mut *at.memory else {
            return vector::add_scaled(-rate, at.gradient, at.theta);
        };
        vector::each_chunk([&mut *at.theta, v, &mut *at.gradient], &|[theta, v, g]| {
            for ((theta, v), &mut g) in theta.iter_mut().zip(v).zip(g) {
                *v = mu * *v + g;
                *theta -= rate * if nesterov { g + mu * *v } else { *v };
            }
        });
        Ok(())
    }
}
