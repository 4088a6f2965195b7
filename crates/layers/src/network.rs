//! A network: a graph of one example, and one flat vector of parameters.

use osculant_tape::kernel::first_not_finite;
use osculant_tape::{Graph, GraphError, IntoShape, Params, Result, Scalar, Shape, Tape, Var};

/// A network, written for one example.
///
/// It holds the layout of θ but not θ itself: a vector that [`init`](Network::init) makes and that
/// solvers exchange. The values of frozen parameters and of buffers are the exception: they live
/// here.
///
/// # Example
/// ```
/// use osculant_layers::prelude::*;
///
/// let net = Network::<f32>::new([28, 28, 1], |x| {
///     let x = x.conv2d(32, 5).relu().max_pool2d(2);
///     let x = x.conv2d(64, 3).relu().max_pool2d(2);
///     x.flatten().dense(10)
/// })?;
/// let theta = net.init(0);
/// assert_eq!(theta.len(), net.len());
/// let logits = net.forward(&theta, &[0.0; 3 * 784])?; // three examples
/// assert_eq!(logits.len(), 3 * 10);
/// # Ok::<(), GraphError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Network<T: Scalar> {
    graph: Graph<T>,
}

impl<T: Scalar> Network<T> {
    /// Records a network with one input of this shape.
    ///
    /// # Errors
    /// The first mistake of the description: with the line that made it, the layer's name, the
    /// shapes and what to do.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let mistake = Network::<f32>::new([10], |x| x.conv2d(4, 3)).unwrap_err();
    /// assert!(mistake.to_string().contains("conv2d in layer `conv1` of [10]"));
    /// ```
    #[track_caller]
    pub fn new(
        shape: impl IntoShape,
        f: impl for<'t> FnOnce(Var<'t, T>) -> Var<'t, T>,
    ) -> Result<Self> {
        let shape = shape.into_shape();
        // Here, since the tape would blame the line below.
        shape.expect_size("an input")?;
        Self::build(|tape| f(tape.input(shape)))
    }

    /// Records a network with any number of inputs.
    ///
    /// An example's inputs lie one after the other, in the order of the calls of `tape.input`.
    ///
    /// # Errors
    /// As for [`new`](Network::new).
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let net = Network::<f64>::build(|tape| {
    ///     let (a, b) = (tape.input([8]), tape.input([3]));
    ///     a.dense(4) * b.dense(4)
    /// })?;
    /// assert_eq!(net.forward(&net.init(0), &[1.0; 8 + 3])?.len(), 4);
    /// # Ok::<(), GraphError>(())
    /// ```
    #[track_caller]
    pub fn build(f: impl for<'t> FnOnce(&'t Tape<T>) -> Var<'t, T>) -> Result<Self> {
        Ok(Network {
            graph: Graph::new(f)?,
        })
    }

    /// The graph, for whatever differentiates it.
    pub fn graph(&self) -> &Graph<T> {
        &self.graph
    }

    /// The same network without the rewrites that fuse neighbouring ops: slower, and equal to
    /// rounding; to compare with.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let net = Network::<f64>::new([4, 4, 1], |x| x.conv2d(2, 3).relu().max_pool2d(2))?;
    /// let (theta, x) = (net.init(0), [0.5; 16]);
    /// let (fused, plain) = (net.forward(&theta, &x)?, net.unfused().forward(&theta, &x)?);
    /// assert!(fused.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-14));
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn unfused(&self) -> Self {
        Network {
            graph: self.graph.unfused(),
        }
    }

    /// The same network, with convolutions before a max-pooling computed at every pixel rather
    /// than, in derivatives, at the winners: slower, and equal to rounding; to compare with.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let net = Network::<f64>::new([4, 4, 1], |x| x.conv2d(2, 3).relu().max_pool2d(2))?;
    /// let (theta, x) = (net.init(0), [0.5; 16]);
    /// let (fused, every) = (net.forward(&theta, &x)?, net.every_pixel().forward(&theta, &x)?);
    /// assert!(fused.iter().zip(&every).all(|(a, b)| (a - b).abs() < 1e-14));
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn every_pixel(&self) -> Self {
        Network {
            graph: self.graph.every_pixel(),
        }
    }

    /// The layout of θ: names, shapes and places of the parameters.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let net = Network::<f64>::new([3], |x| x.dense(2))?;
    /// assert_eq!(net.params().get("dense1.bias")?.range(), Some(6..8));
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn params(&self) -> &Params<T> {
        self.graph.params()
    }

    /// The number n of trained parameters: the length of θ.
    pub fn len(&self) -> usize {
        self.params().len()
    }

    /// Whether nothing is trained.
    pub fn is_empty(&self) -> bool {
        self.params().is_empty()
    }

    /// The shapes of an example's inputs, in order.
    pub fn input_shapes(&self) -> &[Shape] {
        self.graph.input_shapes()
    }

    /// How many numbers all inputs of an example have together.
    pub fn input_size(&self) -> usize {
        self.graph.input_size()
    }

    /// The shape of an example's output.
    pub fn output_shape(&self) -> &Shape {
        self.graph.output_shape()
    }

    /// Initial values of θ: the same for the same seed, on every machine.
    ///
    /// Each parameter draws from a stream of its own, by its number.
    pub fn init(&self, seed: u64) -> Vec<T> {
        self.params().init(seed)
    }

    /// The outputs of any number of examples, whose inputs lie one after the other.
    ///
    /// # Errors
    /// A `theta` or `inputs` of the wrong length or with a number that is not finite; an output
    /// that is not finite, with the layer where that arises.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let net = Network::<f64>::new([2], |x| x.dense(1))?;
    /// let theta = [10.0, 1.0, 0.5];
    /// assert_eq!(net.forward(&theta, &[1.0, 2.0, 3.0, 4.0])?, [12.5, 34.5]);
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn forward(&self, theta: &[T], inputs: &[T]) -> Result<Vec<T>> {
        let n = self.input_size();
        self.graph.on_pool(inputs.len() / n.max(1), || {
            let examples = self.count_examples(inputs)?;
            let feed = |e: usize, row: &mut [T]| row.copy_from_slice(&inputs[e * n..][..n]);
            let mut out = vec![T::zero(); examples.len() * self.output_shape().size()];
            self.graph.forward(theta, &feed, &examples, &mut out)?;
            if first_not_finite(&out).is_some() {
                self.graph.audit(theta, &feed, &examples)?;
            }
            Ok(out)
        })
    }

    fn count_examples(&self, inputs: &[T]) -> Result<Vec<usize>> {
        let n = self.input_size();
        // A network without inputs has one output.
        let count = inputs.len().checked_div(n).unwrap_or(1);
        if inputs.len() != count * n {
            return Err(GraphError::Length {
                what: "`inputs`".into(),
                found: inputs.len(),
                expected: count.max(1) * n,
                hint: format!("or any other multiple of {n}, the numbers of one example"),
            });
        }
        match first_not_finite(inputs) {
            Some(i) => Err(GraphError::NotFinite {
                what: format!("the input of example {}", i / n),
                index: i % n,
                value: inputs[i].to_f64(),
            }),
            None => Ok((0..count).collect()),
        }
    }

    /// The numbers of one parameter or buffer: out of `theta`, or frozen ones.
    ///
    /// # Errors
    /// An unknown name, with those that exist; a `theta` that doesn't fit.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let net = Network::<f64>::new([2], |x| x.dense(1))?;
    /// assert_eq!(net.view(&[10.0, 1.0, 0.5], "dense1.weight")?, [10.0, 1.0]);
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn view<'a>(&'a self, theta: &'a [T], name: &str) -> Result<&'a [T]> {
        self.params().view(theta, name)
    }

    /// Overwrites one parameter, in `theta` or among the frozen ones, or one buffer.
    ///
    /// # Errors
    /// An unknown name; values of a wrong length or not finite; a `theta` that doesn't fit.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let mut net = Network::<f64>::new([2], |x| x.dense(1))?;
    /// let mut theta = net.init(0);
    /// net.set(&mut theta, "dense1.bias", &[3.0])?;
    /// assert_eq!(theta[2], 3.0);
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn set(&mut self, theta: &mut [T], name: &str, values: &[T]) -> Result<()> {
        self.graph.set(theta, name, values)
    }

    /// Takes parameters out of θ at their present values, and returns the shorter θ.
    ///
    /// `name` is that of a parameter (`conv1.weight`), of a layer (`conv1`), or ends the names of
    /// any number of them (`*.bias`).
    ///
    /// # Errors
    /// An unknown name; a `theta` that doesn't fit.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let mut net = Network::<f64>::new([2], |x| x.dense(3).tanh().dense(1))?;
    /// let theta = net.init(0);
    /// let before = net.forward(&theta, &[1.0, 2.0])?;
    /// let theta = net.freeze(&theta, "dense1")?;
    /// assert_eq!(theta.len(), 3 + 1);
    /// assert_eq!(net.forward(&theta, &[1.0, 2.0])?, before);
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn freeze(&mut self, theta: &[T], name: &str) -> Result<Vec<T>> {
        self.params().check("theta", theta)?;
        let mut theta = theta.to_vec();
        for name in self.matching(name)? {
            theta = self.graph.freeze(&theta, &name)?;
        }
        Ok(theta)
    }

    /// Makes frozen parameters a part of θ again, and returns the longer θ.
    ///
    /// `name` is as for [`freeze`](Network::freeze).
    ///
    /// # Errors
    /// An unknown name; a `theta` that doesn't fit.
    pub fn unfreeze(&mut self, theta: &[T], name: &str) -> Result<Vec<T>> {
        self.params().check("theta", theta)?;
        let mut theta = theta.to_vec();
        for name in self.matching(name)? {
            theta = self.graph.unfreeze(&theta, &name)?;
        }
        Ok(theta)
    }

    /// Leaves parameters out of the regularization term, which covers all of them otherwise.
    ///
    /// `name` is as for [`freeze`](Network::freeze): `*.bias` exempts all biases.
    ///
    /// # Errors
    /// An unknown name.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let mut net = Network::<f64>::new([2], |x| x.dense(3).tanh().dense(1))?;
    /// net.exempt("*.bias")?;
    /// assert!(net.params().get("dense2.weight")?.is_regularized());
    /// assert!(!net.params().get("dense2.bias")?.is_regularized());
    /// # Ok::<(), GraphError>(())
    /// ```
    pub fn exempt(&mut self, name: &str) -> Result<()> {
        for name in self.matching(name)? {
            self.graph.exempt(&name)?;
        }
        Ok(())
    }

    /// The names that a pattern stands for; the graph itself knows those of layers.
    fn matching(&self, name: &str) -> Result<Vec<String>> {
        let Some(end) = name.strip_prefix('*').filter(|end| end.starts_with('.')) else {
            return Ok(vec![name.to_string()]);
        };
        let slices = self.params().slices().iter();
        let named = slices.filter(|s| s.name().ends_with(end) || s.name() == &end[1..]);
        let names: Vec<_> = named.map(|s| s.name().to_string()).collect();
        if names.is_empty() {
            self.params().get(name)?;
        }
        Ok(names)
    }
}
