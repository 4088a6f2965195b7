//! Data sets from whatever a path leads to.

use std::path::Path;

use crate::csv::CsvOptions;
use crate::input::{Input, open, shown};
use crate::table::Table;
use crate::{DataError, cifar10, csv, idx, libsvm, npy, read_folder};

/// What [`load`] has to know beside the path.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadOptions {
    /// For tables in text; for an array of inputs (`.npy`), the path of the array of targets is the
    /// target.
    pub csv: CsvOptions,
    /// The number of inputs of an example, where it is known: files in LIBSVM's format don't say it.
    pub width: Option<usize>,
}

/// The examples that a path leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The examples to train on, or all there are.
    pub train: Table,
    /// The examples to test on, where the data set tells them apart.
    pub test: Option<Table>,
}

/// Reads a data set from a folder ([`read_folder`]) or from one file, whose format is seen from
/// what is in it.
///
/// | begins with | format |
/// |---|---|
/// | 93 `NUMPY` | array of inputs: [`npy`] |
/// | `PK` | archive of arrays, `.npz`: [`npy`] |
/// | 00 00 and an element type | images without labels: [`idx`] |
/// | (name ends in `.bin`) | images and labels: [`cifar10`] |
/// | a line of `index:value` | [`libsvm`] |
/// | another line | table with separators: [`csv`] |
///
/// # Errors
///
/// The path leads nowhere; and the errors of the format's own reader.
///
/// # Example
///
/// ```no_run
/// use osculant_data::{LoadOptions, load};
///
/// let loaded = load("data/iris.csv", &LoadOptions::default())?;
/// let (data, legend) = loaded.train.decode(None)?;
/// println!("{} examples, classes {:?}", data.len(), legend.classes);
/// # Ok::<(), osculant_data::DataError>(())
/// ```
pub fn load(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Loaded, DataError> {
    let path = path.as_ref();
    let name = shown(path);
    // What is nowhere was most likely meant to be a folder; the message speaks of both.
    if !path.is_file() {
        let split = read_folder(path)?;
        let colour = split.train.shape() == cifar10::SHAPE && split.train.classes() == 10;
        let names: &[&str] = if colour { &cifar10::NAMES } else { &[] };
        return Ok(Loaded {
            train: Table::of_images(name.clone(), split.train, names),
            test: Some(Table::of_images(name, split.test, names)),
        });
    }
    let alone = |train| Ok(Loaded { train, test: None });
    if cifar10::is_binary(&name) {
        let data = cifar10::read_file(path)?;
        return alone(Table::of_images(name, data, &cifar10::NAMES));
    }
    let (start, _) = Input::new(open(path)?, &name)?.read(4096)?;
    match *start {
        [0x93, b'N', ..] => {
            let targets = match &options.csv.targets[..] {
                [] => None,
                [targets, ..] => Some((open(Path::new(targets))?, targets.as_str())),
            };
            alone(npy::read((open(path)?, &name), targets)?)
        }
        [b'P', b'K', ..] => {
            let bytes = Input::new(open(path)?, &name)?.all()?;
            let (train, test) = npy::read_archive_tables(&bytes, &name)?;
            Ok(Loaded { train, test })
        }
        [0, 0, ..] => {
            let images = idx::read_images(open(path)?, &name)?;
            alone(Table::of_inputs(name, images.shape, images.inputs))
        }
        _ if is_sparse(&start) => alone(libsvm::read(open(path)?, &name, options.width)?),
        _ => {
            let width = options.width;
            let options = CsvOptions {
                width,
                ..options.csv.clone()
            };
            alone(csv::read(open(path)?, &name, &options)?)
        }
    }
}

/// Whether the first line that is no comment has `index:value` in it, and nothing that a table
/// would have.
fn is_sparse(start: &[u8]) -> bool {
    let lines = start.split(|&b| b == b'\n');
    let mut lines = lines.filter_map(|line| str::from_utf8(line).ok());
    let line = lines.find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let is_entry = |part: &str| {
        part.split_once(':')
            .is_some_and(|(index, _)| index.parse::<usize>().is_ok())
    };
    line.is_some_and(|line| {
        let line = line.split('#').next().unwrap_or_default();
        !line.contains(',') && line.split_ascii_whitespace().take(2).any(is_entry)
    })
}
