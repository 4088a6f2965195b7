//! What can be wrong with a model file or a checkpoint.

use crate::error::shown;

/// What is wrong with a model file or a checkpoint, as the rest of a sentence that begins with its
/// name.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFault {
    /// Not a safetensors file at all.
    #[error(
        "is not a safetensors file: it begins with {}, where such a file has the length of a \
         JSON header and then the header; check that this is the right file",
        shown(first)
    )]
    Foreign {
        /// Its first bytes, at most 16.
        first: Vec<u8>,
    },

    /// The file ends early.
    #[error("is truncated: its header needs {expected} bytes, found {found}; copy it again")]
    Truncated {
        /// Bytes that the file should have, or at least should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },

    /// The header contradicts itself or the bytes that follow.
    #[error("is damaged ({reason}); copy it again")]
    Damaged {
        /// What contradicts what.
        reason: String,
    },

    /// A safetensors file that lacks what is needed beside its tensors.
    #[error(
        "has no metadata entry `{key}`, so Osculant did not save it as such (or somebody removed the \
         entry): use the file as it was saved"
    )]
    MissingEntry {
        /// The entry.
        key: &'static str,
    },

    /// A metadata entry with a value that has no meaning.
    #[error("has the metadata entry `{key}` = `{value}`, but {reason}")]
    Entry {
        /// The entry.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        reason: String,
    },

    /// A tensor whose numbers are no floating-point numbers of 16, 32 or 64 bits.
    #[error(
        "has the tensor `{tensor}` in {found}; tensors must be F16, BF16, F32 or F64: convert it"
    )]
    Type {
        /// The tensor.
        tensor: String,
        /// Its element type.
        found: String,
    },

    /// A number that is NaN or infinite.
    #[error(
        "has {value} at index {index} of the tensor `{tensor}`; every number must be finite: \
         train again, or use an earlier file"
    )]
    NotFinite {
        /// The tensor.
        tensor: String,
        /// The place in it, row-major and counted from 0.
        index: usize,
        /// What stands there.
        value: f64,
    },

    /// The network has a parameter that the file lacks.
    #[error(
        "is of another network: it lacks the tensor `{tensor}`, which has shape {expected:?} \
         here; build the network that the file describes"
    )]
    MissingTensor {
        /// The tensor.
        tensor: String,
        /// Its shape in the network.
        expected: Vec<usize>,
    },

    /// The file has a tensor that the network does not know.
    #[error(
        "is of another network: its tensor `{tensor}`, of shape {found:?}, has no place here; \
         build the network that the file describes"
    )]
    UnexpectedTensor {
        /// The tensor.
        tensor: String,
        /// Its shape in the file.
        found: Vec<usize>,
    },

    /// A tensor has different shapes in the file and in the network.
    #[error(
        "is of another network: its tensor `{tensor}` has shape {found:?}, which is {expected:?} \
         here; build the network that the file describes"
    )]
    Shape {
        /// The tensor.
        tensor: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// Its shape in the network.
        expected: Vec<usize>,
    },

    /// A parameter has the name under which a part of the preprocessing is saved.
    #[error(
        "cannot hold a parameter named `{tensor}`, the name of a part of the preprocessing; rename \
         the parameter"
    )]
    Reserved {
        /// The name.
        tensor: String,
    },
}
