//! What the axes of each parameter are, and where its values stand in another layout.

use osculant_layers::Network;
use osculant_layers::describe::{DescribeError, LayerDescription, NetworkDescription};

use super::Layout;

/// A parameter, and what its axes are.
pub(super) struct Place {
    pub name: String,
    pub shape: Vec<usize>,
    axes: Axes,
}

pub(super) enum Axes {
    /// kh, kw, i, o.
    Convolution,
    /// i, o; the inputs may come from an image of h × w × c.
    Dense { image: Option<[usize; 3]> },
    /// Anything else stays as it is.
    Other,
}

impl Place {
    pub fn shape_in(&self, layout: Layout) -> Vec<usize> {
        match (layout, &self.axes, &self.shape[..]) {
            (Layout::Pytorch, Axes::Convolution, &[kh, kw, i, o]) => vec![o, i, kh, kw],
            (Layout::Pytorch, Axes::Dense { .. }, &[i, o]) => vec![o, i],
            (_, _, shape) => shape.to_vec(),
        }
    }

    /// Where each value stands in the other layout, in the order of this one.
    pub fn indices(&self, layout: Layout) -> Box<dyn Iterator<Item = usize> + '_> {
        let count = self.shape.iter().product::<usize>();
        match (layout, &self.axes, &self.shape[..]) {
            (Layout::Pytorch, Axes::Convolution, &[kh, kw, inputs, outputs]) => {
                Box::new((0..count).map(move |at| {
                    let (rest, o) = (at / outputs, at % outputs);
                    let (rest, i) = (rest / inputs, rest % inputs);
                    let (y, x) = (rest / kw, rest % kw);
                    ((o * inputs + i) * kh + y) * kw + x
                }))
            }
            (Layout::Pytorch, Axes::Dense { image }, &[inputs, outputs]) => {
                let [h, w, c] = image.unwrap_or([1, 1, inputs]);
                Box::new((0..count).map(move |at| {
                    let (i, o) = (at / outputs, at % outputs);
                    let (pixel, channel) = (i / c, i % c);
                    o * inputs + channel * h * w + pixel
                }))
            }
            _ => Box::new(0..count),
        }
    }
}

pub(super) fn unfit(error: &DescribeError) -> String {
    format!("belongs to a network whose description is at fault: {error}")
}

/// The parameters of a network, with what its description tells of their axes.
pub(super) fn places(
    description: &NetworkDescription,
    net: &Network<f32>,
) -> Result<Vec<Place>, String> {
    let mut axes = Vec::new();
    let mut image = None;
    for (i, layer) in description.layers.iter().enumerate() {
        if let LayerDescription::Flatten {} = layer {
            // What is flat already keeps the order of the image that it was.
            let before = shape_before(description, i).map_err(|e| unfit(&e))?;
            image = before.or(image);
        } else {
            walk(layer, &mut image, &mut axes)?;
        }
    }
    let slices = net.params().slices();
    if slices.len() != axes.len() {
        return Err(
            "belongs to a network with parameters that its description does not have".into(),
        );
    }
    let places = slices.iter().zip(axes);
    let places = places.map(|(slice, axes)| Place {
        name: slice.name().into(),
        shape: slice.shape().to_vec(),
        axes,
    });
    Ok(places.collect())
}

/// The axes of each parameter of a layer, in the order of θ.
fn walk(
    layer: &LayerDescription,
    image: &mut Option<[usize; 3]>,
    axes: &mut Vec<Axes>,
) -> Result<(), String> {
    match layer {
        LayerDescription::Conv2d { bias, .. } => {
            axes.push(Axes::Convolution);
            axes.extend(bias.then_some(Axes::Other));
        }
        LayerDescription::Dense { bias, .. } => {
            axes.push(Axes::Dense {
                image: image.take(),
            });
            axes.extend(bias.then_some(Axes::Other));
        }
        LayerDescription::Residual { main, shortcut } => {
            let before = axes.len();
            for layer in main.iter().chain(shortcut) {
                if matches!(layer, LayerDescription::Flatten {}) {
                    return Err(
                        "belongs to a network that flattens within a residual; weights are \
                                converted where it flattens outside"
                            .into(),
                    );
                }
                walk(layer, &mut None, axes)?;
            }
            // Both branches would have to be permuted, and a sum with the input could not be.
            let permutes = |&[h, w, c]: &[usize; 3]| h * w > 1 && c > 1;
            if axes.len() > before && image.take().as_ref().is_some_and(permutes) {
                return Err(
                    "belongs to a network with a residual behind a flattened image; weights are \
                     converted where a dense layer stands between"
                        .into(),
                );
            }
        }
        _ => {}
    }
    Ok(())
}

/// The shape of the image that layer number `i` receives, if it is one.
fn shape_before(
    description: &NetworkDescription,
    i: usize,
) -> Result<Option<[usize; 3]>, DescribeError> {
    let shape = if i == 0 {
        description.input_shape.clone()
    } else {
        let before = NetworkDescription {
            input_shape: description.input_shape.clone(),
            layers: description.layers[..i].to_vec(),
        };
        before.build::<f32>()?.output_shape().to_vec()
    };
    Ok(shape.try_into().ok())
}
