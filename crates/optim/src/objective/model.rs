//! The objective at a θ: value, gradient and curvature.

use super::{Local, Objective};
use crate::error::Result;
use crate::operator::{GaussNewton, Hessian, Jacobian};
use osculant_tape::Scalar;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The local quadratic model q(d) = f(θ) + ∇f(θ)ᵀd + ½ dᵀG d.
///
/// It owns its θ and borrows the objective. Value and gradient stream over tiles and keep nothing;
/// the operators linearize on first use, once for all of them.
pub struct Model<'o, T: Scalar> {
    objective: &'o Objective<'o, T>,
    theta: Vec<T>,
    streamed: OnceLock<(f64, Vec<T>)>,
    local: OnceLock<Arc<Local<'o, T>>>,
}

impl<T: Scalar> fmt::Debug for Model<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("objective", &self.objective)
            .field("linearized", &self.local.get().is_some())
            .finish()
    }
}

impl<'o, T: Scalar> Model<'o, T> {
    pub(crate) fn new(objective: &'o Objective<'o, T>, theta: Vec<T>) -> Self {
        Model {
            objective,
            theta,
            streamed: OnceLock::new(),
            local: OnceLock::new(),
        }
    }

    /// The point.
    pub fn theta(&self) -> &[T] {
        &self.theta
    }

    /// The objective.
    pub fn objective(&self) -> &'o Objective<'o, T> {
        self.objective
    }

    /// f(θ).
    ///
    /// # Errors
    /// A value or gradient that isn't finite, with the node where it arose.
    pub fn value(&self) -> Result<f64> {
        Ok(self.streamed()?.0)
    }

    /// ∇f(θ), n numbers.
    ///
    /// # Errors
    /// A value or gradient that isn't finite, with the node where it arose.
    pub fn gradient(&self) -> Result<&[T]> {
        Ok(&self.streamed()?.1)
    }

    /// −∇f(θ), the right-hand side of G d = −∇f.
    ///
    /// # Errors
    /// A value or gradient that isn't finite, with the node where it arose.
    pub fn descent(&self) -> Result<Vec<T>> {
        Ok(self.gradient()?.iter().map(|&g| -g).collect())
    }

    /// G = 1/C I + 1/W Σ wᵢ JᵀBJ over all examples.
    ///
    /// # Errors
    /// A value that isn't finite, with the node where it arose.
    pub fn gauss_newton(&self) -> Result<GaussNewton<'o, T>> {
        Ok(GaussNewton::new(self.local()?))
    }

    /// G over the examples of these numbers, with their own W; a number may occur more than once.
    ///
    /// # Errors
    /// An empty subset, a number that no example has, or a value that isn't finite.
    pub fn gauss_newton_on(&self, examples: &[usize]) -> Result<GaussNewton<'o, T>> {
        Ok(GaussNewton::new(self.local_on(examples)?))
    }

    /// ∇²f = G + 1/W Σ wᵢ Σⱼ ∂ξ/∂zⱼ ∇²zⱼ over all examples.
    ///
    /// # Errors
    /// A value that isn't finite, with the node where it arose.
    pub fn hessian(&self) -> Result<Hessian<'o, T>> {
        Hessian::new(self.local()?)
    }

    /// ∇²f over the examples of these numbers, with their own W.
    ///
    /// # Errors
    /// An empty subset, a number that no example has, or a value that isn't finite.
    pub fn hessian_on(&self, examples: &[usize]) -> Result<Hessian<'o, T>> {
        Hessian::new(self.local_on(examples)?)
    }

    /// J, the Jacobian of all outputs, l·m rows and n columns.
    ///
    /// # Errors
    /// A value that isn't finite, with the node where it arose.
    pub fn jacobian(&self) -> Result<Jacobian<'o, T>> {
        Ok(Jacobian::new(self.local()?))
    }

    /// J of the examples of these numbers.
    ///
    /// # Errors
    /// An empty subset, a number that no example has, or a value that isn't finite.
    pub fn jacobian_on(&self, examples: &[usize]) -> Result<Jacobian<'o, T>> {
        Ok(Jacobian::new(self.local_on(examples)?))
    }

    /// ∇_θ ξ of every example on its own, without weights and regularization: l rows of n numbers.
    ///
    /// # Errors
    /// More than `limit` bytes; a value that isn't finite.
    pub fn per_example_gradients(&self, limit: usize) -> Result<Vec<T>> {
        self.jacobian()?.per_example_gradients(limit)
    }

    fn streamed(&self) -> Result<&(f64, Vec<T>)> {
        if let Some(streamed) = self.streamed.get() {
            return Ok(streamed);
        }
        let mut gradient = vec![T::zero(); self.theta.len()];
        let value = self
            .objective
            .value_and_gradient_into(&self.theta, &mut gradient)?;
        Ok(self.streamed.get_or_init(|| (value, gradient)))
    }

    fn local(&self) -> Result<Arc<Local<'o, T>>> {
        if let Some(local) = self.local.get() {
            return Ok(local.clone());
        }
        let local = self.local_on(&self.objective.all)?;
        Ok(self.local.get_or_init(|| local).clone())
    }

    fn local_on(&self, examples: &[usize]) -> Result<Arc<Local<'o, T>>> {
        Ok(Arc::new(Local::new(self.objective, &self.theta, examples)?))
    }
}
