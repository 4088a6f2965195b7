//! NumPy's arrays: `.npy` files, and `.npz` archives of them.
//!
//! An archive is a data set if it has inputs and targets under names that people use: `x` and `y`,
//! or `x_train`, `y_train`, `x_test` and `y_test` (also `inputs`, `images`, `data`, `features` for
//! x; `labels`, `targets`, `target` for y; capitals don't matter).
//! The first axis counts examples. Images have their channels last; `[n, height, width]` gets one
//! channel. Integers and booleans as targets may be classes, reals are real targets.
//!
//! Headers are not trusted: memory grows with the bytes that are there, and a file with fewer or
//! more bytes than its header announces is an error.
//!
//! # Reference
//!
//! NumPy's documentation of `numpy.lib.format`, versions 1.0 to 3.0.

mod archive;
mod array;

use std::io::Read;

pub use self::archive::{read_archive, write_archive};
pub use self::array::{Array, Values, read_array, write_array};
use crate::DataError;
use crate::table::{Answers, Table};

/// What inputs and targets may be called.
const INPUTS: [&str; 5] = ["x", "inputs", "images", "data", "features"];
const TARGETS: [&str; 4] = ["y", "labels", "targets", "target"];

/// Reads inputs and, if there are some, targets from one array each.
///
/// # Errors
///
/// Those of [`read_array`]; inputs without an axis for examples, or with values that are not
/// finite; another number of targets than of inputs.
pub fn read(
    (inputs, inputs_name): (impl Read, &str),
    targets: Option<(impl Read, &str)>,
) -> Result<Table, DataError> {
    let inputs = read_array(inputs, inputs_name)?;
    let targets = match targets {
        Some((targets, name)) => Some((read_array(targets, name)?, name)),
        None => None,
    };
    join(inputs_name, (inputs, inputs_name), targets)
}

/// Reads a data set from the bytes of an archive: the examples to train on, or all there are, and
/// those to test on, if the archive tells them apart. `name` is what messages call it.
///
/// # Errors
///
/// Those of [`read_archive`] and [`read`]; no array with a name of inputs, or two.
///
/// # Example
///
/// ```
/// use osculant_data::npy::{Array, Values, read_archive_tables, write_archive};
///
/// let x = Array { shape: vec![2, 3], values: Values::Reals(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]) };
/// let y = Array { shape: vec![2], values: Values::Reals(vec![0.5, -0.5]) };
/// let mut bytes = std::io::Cursor::new(Vec::new());
/// write_archive(&mut bytes, &[("x", &x), ("y", &y)])?;
/// let (table, test) = read_archive_tables(&bytes.into_inner(), "data.npz")?;
/// let (data, _) = table.decode(None)?;
/// assert_eq!((data.len(), data.shape(), test), (2, &[3][..], None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_archive_tables(bytes: &[u8], name: &str) -> Result<(Table, Option<Table>), DataError> {
    let mut arrays = read_archive(bytes, name, |array| part_of(array).is_some())?;
    let all: Vec<String> = arrays.keys().cloned().collect();
    let mut take = |wanted: (Part, Kind)| -> Result<Option<(Array, String)>, DataError> {
        let mut found = all.iter().filter(|array| part_of(array) == Some(wanted));
        match (found.next(), found.next()) {
            (Some(one), Some(two)) => Err(DataError::File {
                file: name.into(),
                fault: format!("has both `{one}` and `{two}`; leave one of them out"),
            }),
            (Some(one), None) => Ok(arrays
                .remove(one)
                .map(|array| (array, format!("{name}: {one}")))),
            _ => Ok(None),
        }
    };
    let mut table = |part: Part| -> Result<Option<Table>, DataError> {
        let inputs = take((part, Kind::Inputs))?;
        let targets = take((part, Kind::Targets))?;
        let Some((inputs, inputs_name)) = inputs else {
            return Ok(None);
        };
        let targets = targets.as_ref().map(|(y, name)| (y.clone(), name.as_str()));
        join(name, (inputs, &inputs_name), targets).map(Some)
    };
    let parts = (table(Part::All)?, table(Part::Train)?, table(Part::Test)?);
    match parts {
        (Some(all), None, None) => Ok((all, None)),
        (None, Some(train), test) => Ok((train, test)),
        (None, None, Some(test)) => Ok((test, None)),
        (Some(_), _, _) => Err(DataError::File {
            file: name.into(),
            fault: "has inputs for training or test, and others besides; leave out one kind".into(),
        }),
        (None, None, None) => Err(DataError::File {
            file: name.into(),
            fault: "has no inputs; looked for an array named x, or x_train and x_test (also \
                    inputs, images, data or features)"
                .into(),
        }),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    Train,
    Test,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Inputs,
    Targets,
}

