//! The bytes of a model file.

use std::collections::BTreeMap;
use std::io;

use osculant_tape::Scalar;
use safetensors::tensor::{Dtype, Metadata, TensorView};
use safetensors::{SafeTensorError, SafeTensors, serialize};

use serde::{Deserialize, Serialize};

use super::{About, ModelFault};
use crate::{DataError, Legend, Preprocess, TargetScaling, Task};

/// The entry with the version of the format, which also tells our files from others.
const FORMAT: &str = "osculant";
const VERSION: u32 = 1;
const NETWORK: &str = "network";
const LOSS: &str = "loss";
pub(super) const C: &str = "C";
const SEED: &str = "seed";
const SCALE: &str = "preprocess.scale";
const LEGEND: &str = "legend";
/// The tensors with the mean input and the deviation of inputs.
const MEAN: &str = "preprocess.mean";
const DEVIATION: &str = "preprocess.deviation";
/// The tensors with the mean and the deviation of targets.
const TARGET_MEAN: &str = "target.mean";
const TARGET_DEVIATION: &str = "target.deviation";
/// Names that no parameter may have.
pub(super) const RESERVED: [&str; 4] = [MEAN, DEVIATION, TARGET_MEAN, TARGET_DEVIATION];

/// The bytes before the JSON header: its length.
const LEAD: usize = 8;

/// Numbers with a shape, row-major, `f32` or `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    values: Values,
}

#[derive(Debug, Clone, PartialEq)]
enum Values {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Tensor {
    pub(crate) fn new<T: Scalar>(shape: Vec<usize>, values: &[T]) -> Self {
        let exact = values.iter().map(|&x| Scalar::to_f64(x));
        let values = if T::NAME == f32::NAME {
            Values::F32(exact.map(|x| x as f32).collect())
        } else {
            Values::F64(exact.collect())
        };
        Tensor { shape, values }
    }

    /// The lengths of its axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The name of its scalar type, `"f32"` or `"f64"`.
    pub fn scalar(&self) -> &'static str {
        match self.values {
            Values::F32(_) => f32::NAME,
            Values::F64(_) => f64::NAME,
        }
    }

    /// Its numbers, converted to `T`.
    pub fn values<T: Scalar>(&self) -> Vec<T> {
        match &self.values {
            Values::F32(values) => values.iter().map(|&x| T::from_f64(x.into())).collect(),
            Values::F64(values) => values.iter().map(|&x| T::from_f64(x)).collect(),
        }
    }

    pub(crate) fn from_view(name: &str, view: &TensorView<'_>) -> Result<Self, ModelFault> {
        let bytes = view.data();
        let values = match view.dtype() {
            Dtype::F32 => Values::F32(numbers(bytes, f32::from_le_bytes)),
            Dtype::F64 => Values::F64(numbers(bytes, f64::from_le_bytes)),
            other => {
                return Err(ModelFault::Type {
                    tensor: name.into(),
                    found: format!("{other:?}"),
                });
            }
        };
        let shape = view.shape().to_vec();
        Ok(Tensor { shape, values })
    }

