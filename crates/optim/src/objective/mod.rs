//! The objective: a network, a loss, data and C.

mod local;
mod model;
mod regularizer;
mod sum;
mod term;

pub use model::Model;

pub(crate) use local::Local;
pub(crate) use regularizer::Regularizer;
pub(crate) use sum::{scale_by, seen};
pub(crate) use term::{Seen, Term};

use crate::error::{OptimError, Result, expect_finite, expect_length};
use crate::examples::Examples;
use crate::loss::{Convexity, Loss};
use osculant_layers::Network;
use osculant_tape::linearize::{Budget, Feed, Options, Route};
use osculant_tape::{Graph, Scalar};
use std::fmt;
use std::sync::Arc;
use sum::check_weight;

/// f(θ) = 1/(2C) ‖θ‖² + 1/W Σ wᵢ ξ(z(θ; Zⁱ); yⁱ), a function of θ to be minimized.
///
/// The types of the loss and of the data are erased, so a program can choose both at run time.
///
/// # Formula
/// W = Σ wᵢ·count(yⁱ): the number l of examples, unless the data carry weights or the loss counts
/// several terms per example. A subset uses its own W. An example of weight 0 contributes nothing,
/// even where its loss is infinite.
///
/// # Errors
/// An empty data set, inputs of another size than the network's, an output shape or a target that
/// the loss has no meaning for, a number that isn't finite: each names the example.
///
/// # Example
/// ```
/// use osculant_layers::{Layers, Network};
/// use osculant_optim::examples::Labelled;
/// use osculant_optim::loss::SoftmaxCrossEntropy;
/// use osculant_optim::operator::LinearOperator;
/// use osculant_optim::Objective;
///
/// let net = Network::<f64>::new([2], |x| x.dense(4).tanh().dense(3))?;
/// let data = Labelled::new([2], vec![0.0, 1.0, 1.0, 0.0], vec![2, 0])?;
/// let objective = Objective::new(&net, SoftmaxCrossEntropy, &data)?.regularization(10.0)?;
/// let theta = net.init(0);
/// let model = objective.at(&theta)?;
/// let gv = model.gauss_newton()?.apply(&vec![1.0; net.len()])?;
/// assert_eq!(gv.len(), net.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Objective<'d, T: Scalar> {
    graph: &'d Graph<T>,
    term: Arc<dyn Term<T> + 'd>,
    feed: Box<Feed<'d, T>>,
    regularizer: Regularizer,
    /// All example numbers.
    all: Vec<usize>,
    /// Those of examples with a weight above 0, where others have none.
    weighted: Option<Vec<usize>>,
    total_weight: f64,
    /// What a linearization may assume.
    options: Options,
    /// How many products a model's operators will be asked for, where that was told.
    expected_products: Option<usize>,
}

impl<T: Scalar> fmt::Debug for Objective<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objective")
            .field("parameters", &self.dimension())
            .field("examples", &self.len())
            .field("loss", &self.term.loss_name())
            .field("C", &self.c())
            .finish()
    }
}

impl<'d, T: Scalar> Objective<'d, T> {
    /// The mean loss of the network on the data, without regularization (C = ∞).
    ///
    /// # Errors
    /// See [`Objective`]. Every input and target is checked here, once.
    pub fn new<L, D>(net: &'d Network<T>, loss: L, data: &'d D) -> Result<Self>
    where
        L: Loss<T> + 'd,
        D: Examples<T, Target = L::Target> + ?Sized,
    {
        let graph = net.graph();
        let shape = graph.output_shape().clone();
        loss.check_output(&shape)?;
        if data.is_empty() {
            let message = "an objective needs at least one example";
            return Err(OptimError::invalid("the number of examples", 0, message));
        }
        let hint = format!("the network takes {}", sizes(graph));
        expect_length(
            "an example's input",
            data.input_size(),
            graph.input_size(),
            &hint,
        )?;
        let mut input = vec![T::zero(); data.input_size()];
        let (mut total_weight, mut weighted) = (0.0, Vec::new());
        for i in 0..data.len() {
            let mut check = || -> Result<f64> {
                data.write_input(i, &mut input);
                expect_finite("the input", &input)?;
                loss.check_target(&shape, data.target(i))?;
                loss.check_input(&shape, &input)?;
                let weight = data.weight(i) * loss.count(data.target(i));
                if weight.is_finite() && weight >= 0.0 {
                    return Ok(weight);
                }
                let message = "a weight must be finite and not negative";
                Err(OptimError::invalid("the weight", weight, message))
            };
            let weight = check().map_err(|e| e.of_example(i))?;
            total_weight += weight;
            if weight > 0.0 {
                weighted.push(i);
            }
        }
        check_weight(total_weight)?;
        let all = (0..data.len()).collect();
        let weighted = (weighted.len() < data.len()).then_some(weighted);
        let term: Arc<dyn Term<T> + 'd> = Arc::new(term::LossOnData { loss, data, shape });
        let source = term.clone();
        Ok(Objective {
            graph,
            term,
            feed: Box::new(move |i, out| source.write_input(i, out)),
            regularizer: Regularizer::off(graph.params()),
            all,
            weighted,
            total_weight,
            options: Options::default(),
            expected_products: None,
        })
    }