/// What an array of this name holds, if its name says so.
fn part_of(name: &str) -> Option<(Part, Kind)> {
    let name = name.to_lowercase();
    let mut part = Part::All;
    let mut stem = name.as_str();
    for (word, its) in [("train", Part::Train), ("test", Part::Test)] {
        let ends = |stem: &'_ str| -> Option<String> {
            stem.strip_suffix(word)
                .and_then(|rest| rest.strip_suffix('_'))
                .or_else(|| stem.strip_prefix(word)?.strip_prefix('_'))
                .map(String::from)
        };
        if let Some(rest) = ends(&name) {
            part = its;
            stem = &name[name.find(&rest)?..][..rest.len()];
        }
    }
    if INPUTS.contains(&stem) {
        Some((part, Kind::Inputs))
    } else if TARGETS.contains(&stem) {
        Some((part, Kind::Targets))
    } else {
        None
    }
}

/// Inputs and targets, checked against each other.
fn join(
    file: &str,
    (inputs, inputs_name): (Array, &str),
    targets: Option<(Array, &str)>,
) -> Result<Table, DataError> {
    let (count, shape) = match *inputs.shape {
        [_, _] | [_, _, _, _] | [_, _, _, _, _, ..] => {
            (inputs.shape[0], inputs.shape[1..].to_vec())
        }
        [count, height, width] => (count, vec![height, width, 1]),
        [count] => (count, vec![1]),
        [] => {
            return Err(DataError::File {
                file: inputs_name.into(),
                fault: "is a single number; inputs have an axis for the examples first".into(),
            });
        }
    };
    let bytes = matches!(inputs.values, Values::Bytes(_));
    let each = shape
        .iter()
        .fold(1, |n: usize, &axis| n.saturating_mul(axis));
    let each = each.max(1);
    let inputs = inputs.values.into_reals();
    if let Some(at) = inputs.iter().position(|x| !x.is_finite()) {
        return Err(DataError::At {
            file: inputs_name.into(),
            place: format!("example {}, position {}", at / each, at % each),
            fault: format!(
                "the value {} is not finite in f32; correct it, or leave the example out",
                inputs[at]
            ),
        });
    }
    let targets = match targets {
        None => Answers::None,
        Some((targets, targets_name)) => {
            let refuse = |fault: String| DataError::File {
                file: targets_name.into(),
                fault,
            };
            let each = match *targets.shape {
                [_] => 1,
                [_, each] if each > 0 => each,
                _ => {
                    return Err(refuse(format!(
                        "has shape {:?}; targets have one axis, or a second one for the numbers \
                         of each example",
                        targets.shape
                    )));
                }
            };
            if targets.shape[0] != count {
                return Err(refuse(format!(
                    "has {} targets for {count} inputs; give one for each",
                    targets.shape[0]
                )));
            }
            let words = |values: &mut dyn Iterator<Item = String>| Answers::Words {
                values: values.collect(),
                each,
            };
            match targets.values {
                Values::Reals(values) => Answers::Numbers { values, each },
                Values::Bytes(values) => words(&mut values.iter().map(ToString::to_string)),
                Values::Integers(values) => words(&mut values.iter().map(ToString::to_string)),
            }
        }
    };
    Ok(Table::new(file.into(), shape, inputs, targets, bytes))
}
