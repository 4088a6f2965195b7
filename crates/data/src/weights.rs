//! Weights of a network in the layouts of PyTorch and Keras: read into a network that is described
//! here, and written for one that is described there.
//!
//! Osculant has channels last everywhere. With o outputs, i inputs (of a group), a kernel of kh × kw
//! and an image of h × w × c that is flattened before a dense layer:
//!
//! | | here and in Keras | in PyTorch |
//! |---|---|---|
//! | weight of a convolution | \[kh, kw, i, o\] | \[o, i, kh, kw\] |
//! | weight of a dense layer | \[i, o\] | \[o, i\] |
//! | …after a flatten, input number | (row·w + column)·c + channel | (channel·h + row)·w + column |
//! | bias | \[o\] | \[o\] |
//!
//! So a value of PyTorch's convolution at \[o, i, y, x\] stands here at \[y, x, i, o\], and a dense
//! layer after a flatten has its inputs permuted besides. Inputs themselves are permuted by whoever
//! reads them: the data sets of this crate have their channels last.
//!
//! A file is safetensors, as `safetensors.torch.save_file(model.state_dict(), …)` writes it, or an
//! `.npz` archive, as `numpy.savez(…, *model.get_weights())` does.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor};
use std::path::Path;

use osculant_layers::Network;
use osculant_layers::describe::{DescribeError, LayerDescription, NetworkDescription};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use crate::input::{cannot_read, shown};
use crate::npy::{Array, Values, read_archive, write_archive};
use crate::tensors::{Tensor, explain};
use crate::{DataError, write_whole};

/// Whose layout weights are in; the [module](self) states both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Channels first.
    Pytorch,
    /// Channels last.
    Keras,
}

/// A tensor of a file, and the parameter that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name of the parameter in the network.
    pub ours: String,
    /// The name of the tensor in the file.
    pub theirs: String,
}

/// What [`import`] has made of a file.
#[derive(Debug)]
pub struct Imported {
    /// The network that was described.
    pub net: Network<f32>,
    /// Its parameters.
    pub theta: Vec<f32>,
    /// Which tensor went where, in the order of the parameters.
    pub pairs: Vec<Pair>,
}

/// Reads θ for a network from a file of weights; returns also which tensor went where.
///
/// Parameters are found by the pairs that are given, then by equal names, then by their order:
/// convolutions and dense layers in the order of the numbers in their names (`2` before `10`), each
/// with the bias beside its weight. Where names say nothing of the order, give pairs.
///
/// # Errors
///
/// A file that cannot be read; a tensor that is missing, left over, of another shape, or not
/// finite; a pair of names that don't exist; a description that is not that of a network.
pub fn import(
    path: impl AsRef<Path>,
    layout: Layout,
    description: &NetworkDescription,
    pairs: &[Pair],
) -> Result<Imported, DataError> {
    let file = shown(path.as_ref());
    let refuse = |fault: String| DataError::File {
        file: file.clone(),
        fault,
    };
    let mut net = description.build().map_err(|e| refuse(unfit(&e)))?;
    let places = places(description, &net).map_err(&refuse)?;
    let tensors = read(path.as_ref(), &file)?;
    let pairs = pair(&places, &tensors, layout, pairs).map_err(&refuse)?;
    let mut theta = vec![0.0; net.len()];
    for (place, pair) in places.iter().zip(&pairs) {
        let (shape, theirs) = &tensors[&pair.theirs];
        let expected = place.shape_in(layout);
        if *shape != expected {
            return Err(refuse(format!(
                "has the tensor `{}` of shape {shape:?}, and `{}` needs {expected:?}; say which \
                 tensor it is, or describe the network that was trained",
                pair.theirs, pair.ours
            )));
        }
        if let Some(at) = theirs.iter().position(|x| !x.is_finite()) {
            return Err(refuse(format!(
                "has {} at index {at} of the tensor `{}`; every number must be finite",
                theirs[at], pair.theirs
            )));
        }
        let ours: Vec<f32> = place.indices(layout).map(|i| theirs[i]).collect();
        net.set(&mut theta, &place.name, &ours)?;
    }
    Ok(Imported { net, theta, pairs })
}

