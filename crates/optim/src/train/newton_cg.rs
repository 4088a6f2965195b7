//! Newton's method with conjugate gradients on the Gauss-Newton system.

use super::{
    Armijo, Cyclic, Damping, LevenbergMarquardt, LineSearch, Progress, Sampling, Search, Size,
    Subset,
};
use crate::error::Result;
use crate::operator::Shifted;
use crate::solve::{Cg, Stop, Workspace};
use crate::{Objective, vector};
use osculant_tape::Scalar;
use std::fmt;
use std::ops::ControlFlow;

/// Subsampled Gauss-Newton with conjugate gradients, damping and a line search; no learning rate.
///
/// # Formula
/// In each iteration, with value and gradient over all data and the curvature over a subset S:
///
/// ```text
/// CG:           (λI + G_S) d = −∇f(θ), until ‖r‖ ≤ ξ‖∇f‖
/// line search:  θ ← θ + αd
/// ratio:        (f(θ + αd) − f(θ)) / (α ∇fᵀd + ½α² dᵀG_S d)
/// damping:      λ from the ratio
/// ```
///
/// G_S includes 1/C and not λ. A direction that fails the line search is not taken: θ stays, λ
/// grows, and the next iteration tries again with its own subset.
///
/// # Reference
/// Wang, Tan and Lin, *Newton methods for convolutional neural networks*, ACM TIST 11(2), 2020,
/// Algorithm 1; Martens, ICML 2010.
///
/// # Errors
/// A θ that doesn't fit; a value, gradient or product that isn't finite at an accepted point, with
/// the node where it arose; an error of one of the parts. How training ended is no error: see
/// [`Outcome`].
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
    line_search: Box<dyn LineSearch>,
    sampling: Box<dyn Sampling>,
}

impl Default for NewtonCg {
    /// 100 iterations, curvature on 5 % of the data in turn, CG to ξ = 0.1 or 250 products, the
    /// damping of Levenberg and Marquardt from λ = 1, and Armijo's line search.
    fn default() -> Self {
        NewtonCg {
            iterations: 100,
            gradient_tolerance: 0.0,
            max_failures: 10,
            cg: Cg::default(),
            damping: Box::new(LevenbergMarquardt::default()),
            line_search: Box::new(Armijo::default()),
            sampling: Box::new(Cyclic::new(Size::Fraction(0.05), 0)),
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

/// What one iteration did.
#[derive(Clone, Debug, PartialEq)]
pub struct Iteration {
    /// Its number, from 1.
    pub number: usize,
    /// f(θ) at its start.
    pub value: f64,
    /// ‖∇f(θ)‖ at its start.
    pub gradient_norm: f64,
    /// The damping λ that it used.
    pub lambda: f64,
    /// How many examples the curvature was taken over.
    pub curvature_examples: usize,
    /// How many products CG made.
    pub cg_iterations: usize,
    /// Why CG stopped.
    pub cg_stop: Stop,
    /// ∇fᵀd.
    pub slope: f64,
    /// dᵀG_S d, with 1/C and without λ.
    pub curvature: f64,
    /// How the line search ended.
    pub search: Search,
    /// Actual over predicted change of f; NaN if no step was taken.
    pub ratio: f64,
    /// The accepted α; 0 if no step was taken.
    pub step: f64,
    /// f(θ) after it.
    pub new_value: f64,
    /// ‖∇f(θ)‖ after it.
    pub new_gradient_norm: f64,
    /// The damping λ that the next iteration will use.
    pub new_lambda: f64,
}

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// All iterations were made.
    Iterations,
    /// ‖∇f‖ is as small as asked for.
    Converged,
    /// So many directions in a row failed the line search.
    NoProgress,
    /// The observer asked to stop.
    Stopped,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Iterations => "all iterations were made",
            Outcome::Converged => "converged: the gradient is as small as asked for",
            Outcome::NoProgress => {
                "no direction decreases the objective any more: it is converged as far as rounding \
                 allows, or the curvature subset is too small"
            }
            Outcome::Stopped => "the observer asked to stop",
        })
    }
}

/// What training gives back.
#[derive(Clone, Debug)]
pub struct Report<T> {
    /// The last θ, which is also that of the smallest objective: no step increases it.
    pub theta: Vec<T>,
    /// f(θ).
    pub value: f64,
    /// ‖∇f(θ)‖.
    pub gradient_norm: f64,
    /// Every iteration.
    pub iterations: Vec<Iteration>,
    /// How many products with the curvature were made.
    pub products: usize,
    /// Why training ended.
    pub outcome: Outcome,
}

/// Watches a training run; every method has a default that does nothing.
pub trait Observer<T>: Send {
    /// Called after each iteration with the present θ; `Break` ends the run.
    fn iteration(&mut self, _iteration: &Iteration, _theta: &[T]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Called after each product of CG.
    fn product(&mut self, _number: usize, _bound: usize) {}
}

/// Watches nothing.
impl<T> Observer<T> for () {}

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

    /// Ends after so many directions in a row that failed the line search; 10 by default.
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

