//! Conjugate gradients.

use super::{Preconditioner, Stop};
use crate::error::{OptimError, Result, expect_finite, expect_length};
use crate::operator::{SelfAdjoint, expect_square};
use crate::vector;
use osculant_tape::Scalar;
use std::mem::{swap, take};
use std::ops::ControlFlow;

/// The method of conjugate gradients for A d = b with A symmetric positive definite.
///
/// # Formula
///
/// From d = 0, r = b, v = M⁻¹r:
///
/// ```text
/// α = rᵀM⁻¹r / vᵀAv      d ← d + αv      r ← r − αAv
/// stop when ‖r‖ ≤ ξ‖b‖, or at the bound
/// β = rᵀM⁻¹r (new) / rᵀM⁻¹r (old)      v ← M⁻¹r + βv
/// ```
///
/// Each d minimizes q(d) = ½dᵀAd − bᵀd over the directions so far. Where this differs from
/// the textbook:
///
/// 1. The test follows the update, so that b ≠ 0 gets at least one iteration, however large ξ
///    (a start vector that is good enough already gets none).
/// 2. vᵀAv ≤ 0 ends the solve with the iterate so far; in the first iteration, where that
///    is 0, with the first direction v instead, along which b descends.
/// 3. A step whose result is not finite is not taken.
/// 4. r follows its recurrence and is never recomputed; inner products accumulate in `f64`.
///
/// # Reference
///
/// Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, Algorithms 5.3 and 7.1.
///
/// # Errors
///
/// An operator that is not square, vectors of other lengths, NaN or infinity in b or the start,
/// ξ that is negative or not finite, a bound of 0. How the solve ended is no error: see [`Stop`].
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
    /// ξ: the residual is to be at most this times ‖b‖. 0.1 by default, which suits a Newton
    /// direction.
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
    /// The same with another ξ.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The same with another bound on iterations.
    pub fn max_iterations(mut self, bound: usize) -> Self {
        self.max_iterations = bound;
        self
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
            observer: None,
            workspace: None,
        }
    }
}

/// What an observer sees after each update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
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
type Observer<'a> = dyn FnMut(&Iteration) -> ControlFlow<()> + Send + 'a;

