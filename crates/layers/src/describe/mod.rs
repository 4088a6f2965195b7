//! Networks written down as JSON.
//!
//! ```
//! use osculant_layers::describe::NetworkDescription;
//!
//! let description = NetworkDescription::parse(r#"{
//!     "input_shape": [28, 28, 1],
//!     "layers": [
//!         {"type": "conv2d", "out_channels": 32, "kernel": 5, "padding": "same"},
//!         {"type": "relu"},
//!         {"type": "maxpool2d", "kernel": 2},
//!         {"type": "flatten"},
//!         {"type": "dense", "out": 10}
//!     ]
//! }"#)?;
//! let net = description.build::<f32>()?;
//! assert_eq!(net.len(), 25 * 32 + 32 + 14 * 14 * 32 * 10 + 10);
//! # Ok::<(), osculant_layers::describe::DescribeError>(())
//! ```
//!
#![doc = include_str!("../../../../docs/networks.md")]

mod build;
mod error;
mod layer;
mod named;
mod padding;
mod parse;

pub use error::DescribeError;
pub use layer::{InitName, LayerDescription};
pub use named::{NAMED, named};

use serde::Serialize;

/// A network written down: the shape of its input, and its layers.
///
/// # Example
/// ```
/// use osculant_layers::describe::{LayerDescription as Layer, NetworkDescription};
///
/// let description = NetworkDescription {
///     input_shape: vec![4],
///     layers: vec![Layer::dense(8), Layer::Tanh {}, Layer::dense(2)],
/// };
/// assert_eq!(NetworkDescription::parse(&description.to_json()?)?, description);
/// assert_eq!(description.build::<f64>()?.len(), 4 * 8 + 8 + 8 * 2 + 2);
/// # Ok::<(), osculant_layers::describe::DescribeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkDescription {
    /// The shape of an example's input: channels last, no batch axis.
    pub input_shape: Vec<usize>,
    /// The layers, from input to output.
    pub layers: Vec<LayerDescription>,
}
