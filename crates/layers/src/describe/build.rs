//! From a description to a network.

use super::{DescribeError, LayerDescription, NetworkDescription};
use crate::{
    AvgPool2d, Conv2d, Dense, Flatten, Gelu, GlobalAvgPool, Layer, Layers, LeakyRelu, MaxPool2d,
    Network, Relu, Residual, Sigmoid, Silu, Size2d, Softplus, Tanh,
};
use osculant_tape::{GraphError, Scalar, Var};
use std::sync::Mutex;

impl NetworkDescription {
    /// The network that is described.
    ///
    /// # Errors
    /// A layer that cannot take what the layers before it give, with its position and what is
    /// wrong; a shape of the input that no example can have.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::describe::NetworkDescription;
    ///
    /// let text = r#"{"input_shape": [4], "layers": [{"type": "dense", "in": 5, "out": 3}]}"#;
    /// let mistake = NetworkDescription::parse(text)?.build::<f32>().unwrap_err().to_string();
    /// assert!(mistake.starts_with("layers[0] (dense): `in` is 5, but the layer receives [4]"));
    /// # Ok::<(), osculant_layers::describe::DescribeError>(())
    /// ```
    pub fn build<T: Scalar>(&self) -> Result<Network<T>, DescribeError> {
        let size = self
            .input_shape
            .iter()
            .try_fold(1usize, |n, &axis| n.checked_mul(axis));
        if !matches!(size, Some(1..)) {
            return Err(DescribeError::Input {
                shape: self.input_shape.clone(),
                message: "every axis needs a length of at least 1, and all of them together a \
                          number that can be counted"
                    .into(),
            });
        }
        let failure = Mutex::new(None);
        let layers = Described {
            layers: &self.layers,
            path: "layers".into(),
            failure: &failure,
        };
        let net = Network::new(&self.input_shape[..], |x| layers.forward(x));
        net.map_err(|error| match failure.into_inner() {
            Ok(Some(failed)) => failed.because(error),
            _ => error.into(),
        })
    }
}

/// The layer that failed first.
struct Failed {
    position: String,
    kind: &'static str,
    /// What is wrong, where the description itself is at fault.
    message: Option<String>,
}

impl Failed {
    /// The error without the line of this file, which means nothing to whoever wrote the JSON.
    fn because(self, error: GraphError) -> DescribeError {
        let message = self.message.unwrap_or_else(|| error.reason());
        DescribeError::Layer {
            position: self.position,
            kind: self.kind.into(),
            message,
        }
    }
}

/// Described layers, one after the other.
struct Described<'d> {
    layers: &'d [LayerDescription],
    path: String,
    failure: &'d Mutex<Option<Failed>>,
}

impl<T: Scalar> Layer<T> for Described<'_> {
    fn forward<'t>(&self, mut x: Var<'t, T>) -> Var<'t, T> {
        for (i, layer) in self.layers.iter().enumerate() {
            let position = format!("{}[{i}]", self.path);
            let message = mismatch(layer, x);
            let y = match &message {
                Some(message) => x.tape().invalid(layer.kind(), message.as_str()),
                None => self.apply(layer, &position, x),
            };
            if x.try_shape().is_some() && y.try_shape().is_none() {
                self.note(position, layer.kind(), message);
            }
            x = y;
        }
        x
    }
}

impl Described<'_> {
    fn note(&self, position: String, kind: &'static str, message: Option<String>) {
        if let Ok(mut failure) = self.failure.lock() {
            // A residual fails after the layer inside it, which is the one to name.
            failure.get_or_insert(Failed {
                position,
                kind,
                message,
            });
        }
    }

    fn branch<'a>(&'a self, layers: &'a [LayerDescription], path: String) -> Described<'a> {
        Described {
            layers,
            path,
            failure: self.failure,
        }
    }

    fn apply<'t, T: Scalar>(
        &self,
        layer: &LayerDescription,
        position: &str,
        x: Var<'t, T>,
    ) -> Var<'t, T> {
        match *layer {
            LayerDescription::Conv2d {
                in_channels: _,
                out_channels,
                kernel,
                stride,
                padding,
                dilation,
                groups,
                bias,
            } => {
                let conv = Conv2d::new(out_channels, kernel)
                    .stride(stride)
                    .padding(padding)
                    .dilation(dilation)
                    .groups(groups);
                x.layer(if bias { conv } else { conv.no_bias() })
            }
            LayerDescription::MaxPool2d {
                kernel,
                stride,
                padding: Size2d(padding),
                ceil_mode,
            } => x.layer(MaxPool2d {
                window: kernel.0,
                stride: stride.unwrap_or(kernel).0,
                padding,
                ceil_mode,
            }),
            LayerDescription::AvgPool2d {
                kernel,
                stride,
                padding: Size2d(padding),
                ceil_mode,
                count_include_pad,
            } => x.layer(AvgPool2d {
                window: kernel.0,
                stride: stride.unwrap_or(kernel).0,
                padding,
                ceil_mode,
                count_include_pad,
            }),
            LayerDescription::GlobalAvgPool2d {} => x.layer(GlobalAvgPool),
            LayerDescription::Flatten {} => x.layer(Flatten),
            LayerDescription::Dense {
                input: _,
                out,
                bias,
                init,
            } => {
                let dense = Dense::new(out).init(init);
                x.layer(if bias { dense } else { dense.no_bias() })
            }
            LayerDescription::Relu {} => x.layer(Relu),
            LayerDescription::LeakyRelu { slope } => x.layer(LeakyRelu { slope }),
            LayerDescription::Tanh {} => x.layer(Tanh),
            LayerDescription::Sigmoid {} => x.layer(Sigmoid),
            LayerDescription::Softplus {} => x.layer(Softplus),
            LayerDescription::Gelu {} => x.layer(Gelu),
            LayerDescription::Silu {} => x.layer(Silu),
            LayerDescription::Residual {
                ref main,
                ref shortcut,
            } => {
                let main = self.branch(main, format!("{position}.main"));
                let shortcut = self.branch(shortcut, format!("{position}.shortcut"));
                x.layer(Residual::new(main).shortcut(shortcut))
            }
        }
    }
}

/// Whether a number that is given contradicts the operand's shape.
fn mismatch<T: Scalar>(layer: &LayerDescription, x: Var<'_, T>) -> Option<String> {
    let shape = x.try_shape()?;
    let (key, given) = match *layer {
        LayerDescription::Conv2d { in_channels, .. } if shape.len() == 3 => {
            ("in_channels", in_channels?)
        }
        LayerDescription::Dense { input, .. } if !shape.is_empty() => ("in", input?),
        _ => return None,
    };
    let found = shape.last();
    (given != found).then(|| {
        format!(
            "`{key}` is {given}, but the layer receives {shape}, whose last axis is {found}; \
             correct it, or leave it out"
        )
    })
}
