//! The loop of conjugate gradients.

use super::{CgIteration, Solve, Workspace};
use crate::error::Result;
use crate::operator::SelfAdjoint;
use crate::solve::{CgStart, Stop, Stopping};
use crate::vector;
use osculant_tape::Scalar;
use std::mem::swap;
use std::ops::ControlFlow;

impl<T: Scalar, A: SelfAdjoint<T> + ?Sized> Solve<'_, T, A> {
    /// Leaves the solution in `w.d` and its residual in `w.r`.
    pub(super) fn run(
        &mut self,
        b: &[T],
        w: &mut Workspace<T>,
        rule: &mut dyn Stopping,
    ) -> Result<End> {
        let mut end = self.begin(b, w)?;
        let rhs_norm = end.residual_norm;
        if vector::max_abs(b) == 0.0 {
            return Ok(end.because(Stop::ZeroRightHandSide));
        }
        if let Some(start) = self.start {
            self.begin_at(start, b, w, &mut end)?;
        }
        if self.is_solved_at_start(rhs_norm, w, rule, &end) {
            return Ok(end.because(Stop::Converged));
        }
        let mut rz = self.precondition_residual(w, None)?;
        vector::copy(if w.z.is_empty() { &w.r } else { &w.z }, &mut w.v)?;
        loop {
            if let Some(stop) = self.fault_of(rz) {
                return Ok(end.because(stop));
            }
            let Some(curvature) = self.product(w, &mut end)? else {
                return Ok(end.because(Stop::NonFinite));
            };
            let step = rz / curvature;
            if let Some(step) = self.step_to_boundary(w, step, curvature)? {
                return self.end_on_boundary(w, end, (step, curvature, rz));
            }
            if curvature <= 0.0 {
                return self.end_on_negative_curvature(w, end, (curvature, rz));
            }
            let Some(rr) = self.advance(w, step)? else {
                return Ok(end.because(Stop::NonFinite));
            };
            end.iterations += 1;
            end.residual_norm = rr.sqrt();
            end.value -= 0.5 * step * rz;
            if let Some(stop) = self.verdict(rule, &end, (curvature, step)) {
                return Ok(end.because(stop));
            }
            if let Some(kept) = &mut self.kept
                && kept.wants(end.iterations)
            {
                kept.push(end.iterations, &w.d, vector::dot(&w.d, &w.r)?, end.value);
            }
            let new = self.precondition_residual(w, Some(rr))?;
            let beta = T::from_f64(new / rz);
            let z = if w.z.is_empty() { &w.r } else { &w.z };
            vector::scale_add(beta, z, &mut w.v)?;
            rz = new;
        }
    }

    /// d = 0 and r = b.
    fn begin(&mut self, b: &[T], w: &mut Workspace<T>) -> Result<End> {
        let n = b.len();
        for v in [&mut w.d, &mut w.next, &mut w.r, &mut w.q, &mut w.v] {
            v.resize(n, T::zero());
        }
        w.z.resize(if self.preconditioner.is_some() { n } else { 0 }, T::zero());
        w.d.fill(T::zero());
        vector::copy(b, &mut w.r)?;
        if let Some(kept) = &mut self.kept {
            kept.begin(n, self.cg.max_iterations);
        }
        Ok(End {
            residual_norm: vector::norm(b),
            value: 0.0,
            iterations: 0,
            products: 0,
            stop: Stop::MaxIterations,
        })
    }

    /// d = the start and r = b − Ad.
    fn begin_at(&self, start: &[T], b: &[T], w: &mut Workspace<T>, end: &mut End) -> Result<()> {
        end.products += 1;
        self.a.apply_into(start, &mut w.q)?;
        vector::copy(start, &mut w.d)?;
        vector::combine(b, -T::one(), &w.q, &mut w.r)?;
        end.residual_norm = vector::norm(&w.r);
        end.value = -0.5 * (vector::dot(b, &w.d)? + vector::dot(&w.r, &w.d)?);
        Ok(())
    }

    /// Tells the rule where the solve begins; whether a start is good enough already.
    fn is_solved_at_start(
        &self,
        rhs_norm: f64,
        w: &Workspace<T>,
        rule: &mut dyn Stopping,
        end: &End,
    ) -> bool {
        let norm = end.residual_norm;
        let enough = rule.begin(&CgStart {
            bound: self.cg.max_iterations,
            rhs_norm,
            residual_norm: norm,
            value: end.value,
        });
        // Where r is so small or large that its norm vanishes or overflows, r itself is asked.
        let counts = norm > 0.0 && norm.is_finite();
        let exact = || norm == 0.0 && vector::max_abs(&w.r) == 0.0;
        self.start.is_some() && ((enough && counts) || exact())
    }

    /// Why there is no direction to go on along, with this rᵀM⁻¹r, if there is none.
    fn fault_of(&self, rz: f64) -> Option<Stop> {
        match self.preconditioner {
            _ if !rz.is_finite() => Some(Stop::NonFinite),
            _ if rz > 0.0 => None,
            Some(_) => Some(Stop::IndefinitePreconditioner { value: rz }),
            // r is not 0, so its square underflowed.
            None => Some(Stop::NonFinite),
        }
    }

    /// q = Av; gives vᵀAv, or nothing where that is not finite: the iterate so far is good,
    /// whatever becomes of this direction. An error of the first product is one of the solve.
    fn product(&self, w: &mut Workspace<T>, end: &mut End) -> Result<Option<f64>> {
        end.products += 1;
        match self.a.apply_into(&w.v, &mut w.q) {
            Err(error) if end.iterations > 0 && error.is_not_finite() => return Ok(None),
            done => done?,
        }
        let curvature = vector::dot(&w.v, &w.q)?;
        Ok(Some(curvature).filter(|curvature| curvature.is_finite()))
    }

    /// Goes to the boundary, and ends there.
    fn end_on_boundary(
        &mut self,
        w: &mut Workspace<T>,
        mut end: End,
        (step, curvature, rz): (f64, f64, f64),
    ) -> Result<End> {
        let Some(rr) = self.advance(w, step)? else {
            return Ok(end.because(Stop::NonFinite));
        };
        end.iterations += 1;
        end.residual_norm = rr.sqrt();
        end.value += 0.5 * step * step * curvature - step * rz;
        // The solve ends here whatever the observer says.
        let _ = self.seen(&end, curvature, step);
        Ok(end.because(Stop::Boundary))
    }

    /// Ends at the iterate so far; or, where there is none, at the direction itself.
    fn end_on_negative_curvature(
        &self,
        w: &mut Workspace<T>,
        mut end: End,
        (curvature, rz): (f64, f64),
    ) -> Result<End> {
        if end.iterations == 0 && self.start.is_none() {
            swap(&mut w.d, &mut w.v);
            vector::add_scaled(-T::one(), &w.q, &mut w.r)?;
            end.residual_norm = vector::norm(&w.r);
            end.value = 0.5 * curvature - rz;
        }
        Ok(end.because(Stop::NegativeCurvature { value: curvature }))
    }

    /// Why the solve ends after this iteration, if it does.
    fn verdict(
        &mut self,
        rule: &mut dyn Stopping,
        end: &End,
        (curvature, step): (f64, f64),
    ) -> Option<Stop> {
        let (seen, control) = self.seen(end, curvature, step);
        // No rule need know that an exact solution cannot get better.
        if rule.enough(&seen) || end.residual_norm == 0.0 {
            Some(Stop::Converged)
        } else if control.is_break() {
            Some(Stop::Observer)
        } else if end.iterations >= self.cg.max_iterations {
            Some(Stop::MaxIterations)
        } else {
            None
        }
    }

    /// d ← d + αv and r ← r − αAv; gives rᵀr, or, where that or d is not finite, nothing, and then
    /// both are as before.
    fn advance(&self, w: &mut Workspace<T>, step: f64) -> Result<Option<f64>> {
        let alpha = T::from_f64(step);
        vector::combine(&w.d, alpha, &w.v, &mut w.next)?;
        vector::scale_add(-alpha, &w.r, &mut w.q)?;
        let rr = vector::norm_squared(&w.q);
        if !rr.is_finite() || !vector::all_finite(&w.next) {
            return Ok(None);
        }
        swap(&mut w.d, &mut w.next);
        swap(&mut w.r, &mut w.q);
        Ok(Some(rr))
    }

    /// τ with ‖d + τv‖ = Δ, if CG's own step α would go there or beyond, or v is no direction of
    /// positive curvature.
    fn step_to_boundary(&self, w: &Workspace<T>, step: f64, curvature: f64) -> Result<Option<f64>> {
        let Some(radius) = self.radius else {
            return Ok(None);
        };
        let (dd, vv) = (vector::norm_squared(&w.d), vector::norm_squared(&w.v));
        let dv = vector::dot(&w.d, &w.v)?;
        if curvature > 0.0 && dd + 2.0 * step * dv + step * step * vv < radius * radius {
            return Ok(None);
        }
        // The positive root of vv τ² + 2dv τ − room, in the form that doesn't cancel.
        let room = (radius * radius - dd).max(0.0);
        let root = (dv * dv + vv * room).sqrt();
        Ok(Some(if dv > 0.0 {
            room / (dv + root)
        } else {
            (root - dv) / vv
        }))
    }

    /// Tells the observer of an iteration.
    fn seen(&mut self, end: &End, curvature: f64, step: f64) -> (CgIteration, ControlFlow<()>) {
        let seen = CgIteration {
            number: end.iterations,
            residual_norm: end.residual_norm,
            value: end.value,
            curvature,
            step,
        };
        let observer = self.observer.as_mut();
        let control = observer.map_or(ControlFlow::Continue(()), |observe| observe(&seen));
        (seen, control)
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
pub(super) struct End {
    pub residual_norm: f64,
    pub value: f64,
    pub iterations: usize,
    pub products: usize,
    pub stop: Stop,
}

impl End {
    fn because(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }
}
