//! Named tensors with metadata: safetensors files whose bytes depend on their content alone.

use std::collections::BTreeMap;
use std::{fs, io, path::Path, str::FromStr};

use osculant_tape::Scalar;
use safetensors::tensor::{Dtype, Metadata, TensorView};
use safetensors::{SafeTensorError, SafeTensors, serialize};

use crate::ModelFault;

/// The bytes before the JSON header: its length.
const LEAD: usize = 8;

/// Numbers with a shape, row-major, `f32` or `f64`; of 16 bits, as `f32`.
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
            Dtype::F16 => Values::F32(numbers(bytes, |x| half_precision(u16::from_le_bytes(x)))),
            // The upper half of an f32.
            Dtype::BF16 => Values::F32(numbers(bytes, |[a, b]| f32::from_le_bytes([0, 0, a, b]))),
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

/// An IEEE 754 number of 16 bits: sign, 5 bits of exponent, 10 of fraction.
pub(crate) fn half_precision(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 31);
    let fraction = f32::from(bits & 1023) / 1024.0;
    sign * match exponent {
        0 => fraction * 2f32.powi(-14),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction) * 2f32.powi(exponent - 15),
    }
}

/// What such a file holds.
#[derive(Debug, Default)]
pub(crate) struct Tensors {
    pub metadata: BTreeMap<String, String>,
    pub tensors: BTreeMap<String, Tensor>,
}

impl Tensors {
    /// The bytes of the file.
    pub fn encode(&self) -> io::Result<Vec<u8>> {
        let bytes: Vec<_> = self
            .tensors
            .iter()
            .map(|(name, tensor)| (name, tensor.shape(), tensor.to_bytes()))
            .collect();
        let mut views = Vec::new();
        for (name, shape, (dtype, bytes)) in &bytes {
            let view = TensorView::new(*dtype, shape.to_vec(), bytes).map_err(io::Error::other)?;
            views.push((*name, view));
        }
        // The library keeps metadata in a hash map, whose order differs from run to run; so it
        // writes the file without, and they are inserted here, in order.
        let plain = serialize(views, None).map_err(io::Error::other)?;
        let (header, data) = split(&plain).ok_or_else(|| io::Error::other("no header was made"))?;
        let rest = header.trim_ascii_end();
        let rest = rest.strip_prefix(b"{").unwrap_or(rest);
        let mut header = b"{\"__metadata__\":".to_vec();
        header.extend(serde_json::to_vec(&self.metadata)?);
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

    pub fn decode(bytes: &[u8]) -> Result<Self, ModelFault> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| explain(bytes, &e))?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| explain(bytes, &e))?;
        let metadata = header.metadata().iter().flatten();
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            tensors.insert(name.to_string(), Tensor::from_view(name, &view)?);
        }
        Ok(Tensors {
            metadata: metadata.map(|(k, v)| (k.clone(), v.clone())).collect(),
            tensors,
        })
    }

    /// The metadata entry of this name.
    pub fn entry(&self, key: &'static str) -> Result<&str, ModelFault> {
        let found = self.metadata.get(key).map(String::as_str);
        found.ok_or(ModelFault::MissingEntry { key })
    }

    /// The number in the metadata entry of this name.
    pub fn number<N: FromStr>(&self, key: &'static str) -> Result<N, ModelFault> {
        let text = self.entry(key)?;
        text.parse().map_err(|_| ModelFault::Entry {
            key,
            value: text.chars().take(40).collect(),
            reason: "that is not a number of this kind; use the file as it was saved".into(),
        })
    }

    /// Refuses files of another version of a format than this.
    pub fn check_version(&self, key: &'static str, version: u32) -> Result<(), ModelFault> {
        let found: u32 = self.number(key)?;
        if found == version {
            return Ok(());
        }
        Err(ModelFault::Entry {
            key,
            value: found.to_string(),
            reason: format!("this program reads version {version} of the format; update it"),
        })
    }
}

/// Refuses NaN and infinity in a tensor of this name.
pub(crate) fn expect_finite<T: Scalar>(tensor: &str, values: &[T]) -> Result<(), ModelFault> {
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(index) => Err(ModelFault::NotFinite {
            tensor: tensor.into(),
            index,
            value: values[index].to_f64(),
        }),
    }
}

/// All bytes of an ordinary file: devices and pipes may never end.
pub(crate) fn read_ordinary(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.is_file() {
        return fs::read(path);
    }
    Err(io::Error::other("that is no ordinary file"))
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