    pub(crate) fn to_bytes(&self) -> (Dtype, Vec<u8>) {
        match &self.values {
            Values::F32(v) => (Dtype::F32, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Values::F64(v) => (Dtype::F64, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        }
    }
}

/// The numbers of `N` bytes each.
fn numbers<const N: usize, T>(bytes: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
    let (whole, _) = bytes.as_chunks::<N>();
    whole.iter().map(|&bytes| number(bytes)).collect()
}

/// The bytes of a model file.
pub(super) fn encode(about: &About, tensors: &BTreeMap<String, Tensor>) -> io::Result<Vec<u8>> {
    let (preprocess, scaling) = (&about.preprocess, about.legend.scaling.as_ref());
    let parts = [
        (MEAN, preprocess.mean()),
        (DEVIATION, preprocess.deviation()),
        (TARGET_MEAN, scaling.map(TargetScaling::mean)),
        (TARGET_DEVIATION, scaling.map(TargetScaling::deviation)),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter_map(|(name, part)| Some((name, Tensor::new(vec![part?.len()], part?))))
        .collect();
    let all = tensors
        .iter()
        .map(|(name, tensor)| (name.as_str(), tensor))
        .chain(parts.iter().map(|(name, part)| (*name, part)));
    let bytes: Vec<_> = all
        .map(|(name, tensor)| (name, tensor.shape(), tensor.to_bytes()))
        .collect();
    let mut views = Vec::new();
    for (name, shape, (dtype, bytes)) in &bytes {
        let view = TensorView::new(*dtype, shape.to_vec(), bytes).map_err(io::Error::other)?;
        views.push((*name, view));
    }
    let mut metadata = BTreeMap::from([
        (FORMAT, VERSION.to_string()),
        (NETWORK, about.network.clone()),
        (LOSS, about.loss.clone()),
        (C, about.regularization.to_string()),
        (SEED, about.seed.to_string()),
        (SCALE, about.preprocess.scale().to_string()),
    ]);
    let words = Words::of(&about.legend);
    if words != Words::default() {
        metadata.insert(LEGEND, serde_json::to_string(&words)?);
    }
    // The library keeps metadata in a hash map, whose order differs from run to run; so it
    // writes the file without, and they are inserted here, in order.
    let plain = serialize(views, None).map_err(io::Error::other)?;
    let (header, data) = split(&plain).ok_or_else(|| io::Error::other("no header was made"))?;
    let rest = header.trim_ascii_end();
    let rest = rest.strip_prefix(b"{").unwrap_or(rest);
    let mut header = b"{\"__metadata__\":".to_vec();
    header.extend(serde_json::to_vec(&metadata)?);
    if rest != b"}" {
        header.push(b',');
    }
    header.extend(rest);
    header.resize(header.len().next_multiple_of(LEAD), b' ');
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(data);
    Ok(file)
}

/// What a file holds.
pub(super) fn decode(bytes: &[u8]) -> Result<(About, BTreeMap<String, Tensor>), ModelFault> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| explain(bytes, &e))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| explain(bytes, &e))?;
    let metadata = header.metadata().as_ref();
    let entry = |key: &'static str| {
        let found = metadata.and_then(|m| m.get(key));
        found.ok_or(ModelFault::MissingEntry { key })
    };
    let version: u32 = number(FORMAT, entry(FORMAT)?)?;
    if version != VERSION {
        return Err(ModelFault::Entry {
            key: FORMAT,
            value: version.to_string(),
            reason: format!("this program reads version {VERSION} of the format; update it"),
        });
    }
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        tensors.insert(name.to_string(), Tensor::from_view(name, &view)?);
    }
    let mut part = |name: &str| -> Result<Option<Vec<f32>>, ModelFault> {
        let part = tensors.remove(name).map(|part| part.values());
        if let Some(part) = &part {
            super::expect_finite::<f32>(name, part)?;
        }
        Ok(part)
    };
    let [mean, deviation, target_mean, target_deviation] = RESERVED.map(&mut part);
    let damaged = |error: DataError| ModelFault::Damaged {
        reason: error.to_string(),
    };
    let scale = number(SCALE, entry(SCALE)?)?;
    let mut preprocess = Preprocess::from_parts(scale, mean?).map_err(damaged)?;
    if let Some(deviation) = deviation? {
        preprocess = preprocess.with_deviation(deviation).map_err(damaged)?;
    }
    let words = match metadata.and_then(|m| m.get(LEGEND)) {
        Some(text) => serde_json::from_str(text).map_err(|error| ModelFault::Entry {
            key: LEGEND,
            value: text.chars().take(40).collect(),
            reason: format!("that cannot be read ({error}); use the file as it was saved"),
        })?,
        // Files from before there was one.
        None => Words::default(),
    };
    let scaling = match (target_mean?, target_deviation?) {
        (None, None) => None,
        (mean, deviation) => {
            let [mean, deviation] = [mean, deviation].map(Option::unwrap_or_default);
            Some(TargetScaling::from_parts(mean, deviation).map_err(damaged)?)
        }
    };
    let about = About {
        network: entry(NETWORK)?.clone(),
        loss: entry(LOSS)?.clone(),
        regularization: number(C, entry(C)?)?,
        seed: number(SEED, entry(SEED)?)?,
        preprocess,
        legend: words.legend(scaling),
    };
    Ok((about, tensors))
}

/// The words of a legend, as they stand in the metadata.
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Words {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    reals: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inputs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<String>,
}

impl Words {
    fn of(legend: &Legend) -> Self {
        let Legend {
            task,
            inputs,
            targets,
            classes,
            scaling: _,
        } = legend.clone();
        Words {
            reals: task == Task::Reals,
            inputs,
            targets,
            classes,
        }
    }

    fn legend(self, scaling: Option<TargetScaling>) -> Legend {
        Legend {
            task: if self.reals {
                Task::Reals
            } else {
                Task::Classes
            },
            inputs: self.inputs,
            targets: self.targets,
            classes: self.classes,
            scaling,
        }
    }
}

fn number<N: std::str::FromStr>(key: &'static str, text: &str) -> Result<N, ModelFault> {
    text.parse().map_err(|_| ModelFault::Entry {
        key,
        value: text.chars().take(40).collect(),
        reason: "that is not a number of this kind; use the file as it was saved".into(),
    })
}

/// The JSON header and what follows it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (lead, rest) = bytes.split_first_chunk::<LEAD>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*lead)).ok()?)
}

/// Tells apart what the library has one error for: foreign files, truncated ones, damaged ones.
pub(crate) fn explain(bytes: &[u8], error: &SafeTensorError) -> ModelFault {
    let found = bytes.len() as u64;
    if bytes.get(LEAD) != Some(&b'{') {
        let first = bytes[..bytes.len().min(16)].to_vec();
        return ModelFault::Foreign { first };
    }
    let expected = match split(bytes) {
        None => bytes
            .first_chunk()
            .map(|lead| u64::from_le_bytes(*lead).saturating_add(8)),
        Some((header, _)) => serde_json::from_slice::<Metadata>(header)
            .ok()
            .map(|m| (LEAD + header.len()) as u64 + m.data_len() as u64),
    };
    match expected {
        Some(expected) if expected > found => ModelFault::Truncated { expected, found },
        _ => ModelFault::Damaged {
            reason: error.to_string(),
        },
    }
}
