//! The test of the quadratic's progress over the last iterations.

use super::{CgStart, Stopping, positive};
use crate::error::{OptimError, Result};
use crate::solve::CgIteration;

/// Ends when the last iterations brought little of the decrease so far.
///
/// The residual of a subsampled, badly scaled system says little about how good d is as a step;
/// q(d), which is what a Newton step is to decrease, says more.
///
/// # Formula
///
/// After iteration i, with k = max(10, ⌈0.1 i⌉) and qᵢ = ½dᵀAd − bᵀd:
///
/// ```text
/// i > k,   qᵢ < 0,   (qᵢ − qᵢ₋ₖ) / qᵢ < k ε          ε = 5·10⁻⁴
/// ```
///
/// # Reference
///
/// Martens, *Deep learning via Hessian-free optimization*, ICML 2010, §4.4.
///
/// # Errors
///
/// ε that is not positive and finite; a window of 0; a share that is negative or not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::Diagonal;
/// use osculant_optim::solve::{Cg, RelativeProgress, Stop};
/// let a = Diagonal::new((1..=200).map(f64::from).collect())?;
/// let mut rule = RelativeProgress::default();
/// let solution = Cg::default().on(&a).stop_by(&mut rule).solve(&[1.0; 200])?;
/// assert_eq!(solution.stop, Stop::Converged);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RelativeProgress {
    epsilon: f64,
    window: usize,
    share: f64,
    /// q after 0, 1, 2, … iterations.
    values: Vec<f64>,
}

/// Iterations that room is made for at once, at most.
const ROOM: usize = 1 << 16;

impl Default for RelativeProgress {
    fn default() -> Self {
        RelativeProgress {
            epsilon: 5e-4,
            window: 10,
            share: 0.1,
            values: Vec::new(),
        }
    }
}

impl RelativeProgress {
    /// The same with another ε.
    pub fn epsilon(mut self, epsilon: f64) -> Result<Self> {
        let message = "it must be positive and finite, such as 5e-4";
        self.epsilon = positive("ε of the relative progress", epsilon, message)?;
        Ok(self)
    }

    /// The same that looks back over at least so many iterations.
    pub fn window(mut self, iterations: usize) -> Result<Self> {
        if iterations == 0 {
            let message = "it must be at least 1, such as 10";
            return Err(OptimError::invalid(
                "the window of the relative progress",
                0,
                message,
            ));
        }
        self.window = iterations;
        Ok(self)
    }

    /// The same that looks back over at least this share of all iterations.
    pub fn share(mut self, share: f64) -> Result<Self> {
        if !(share >= 0.0 && share.is_finite()) {
            let message = "it must be finite and not negative, such as 0.1";
            return Err(OptimError::invalid(
                "the share of the relative progress",
                share,
                message,
            ));
        }
        self.share = share;
        Ok(self)
    }
}

impl Stopping for RelativeProgress {
    fn begin(&mut self, at: &CgStart) -> bool {
        self.values.clear();
        // All at once, so that iterations allocate nothing; a bound that is no bound aside.
        self.values.reserve(at.bound.min(ROOM).saturating_add(1));
        self.values.push(at.value);
        false
    }

    fn enough(&mut self, seen: &CgIteration) -> bool {
        self.values.push(seen.value);
        let i = seen.number;
        let k = self.window.max((self.share * i as f64).ceil() as usize);
        let q = seen.value;
        // A solve that was not begun has no past to compare with.
        let past = i
            .checked_sub(k)
            .filter(|&j| j > 0)
            .and_then(|j| self.values.get(j));
        q < 0.0 && past.is_some_and(|past| (q - past) / q < k as f64 * self.epsilon)
    }
}
