//! Newton's method with conjugate gradients on the Gauss-Newton system.

mod direction;
mod run;
mod search;
mod step;

use super::{
    Armijo, CgIterate, Cyclic, Damping, Globalization, LastIterate, LevenbergMarquardt, Observer,
    Preconditioning, Report, Sampling, Size, State, Unpreconditioned, WarmStart,
};
use crate::Objective;
use crate::error::Result;
use crate::solve::{Cg, Stopping};
use osculant_tape::Scalar;
use run::Run;
use std::fmt;

/// Subsampled Gauss-Newton with conjugate gradients, damping and a line search; no learning rate.
///
/// Every part can be replaced: see the table of [`train`](super).
///
/// # Formula
/// In each iteration, with value and gradient over all data and the curvature over a subset S:
///
/// ```text
/// CG:           (λI + G_S) d = −∇f(θ), until ‖r‖ ≤ κ‖∇f‖ or a stopping rule is content
/// step:         θ ← θ + αd, by a line search, a trust region or not at all
/// ratio:        (f(θ + αd) − f(θ)) / (α ∇fᵀd + ½α² dᵀG_S d)
/// damping:      λ from the ratio
/// ```
///
/// G_S includes 1/C and not λ. Where no step is taken θ stays, λ
/// grows (or the trust region shrinks), and the next iteration tries again with its own subset.
///
/// | what happens | outcome |
/// |---|---|
/// | CG meets vᵀGv ≤ 0 | the iterate so far is the direction, or v itself; within a trust region, a step to its boundary |
/// | CG meets NaN or infinity | the last finite iterate is the direction; where the first product has an error, the run ends with it |
/// | the direction does not descend | no step, and no warm start from it |
/// | f is NaN or infinite at a trial point | that trial is rejected |
/// | many iterations in a row without a step | training ends: [`Outcome::NoProgress`](super::Outcome) |
///
/// # Reference
/// Wang, Tan and Lin, *Newton methods for convolutional neural networks*, ACM TIST 11(2), 2020,
/// Algorithm 1; Martens, ICML 2010.
///
/// # Errors
/// A θ that doesn't fit; a gradient tolerance that is negative or not finite; a value, gradient or
/// product that isn't finite at an accepted point, with the node where it arose; an error of one of
/// the parts. How training ended is no error: see [`Outcome`](super::Outcome).
///
/// # Example
/// ```
/// use osculant_layers::{Layers, Network};
/// use osculant_optim::examples::Paired;
/// use osculant_optim::loss::SquaredLoss;
/// use osculant_optim::train::NewtonCg;
/// use osculant_optim::Objective;
///
/// let net = Network::<f64>::new([1], |x| x.dense(8).tanh().dense(1))?;
/// let x: Vec<f64> = (0..40).map(|i| i as f64 / 20.0 - 1.0).collect();
/// let y = x.iter().map(|x| (3.0 * x).sin()).collect();
/// let data = Paired::new([1], x, 1, y)?;
/// let objective = Objective::new(&net, SquaredLoss, &data)?.regularization(1e5)?;
/// let report = NewtonCg::default().iterations(60).train(&objective, net.init(1))?;
/// assert!(report.value < 0.01, "{report:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NewtonCg {
    iterations: usize,
    gradient_tolerance: f64,
    max_failures: usize,
    cg: Cg,
    damping: Box<dyn Damping>,
    globalization: Box<dyn Globalization>,
    sampling: Box<dyn Sampling>,
    stopping: Option<Box<dyn Stopping>>,
    cg_iterate: Box<dyn CgIterate>,
    warm_start: Option<WarmStart>,
    preconditioning: Box<dyn Preconditioning>,
}

