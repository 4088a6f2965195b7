//! Networks with a name.

use super::{DescribeError, InitName, LayerDescription as Layer, NetworkDescription};
use osculant_tape::Shape;

/// The names that [`named`] knows, each with what it stands for.
pub const NAMED: &[(&str, &str)] = &[
    (
        "cnn4",
        "convolutions 5x5x32, 3x3x64 and 3x3x64 with same padding, each with ReLU and max-pooling \
         by 2, then a dense layer",
    ),
    (
        "cnn7",
        "convolutions 5x5x32, 3x3x32, 3x3x64, 3x3x64, 3x3x64 and 3x3x128 with same padding, each \
         with ReLU, max-pooling by 2 after every second, then a dense layer",
    ),
    (
        "mlp:256,128",
        "dense layers of these widths with ReLU between them, then a dense layer; another \
         activation follows a colon, as in mlp:256,128:tanh (relu, tanh, sigmoid, softplus, gelu, \
         silu or none)",
    ),
    ("linear", "one dense layer"),
    (
        "autoencoder:400,100,25",
        "dense layers of these widths and back, with sigmoids everywhere but at the code, the \
         narrowest; its outputs are logits of the input, whatever the number of classes",
    ),
];

/// The network of this name for inputs of this shape and so many outputs.
///
/// # Errors
/// A name that is none of [`NAMED`], or one without the widths that it needs. That the network fits
/// the input is seen when it is built.
///
/// # Reference
/// `cnn4` and `cnn7` are the networks of 3 and 6 convolutions in `simpleNN`, the code published
/// with Wang, Tan and Lin, *Newton methods for convolutional neural networks*, ACM TIST 11(2), 2020
/// (`Python/net/net.py`, `CNN_3layers` and `CNN_6layers`; pooling there keeps windows that only
/// partly fit, which makes no difference for images of 32 × 32).
///
/// # Example
/// ```
/// use osculant_layers::describe::named;
///
/// let net = named("cnn4", &[28, 28, 1], 10)?.build::<f32>()?;
/// assert_eq!(net.len(), 832 + 18_496 + 36_928 + 5_770);
/// let net = named("mlp:256,128", &[28, 28, 1], 10)?.build::<f32>()?;
/// assert_eq!(net.len(), 200_960 + 32_896 + 1_290);
/// let net = named("autoencoder:128,8", &[28, 28, 1], 10)?.build::<f32>()?;
/// assert_eq!(**net.output_shape(), [784]);
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
    let widths = |widths: &str| -> Result<Vec<usize>, _> {
        let widths = widths.split(',').map(|width| width.trim().parse());
        let widths: Result<_, _> = widths.collect();
        widths.map_err(|_| unknown(": its widths must be whole numbers"))
    };
    let mut layers = Vec::new();
    let mut last = Layer::dense(outputs);
    match name.split_once(':') {
        None if name == "cnn4" => {
            for (channels, kernel) in [(32, 5), (64, 3), (64, 3)] {
                layers.extend([Layer::conv2d(channels, kernel), Layer::Relu {}]);
                layers.push(Layer::max_pool2d(2));
            }
            layers.push(Layer::Flatten {});
        }
        None if name == "cnn7" => {
            for pair in [[(32, 5), (32, 3)], [(64, 3), (64, 3)], [(64, 3), (128, 3)]] {
                for (channels, kernel) in pair {
                    layers.extend([Layer::conv2d(channels, kernel), Layer::Relu {}]);
                }
                layers.push(Layer::max_pool2d(2));
            }
            layers.push(Layer::Flatten {});
        }
        None if name == "linear" => layers.push(Layer::Flatten {}),
        Some(("mlp", rest)) => {
            let (list, activation) = rest.split_once(':').unwrap_or((rest, "relu"));
            let activation = match activation.trim() {
                "relu" => Some(Layer::Relu {}),
                "tanh" => Some(Layer::Tanh {}),
                "sigmoid" => Some(Layer::Sigmoid {}),
                "softplus" => Some(Layer::Softplus {}),
                "gelu" => Some(Layer::Gelu {}),
                "silu" => Some(Layer::Silu {}),
                "none" => None,
                other => {
                    let reason = format!(": its activation `{other}` is none of those there are");
                    return Err(unknown(&reason));
                }
            };
            layers.push(Layer::Flatten {});
            for width in widths(list)? {
                layers.push(Layer::dense(width));
                layers.extend(activation.clone());
            }
        }
        // The shape of Hinton and Salakhutdinov (Science 313, 2006): the code is linear, all other
        // units are sigmoids, those of the output in the loss. Begun as in Martens 2010, §5.
        Some(("autoencoder", list)) => {
            let sparse = |width| Layer::dense_from(width, InitName::Sparse);
            let widths = widths(list)?;
            layers.push(Layer::Flatten {});
            let back = widths.iter().rev().skip(1);
            for (depth, &width) in (1..).zip(widths.iter().chain(back)) {
                layers.push(sparse(width));
                if depth != widths.len() {
                    layers.push(Layer::Sigmoid {});
                }
            }
            last = sparse(Shape::new(input_shape).size());
        }
        None if name == "mlp" => return Err(unknown(": give the widths, as in `mlp:256,128`")),
        None if name == "autoencoder" => {
            return Err(unknown(": give the widths, as in `autoencoder:400,100,25`"));
        }
        _ => return Err(unknown("")),
    }
    layers.push(last);
    Ok(NetworkDescription {
        input_shape: input_shape.to_vec(),
        layers,
    })
}
