//! Networks with a name.

use super::{DescribeError, LayerDescription as Layer, NetworkDescription};

/// The names that [`named`] knows, each with what it stands for.
pub const NAMED: &[(&str, &str)] = &[
    (
        "cnn4",
        "convolutions 5x5x32, 3x3x64 and 3x3x64 with same padding, each with ReLU and max-pooling \
         by 2, then a dense layer",
    ),
    (
        "mlp:256,128",
        "dense layers of these widths with ReLU between them, then a dense layer",
    ),
    ("linear", "one dense layer"),
];

/// The network of this name for inputs of this shape and so many outputs.
///
/// # Errors
/// A name that is none of [`NAMED`]. That the network fits the input is seen when it is built.
///
/// # Example
/// ```
/// use osculant_layers::describe::named;
///
/// let net = named("cnn4", &[28, 28, 1], 10)?.build::<f32>()?;
/// assert_eq!(net.len(), 832 + 18_496 + 36_928 + 5_770);
/// let net = named("mlp:256,128", &[28, 28, 1], 10)?.build::<f32>()?;
/// assert_eq!(net.len(), 200_960 + 32_896 + 1_290);
/// # Ok::<(), osculant_layers::describe::DescribeError>(())
/// ```
pub fn named(
    name: &str,
    input_shape: &[usize],
    outputs: usize,
) -> Result<NetworkDescription, DescribeError> {
    let unknown = |reason: &str| {
        let known: Vec<_> = NAMED.iter().map(|(name, _)| format!("`{name}`")).collect();
        DescribeError::UnknownName {
            name: name.into(),
            reason: reason.into(),
            known: known.join(", "),
        }
    };
    let mut layers = Vec::new();
    match name.split_once(':') {
        None if name == "cnn4" => {
            for (channels, kernel) in [(32, 5), (64, 3), (64, 3)] {
                layers.push(Layer::conv2d(channels, kernel));
                layers.push(Layer::Relu {});
                layers.push(Layer::max_pool2d(2));
            }
            layers.push(Layer::Flatten {});
        }
        None if name == "linear" => layers.push(Layer::Flatten {}),
        Some(("mlp", widths)) => {
            layers.push(Layer::Flatten {});
            for width in widths.split(',') {
                let width = width.trim().parse();
                let width = width.map_err(|_| unknown(": its widths must be whole numbers"))?;
                layers.push(Layer::dense(width));
                layers.push(Layer::Relu {});
            }
        }
        None if name == "mlp" => return Err(unknown(": give the widths, as in `mlp:256,128`")),
        _ => return Err(unknown("")),
    }
    layers.push(Layer::dense(outputs));
    Ok(NetworkDescription {
        input_shape: input_shape.to_vec(),
        layers,
    })
}
