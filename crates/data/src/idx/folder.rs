//! IDX files on disk, under the names of the MNIST distribution.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use super::{Images, pair, read_images, read_labels};
use crate::{DataError, Dataset, Split};

/// Reads a pair of files: images and their labels.
///
/// # Errors
///
/// A file cannot be opened, and the errors of [`read_dataset`](super::read_dataset).
pub fn read_files(
    images: impl AsRef<Path>,
    labels: impl AsRef<Path>,
    classes: usize,
) -> Result<Dataset, DataError> {
    let (images, images_name) = images_at(images.as_ref())?;
    let (labels, labels_name) = labels_at(labels.as_ref())?;
    pair(images, &images_name, labels, &labels_name, classes)
}

/// Reads the four files of MNIST, or of a data set in its form (Fashion-MNIST, KMNIST), from
/// one folder.
///
/// The files are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
/// `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each also with `.gz` at the end or
/// with a dot for the hyphen before `idx`. Of several forms of one file the first in this
/// order is read: hyphen, hyphen and `.gz`, dot, dot and `.gz`.
///
/// There are as many classes as the training labels say: one more than the largest.
///
/// # Errors
///
/// The folder or one of the files is missing; a test label does not occur among the classes
/// of training; training and test images differ in shape; and the errors of
/// [`read_dataset`](super::read_dataset).
///
/// # Example
///
/// ```no_run
/// let split = osculant_data::idx::read_folder("data/mnist")?;
/// println!("{} examples of shape {:?}", split.train.len(), split.train.shape());
/// # Ok::<(), osculant_data::DataError>(())
/// ```
pub fn read_folder(folder: impl AsRef<Path>) -> Result<Split, DataError> {
    let folder = folder.as_ref();
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => {}
        Err(error) if !is_absent(&error) => {
            return Err(DataError::Read {
                file: shown(folder),
                error,
            });
        }
        _ => {
            return Err(DataError::MissingFolder {
                folder: shown(folder),
            });
        }
    }

    // All four are looked for before the first is read: a missing one is reported at once.
    let train_images = find(folder, "training images", "train-images", "idx3-ubyte")?;
    let train_labels = find(folder, "training labels", "train-labels", "idx1-ubyte")?;
    let test_images = find(folder, "test images", "t10k-images", "idx3-ubyte")?;
    let test_labels = find(folder, "test labels", "t10k-labels", "idx1-ubyte")?;

    let (labels, labels_name) = labels_at(&train_labels)?;
    let classes = labels
        .iter()
        .max()
        .map_or(0, |&largest| largest as usize + 1);
    let (images, images_name) = images_at(&train_images)?;
    let train = pair(images, &images_name, labels, &labels_name, classes)?;
    let test = read_files(test_images, test_labels, classes)?;
    Split::new(train, test)
}

/// The path of the first form of a file name that exists as a file.
fn find(folder: &Path, what: &'static str, stem: &str, ending: &str) -> Result<PathBuf, DataError> {
    let tried = vec![
        format!("{stem}-{ending}"),
        format!("{stem}-{ending}.gz"),
        format!("{stem}.{ending}"),
        format!("{stem}.{ending}.gz"),
    ];
    for name in &tried {
        let path = folder.join(name);
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => return Ok(path),
            // Some archives unpack into folders named like the file.
            Ok(_) => {}
            Err(error) if is_absent(&error) => {}
            Err(error) => {
                return Err(DataError::Read {
                    file: shown(&path),
                    error,
                });
            }
        }
    }
    Err(DataError::MissingFile {
        folder: shown(folder),
        what,
        tried,
    })
}

/// Images of a file, with the name that messages give it.
fn images_at(path: &Path) -> Result<(Images, String), DataError> {
    let name = shown(path);
    Ok((read_images(open(path)?, &name)?, name))
}

/// Labels of a file, with the name that messages give it.
fn labels_at(path: &Path) -> Result<(Vec<u32>, String), DataError> {
    let name = shown(path);
    Ok((read_labels(open(path)?, &name)?, name))
}

fn open(path: &Path) -> Result<BufReader<File>, DataError> {
    match File::open(path) {
        Ok(file) => Ok(BufReader::new(file)),
        Err(error) => Err(DataError::Read {
            file: shown(path),
            error,
        }),
    }
}

/// Whether an error says that nothing is there, rather than that it cannot be seen.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
