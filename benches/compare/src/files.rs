//! Workloads as the driver writes them: `manifest.json` and raw little-endian arrays.

use crate::Fault;
use osculant::prelude::Scalar;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What `manifest.json` says.
#[derive(Deserialize)]
pub(crate) struct Manifest {
    /// `W1` to `W5`, or `mlp` for a network of dense layers.
    pub network: String,
    /// The outputs of each dense layer of an `mlp`.
    #[serde(default)]
    pub widths: Vec<usize>,
    /// `f32` or `f64`.
    pub dtype: String,
    /// The shape of one input, channels last.
    pub input_shape: Vec<usize>,
    /// How many numbers an output has.
    pub outputs: usize,
    /// `squared` or `softmax`.
    pub loss: String,
    /// Names and shapes of the parameters, in the order of θ.
    pub parameters: Vec<Parameter>,
    /// How many vectors v there are.
    pub vectors: usize,
}

/// A slice of θ.
#[derive(Deserialize)]
pub(crate) struct Parameter {
    pub name: String,
    pub shape: Vec<usize>,
}

/// A folder with a workload.
pub(crate) struct Workload {
    folder: PathBuf,
    pub manifest: Manifest,
}

impl Workload {
    /// Reads the manifest.
    pub fn read(folder: &Path) -> Result<Self, Fault> {
        let text = std::fs::read_to_string(folder.join("manifest.json"))?;
        Ok(Workload {
            folder: folder.to_path_buf(),
            manifest: serde_json::from_str(&text)?,
        })
    }

    /// An array of reals.
    pub fn reals<T: Scalar>(&self, name: &str) -> Result<Vec<T>, Fault> {
        let bytes = self.bytes(name)?;
        // Exact: the array is of the manifest's type, which is `T`.
        Ok(match self.manifest.dtype.as_str() {
            "f32" => numbers(&bytes, |b| T::from_f64(f32::from_le_bytes(b).into())),
            _ => numbers(&bytes, |b| T::from_f64(f64::from_le_bytes(b))),
        })
    }

    /// An array of class labels.
    pub fn labels(&self) -> Result<Vec<u32>, Fault> {
        Ok(numbers(&self.bytes("labels")?, u32::from_le_bytes))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let path = self.folder.join(format!("{name}.raw"));
        std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()).into())
    }
}

fn numbers<const N: usize, T>(bytes: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&b| from(b)).collect()
}

/// The bytes of an array, as [`Workload::reals`] reads them.
pub(crate) fn to_bytes<T: Scalar>(numbers: &[T]) -> Vec<u8> {
    let single = size_of::<T>() == size_of::<f32>();
    let mut bytes = Vec::with_capacity(size_of_val(numbers));
    for &x in numbers {
        if single {
            bytes.extend((x.to_f64() as f32).to_le_bytes());
        } else {
            bytes.extend(x.to_f64().to_le_bytes());
        }
    }
    bytes
}
