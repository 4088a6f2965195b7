//! One layer of a description: its keys and what they are when left out.

use super::padding;
use crate::{Padding, Size2d, WeightInit};
use serde::{Deserialize, Serialize};

/// A layer written down; the [module](super) shows the format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum LayerDescription {
    /// [`Conv2d`](crate::Conv2d).
    #[serde(rename = "conv2d")]
    Conv2d {
        /// Channels of the image; inferred where left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        in_channels: Option<usize>,
        /// Channels of the output.
        out_channels: usize,
        /// The kernel.
        kernel: Size2d,
        /// How far it moves.
        #[serde(default = "one")]
        stride: Size2d,
        /// How the image is extended.
        #[serde(default, with = "padding")]
        padding: Padding,
        /// How far apart its entries are.
        #[serde(default = "one", skip_serializing_if = "is_one")]
        dilation: Size2d,
        /// Into how many groups of channels it falls apart.
        #[serde(default = "one_group", skip_serializing_if = "is_one_group")]
        groups: usize,
        /// Whether each output channel has a bias.
        #[serde(default = "yes")]
        bias: bool,
    },
    /// [`MaxPool2d`](crate::MaxPool2d).
    #[serde(rename = "maxpool2d")]
    MaxPool2d {
        /// The window.
        kernel: Size2d,
        /// How far it moves: by its own length where left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<Size2d>,
        /// Rows and columns added on each side.
        #[serde(default = "none")]
        padding: Size2d,
        /// Whether windows that only partly fit at the far ends count.
        #[serde(default)]
        ceil_mode: bool,
    },
    /// [`AvgPool2d`](crate::AvgPool2d).
    #[serde(rename = "avgpool2d")]
    AvgPool2d {
        /// The window.
        kernel: Size2d,
        /// How far it moves: by its own length where left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<Size2d>,
        /// Rows and columns of zeros on each side.
        #[serde(default = "none", skip_serializing_if = "is_none")]
        padding: Size2d,
        /// Whether windows that only partly fit at the far ends count.
        #[serde(default, skip_serializing_if = "is_no")]
        ceil_mode: bool,
        /// Whether a mean counts the zeros of the padding.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        count_include_pad: bool,
    },
    /// [`GlobalAvgPool`](crate::GlobalAvgPool).
    #[serde(rename = "global_avgpool2d")]
    GlobalAvgPool2d {},
    /// [`Flatten`](crate::Flatten).
    #[serde(rename = "flatten")]
    Flatten {},
    /// [`Dense`](crate::Dense).
    #[serde(rename = "dense")]
    Dense {
        /// The length of the operand's last axis; inferred where left out.
        #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
        input: Option<usize>,
        /// The number of outputs.
        out: usize,
        /// Whether each output has a bias.
        #[serde(default = "yes")]
        bias: bool,
        /// How the weight begins.
        #[serde(default, skip_serializing_if = "InitName::is_default")]
        init: InitName,
    },
    /// [`Relu`](crate::Relu).
    #[serde(rename = "relu")]
    Relu {},
    /// [`LeakyRelu`](crate::LeakyRelu).
    #[serde(rename = "leaky_relu")]
    LeakyRelu {
        /// The derivative for negative numbers.
        #[serde(default = "slope")]
        slope: f64,
    },
    /// [`Tanh`](crate::Tanh).
    #[serde(rename = "tanh")]
    Tanh {},
    /// [`Sigmoid`](crate::Sigmoid).
    #[serde(rename = "sigmoid")]
    Sigmoid {},
    /// [`Softplus`](crate::Softplus).
    #[serde(rename = "softplus")]
    Softplus {},
    /// [`Gelu`](crate::Gelu).
    #[serde(rename = "gelu")]
    Gelu {},
    /// [`Silu`](crate::Silu).
    #[serde(rename = "silu")]
    Silu {},
    /// [`Residual`](crate::Residual).
    #[serde(rename = "residual")]
    Residual {
        /// The main branch.
        main: Vec<LayerDescription>,
        /// The shortcut: without layers, the operand itself.
        #[serde(default)]
        shortcut: Vec<LayerDescription>,
    },
}

/// How a weight begins, by the name that a description has for it; see [`WeightInit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InitName {
    /// [`WeightInit::He`].
    #[default]
    He,
    /// [`WeightInit::Glorot`].
    Glorot,
    /// [`WeightInit::Sparse`] with 15 inputs.
    Sparse,
}

impl InitName {
    fn is_default(&self) -> bool {
        *self == InitName::default()
    }
}

impl From<InitName> for WeightInit {
    fn from(name: InitName) -> Self {
        match name {
            InitName::He => WeightInit::He,
            InitName::Glorot => WeightInit::Glorot,
            InitName::Sparse => WeightInit::Sparse(15),
        }
    }
}

impl LayerDescription {
    /// A fully connected layer with a bias.
    pub fn dense(out: usize) -> Self {
        Self::dense_from(out, InitName::default())
    }

    /// A fully connected layer with a bias, whose weight begins like this.
    pub fn dense_from(out: usize, init: InitName) -> Self {
        LayerDescription::Dense {
            input: None,
            out,
            bias: true,
            init,
        }
    }

    /// A convolution with a bias: same padding, stride 1.
    pub fn conv2d(out_channels: usize, kernel: impl Into<Size2d>) -> Self {
        LayerDescription::Conv2d {
            in_channels: None,
            out_channels,
            kernel: kernel.into(),
            stride: one(),
            padding: Padding::Same,
            dilation: one(),
            groups: 1,
            bias: true,
        }
    }

    /// Max-pooling with a window that moves by its own length.
    pub fn max_pool2d(kernel: impl Into<Size2d>) -> Self {
        LayerDescription::MaxPool2d {
            kernel: kernel.into(),
            stride: None,
            padding: none(),
            ceil_mode: false,
        }
    }

    /// The type, as it is written.
    pub fn kind(&self) -> &'static str {
        match self {
            LayerDescription::Conv2d { .. } => "conv2d",
            LayerDescription::MaxPool2d { .. } => "maxpool2d",
            LayerDescription::AvgPool2d { .. } => "avgpool2d",
            LayerDescription::GlobalAvgPool2d {} => "global_avgpool2d",
            LayerDescription::Flatten {} => "flatten",
            LayerDescription::Dense { .. } => "dense",
            LayerDescription::Relu {} => "relu",
            LayerDescription::LeakyRelu { .. } => "leaky_relu",
            LayerDescription::Tanh {} => "tanh",
            LayerDescription::Sigmoid {} => "sigmoid",
            LayerDescription::Softplus {} => "softplus",
            LayerDescription::Gelu {} => "gelu",
            LayerDescription::Silu {} => "silu",
            LayerDescription::Residual { .. } => "residual",
        }
    }
}

fn one() -> Size2d {
    Size2d([1, 1])
}
fn is_one(size: &Size2d) -> bool {
    *size == one()
}
fn none() -> Size2d {
    Size2d([0, 0])
}
fn is_none(size: &Size2d) -> bool {
    *size == none()
}
fn one_group() -> usize {
    1
}
fn is_one_group(groups: &usize) -> bool {
    *groups == 1
}
fn yes() -> bool {
    true
}
fn is_yes(flag: &bool) -> bool {
    *flag
}
fn is_no(flag: &bool) -> bool {
    !*flag
}
fn slope() -> f64 {
    0.01
}
