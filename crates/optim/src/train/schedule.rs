//! How the learning rate of a first-order trainer changes.

use crate::error::{OptimError, Result};

/// The learning rate α as a function of time: of whole epochs, or of steps.
///
/// # Formula
/// With s the number of the epoch from 0 (of the step, after [`by_step`](Self::by_step)), w the
/// length of the warm-up, 0 where there is none, and t = s − w:
///
/// ```text
/// constant   α
/// stepwise   α·factor^⌊t/every⌋
/// cosine     floor + (α − floor)·½(1 + cos(πt/over)) for t < over, floor from then on
/// inverse    α / (1 + decay·t)
/// warm-up    α·(s + 1)/(w + 1) for s < w, in place of these
/// ```
///
/// # Reference
/// Cosine: Loshchilov and Hutter, *SGDR*, ICLR 2017, eq. 5, without restarts. 1/t: Robbins and
/// Monro, Ann. Math. Statist. 22(3), 1951.
///
/// # Errors
/// A rate that is not above 0 and finite; a factor outside (0, 1]; a floor outside \[0, α\]; a
/// length of 0; a decay that is negative or not finite.
///
/// # Example
/// ```
/// use osculant_optim::train::Schedule;
/// let halving = Schedule::constant(0.1)?.stepwise(10, 0.5)?;
/// assert_eq!(halving.rate(9, 0), 0.1);
/// assert_eq!(halving.rate(10, 0), 0.05);
/// let warm = Schedule::constant(0.1)?.warm_up(4).by_step();
/// assert_eq!(warm.rate(0, 4), 0.1);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    rate: f64,
    curve: Curve,
    warm_up: usize,
    by_step: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Curve {
    Constant,
    Stepwise { every: usize, factor: f64 },
    Cosine { over: usize, floor: f64 },
    Inverse { decay: f64 },
}

impl Schedule {
    /// This rate, always.
    pub fn constant(rate: f64) -> Result<Self> {
        if !(rate > 0.0 && rate.is_finite()) {
            let message = "it must be finite and above 0, such as 0.001";
            return Err(OptimError::invalid("the learning rate", rate, message));
        }
        Ok(Schedule {
            rate,
            curve: Curve::Constant,
            warm_up: 0,
            by_step: false,
        })
    }

    /// The same, multiplied by `factor` every so many epochs.
    pub fn stepwise(mut self, every: usize, factor: f64) -> Result<Self> {
        let every = at_least_one("how often the learning rate drops", every)?;
        if !(factor > 0.0 && factor <= 1.0) {
            let message = "it must lie in (0, 1], such as 0.1";
            return Err(OptimError::invalid(
                "the factor of the learning rate",
                factor,
                message,
            ));
        }
        self.curve = Curve::Stepwise { every, factor };
        Ok(self)
    }

    /// The same, on half a cosine down to `floor` over so many epochs.
    pub fn cosine(mut self, over: usize, floor: f64) -> Result<Self> {
        let over = at_least_one("the length of the cosine", over)?;
        if !(0.0..=self.rate).contains(&floor) {
            let message = format!("it must lie in [0, {}], the learning rate", self.rate);
            return Err(OptimError::invalid(
                "the floor of the learning rate",
                floor,
                &message,
            ));
        }
        self.curve = Curve::Cosine { over, floor };
        Ok(self)
    }

    /// The same, divided by 1 + decay·t.
    pub fn inverse(mut self, decay: f64) -> Result<Self> {
        if !(decay >= 0.0 && decay.is_finite()) {
            let message = "it must be finite and not negative";
            return Err(OptimError::invalid(
                "the decay of the learning rate",
                decay,
                message,
            ));
        }
        self.curve = Curve::Inverse { decay };
        Ok(self)
    }

    /// The same after so many epochs in which the rate grows evenly; 0 for none.
    pub fn warm_up(mut self, epochs: usize) -> Self {
        self.warm_up = epochs;
        self
    }

    /// The same, counted in steps instead of epochs, warm-up included.
    pub fn by_step(mut self) -> Self {
        self.by_step = true;
        self
    }

    /// Whether the rate never changes.
    pub fn is_constant(&self) -> bool {
        self.curve == Curve::Constant && self.warm_up == 0
    }

    /// The rate in this epoch at this step, both counted from 0 since the run began.
    pub fn rate(&self, epoch: usize, step: usize) -> f64 {
        let now = if self.by_step { step } else { epoch };
        if now < self.warm_up {
            return self.rate * (now as f64 + 1.0) / (self.warm_up as f64 + 1.0);
        }
        let t = now - self.warm_up;
        match self.curve {
            Curve::Constant => self.rate,
            Curve::Stepwise { every, factor } => {
                // libm, as elsewhere: powers and cosines round alike on every platform.
                self.rate * libm::pow(factor, (t / every) as f64)
            }
            Curve::Cosine { over, floor } => {
                let turned = std::f64::consts::PI * t.min(over) as f64 / over as f64;
                floor + (self.rate - floor) * 0.5 * (1.0 + libm::cos(turned))
            }
            Curve::Inverse { decay } => self.rate / (1.0 + decay * t as f64),
        }
    }
}

fn at_least_one(what: &str, count: usize) -> Result<usize> {
    if count == 0 {
        return Err(OptimError::invalid(what, 0, "it must be at least 1"));
    }
    Ok(count)
}
