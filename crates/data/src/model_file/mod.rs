//! Trained networks in safetensors files.

mod fault;
mod format;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use osculant_layers::Network;
use osculant_tape::{Params, Scalar};

pub use self::fault::ModelFault;
use crate::tensors::{Tensor, expect_finite, read_ordinary};
use crate::{DataError, Legend, Preprocess, write_whole};

/// All that is known of a model beside its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// The description of the network, as JSON.
    pub network: String,
    /// The name of the loss that it was trained with.
    pub loss: String,
    /// The regularization constant C that it was trained with.
    pub regularization: f64,
    /// The seed that it was trained with.
    pub seed: u64,
    /// What is done to each input before the network sees it.
    pub preprocess: Preprocess,
    /// What inputs and outputs are called.
    pub legend: Legend,
    /// The options of its training, by name, as the program that trained it calls them. Nothing is
    /// computed from them.
    pub options: BTreeMap<String, String>,
}

/// A trained network, as it stands in a file: every parameter and buffer under its name, and
/// what predicting needs besides.
///
/// # Format
///
/// [safetensors](https://github.com/huggingface/safetensors): one tensor (F32 or F64) for each
/// trained parameter, frozen parameter and buffer, and as many of `preprocess.mean`,
/// `preprocess.deviation`, `target.mean` and `target.deviation` as there are. The metadata entries
/// are `osculant` (the version of this format, 1), `network`, `loss`, `C`, `seed` and
/// `preprocess.scale`; and, as JSON, `legend`, the task and the names, where they are not those of
/// unnamed classes, and `options`, where any are told. Numbers in them are written so that they
/// come back to the last bit. Equal models make equal files, byte by byte.
///
/// # Example
///
/// ```
/// use osculant_data::{About, Legend, ModelFile, Preprocess};
/// use osculant_layers::prelude::*;
///
/// let build = || Network::<f32>::new([3], |x| x.dense(2));
/// let net = build()?;
/// let theta = net.init(1);
/// let about = About {
///     network: r#"{"input_shape": [3], "layers": [{"type": "dense", "out": 2}]}"#.into(),
///     loss: "squared".into(),
///     regularization: 80.0,
///     seed: 1,
///     preprocess: Preprocess::from_parts(1.0 / 255.0, None)?,
///     legend: Legend::default(),
///     options: [("optimizer".into(), "newton".into())].into(),
/// };
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("model.safetensors");
/// ModelFile::new(about, net.params(), &theta)?.save(&path)?;
///
/// let model = ModelFile::load(&path)?;
/// assert_eq!(model.about().loss, "squared");
/// let mut again = build()?;
/// assert_eq!(model.restore(&mut again)?, theta);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// What messages call it.
    name: String,
    about: About,
    tensors: BTreeMap<String, Tensor>,
}

impl ModelFile {
    /// A model at this θ, in memory.
    ///
    /// # Errors
    ///
    /// A θ that doesn't fit; NaN or infinity in θ; a C that is not above 0; a parameter that is
    /// named like a tensor of the preprocessing.
    pub fn new<T: Scalar>(
        about: About,
        params: &Params<T>,
        theta: &[T],
    ) -> Result<Self, DataError> {
        let mut tensors = BTreeMap::new();
        for slice in params.slices() {
            let values = params.view(theta, slice.name())?;
            let tensor = Tensor::new(slice.shape().to_vec(), values);
            tensors.insert(slice.name().to_string(), tensor);
        }
        let model = ModelFile {
            name: "about to be saved".into(),
            about,
            tensors,
        };
        model.check().map_err(|fault| model.at_fault(fault))?;
        Ok(model)
    }

    /// What is known of the model beside its numbers.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Every parameter and buffer under its name.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// Saves the model, whole or not at all; see [`write_whole`].
    ///
    /// # Errors
    ///
    /// Those of [`write_whole`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        write_whole(path, |file| self.write_to(file))
    }

    /// Writes the bytes of the file.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_to(&self, mut writer: impl Write) -> io::Result<()> {
        writer.write_all(&format::encode(&self.about, &self.tensors)?)?;
        writer.flush()
    }

    /// Reads a model from a file.
    ///
    /// # Errors
    ///
    /// A file that is missing, is no safetensors file, is truncated or damaged, lacks metadata,
    /// or holds other numbers than finite `f32` and `f64`.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        match read_ordinary(path) {
            Ok(bytes) => Self::from_bytes(&bytes, &file),
            Err(error) => Err(DataError::Read { file, error }),
        }
    }

    /// Reads a model from the bytes of a file; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn from_bytes(bytes: &[u8], name: &str) -> Result<Self, DataError> {
        let read = || {
            let (about, tensors) = format::decode(bytes)?;
            let model = ModelFile {
                name: name.into(),
                about,
                tensors,
            };
            model.check()?;
            Ok(model)
        };
        read().map_err(|fault| DataError::Model {
            file: name.into(),
            fault,
        })
    }

    /// Gives a network the model's numbers: θ is returned, frozen parameters and buffers are set.
    /// A file of the other scalar type is converted, numbers rounded where they must be.
    ///
    /// # Errors
    ///
    /// A model of another network: the first tensor, in order of the network's parameters, that
    /// is missing or of another shape, or one that the network does not know. The network then
    /// stays as it was.
    pub fn restore<T: Scalar>(&self, net: &mut Network<T>) -> Result<Vec<T>, DataError> {
        let values = self
            .fit(net.params())
            .map_err(|fault| self.at_fault(fault))?;
        let mut theta = vec![T::zero(); net.len()];
        for (name, values) in values {
            net.set(&mut theta, &name, &values)?;
        }
        Ok(theta)
    }

    /// The numbers of each slice, if all fit.
    fn fit<T: Scalar>(&self, params: &Params<T>) -> Result<Vec<(String, Vec<T>)>, ModelFault> {
        let mut fitted = Vec::new();
        for slice in params.slices() {
            let (name, expected) = (slice.name(), slice.shape());
            let Some(tensor) = self.tensors.get(name) else {
                return Err(ModelFault::MissingTensor {
                    tensor: name.into(),
                    expected: expected.to_vec(),
                });
            };
            if *tensor.shape() != **expected {
                return Err(ModelFault::Shape {
                    tensor: name.into(),
                    found: tensor.shape().to_vec(),
                    expected: expected.to_vec(),
                });
            }
            let values: Vec<T> = tensor.values();
            // An f64 may be too large for an f32.
            expect_finite(name, &values)?;
            fitted.push((name.to_string(), values));
        }
        match self
            .tensors
            .iter()
            .find(|(name, _)| params.get(name).is_err())
        {
            None => Ok(fitted),
            Some((name, tensor)) => Err(ModelFault::UnexpectedTensor {
                tensor: name.clone(),
                found: tensor.shape().to_vec(),
            }),
        }
    }

    /// What must hold of a model, whether it comes from a file or goes to one.
    fn check(&self) -> Result<(), ModelFault> {
        let c = self.about.regularization;
        if c.is_nan() || c <= 0.0 {
            return Err(ModelFault::Entry {
                key: format::C,
                value: c.to_string(),
                reason: "it must be above 0, or infinite".into(),
            });
        }
        for (name, tensor) in &self.tensors {
            if format::RESERVED.contains(&name.as_str()) {
                let tensor = name.clone();
                return Err(ModelFault::Reserved { tensor });
            }
            expect_finite(name, &tensor.values::<f64>())?;
        }
        Ok(())
    }

    fn at_fault(&self, fault: ModelFault) -> DataError {
        DataError::Model {
            file: self.name.clone(),
            fault,
        }
    }
}