/// Writes θ of a network in another layout, under the names that the pairs give and otherwise under
/// its own: as `.npz` if the path ends so, with arrays in the order of the layers, otherwise as
/// safetensors. Returns which parameter went where.
///
/// # Errors
///
/// A θ that doesn't fit the network; a pair of a parameter that doesn't exist; two tensors of one
/// name; those of [`write_whole`].
pub fn export(
    path: impl AsRef<Path>,
    layout: Layout,
    description: &NetworkDescription,
    net: &Network<f32>,
    theta: &[f32],
    pairs: &[Pair],
) -> Result<Vec<Pair>, DataError> {
    let path = path.as_ref();
    let refuse = |fault: String| DataError::File {
        file: shown(path),
        fault,
    };
    let places = places(description, net).map_err(&refuse)?;
    let known = |ours: &str| places.iter().any(|place| place.name == ours);
    if let Some(pair) = pairs.iter().find(|pair| !known(&pair.ours)) {
        return Err(refuse(unknown(&pair.ours, &places)));
    }
    let mut tensors = Vec::new();
    let mut written: Vec<Pair> = Vec::new();
    for place in &places {
        let given = pairs.iter().find(|pair| pair.ours == place.name);
        let theirs = given.map_or(&place.name, |pair| &pair.theirs).clone();
        if written.iter().any(|pair| pair.theirs == theirs) {
            return Err(refuse(format!("would have two tensors named `{theirs}`")));
        }
        let ours = net.view(theta, &place.name)?;
        let mut values = vec![0.0; ours.len()];
        for (i, &x) in place.indices(layout).zip(ours) {
            values[i] = x;
        }
        tensors.push(Array {
            shape: place.shape_in(layout),
            values: Values::Reals(values),
        });
        written.push(Pair {
            ours: place.name.clone(),
            theirs,
        });
    }
    let named: Vec<(&str, &Array)> = written
        .iter()
        .map(|pair| pair.theirs.as_str())
        .zip(&tensors)
        .collect();
    let bytes = if path.extension().is_some_and(|end| end == "npz") {
        let mut bytes = Cursor::new(Vec::new());
        write_archive(&mut bytes, &named).map(|()| bytes.into_inner())
    } else {
        safetensors(&named)
    };
    let bytes = bytes.map_err(|e| refuse(format!("cannot be made ({e})")))?;
    write_whole(path, |file| file.write_all(&bytes))?;
    Ok(written)
}

fn safetensors(named: &[(&str, &Array)]) -> io::Result<Vec<u8>> {
    let tensors: Vec<_> = named
        .iter()
        .map(|(name, array)| {
            let values = array.values.clone().into_reals();
            (
                *name,
                Tensor::new(array.shape.clone(), &values).to_bytes(),
                &array.shape,
            )
        })
        .collect();
    let mut views = Vec::new();
    for (name, (dtype, bytes), shape) in &tensors {
        let view = TensorView::new(*dtype, shape.to_vec(), bytes).map_err(io::Error::other)?;
        views.push((*name, view));
    }
    safetensors::serialize(views, None).map_err(io::Error::other)
}

/// A parameter, and what its axes are.
struct Place {
    name: String,
    shape: Vec<usize>,
    axes: Axes,
}

enum Axes {
    /// kh, kw, i, o.
    Convolution,
    /// i, o; the inputs may come from an image of h × w × c.
    Dense { image: Option<[usize; 3]> },
    /// Anything else stays as it is.
    Other,
}

impl Place {
    fn shape_in(&self, layout: Layout) -> Vec<usize> {
        match (layout, &self.axes, &self.shape[..]) {
            (Layout::Pytorch, Axes::Convolution, &[kh, kw, i, o]) => vec![o, i, kh, kw],
            (Layout::Pytorch, Axes::Dense { .. }, &[i, o]) => vec![o, i],
            (_, _, shape) => shape.to_vec(),
        }
    }

