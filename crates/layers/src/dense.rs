//! The fully connected layer.

use crate::refuse::refuse;
use crate::{Layer, WeightInit};
use osculant_tape::ops::dense;
use osculant_tape::{Init, Scalar, Var};

/// A fully connected layer: y = x W + b along the last axis of x.
///
/// With a bias unless [`no_bias`](Dense::no_bias) says otherwise. The weight begins as
/// [`WeightInit::He`], the bias at zero.
///
/// # Shapes
/// `[…, in]` gives `[…, out]`; axes before the last are positions, all treated alike. An image
/// takes a `flatten` first, if the layer is to see all of it. Parameters, in this order: `weight`
/// `[in, out]`, `bias` `[out]`.
///
/// # Formula
/// ```text
/// y[…, o] = Σᵢ x[…, i] W[i, o] + b[o]
/// ```
///
/// # Errors
/// An operand without axes, or 0 outputs: noted, with the line of the call.
///
/// # Example
/// ```
/// use osculant_layers::prelude::*;
///
/// let net = Network::<f64>::new([3], |x| x.dense(4).tanh().layer(Dense::new(2).no_bias()))?;
/// assert_eq!(net.len(), 3 * 4 + 4 + 4 * 2);
/// # Ok::<(), GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    out: usize,
    bias: Option<Init>,
    weight: WeightInit,
}

/// A fully connected layer that has its parameters: made by [`Dense::bind`].
#[derive(Clone, Copy, Debug)]
pub struct BoundDense<'t, T: Scalar> {
    weight: Var<'t, T>,
    bias: Option<Var<'t, T>>,
}

impl Dense {
    /// A layer with this many outputs.
    pub fn new(out: usize) -> Self {
        Dense {
            out,
            bias: Some(Init::Zeros),
            weight: WeightInit::default(),
        }
    }

    /// Without a bias.
    pub fn no_bias(self) -> Self {
        Dense { bias: None, ..self }
    }

    /// The weight begins like this: an [`Init`], or a [`WeightInit`].
    pub fn init(self, weight: impl Into<WeightInit>) -> Self {
        Dense {
            weight: weight.into(),
            ..self
        }
    }

    /// With a bias that begins like this.
    pub fn bias_init(self, bias: Init) -> Self {
        Dense {
            bias: Some(bias),
            ..self
        }
    }

    /// Makes the parameters for operands like `x`, to be used any number of times.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let net = Network::<f64>::new([5], |x| {
    ///     let d = Dense::new(5).bind(x);
    ///     d.apply(d.apply(x).tanh())
    /// })?;
    /// assert_eq!(net.len(), 5 * 5 + 5);
    /// # Ok::<(), GraphError>(())
    /// ```
    #[track_caller]
    pub fn bind<'t, T: Scalar>(&self, x: Var<'t, T>) -> BoundDense<'t, T> {
        x.tape().numbered_scope("dense", || self.declare(x))
    }

    fn declare<'t, T: Scalar>(&self, x: Var<'t, T>) -> BoundDense<'t, T> {
        let Dense { out, bias, weight } = *self;
        let Some(shape) = x.try_shape() else {
            return BoundDense {
                weight: x,
                bias: None,
            };
        };
        let Some(&input) = <[usize]>::last(&shape) else {
            let message = "x is a single number, and the layer sums along the last axis; \
                           reshape x to [1]";
            return BoundDense {
                weight: refuse("dense", x, &[], message.into()),
                bias: None,
            };
        };
        let weight = x.param("weight", [input, out], weight.with_fans(input, out));
        BoundDense {
            weight,
            bias: bias.map(|init| x.param("bias", out, init)),
        }
    }
}

impl<'t, T: Scalar> BoundDense<'t, T> {
    /// y = x W + b, with the parameters made by [`Dense::bind`].
    #[track_caller]
    pub fn apply(&self, x: Var<'t, T>) -> Var<'t, T> {
        x.tape().scope_of(self.weight, || self.compute(x))
    }

    /// The weight `[in, out]`: a decoder may use its [transpose](Var::transpose), say.
    pub fn weight(&self) -> Var<'t, T> {
        self.weight
    }

    /// The bias `[out]`, if there is one.
    pub fn bias(&self) -> Option<Var<'t, T>> {
        self.bias
    }

    fn compute(&self, x: Var<'t, T>) -> Var<'t, T> {
        let y = dense(x, self.weight);
        match self.bias {
            Some(bias) => y + bias,
            None => y,
        }
    }
}

impl<T: Scalar> Layer<T> for Dense {
    fn name(&self) -> &str {
        "dense"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.declare(x).compute(x)
    }
}
