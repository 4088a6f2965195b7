//! The objective at a θ: value, gradient and curvature.

use super::{Local, Objective};
use crate::error::Result;
use crate::operator::{GaussNewton, Hessian, Jacobian};
use osculant_tape::linearize::{Options, Route};
use osculant_tape::{Scalar, Theta};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// The local quadratic model q(d) = f(θ) + ∇f(θ)ᵀd + ½ dᵀG d.
///
/// It owns its θ and borrows the objective. Value and gradient stream over tiles and keep nothing;
/// the operators linearize on first use, once for all of them.
pub struct Model<'o, T: Scalar> {
    objective: &'o Objective<'o, T>,
    theta: Theta<'o, T>,
    options: Options,
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
    pub(crate) fn new(objective: &'o Objective<'o, T>, theta: Theta<'o, T>) -> Self {
        Model {
            objective,
            theta,
            options: Options {
                products: objective.expected_products.unwrap_or(1),
                ..objective.options
            },
            streamed: OnceLock::new(),
            local: OnceLock::new(),
        }
    }

    /// Tells how many products the operators made from here on will be asked for.
    ///
    /// The route of their products is fixed when they linearize, so that bits never change midway.
    /// Many products pay for the stored route, whose preparation, at the first one, costs as much
    /// as a few; a single product, which is what is expected unless told, never does. A solve by CG
    /// makes at most [`Cg::max_iterations`](crate::solve::Cg::max_iterations); the
    /// [trainer](crate::train::NewtonCg) says so itself.
    ///
    /// # Example
    /// ```
    /// # use osculant_layers::{Layers, Network};
    /// # use osculant_optim::examples::Paired;
    /// # use osculant_optim::loss::SquaredLoss;
    /// # use osculant_optim::Objective;
    /// use osculant_optim::solve::Cg;
    /// # let net = Network::<f64>::new([2], |x| x.dense(20).tanh().dense(20).tanh().dense(1))?;
    /// # let data = Paired::new([2], vec![0.3, 1.0, -1.0, 0.5], 1, vec![2.0, 0.0])?;
    /// # let objective = Objective::new(&net, SquaredLoss, &data)?.regularization(10.0)?;
    /// # let theta = net.init(0);
    /// let cg = Cg::default();
    /// let model = objective.at(&theta)?.expect_products(cg.max_iterations);
    /// let g = model.gauss_newton()?;
    /// println!("{}", g.route());
    /// let newton = cg.solve(&g, &model.descent()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn expect_products(mut self, count: usize) -> Self {
        self.options.products = count;
        self.local = OnceLock::new();
        self
    }

    /// Takes this route in the operators made from here on, rather than the cheaper one.
    ///
    /// Both agree to rounding. Where what [`Route::Stored`] keeps exceeds the memory budget,
    /// operators are refused. Products with the Hessian know the sweep route alone.
    pub fn route(mut self, route: Route) -> Self {
        self.options.route = route;
        self.local = OnceLock::new();
        self
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

    /// The same, written over `out`, for those who ask again and again: l rows of n numbers.
    ///
    /// # Errors
    /// Room of another length; a value that isn't finite.
    pub fn per_example_gradients_into(&self, out: &mut [T]) -> Result<()> {
        self.jacobian()?.per_example_gradients_into(out)
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
        let new = || Local::new(self.objective, &self.theta, examples, self.options);
        Ok(Arc::new(self.objective.on_pool(examples.len(), new)?))
    }
}