    /// Where each value stands in the other layout, in the order of this one.
    fn indices(&self, layout: Layout) -> Box<dyn Iterator<Item = usize> + '_> {
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

fn unfit(error: &DescribeError) -> String {
    format!("belongs to a network whose description is at fault: {error}")
}

/// The parameters of a network, with what its description tells of their axes.
fn places(description: &NetworkDescription, net: &Network<f32>) -> Result<Vec<Place>, String> {
    let mut axes = Vec::new();
    let mut image = None;
    for (i, layer) in description.layers.iter().enumerate() {
        if let LayerDescription::Flatten {} = layer {
            image = shape_before(description, i).map_err(|e| unfit(&e))?;
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

/// Tensors by their names: shape and values.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn read(path: &Path, file: &str) -> Result<Tensors, DataError> {
    let bytes = fs::read(path).map_err(|error| cannot_read(file, error))?;
    if bytes.starts_with(b"PK") {
        let arrays = read_archive(&bytes, file, |_| true)?;
        let arrays = arrays.into_iter();
        let tensors = arrays.map(|(name, array)| (name, (array.shape, array.values.into_reals())));
        return Ok(tensors.collect());
    }
    let at_fault = |fault| DataError::Model {
        file: file.into(),
        fault,
    };
    let tensors =
        SafeTensors::deserialize(&bytes).map_err(|error| at_fault(explain(&bytes, &error)))?;
    let mut found = Tensors::new();
    for (name, view) in tensors.iter() {
        let tensor = Tensor::from_view(name, &view).map_err(at_fault)?;
        found.insert(name.into(), (tensor.shape().to_vec(), tensor.values()));
    }
    Ok(found)
}

/// A tensor for each place, in order.
fn pair(
    places: &[Place],
    tensors: &Tensors,
    layout: Layout,
    given: &[Pair],
) -> Result<Vec<Pair>, String> {
    let mut free: Vec<&str> = tensors.keys().map(String::as_str).collect();
    free.sort_by_key(|name| natural(name));
    let mut found: Vec<Option<&str>> = vec![None; places.len()];
    for pair in given {
        let place = places.iter().position(|place| place.name == pair.ours);
        let place = place.ok_or_else(|| unknown(&pair.ours, places))?;
        let at = free.iter().position(|name| **name == *pair.theirs);
        let at =
            at.ok_or_else(|| format!("has no tensor `{}`, or it is given twice", pair.theirs))?;
        found[place] = Some(free.remove(at));
    }
    let numbered = |name: &&str| {
        name.strip_prefix("arr_")
            .is_some_and(|n| n.parse::<u64>().is_ok())
    };
    let in_order = !free.is_empty() && free.iter().all(numbered);
    let is_given = |place: &Place| given.iter().any(|pair| pair.ours == place.name);
    let mut weight = None;
    for (i, place) in places.iter().enumerate() {
        if is_given(place) {
            continue;
        }
        let axes = place.shape.len();
        let same = free.iter().position(|name| *name == place.name);
        let beside = |name: &&str| {
            let module = |name: &str| name.rsplit_once(['.', '/']).map(|(m, _)| m.to_string());
            axes == 1 && weight.is_some_and(|w: &str| module(w) == module(name))
        };
        let alike = |name: &&str| tensors[*name].0.len() == axes && axes > 1;
        let at = if in_order {
            (!free.is_empty()).then_some(0)
        } else {
            same.or_else(|| free.iter().position(beside))
                .or_else(|| free.iter().position(alike))
        };
        let Some(at) = at else {
            return Err(format!(
                "has no tensor for `{}`, of shape {:?}; give the one that belongs to it",
                place.name,
                place.shape_in(layout)
            ));
        };
        if axes > 1 {
            weight = Some(free[at]);
        }
        found[i] = Some(free.remove(at));
    }
    if let Some(name) = free.first() {
        return Err(format!(
            "has the tensor `{name}`, of shape {:?}, that no layer of the network takes; describe \
             the network that was trained",
            tensors[*name].0
        ));
    }
    let pairs = places.iter().zip(found);
    let pairs = pairs.map(|(place, theirs)| Pair {
        ours: place.name.clone(),
        theirs: theirs.unwrap_or_default().into(),
    });
    Ok(pairs.collect())
}

fn unknown(name: &str, places: &[Place]) -> String {
    let known: Vec<_> = places
        .iter()
        .map(|place| format!("`{}`", place.name))
        .collect();
    format!(
        "cannot be matched: the network has no parameter `{name}`; there are: {}",
        known.join(", ")
    )
}

/// The order in which people number things: `2` before `10`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (text, tail) = rest.split_at(digits);
        let end = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (number, tail) = tail.split_at(end);
        parts.push((text.to_string(), number.parse().unwrap_or(0)));
        rest = tail;
    }
    parts
}
