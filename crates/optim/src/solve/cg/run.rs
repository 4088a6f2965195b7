//! The loop of conjugate gradients.

use super::{Iteration, Solve, Workspace};
use crate::error::Result;
use crate::operator::SelfAdjoint;
use crate::solve::{Begin, Stop, Stopping};
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
        let n = b.len();
        for v in [&mut w.d, &mut w.next, &mut w.r, &mut w.q, &mut w.v] {
            v.resize(n, T::zero());
        }
        w.z.resize(if self.preconditioner.is_some() { n } else { 0 }, T::zero());
        w.d.fill(T::zero());
        vector::copy(b, &mut w.r)?;
        let bound = self.cg.max_iterations;
        if let Some(kept) = &mut self.kept {
            kept.begin(n, bound);
        }
        let rhs_norm = vector::norm(b);
        let mut end = End {
            residual_norm: rhs_norm,
            value: 0.0,
            iterations: 0,
            products: 0,
            stop: Stop::MaxIterations,
        };
        if vector::max_abs(b) == 0.0 {
            return Ok(end.because(Stop::ZeroRightHandSide));
        }
        if let Some(start) = self.start {
            end.products += 1;
            self.a.apply_into(start, &mut w.q)?;
            vector::copy(start, &mut w.d)?;
            vector::combine(b, -T::one(), &w.q, &mut w.r)?;
            end.residual_norm = vector::norm(&w.r);
            end.value = -0.5 * (vector::dot(b, &w.d)? + vector::dot(&w.r, &w.d)?);
        }
        let begin = Begin {
            bound,
            rhs_norm,
            residual_norm: end.residual_norm,
            value: end.value,
        };
        let enough = rule.begin(&begin);
        // Asked of r itself: where b is so small that ‖b‖ underflows, ‖r‖ = 0 says nothing.
        let exact = || end.residual_norm == 0.0 && vector::max_abs(&w.r) == 0.0;
        if self.start.is_some() && (enough || exact()) {
            return Ok(end.because(Stop::Converged));
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
            end.products += 1;
            match self.a.apply_into(&w.v, &mut w.q) {
                // The iterate so far is good, whatever becomes of this direction.
                Err(error) if end.iterations > 0 && error.is_not_finite() => {
                    return Ok(end.because(Stop::NonFinite));
                }
                done => done?,
            }
            let curvature = vector::dot(&w.v, &w.q)?;
            if !curvature.is_finite() {
                return Ok(end.because(Stop::NonFinite));
            }
            if let Some(step) = self.step_to_boundary(w, rz / curvature, curvature)? {
                let Some(rr) = self.advance(w, step)? else {
                    return Ok(end.because(Stop::NonFinite));
                };
                end.iterations += 1;
                end.residual_norm = rr.sqrt();
                end.value += 0.5 * step * step * curvature - step * rz;
                // The solve ends here whatever the observer says.
                let _ = self.seen(&end, curvature, step);
                return Ok(end.because(Stop::Boundary));
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
            let Some(rr) = self.advance(w, step)? else {
                return Ok(end.because(Stop::NonFinite));
            };
            end.iterations += 1;
            end.residual_norm = rr.sqrt();
            end.value -= 0.5 * step * rz;
            let (seen, control) = self.seen(&end, curvature, step);
            // No rule need know that an exact solution cannot get better.
            if rule.enough(&seen) || end.residual_norm == 0.0 {
                return Ok(end.because(Stop::Converged));
            }
            if control.is_break() {
                return Ok(end.because(Stop::Observer));
            }
            if end.iterations >= bound {
                return Ok(end.because(Stop::MaxIterations));
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
        Ok(Some(match dv > 0.0 {
            true => room / (dv + root),
            false => (root - dv) / vv,
        }))
    }

    /// Tells the observer of an iteration.
    fn seen(&mut self, end: &End, curvature: f64, step: f64) -> (Iteration, ControlFlow<()>) {
        let seen = Iteration {
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
