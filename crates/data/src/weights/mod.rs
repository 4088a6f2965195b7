//! Weights of a network in the layouts of PyTorch and Keras: read into a network that is described
//! here, and written for one that is described there.
//!
//! Osculant has channels last everywhere. With o outputs, i inputs (of a group), a kernel of kh ×
//! kw and an image of h × w × c that is flattened before a dense layer:
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

mod pairing;
mod place;

use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::path::Path;

use osculant_layers::Network;
use osculant_layers::describe::NetworkDescription;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use self::pairing::{pair, unknown};
use self::place::{places, unfit};
use crate::input::{cannot_read, shown};
use crate::npy::{Array, Values, read_archive, write_archive};
use crate::tensors::{Tensor, explain, read_ordinary};
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
    let end = path.extension().and_then(|end| end.to_str());
    if !matches!(end, Some("safetensors" | "npz")) {
        return Err(refuse(
            "has a name that does not say how it is to be written; let it end in .safetensors or .npz"
                .into(),
        ));
    }
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

/// Tensors by their names: shape and values.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn read(path: &Path, file: &str) -> Result<Tensors, DataError> {
    let bytes = read_ordinary(path).map_err(|error| cannot_read(file, error))?;
    if bytes.starts_with(b"PK") {
        // A file of torch.save is an archive too, with a pickle in it.
        if bytes.windows(8).any(|name| name == b"data.pkl") {
            return Err(DataError::File {
                file: file.into(),
                fault:
                    "is a file of torch.save; write it with safetensors.torch.save_file, and give \
                        that"
                        .into(),
            });
        }
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