/// A solve about to start; see [`Cg::on`].
#[must_use = "nothing happens before `solve`"]
pub struct Solve<'a, T: Scalar, A: ?Sized> {
    cg: Cg,
    a: &'a A,
    preconditioner: Option<&'a dyn Preconditioner<T>>,
    start: Option<&'a [T]>,
    observer: Option<&'a mut Observer<'a>>,
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

    /// Watched; the observer ends the solve by returning `ControlFlow::Break(())`.
    pub fn observe(
        mut self,
        observer: &'a mut (dyn FnMut(&Iteration) -> ControlFlow<()> + Send + 'a),
    ) -> Self {
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
        let end = if parallel {
            rayon::scope(|_| self.run(b, w))?
        } else {
            self.run(b, w)?
        };
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
            stop: end.stop,
        })
    }

    fn check(&self, b: &[T]) -> Result<()> {
        let Cg {
            tolerance,
            max_iterations,
        } = self.cg;
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
            expect_square(m)?;
            expect_length("the preconditioner's range", m.rows(), n, hint)?;
        }
        if !(tolerance >= 0.0 && tolerance.is_finite()) {
            let message = "it must be finite and not negative, such as 0.1";
            return Err(OptimError::invalid(
                "the tolerance of CG",
                tolerance,
                message,
            ));
        }
        if max_iterations == 0 {
            let message = "at least one iteration must be allowed";
            return Err(OptimError::invalid("the bound of CG", 0, message));
        }
        Ok(())
    }

    /// Leaves the solution in `w.d` and its residual in `w.r`.
    fn run(&mut self, b: &[T], w: &mut Workspace<T>) -> Result<End> {
        let n = b.len();
        for v in [&mut w.d, &mut w.next, &mut w.r, &mut w.q, &mut w.v] {
            v.resize(n, T::zero());
        }
        w.z.resize(if self.preconditioner.is_some() { n } else { 0 }, T::zero());
        w.d.fill(T::zero());
        vector::copy(b, &mut w.r)?;
        let b_norm = vector::norm(b);
        let mut end = End {
            residual_norm: b_norm,
            value: 0.0,
            iterations: 0,
            stop: Stop::MaxIterations,
        };
        if vector::max_abs(b) == 0.0 {
            return Ok(end.because(Stop::ZeroRightHandSide));
        }
        let target = self.cg.tolerance * b_norm;
        if let Some(start) = self.start {
            self.a.apply_into(start, &mut w.q)?;
            vector::copy(start, &mut w.d)?;
            vector::combine(b, -T::one(), &w.q, &mut w.r)?;
            end.residual_norm = vector::norm(&w.r);
            end.value = -0.5 * (vector::dot(b, &w.d)? + vector::dot(&w.r, &w.d)?);
            if end.residual_norm <= target {
                return Ok(end.because(Stop::Converged));
            }
        }
        let mut rz = self.precondition_residual(w, None)?;
        vector::copy(if w.z.is_empty() { &w.r } else { &w.z }, &mut w.v)?;
        loop {
            if !rz.is_finite() {
                return Ok(end.because(Stop::NonFinite));
            }
            // `rz == 0` with a residual that is not 0 is an underflow, unless M is to blame.
            if rz <= 0.0 {
                let stop = match self.preconditioner {
                    Some(_) => Stop::IndefinitePreconditioner { value: rz },
                    None => Stop::NonFinite,
                };
                return Ok(end.because(stop));
            }
            self.a.apply_into(&w.v, &mut w.q)?;
            let curvature = vector::dot(&w.v, &w.q)?;
            if !curvature.is_finite() {
                return Ok(end.because(Stop::NonFinite));
            }
            if curvature <= 0.0 {
                if end.iterations == 0 && self.start.is_none() {
                    swap(&mut w.d, &mut w.v);
                    vector::add_scaled(-T::one(), &w.q, &mut w.r)?;
                    end.residual_norm = vector::norm(&w.r);
                    end.value = 0.5 * curvature - rz;
                }
                return Ok(end.because(Stop::NegativeCurvature { value: curvature }));
            }
            let step = rz / curvature;
            let alpha = T::from_f64(step);
            vector::combine(&w.d, alpha, &w.v, &mut w.next)?;
            vector::scale_add(-alpha, &w.r, &mut w.q)?;
            let rr = vector::norm_squared(&w.q);
            let residual_norm = rr.sqrt();
            if !residual_norm.is_finite() || !vector::all_finite(&w.next) {
                return Ok(end.because(Stop::NonFinite));
            }
            swap(&mut w.d, &mut w.next);
            swap(&mut w.r, &mut w.q);
            end.iterations += 1;
            end.residual_norm = residual_norm;
            end.value -= 0.5 * step * rz;
            let seen = Iteration {
                number: end.iterations,
                residual_norm,
                value: end.value,
                curvature,
                step,
            };
            let control = self.observer.as_mut().map(|observe| observe(&seen));
            if residual_norm <= target {
                return Ok(end.because(Stop::Converged));
            }
            if control.is_some_and(|c| c.is_break()) {
                return Ok(end.because(Stop::Observer));
            }
            if end.iterations >= self.cg.max_iterations {
                return Ok(end.because(Stop::MaxIterations));
            }
            let new = self.precondition_residual(w, Some(rr))?;
            let beta = T::from_f64(new / rz);
            let z = if w.z.is_empty() { &w.r } else { &w.z };
            vector::scale_add(beta, z, &mut w.v)?;
            rz = new;
        }
    }

    /// z = M⁻¹r; gives rᵀz. Without a preconditioner z is r, nothing is copied, and rᵀr is
    /// `rr` where that is known.
    fn precondition_residual(&self, w: &mut Workspace<T>, rr: Option<f64>) -> Result<f64> {
        match self.preconditioner {
            None => Ok(rr.unwrap_or_else(|| vector::norm_squared(&w.r))),
            Some(m) => {
                m.apply_into(&w.r, &mut w.z)?;
                vector::dot(&w.r, &w.z)
            }
        }
    }
}

/// How a solve ended, its vectors aside.
#[derive(Clone, Copy)]
struct End {
    residual_norm: f64,
    value: f64,
    iterations: usize,
    stop: Stop,
}

impl End {
    fn because(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }
}