    /// Another rule for α.
    pub fn line_search(mut self, line_search: impl LineSearch + 'static) -> Self {
        self.line_search = Box::new(line_search);
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
        mut self,
        objective: &Objective<'_, T>,
        theta: Vec<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T>> {
        let n = theta.len();
        let mut at = Here {
            gradient: vec![T::zero(); n],
            theta,
            value: 0.0,
            norm: 0.0,
        };
        at.evaluate(objective)?;
        let mut space = Space {
            trial: vec![T::zero(); n],
            descent: vec![T::zero(); n],
            cg: Workspace::new(),
        };
        let mut iterations = Vec::new();
        let (mut products, mut failures) = (0, 0);
        let outcome = loop {
            if at.norm <= self.gradient_tolerance {
                break Outcome::Converged;
            }
            if failures >= self.max_failures {
                break Outcome::NoProgress;
            }
            if iterations.len() >= self.iterations {
                break Outcome::Iterations;
            }
            let done = self.iterate(objective, iterations.len(), &mut at, &mut space, observer)?;
            products += done.cg_iterations;
            failures = if done.step > 0.0 { 0 } else { failures + 1 };
            let go_on = observer.iteration(&done, &at.theta);
            iterations.push(done);
            if go_on.is_break() {
                break Outcome::Stopped;
            }
        };
        let Here {
            theta,
            value,
            norm: gradient_norm,
            ..
        } = at;
        Ok(Report {
            theta,
            value,
            gradient_norm,
            iterations,
            products,
            outcome,
        })
    }

    fn iterate<T: Scalar>(
        &mut self,
        objective: &Objective<'_, T>,
        number: usize,
        at: &mut Here<T>,
        space: &mut Space<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Iteration> {
        let lambda = self.damping.lambda();
        let subset = self.sampling.subset(number, objective.len())?;
        let curvature_examples = subset.size(objective.len());
        let mut model = objective.at(&at.theta)?;
        if objective.expected_products().is_none() {
            model = model.expect_products(self.cg.max_iterations);
        }
        let gauss_newton = match subset {
            Subset::All => model.gauss_newton()?,
            Subset::These(examples) => model.gauss_newton_on(examples)?,
        };
        space
            .descent
            .iter_mut()
            .zip(&at.gradient)
            .for_each(|(d, &g)| *d = -g);
        let bound = self.cg.max_iterations;
        let mut watch = |i: &crate::solve::Iteration| {
            observer.product(i.number, bound);
            ControlFlow::Continue(())
        };
        let damped = Shifted::new(&gauss_newton, lambda)?;
        let solve = self
            .cg
            .on(&damped)
            .workspace(&mut space.cg)
            .observe(&mut watch);
        let solution = solve.solve(&space.descent)?;
        drop(gauss_newton);

        // dᵀ(G_S d) = dᵀ(−∇f − r − λd), since r = −∇f − (G_S + λI) d.
        let d = &solution.d;
        let slope = vector::dot(&at.gradient, d)?;
        let curvature =
            -slope - vector::dot(&solution.residual, d)? - lambda * vector::norm_squared(d);
        let trial = &mut space.trial;
        let search = self.line_search.search(at.value, slope, &mut |alpha| {
            vector::combine(&at.theta, T::from_f64(alpha), d, trial)?;
            if !vector::all_finite(trial) {
                return Ok(f64::INFINITY);
            }
            objective.value(trial)
        })?;
        let (value, gradient_norm) = (at.value, at.norm);
        let (mut step, mut ratio) = (0.0, f64::NAN);
        if let Search::Accepted {
            step: alpha,
            value: new_value,
            ..
        } = search
        {
            step = alpha;
            ratio = (new_value - value) / (alpha * slope + 0.5 * alpha * alpha * curvature);
            vector::combine(&at.theta, T::from_f64(alpha), d, trial)?;
            std::mem::swap(&mut at.theta, trial);
            at.evaluate(objective)?;
        }
        self.damping.update(&Progress {
            ratio,
            accepted: step > 0.0,
        });
        Ok(Iteration {
            number: number + 1,
            value,
            gradient_norm,
            lambda,
            curvature_examples,
            cg_iterations: solution.iterations,
            cg_stop: solution.stop,
            slope,
            curvature,
            search,
            ratio,
            step,
            new_value: at.value,
            new_gradient_norm: at.norm,
            new_lambda: self.damping.lambda(),
        })
    }
}

/// The present point.
struct Here<T> {
    theta: Vec<T>,
    gradient: Vec<T>,
    value: f64,
    norm: f64,
}

impl<T: Scalar> Here<T> {
    fn evaluate(&mut self, objective: &Objective<'_, T>) -> Result<()> {
        self.value = objective.value_and_gradient_into(&self.theta, &mut self.gradient)?;
        self.norm = vector::norm(&self.gradient);
        Ok(())
    }
}

/// Vectors that every iteration uses again.
struct Space<T> {
    trial: Vec<T>,
    descent: Vec<T>,
    cg: Workspace<T>,
}
