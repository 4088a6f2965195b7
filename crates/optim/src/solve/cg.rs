//! Conjugate gradients.

mod run;

use super::{Kept, Preconditioner, Residual, Stop, Stopping};
use crate::error::{OptimError, Result, expect_finite, expect_length};
use crate::operator::{SelfAdjoint, expect_square};
use crate::vector;
use osculant_tape::Scalar;
use std::mem::take;
use std::ops::ControlFlow;

/// The method of conjugate gradients for A d = b with A symmetric positive definite.
///
/// # Formula
///
/// From d = 0, r = b, v = M⁻¹r:
///
/// ```text
/// α = rᵀM⁻¹r / vᵀAv      d ← d + αv      r ← r − αAv
/// stop when ‖r‖ ≤ κ‖b‖ (or another rule is content), or at the bound
/// β = rᵀM⁻¹r (new) / rᵀM⁻¹r (old)      v ← M⁻¹r + βv
/// ```
///
/// Each d minimizes q(d) = ½dᵀAd − bᵀd over the directions so far. Where this differs from
/// the textbook:
///
/// 1. The test follows the update, so that b ≠ 0 gets at least one iteration, however large κ
///    (a start vector that is good enough already gets none).
/// 2. vᵀAv ≤ 0 ends the solve with the iterate so far; in the first iteration, where that
///    is 0, with the first direction v instead, along which b descends.
/// 3. A step whose result is not finite is not taken.
/// 4. r follows its recurrence and is never recomputed; inner products accumulate in `f64`.
/// 5. With a [`radius`](Solve::radius) Δ, the step that would leave ‖d‖ ≤ Δ ends on its boundary,
///    and so does a direction with vᵀAv ≤ 0, the first one too. ‖d‖ is Euclid's norm, with a
///    preconditioner as well.
/// 6. ‖r‖ = 0 ends the solve, whatever the rule says.
///
/// # Reference
///
/// Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, Algorithms 5.3 and 7.1, and, with a
/// radius, 7.2; Steihaug, SIAM J. Numer. Anal. 20(3), 1983.
///
/// # Errors
///
/// An operator that is not square, vectors of other lengths, NaN or infinity in b or the start, κ
/// that is negative or not finite, a bound of 0, a radius that is not positive and finite, a start
/// outside it. How the solve ended is no error: see [`Stop`].
///
/// # Example
///
/// ```
/// use osculant_optim::operator::Symmetric;
/// use osculant_optim::solve::{Cg, Stop};
/// let a = Symmetric::new(2, vec![4.0, 1.0, 1.0, 3.0])?;
/// let solution = Cg::default().tolerance(1e-12).solve(&a, &[1.0, 2.0])?;
/// assert_eq!((solution.stop, solution.iterations), (Stop::Converged, 2));
/// assert!((solution.d[0] - 1.0 / 11.0f64).abs() < 1e-12);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cg {
    /// κ: the residual is to be at most this times ‖b‖, where no [other rule](Solve::stop_by) is
    /// given. 0.1 by default, which suits a Newton direction.
    pub tolerance: f64,
    /// The bound on iterations, 250 by default.
    pub max_iterations: usize,
}

impl Default for Cg {
    fn default() -> Self {
        Cg {
            tolerance: 0.1,
            max_iterations: 250,
        }
    }
}

impl Cg {
    /// The same with another κ.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The same with another bound on iterations.
    pub fn max_iterations(mut self, bound: usize) -> Self {
        self.max_iterations = bound;
        self
    }

    /// Refuses a bound that allows nothing.
    pub(super) fn check_bound(&self) -> Result<()> {
        if self.max_iterations == 0 {
            let message = "at least one iteration must be allowed";
            return Err(OptimError::invalid("the bound of CG", 0, message));
        }
        Ok(())
    }

    /// Solves A d = b from d = 0.
    pub fn solve<T: Scalar, A: SelfAdjoint<T> + ?Sized>(
        &self,
        a: &A,
        b: &[T],
    ) -> Result<Solution<T>> {
        self.on(a).solve(b)
    }

    /// A solve with a preconditioner, a start, an observer or a workspace.
    pub fn on<'a, T: Scalar, A: SelfAdjoint<T> + ?Sized>(&self, a: &'a A) -> Solve<'a, T, A> {
        Solve {
            cg: *self,
            a,
            preconditioner: None,
            start: None,
            rule: None,
            radius: None,
            kept: None,
            observer: None,
            workspace: None,
        }
    }
}

/// What an observer sees after each update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CgIteration {
    /// The number of the iteration, from 1.
    pub number: usize,
    /// ‖r‖ after it.
    pub residual_norm: f64,
    /// q(d) = ½dᵀAd − bᵀd after it.
    pub value: f64,
    /// vᵀAv.
    pub curvature: f64,
    /// α.
    pub step: f64,
}

/// What a solve gives back.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution<T> {
    /// The solution.
    pub d: Vec<T>,
    /// r = b − A d, by its recurrence.
    pub residual: Vec<T>,
    /// ‖r‖.
    pub residual_norm: f64,
    /// q(d) = ½dᵀAd − bᵀd.
    pub value: f64,
    /// How many times d was updated.
    pub iterations: usize,
    /// How many products with A were made: that of a start, and one whose direction was not taken,
    /// included.
    pub products: usize,
    /// Why the solve ended.
    pub stop: Stop,
}

