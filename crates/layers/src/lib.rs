//! Osculant's layers: whatever owns a parameter.
//!
//! A network is written for one example, without a batch axis, channels last. Parameters get their
//! names from the layers around them, and together they are one flat vector θ.
//!
//! ```
//! use osculant_layers::prelude::*;
//!
//! let net = Network::<f32>::new([28, 28, 1], |x| {
//!     let x = x.conv2d(32, 5).relu().max_pool2d(2);
//!     let x = x.layer(Conv2d::new(64, 3).same().stride(2)).relu();
//!     x.flatten().dense(10)
//! })?;
//! let theta = net.init(0);
//! assert_eq!(net.params().slices()[2].name(), "conv2.weight");
//! assert_eq!(net.view(&theta, "dense1.bias")?, [0.0; 10]);
//! assert_eq!(net.forward(&theta, &[0.5; 2 * 784])?.len(), 2 * 10);
//! # Ok::<(), GraphError>(())
//! ```
//!
//! # Where things are
//!
//! | look in | for |
//! |---|---|
//! | [`Network`] | a graph with one flat vector of parameters: initial values, prediction, freezing |
//! | [`Layer`], [`layer_fn`] | what a layer is, and how to write one's own |
//! | [`Layers`] | `x.dense(10)`, `x.layer(…)`: layers as methods of a variable |
//! | [`Dense`], [`Conv2d`] | the layers with weights; [`WeightInit`] says how these begin |
//! | [`Sequential`], [`Residual`], [`Flatten`], [`Identity`] | layers made of layers, and their glue |
//! | [`MaxPool2d`], [`AvgPool2d`], [`GlobalAvgPool`], [`Relu`], [`Tanh`], … | ops without weights, as layers |
//! | [`describe`] | networks written down as JSON, and a few with a name |
//!
//! Ops without weights are also methods of [`Var`](osculant_tape::Var) itself: `x.relu()`,
//! `x.max_pool2d(2)`, `x.flatten()`, `a + b`.
//!
//! # Names, and sharing
//!
//! A layer value is a recipe: applied twice, it makes two sets of parameters, `dense1.…` and
//! `dense2.…`, numbered within the layer around them. Sharing is said: [`Dense::bind`] and
//! [`Conv2d::bind`] make the parameters once and give something that can be applied many times.

mod activation;
mod conv2d;
mod dense;
pub mod describe;
mod flatten;
mod layer;
mod network;
mod pool;
mod refuse;
mod residual;
mod sequential;
mod size2d;
mod summary;
mod weight_init;

pub use conv2d::{BoundConv2d, Conv2d};
pub use dense::{BoundDense, Dense};
pub use flatten::Flatten;
pub use layer::{FnLayer, Layer, Layers, layer_fn};
pub use network::Network;
pub use osculant_tape::ops::{
    AvgPool2d, Gelu, GlobalAvgPool, LeakyRelu, MaxPool2d, Padding, Relu, Sigmoid, Silu, Softplus,
    Tanh,
};
pub use residual::{Identity, Residual};
pub use sequential::Sequential;
pub use size2d::Size2d;
pub use weight_init::WeightInit;

/// Everything that describing a network takes, in one import.
pub mod prelude {
    pub use crate::{
        AvgPool2d, Conv2d, Dense, Flatten, Gelu, GlobalAvgPool, Identity, Layer, Layers, LeakyRelu,
        MaxPool2d, Network, Padding, Relu, Residual, Sequential, Sigmoid, Silu, Softplus, Tanh,
        WeightInit, layer_fn,
    };
    pub use osculant_tape::{GraphError, Init, Scalar, Tape, Var};
}
