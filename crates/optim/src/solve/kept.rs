//! Iterates of conjugate gradients that are kept on the way.

use crate::error::{OptimError, Result};
use osculant_tape::Scalar;

/// Iterations of a solve that there is room for at most; what comes later is not kept.
const ROOM: usize = 1 << 16;

/// One iterate.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptIterate<T> {
    /// After how many iterations it was d.
    pub number: usize,
    /// d.
    pub d: Vec<T>,
    /// dᵀr, r the residual there.
    pub residual_dot: f64,
    /// q(d) = ½dᵀAd − bᵀd.
    pub value: f64,
}

/// Iterates further and further apart, which a solve keeps: see
/// [`Solve::keep`](super::Solve::keep).
///
/// # Formula
///
/// Those after iteration ⌈γʲ⌉, j = 0, 1, 2, …; of the one after the last iteration the solution
/// itself serves.
///
/// # Reference
///
/// Martens, *Deep learning via Hessian-free optimization*, ICML 2010, §4.6, with γ = 1.3.
///
/// # Errors
///
/// γ below 1.01 or not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::Diagonal;
/// use osculant_optim::solve::{Cg, Kept};
/// let a = Diagonal::new((1..=20).map(f64::from).collect())?;
/// let mut kept = Kept::new(1.3)?;
/// let solution = Cg::default().tolerance(1e-6).on(&a).keep(&mut kept).solve(&[1.0; 20])?;
/// let numbers: Vec<usize> = kept.iterates().iter().map(|k| k.number).take(6).collect();
/// assert_eq!(numbers, [1, 2, 3, 4, 5, 7]);
/// assert!(kept.iterates().iter().all(|k| k.value > solution.value));
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Kept<T> {
    ratio: f64,
    /// γʲ of the next one.
    power: f64,
    /// Those of this solve, then room left from earlier ones.
    iterates: Vec<KeptIterate<T>>,
    used: usize,
}

impl<T: Scalar> Kept<T> {
    /// With this γ.
    pub fn new(ratio: f64) -> Result<Self> {
        if !(ratio >= 1.01 && ratio.is_finite()) {
            let message = "it must be finite and at least 1.01, such as 1.3";
            return Err(OptimError::invalid(
                "the ratio of kept iterates",
                ratio,
                message,
            ));
        }
        Ok(Kept {
            ratio,
            power: 1.0,
            iterates: Vec::new(),
            used: 0,
        })
    }

    /// Those of the last solve, in their order; the solution itself is not among them.
    pub fn iterates(&self) -> &[KeptIterate<T>] {
        &self.iterates[..self.used]
    }

    /// Makes room for all that a solve of `bound` iterations may keep, so that none allocates.
    pub(super) fn begin(&mut self, n: usize, bound: usize) {
        // A bound that no solve reaches is no reason to fill the memory.
        let bound = bound.min(ROOM);
        (self.power, self.used) = (1.0, 0);
        let (mut power, mut last, mut count) = (1.0f64, 0, 0);
        while power.ceil() < bound as f64 {
            if power.ceil() as usize > last {
                (last, count) = (power.ceil() as usize, count + 1);
            }
            power *= self.ratio;
        }
        self.iterates.resize_with(count, || KeptIterate {
            number: 0,
            d: Vec::new(),
            residual_dot: 0.0,
            value: 0.0,
        });
        for kept in &mut self.iterates {
            kept.d.resize(n, T::zero());
        }
    }

    /// Whether the iterate after this iteration is one of them.
    pub(super) fn wants(&self, number: usize) -> bool {
        self.used < self.iterates.len() && number as f64 == self.power.ceil()
    }

    /// Keeps it.
    pub(super) fn push(&mut self, number: usize, d: &[T], residual_dot: f64, value: f64) {
        let kept = &mut self.iterates[self.used];
        kept.d.copy_from_slice(d);
        (kept.number, kept.residual_dot, kept.value) = (number, residual_dot, value);
        self.used += 1;
        while self.power.ceil() <= number as f64 {
            self.power *= self.ratio;
        }
    }

    /// Leaves out what the solve ended with.
    pub(super) fn finish(&mut self, iterations: usize) {
        if self
            .iterates()
            .last()
            .is_some_and(|k| k.number == iterations)
        {
            self.used -= 1;
        }
    }
}
