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
//! # The format
//!
//! An object with `input_shape` (channels last, no batch axis) and `layers`; other keys beside
//! these two are ignored, so that a description may sit in a larger file. Each layer is an object
//! with a `type` and the keys below, no others. What stands in parentheses may be left out; a size
//! is a whole number, or two as `[down, across]`.
//!
//! | type | keys |
//! |---|---|
//! | `conv2d` | `out_channels`, `kernel`, (`in_channels`), (`stride`: 1), (`padding`: 0), (`dilation`: 1), (`groups`: 1), (`bias`: true) |
//! | `dense` | `out`, (`in`), (`bias`: true), (`init`: `"he"`, or `"glorot"`, or `"sparse"`) |
//! | `maxpool2d` | `kernel`, (`stride`: the kernel), (`padding`: 0), (`ceil_mode`: false) |
//! | `avgpool2d` | as `maxpool2d`, and (`count_include_pad`: true) |
//! | `global_avgpool2d`, `flatten`, `relu`, `tanh`, `sigmoid`, `softplus`, `gelu`, `silu` | |
//! | `leaky_relu` | (`slope`: 0.01) |
//! | `residual` | `main`: layers, (`shortcut`: layers; none is x itself) |
//!
//! The `padding` of a convolution may also be `"same"`, `"valid"` or an object with `top`,
//! `bottom`, `left` and `right`. What is given although it can be inferred (`in_channels`, `in`)
//! must be right.
//!
//! Parameters stand in θ in the order of the layers, weight before bias, the main branch before
//! the shortcut.

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
