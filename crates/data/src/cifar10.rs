//! CIFAR-10 in its binary layout, plain or gzip.
//!
//! A file is a number of records of 3,073 bytes: a label from 0 to 9, then the red, the green and
//! the blue plane of an image of 32 × 32 pixels, each row by row. Planes are interleaved as they
//! are read, so that inputs have their channels last, as everywhere in Osculant:
//! x\[row, column, channel\] = record\[1 + 1024·channel + 32·row + column\].
//!
//! [`read_folder`] reads a data set, [`read_file`] one file, [`read_dataset`] any source.
//!
//! # Reference
//!
//! A. Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*, 2009; the layout is
//! that of "CIFAR-10 binary version" on the page of the data set.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::dataset::check_labels;
use crate::input::{Input, file_names, find_file, open, shown};
use crate::{DataError, Dataset, Split};

/// What the classes are called.
pub(crate) const NAMES: [&str; CLASSES] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// Rows, columns, channels.
pub(crate) const SHAPE: [usize; 3] = [32, 32, 3];
/// The pixels of one plane.
const PLANE: usize = SHAPE[0] * SHAPE[1];
/// The bytes of an image.
const PIXELS: usize = PLANE * SHAPE[2];
/// A label and an image.
pub(crate) const RECORD: usize = 1 + PIXELS;
const CLASSES: usize = 10;
/// How many files the training images are spread over.
const BATCHES: usize = 5;

/// Reads CIFAR-10 from one folder, images in the order of the files.
///
/// The official files are `data_batch_1.bin` to `data_batch_5.bin` to train on and
/// `test_batch.bin` to test on, each also with `.gz` at the end. Where none of them is there,
/// every file that ends in `.bin` or `.bin.gz` and has `train` in its name is read for training,
/// and every one with `test` in its name for the test, in the order of their names.
///
/// # Shapes
///
/// `[32, 32, 3]`, values 0 to 255; labels 0 to 9.
///
/// # Errors
///
/// The folder or one of the files is missing; a name says both `train` and `test`; and the errors
/// of [`read_dataset`].
///
/// # Example
///
/// ```no_run
/// let split = osculant_data::cifar10::read_folder("data/cifar-10-batches-bin")?;
/// assert_eq!(split.train.shape(), [32, 32, 3]);
/// # Ok::<(), osculant_data::DataError>(())
/// ```
pub fn read_folder(folder: impl AsRef<Path>) -> Result<Split, DataError> {
    let folder = folder.as_ref();
    let names = file_names(folder)?;
    // All files are found before the first is read: a missing one is reported at once.
    let (train, test) = if names.iter().any(|name| is_official(name)) {
        official(folder)?
    } else {
        by_word(folder, &names)?
    };
    Split::new(read(&train)?, read(&test)?)
}

/// Reads one file.
///
/// # Errors
///
/// The file cannot be opened, and the errors of [`read_dataset`].
pub fn read_file(path: impl AsRef<Path>) -> Result<Dataset, DataError> {
    read(&[path.as_ref().to_path_buf()])
}

/// Reads records to the end of a source. `name` is what messages call it.
///
/// # Errors
///
/// The source cannot be read or decompressed; it has no record, or a part of one; a label above 9.
///
/// # Example
///
/// ```
/// // one image, all red, of class 3
/// let mut record = vec![3];
/// record.extend([255; 1024]);
/// record.extend([0; 2048]);
/// let data = osculant_data::cifar10::read_dataset(&record[..], "red")?;
/// assert_eq!(data.labels(), [3]);
/// assert_eq!(data.inputs()[..6], [255.0, 0.0, 0.0, 255.0, 0.0, 0.0]);
/// # Ok::<(), osculant_data::DataError>(())
/// ```
pub fn read_dataset(source: impl Read, name: &str) -> Result<Dataset, DataError> {
    let mut records = Records::default();
    records.add(source, name)?;
    records.into_dataset()
}

/// Whether a folder with these files is one for [`read_folder`].
pub(crate) fn is_meant(names: &[String]) -> bool {
    names.iter().any(|name| is_binary(name))
}

pub(crate) fn is_binary(name: &str) -> bool {
    name.ends_with(".bin") || name.ends_with(".bin.gz")
}

/// Whether a file has the form of an official name.
fn is_official(name: &str) -> bool {
    is_binary(name) && (name.starts_with("data_batch") || name.starts_with("test_batch"))
}

/// The official files: all of them, or an error.
fn official(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    let find = |what, stem: String| {
        let names = vec![format!("{stem}.bin"), format!("{stem}.bin.gz")];
        find_file(folder, what, names)
    };
    let train = (1..=BATCHES).map(|i| find("training images", format!("data_batch_{i}")));
    let train = train.collect::<Result<_, _>>()?;
    Ok((train, vec![find("test images", "test_batch".into())?]))
}

/// The files with `train` and those with `test` in their names.
fn by_word(folder: &Path, names: &[String]) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    let with = |word: &'static str| {
        let names = names.iter().filter(|name| is_binary(name));
        names.filter(move |name| name.to_lowercase().contains(word))
    };
    if let Some(name) = with("train").find(|name| name.to_lowercase().contains("test")) {
        return Err(DataError::File {
            file: shown(&folder.join(name)),
            fault: "has both `train` and `test` in its name; rename it so that it says what its \
                     images are for"
                .into(),
        });
    }
    let find = |what, word: &'static str| {
        let paths: Vec<PathBuf> = with(word).map(|name| folder.join(name)).collect();
        if paths.is_empty() {
            return Err(DataError::MissingFile {
                folder: shown(folder),
                what,
                tried: vec![format!("*{word}*.bin"), format!("*{word}*.bin.gz")],
            });
        }
        Ok(paths)
    };
    Ok((
        find("training images", "train")?,
        find("test images", "test")?,
    ))
}

fn read(paths: &[PathBuf]) -> Result<Dataset, DataError> {
    let mut records = Records::default();
    for path in paths {
        records.add(open(path)?, &shown(path))?;
    }
    records.into_dataset()
}

/// Images and labels of the records read so far.
#[derive(Default)]
struct Records {
    inputs: Vec<f32>,
    labels: Vec<u32>,
}

impl Records {
    fn add(&mut self, source: impl Read, name: &str) -> Result<(), DataError> {
        let mut input = Input::new(source, name)?;
        let (bytes, cut) = input.read(u64::MAX)?;
        let (records, rest) = bytes.as_chunks::<RECORD>();
        if records.is_empty() || !rest.is_empty() {
            return Err(DataError::Records {
                file: name.into(),
                found: input.found,
            });
        }
        if cut {
            return Err(input.cut_off());
        }
        let labels: Vec<u32> = records.iter().map(|record| record[0].into()).collect();
        check_labels(&format!("`{name}`"), &labels, CLASSES)?;
        self.labels.extend(labels);
        // Bytes make up a quarter of the reals, and only those of one file are here at a time.
        self.inputs.reserve_exact(records.len() * PIXELS);
        for [_, pixels @ ..] in records {
            let (red, rest) = pixels.split_at(PLANE);
            let (green, blue) = rest.split_at(PLANE);
            for ((&red, &green), &blue) in red.iter().zip(green).zip(blue) {
                self.inputs
                    .extend([red.into(), green.into(), f32::from(blue)]);
            }
        }
        Ok(())
    }

    fn into_dataset(self) -> Result<Dataset, DataError> {
        Dataset::new(SHAPE, self.inputs, self.labels, CLASSES)
    }
}
