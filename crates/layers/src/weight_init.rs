//! How the weight of a layer begins.

use osculant_tape::Init;

/// How the weight of a layer gets its initial values, where the layer knows its own fans.
///
/// # Formula
/// fan_in is the number of inputs that each output sums, fan_out the number of outputs that each
/// input reaches: `in` and `out` of a dense layer, kh·kw·in/groups and kh·kw·out/groups of a
/// convolution.
///
/// # Reference
/// He, Zhang, Ren and Sun, *Delving deep into rectifiers*, ICCV 2015, eq. 10. Glorot and Bengio,
/// *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010,
/// eq. 16. Martens, *Deep learning via Hessian-free optimization*, ICML 2010, §5, and Sutskever,
/// Martens, Dahl and Hinton, ICML 2013, §3.1.
///
/// # Example
/// ```
/// use osculant_layers::prelude::*;
///
/// let net = Network::<f32>::new([4], |x| {
///     let x = x.layer(Dense::new(8).init(WeightInit::Glorot)).tanh();
///     x.layer(Dense::new(2).init(Init::Zeros))
/// })?;
/// assert_eq!(net.view(&net.init(1), "dense2.weight")?, [0.0; 16]);
/// # Ok::<(), GraphError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum WeightInit {
    /// Normal with variance 2/fan_in: for networks of rectifiers.
    #[default]
    He,
    /// Uniform with variance 2/(fan_in + fan_out): for tanh and sigmoid.
    Glorot,
    /// So many inputs of each output, drawn anew for each, with weights of variance 1, and no
    /// others: 15 for deep networks of sigmoids.
    Sparse(usize),
    /// Whatever is said, without regard to the layer.
    Given(Init),
}

impl From<Init> for WeightInit {
    fn from(init: Init) -> Self {
        WeightInit::Given(init)
    }
}

impl WeightInit {
    pub(crate) fn with_fans(self, fan_in: usize, fan_out: usize) -> Init {
        match self {
            WeightInit::He => Init::He { fan_in },
            WeightInit::Glorot => Init::Glorot { fan_in, fan_out },
            WeightInit::Sparse(nonzero) => Init::Sparse {
                fan_in,
                nonzero,
                std: 1.0,
            },
            WeightInit::Given(init) => init,
        }
    }
}
