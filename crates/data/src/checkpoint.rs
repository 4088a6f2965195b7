//! The state of a training run in a file.

use std::collections::BTreeMap;
use std::path::Path;

use osculant_optim::train::State;
use osculant_tape::Scalar;

use crate::tensors::{Tensor, Tensors, expect_finite, read_ordinary};
use crate::{DataError, ModelFault, write_whole};

/// The entry with the version of the format, which also tells checkpoints from models.
const FORMAT: &str = "osculant-checkpoint";
const VERSION: u32 = 1;
const CHECKSUM: &str = "checksum";
const TRAINER: &str = "trainer";
const ITERATION: &str = "iteration";
/// What the names of notes begin with, and those of the state's vectors and numbers.
const NOTE: &str = "note.";
const VECTOR: &str = "vector.";
const NUMBERS: &str = "numbers.";
const THETA: &str = "theta";

/// All that a run needs to go on: the trainer's [`State`], and notes of the program that trains,
/// such as the options that it was given.
///
/// # Format
///
/// safetensors: θ as `theta`, the state's vectors as `vector.NAME`, its numbers as `numbers.NAME`
/// (F64). The metadata entries are `osculant-checkpoint` (the version of this format, 1),
/// `trainer`, `iteration`, a `note.NAME` for each note, and `checksum`, the CRC-32 of all else.
/// Equal checkpoints make equal files, byte by byte.
///
/// # Example
///
/// ```
/// use osculant_data::Checkpoint;
/// use osculant_optim::train::State;
///
/// let state = State::new("adam", 3, vec![0.5f32, -1.5]).with_numbers("counts", vec![12.0]);
/// let mut checkpoint = Checkpoint::new(Some(state));
/// checkpoint.notes.insert("seed".into(), "7".into());
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("checkpoint.safetensors");
/// checkpoint.save(&path)?;
/// assert_eq!(Checkpoint::load(&path)?, checkpoint);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint<T> {
    /// The state; none before the first iteration.
    pub state: Option<State<T>>,
    /// Texts by name, which mean something to the program alone.
    pub notes: BTreeMap<String, String>,
}

impl<T: Scalar> Checkpoint<T> {
    /// A checkpoint without notes.
    pub fn new(state: Option<State<T>>) -> Self {
        Checkpoint {
            state,
            notes: BTreeMap::new(),
        }
    }

    /// Saves the checkpoint, whole or not at all: what stood at `path` before stays until the new
    /// one is on the disk. See [`write_whole`].
    ///
    /// # Errors
    ///
    /// Those of [`write_whole`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), DataError> {
        write_whole(path, |file| file.write_all(&self.to_tensors().encode()?))
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    ///
    /// A file that is missing, is no checkpoint, is truncated or damaged, is of another scalar
    /// type, or holds NaN or infinity.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let file = path.display().to_string();
        match read_ordinary(path) {
            Err(error) => Err(DataError::Read { file, error }),
            Ok(bytes) => Tensors::decode(&bytes)
                .and_then(Self::of_tensors)
                .map_err(|fault| DataError::Checkpoint { file, fault }),
        }
    }

    fn to_tensors(&self) -> Tensors {
        let mut file = Tensors::default();
        let mut entry = |key: &str, value: String| file.metadata.insert(key.into(), value);
        entry(FORMAT, VERSION.to_string());
        for (name, text) in &self.notes {
            entry(&format!("{NOTE}{name}"), text.clone());
        }
        if let Some(state) = &self.state {
            entry(TRAINER, state.trainer.clone());
            entry(ITERATION, state.iteration.to_string());
            let mut tensor = |name: String, tensor| file.tensors.insert(name, tensor);
            tensor(THETA.into(), vector(&state.theta));
            for (name, values) in &state.vectors {
                tensor(format!("{VECTOR}{name}"), vector(values));
            }
            for (name, numbers) in &state.numbers {
                tensor(format!("{NUMBERS}{name}"), vector(numbers));
            }
        }
        let sum = checksum(&file);
        file.metadata.insert(CHECKSUM.into(), sum);
        file
    }

    fn of_tensors(mut file: Tensors) -> Result<Self, ModelFault> {
        file.check_version(FORMAT, VERSION)?;
        let sum = file.entry(CHECKSUM)?.to_string();
        if checksum(&file) != sum {
            return Err(ModelFault::Damaged {
                reason: "its checksum is not that of its content".into(),
            });
        }
        let notes = file.metadata.iter();
        let notes = notes.filter_map(|(key, text)| Some((key.strip_prefix(NOTE)?, text.clone())));
        let mut checkpoint = Checkpoint::new(None);
        checkpoint.notes = notes.map(|(name, text)| (name.into(), text)).collect();
        let Some(theta) = file.tensors.remove(THETA) else {
            return Ok(checkpoint);
        };
        let (trainer, iteration) = (file.entry(TRAINER)?, file.number(ITERATION)?);
        let mut state = State::new(trainer, iteration, values(THETA, &theta)?);
        for (name, tensor) in &file.tensors {
            if let Some(short) = name.strip_prefix(VECTOR) {
                state = state.with_vector(short, values(name, tensor)?);
            } else if let Some(short) = name.strip_prefix(NUMBERS) {
                state = state.with_numbers(short, values(name, tensor)?);
            }
        }
        checkpoint.state = Some(state);
        Ok(checkpoint)
    }
}

fn vector<S: Scalar>(values: &[S]) -> Tensor {
    Tensor::new(vec![values.len()], values)
}

/// The numbers of a tensor, which must be of this type: a conversion would lose bits.
fn values<S: Scalar>(name: &str, tensor: &Tensor) -> Result<Vec<S>, ModelFault> {
    if tensor.scalar() != S::NAME {
        return Err(ModelFault::Damaged {
            reason: format!(
                "its tensor `{name}` is in {}, and this run computes in {}",
                tensor.scalar(),
                S::NAME
            ),
        });
    }
    let values = tensor.values();
    expect_finite(name, &values)?;
    Ok(values)
}

/// The CRC-32 of all entries but this one and of all tensors, in the order of their names.
fn checksum(file: &Tensors) -> String {
    let mut crc = crc32fast::Hasher::new();
    for (key, text) in file.metadata.iter().filter(|(key, _)| *key != CHECKSUM) {
        crc.update(key.as_bytes());
        crc.update(text.as_bytes());
    }
    for (name, tensor) in &file.tensors {
        crc.update(name.as_bytes());
        crc.update(&tensor.to_bytes().1);
    }
    format!("{:08x}", crc.finalize())
}
