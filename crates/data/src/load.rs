//! Data sets from whatever a path leads to.

use std::path::{Path, PathBuf};

use crate::csv::CsvOptions;
use crate::input::{BOM, Input, open, shown};
use crate::table::Table;
use crate::{DataError, cifar10, csv, idx, libsvm, npy, read_folder};

/// What [`load`] has to know beside the path.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadOptions {
    /// For tables in text.
    pub csv: CsvOptions,
    /// For an array of inputs (`.npy`), the array of targets.
    pub targets: Option<PathBuf>,
    /// The number of inputs of an example, where it is known: files in LIBSVM's format don't say
    /// it.
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
    // Columns are of tables; of other data they would be asked for in vain.
    let no_table = |targets_too: bool| {
        let csv = &options.csv;
        let asked = match (csv.ignore.first(), csv.targets.first()) {
            (Some(column), _) => format!("column `{column}` to be ignored"),
            // The columns of a model's inputs are known; then the targets' need not be asked for.
            (_, Some(column))
                if targets_too && (csv.inputs.is_empty() || options.targets.is_some()) =>
            {
                format!("column `{column}` as the target")
            }
            _ if csv.header.is_some() && csv.inputs.is_empty() => "header".into(),
            _ => return Ok(()),
        };
        Err(DataError::File {
            file: name.clone(),
            fault: format!("is no table and has no {asked}; leave that option out"),
        })
    };
    // What is nowhere was most likely meant to be a folder; the message speaks of both.
    if !path.is_file() {
        no_table(true)?;
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
        no_table(true)?;
        let data = cifar10::read_file(path)?;
        return alone(Table::of_images(name, data, &cifar10::NAMES));
    }
    let (start, _) = Input::new(open(path)?, &name)?.read(START as u64)?;
    match *start {
        [0x93, b'N', ..] => {
            no_table(false)?;
            if let (Some(first), [_, _, ..]) = (&options.targets, &options.csv.targets[..]) {
                return Err(DataError::File {
                    file: name,
                    fault: format!(
                        "is an array, whose targets are one array; give `{}` alone",
                        first.display()
                    ),
                });
            }
            let named = options.targets.as_deref().map(|path| (path, shown(path)));
            let targets = match &named {
                Some((path, name)) => Some((open(path)?, &name[..])),
                None => None,
            };
            alone(npy::read((open(path)?, &name), targets)?)
        }
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => {
            no_table(true)?;
            let bytes = Input::new(open(path)?, &name)?.all()?;
            let (train, test) = npy::read_archive_tables(&bytes, &name)?;
            Ok(Loaded { train, test })
        }
        [0, 0, ..] => {
            no_table(true)?;
            let images = idx::read_images(open(path)?, &name)?;
            alone(Table::of_inputs(name, images.shape, images.inputs))
        }
        _ if is_sparse(&start) => {
            no_table(true)?;
            alone(libsvm::read(open(path)?, &name, options.width)?)
        }
        _ => {
            let options = CsvOptions {
                width: options.width.or(options.csv.width),
                ..options.csv.clone()
            };
            alone(csv::read(open(path)?, &name, &options)?)
        }
    }
}

/// Bytes that tell what a file is.
const START: usize = 4096;

/// Whether a line has `index:value` in it, and none has what a table would have: commas,
/// semicolons, or a first word that is neither number nor entry. (The first example may be all
/// zeros: a label alone.)
fn is_sparse(start: &[u8]) -> bool {
    let start = start.strip_prefix(BOM).unwrap_or(start);
    // The last line may be cut off in the middle of a word.
    let end = start.iter().rposition(|&b| b == b'\n');
    let start = match end.filter(|_| start.len() + BOM.len() >= START) {
        Some(end) => &start[..end],
        None => start,
    };
    let lines = start.split(|&b| b == b'\n');
    let lines = lines.filter_map(|line| str::from_utf8(line).ok());
    let lines = lines.map(|line| line.split('#').next().unwrap_or_default());
    let mut lines = lines.filter(|line| !line.trim().is_empty());
    let is_entry = |part: &str| {
        part.split_once(':')
            .is_some_and(|(index, _)| index == "qid" || index.parse::<usize>().is_ok())
    };
    let mut found = false;
    let plain = lines.all(|line| {
        let mut words = line.split_ascii_whitespace().take(2);
        let begins = |word: &str| is_entry(word) || word.parse::<f64>().is_ok();
        let plain = words.clone().next().is_some_and(begins) && !line.contains([',', ';']);
        found |= words.any(is_entry);
        plain
    });
    plain && found
}