/// The vectors of a solve, kept for the next one; iterations allocate nothing.
#[derive(Clone, Debug, Default)]
pub struct Workspace<T> {
    d: Vec<T>,
    next: Vec<T>,
    r: Vec<T>,
    /// A v, then the next r.
    q: Vec<T>,
    v: Vec<T>,
    /// M⁻¹r; empty without a preconditioner.
    z: Vec<T>,
}

impl<T: Scalar> Workspace<T> {
    /// Without vectors yet.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Called after each iteration; `Break` ends the solve.
pub type CgObserver<'a> = dyn FnMut(&CgIteration) -> ControlFlow<()> + Send + 'a;

/// A solve about to start; see [`Cg::on`].
#[must_use = "nothing happens before `solve`"]
pub struct Solve<'a, T: Scalar, A: ?Sized> {
    cg: Cg,
    a: &'a A,
    preconditioner: Option<&'a dyn Preconditioner<T>>,
    start: Option<&'a [T]>,
    rule: Option<&'a mut dyn Stopping>,
    radius: Option<f64>,
    kept: Option<&'a mut Kept<T>>,
    observer: Option<&'a mut CgObserver<'a>>,
    workspace: Option<&'a mut Workspace<T>>,
}

impl<'a, T: Scalar, A: SelfAdjoint<T> + ?Sized> Solve<'a, T, A> {
    /// With M⁻¹.
    pub fn precondition(mut self, inverse: &'a dyn Preconditioner<T>) -> Self {
        self.preconditioner = Some(inverse);
        self
    }

    /// From another start than 0.
    pub fn start(mut self, d: &'a [T]) -> Self {
        self.start = Some(d);
        self
    }

    /// With another rule for when d is good enough than that of the residual.
    pub fn stop_by(mut self, rule: &'a mut dyn Stopping) -> Self {
        self.rule = Some(rule);
        self
    }

    /// Within ‖d‖ ≤ Δ, as Steihaug and Toint do; a solve that meets the boundary ends there.
    pub fn radius(mut self, radius: f64) -> Self {
        self.radius = Some(radius);
        self
    }

    /// Keeps some of the iterates.
    pub fn keep(mut self, kept: &'a mut Kept<T>) -> Self {
        self.kept = Some(kept);
        self
    }

    /// Watched; the observer ends the solve by returning `ControlFlow::Break(())`.
    pub fn observe(mut self, observer: &'a mut CgObserver<'a>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// With vectors left from another solve.
    pub fn workspace(mut self, workspace: &'a mut Workspace<T>) -> Self {
        self.workspace = Some(workspace);
        self
    }

    /// Solves A d = b.
    pub fn solve(mut self, b: &[T]) -> Result<Solution<T>> {
        self.check(b)?;
        let mut own = Workspace::new();
        let mut given = self.workspace.take();
        let w = given.as_deref_mut().unwrap_or(&mut own);
        let parallel = self.a.is_parallel() || b.len() >= vector::PARALLEL;
        let mut residual = Residual::new(self.cg.tolerance)?;
        let given_rule = self.rule.take();
        let rule = given_rule.unwrap_or(&mut residual);
        let end = if parallel {
            rayon::scope(|_| self.run(b, w, rule))?
        } else {
            self.run(b, w, rule)?
        };
        if let Some(kept) = &mut self.kept {
            kept.finish(end.iterations);
        }
        let (d, residual) = match given {
            Some(w) => (w.d.clone(), w.r.clone()),
            None => (take(&mut own.d), take(&mut own.r)),
        };
        Ok(Solution {
            d,
            residual,
            residual_norm: end.residual_norm,
            value: end.value,
            iterations: end.iterations,
            products: end.products,
            stop: end.stop,
        })
    }

    fn check(&self, b: &[T]) -> Result<()> {
        expect_square(self.a)?;
        let n = self.a.rows();
        let hint = "the rows of the operator";
        expect_length("the right-hand side", b.len(), n, hint)?;
        expect_finite("the right-hand side", b)?;
        if let Some(start) = self.start {
            expect_length("the start", start.len(), n, hint)?;
            expect_finite("the start", start)?;
        }
        if let Some(m) = self.preconditioner {
            expect_preconditioner(m, n)?;
        }
        if let Some(radius) = self.radius {
            if !(radius > 0.0 && radius.is_finite()) {
                let message = "it must be positive and finite";
                return Err(OptimError::invalid("the radius of CG", radius, message));
            }
            let length = self.start.map_or(0.0, vector::norm);
            if length > radius {
                let message =
                    format!("it must lie within the radius {radius}; scale it, or leave it out");
                return Err(OptimError::invalid(
                    "the norm of the start",
                    length,
                    &message,
                ));
            }
        }
        self.cg.check_bound()
    }
}

/// Refuses a preconditioner that is not for operators of `n` rows.
pub(super) fn expect_preconditioner<T: Scalar>(m: &dyn Preconditioner<T>, n: usize) -> Result<()> {
    expect_square(m)?;
    let hint = "the rows of the operator";
    expect_length("the preconditioner's range", m.rows(), n, hint)
}