    /// Sets the regularization constant C of 1/(2C) ‖θ‖²; infinity switches the term off.
    ///
    /// The term covers all trained parameters but those that [`Network::exempt`] left out.
    ///
    /// # Errors
    /// A C that is not above 0.
    pub fn regularization(mut self, c: f64) -> Result<Self> {
        self.regularizer.set::<T>(c)?;
        Ok(self)
    }

    /// Sets how many bytes a linearization may keep; above it, products recompute values.
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.options.budget = Budget(bytes);
        self
    }

    /// Tells how many products each model's operators will be asked for; see
    /// [`Model::expect_products`].
    pub fn expect_products(mut self, count: usize) -> Self {
        self.expected_products = Some(count);
        self
    }

    /// Takes this route to products with J and G at every θ, rather than the cheaper one.
    ///
    /// Where what [`Route::Stored`] keeps exceeds the memory budget, operators are refused.
    pub fn route(mut self, route: Route) -> Self {
        self.options.route = route;
        self
    }

    /// How many products it was told to expect.
    pub(crate) fn expected_products(&self) -> Option<usize> {
        self.expected_products
    }

    /// The number n of trained parameters.
    pub fn dimension(&self) -> usize {
        self.graph.params().len()
    }

    /// The number l of examples.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Always false: an objective has at least one example.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The numbers of the examples with wᵢ·count(yⁱ) > 0, where there are others.
    pub(crate) fn weighted_examples(&self) -> Option<&[usize]> {
        self.weighted.as_deref()
    }

    /// The regularization constant C.
    pub fn c(&self) -> f64 {
        self.regularizer.c()
    }

    /// Whether the loss claims a positive semidefinite B, hence G.
    pub fn convexity(&self) -> Convexity {
        self.term.convexity()
    }

    /// f(θ): what a line search asks for. A value that is not finite is an answer, not an error.
    ///
    /// # Errors
    /// A θ that doesn't fit or isn't finite.
    pub fn value(&self, theta: &[T]) -> Result<f64> {
        let value = || self.stream(theta, None, None);
        self.on_pool(self.len(), value)
    }

    /// f(θ), and ∇f(θ) into `gradient`.
    ///
    /// # Errors
    /// A θ that doesn't fit or isn't finite; a value or gradient that isn't finite, with the node
    /// where it arose.
    pub fn value_and_gradient_into(&self, theta: &[T], gradient: &mut [T]) -> Result<f64> {
        self.on_pool(self.len(), || {
            let value = self.stream(theta, None, Some(gradient))?;
            self.expect_finite(theta, &self.all, value, gradient)?;
            Ok(value)
        })
    }

    /// The same over the examples of these numbers, with their own W and all of the regularizer.
    ///
    /// # Formula
    /// f_S(θ) = 1/(2C) ‖θ‖² + 1/W_S Σ_{i∈S} wᵢ ξ(z(θ; Zⁱ); yⁱ); a number may occur more than once.
    ///
    /// # Errors
    /// An empty subset, a number that no example has; what the sum over all examples refuses.
    pub fn value_and_gradient_on(
        &self,
        examples: &[usize],
        theta: &[T],
        gradient: &mut [T],
    ) -> Result<f64> {
        self.on_pool(examples.len(), || {
            let value = self.stream(theta, Some(examples), Some(gradient))?;
            self.expect_finite(theta, examples, value, gradient)?;
            Ok(value)
        })
    }

    /// Runs `f` on the thread pool if sweeps over `count` examples run there.
    pub(crate) fn on_pool<R: Send>(&self, count: usize, f: impl FnOnce() -> R + Send) -> R {
        self.graph.on_pool(count, f)
    }

    /// The regularization term.
    pub(crate) fn regularizer(&self) -> &Regularizer {
        &self.regularizer
    }

    /// The quadratic model at θ: value, gradient and curvature, each computed when asked for.
    ///
    /// # Errors
    /// A θ that doesn't fit or isn't finite.
    pub fn at(&self, theta: &[T]) -> Result<Model<'_, T>> {
        self.on_pool(self.len(), || {
            Ok(Model::new(self, self.graph.theta(theta)?))
        })
    }

    /// wᵢ/W: what the loss of example i, which exists, is multiplied by.
    #[cfg(feature = "check")]
    pub(crate) fn example_scale(&self, i: usize) -> f64 {
        self.term.weight(i) / self.total_weight
    }
}

fn sizes<T: Scalar>(graph: &Graph<T>) -> String {
    let shapes: Vec<String> = graph.input_shapes().iter().map(|s| s.to_string()).collect();
    if shapes.is_empty() {
        "no input".into()
    } else {
        shapes.join(" and ")
    }
}