impl Default for NewtonCg {
    /// 100 iterations, curvature on 5 % of the data in turn, CG to κ = 0.1 or 250 products, the
    /// damping of Levenberg and Marquardt from λ = 1, and Armijo's line search: what Wang, Tan and
    /// Lin use. (The program `osculant train` has other defaults: 10 % of the data but at least 500
    /// examples, 20 iterations of CG from a warm start, λ = 0.3.)
    fn default() -> Self {
        NewtonCg {
            iterations: 100,
            gradient_tolerance: 0.0,
            max_failures: 10,
            cg: Cg::default(),
            damping: Box::new(LevenbergMarquardt::default()),
            globalization: Box::new(Armijo::default()),
            sampling: Box::new(Cyclic::new(Size::Fraction(0.05), 0)),
            stopping: None,
            cg_iterate: Box::new(LastIterate),
            warm_start: None,
            preconditioning: Box::new(Unpreconditioned),
        }
    }
}

impl fmt::Debug for NewtonCg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewtonCg")
            .field("iterations", &self.iterations)
            .field("cg", &self.cg)
            .field("lambda", &self.damping.lambda())
            .finish_non_exhaustive()
    }
}

impl NewtonCg {
    /// At most so many iterations.
    pub fn iterations(mut self, bound: usize) -> Self {
        self.iterations = bound;
        self
    }

    /// Ends when ‖∇f‖ is at most this; 0 by default.
    pub fn gradient_tolerance(mut self, tolerance: f64) -> Self {
        self.gradient_tolerance = tolerance;
        self
    }

    /// Ends after so many iterations in a row without a step; 10 by default, and 0 counts as 1.
    pub fn max_failures(mut self, bound: usize) -> Self {
        self.max_failures = bound.max(1);
        self
    }

    /// Another tolerance and bound for CG.
    pub fn cg(mut self, cg: Cg) -> Self {
        self.cg = cg;
        self
    }

    /// Another rule for λ.
    pub fn damping(mut self, damping: impl Damping + 'static) -> Self {
        self.damping = Box::new(damping);
        self
    }

    /// Another rule for the step along a direction.
    pub fn globalization(mut self, rule: impl Globalization + 'static) -> Self {
        self.globalization = Box::new(rule);
        self
    }

    /// Another rule for when CG's direction is good enough than the residual of [`Cg`].
    pub fn stopping(mut self, rule: impl Stopping + 'static) -> Self {
        self.stopping = Some(Box::new(rule));
        self
    }

    /// Another rule for which of CG's iterates becomes the direction.
    pub fn cg_iterate(mut self, rule: impl CgIterate + 'static) -> Self {
        self.cg_iterate = Box::new(rule);
        self
    }

    /// CG starts from a part of the last direction.
    pub fn warm_start(mut self, warm_start: WarmStart) -> Self {
        self.warm_start = Some(warm_start);
        self
    }

    /// A preconditioner for CG.
    pub fn preconditioning(mut self, rule: impl Preconditioning + 'static) -> Self {
        self.preconditioning = Box::new(rule);
        self
    }

    /// Another rule for the curvature's examples.
    pub fn sampling(mut self, sampling: impl Sampling + 'static) -> Self {
        self.sampling = Box::new(sampling);
        self
    }

    /// Minimizes the objective from θ.
    ///
    /// # Errors
    /// See [`NewtonCg`].
    pub fn train<T: Scalar>(
        self,
        objective: &Objective<'_, T>,
        theta: Vec<T>,
    ) -> Result<Report<T>> {
        self.train_observed(objective, theta, &mut ())
    }

    /// Minimizes the objective from θ, watched.
    ///
    /// # Errors
    /// See [`NewtonCg`].
    pub fn train_observed<T: Scalar>(
        self,
        objective: &Objective<'_, T>,
        theta: Vec<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T>> {
        Run::new(self, objective, theta)?.finish(observer)
    }

    /// Goes on from a saved state, watched; the bound on iterations counts those before it too.
    ///
    /// Set up like the run that the state was saved from, on the same machine and build, this gives
    /// the same bits as that run would have given.
    ///
    /// # Errors
    /// A state of another trainer, of another network, with NaN in it, or of parts that keep other
    /// numbers; see also [`NewtonCg`].
    pub fn resume<T: Scalar>(
        self,
        objective: &Objective<'_, T>,
        state: State<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T>> {
        Run::resume(self, objective, state)?.finish(observer)
    }
}
