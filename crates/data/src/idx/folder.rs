//! IDX files on disk, under the names of the MNIST distribution.

use std::path::Path;

use super::{Images, pair, read_images, read_labels};
use crate::input::{check_folder, find_file, open, shown};
use crate::{DataError, Dataset, Split};

/// What each file of a data set holds, and how its name begins and ends.
const FILES: [(&str, &str, &str); 4] = [
    ("training images", "train-images", "idx3-ubyte"),
    ("training labels", "train-labels", "idx1-ubyte"),
    ("test images", "t10k-images", "idx3-ubyte"),
    ("test labels", "t10k-labels", "idx1-ubyte"),
];

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
    check_folder(folder)?;
    // All four are looked for before the first is read: a missing one is reported at once.
    let [train_images, train_labels, test_images, test_labels] =
        FILES.map(|(what, stem, ending)| find_file(folder, what, names(stem, ending)));
    let (train_images, train_labels) = (train_images?, train_labels?);
    let (test_images, test_labels) = (test_images?, test_labels?);

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

/// The names that a file of the data set may have.
fn names(stem: &str, ending: &str) -> Vec<String> {
    vec![
        format!("{stem}-{ending}"),
        format!("{stem}-{ending}.gz"),
        format!("{stem}.{ending}"),
        format!("{stem}.{ending}.gz"),
    ]
}

/// Whether a folder with these files is one for [`read_folder`].
pub(crate) fn is_meant(found: &[String]) -> bool {
    FILES
        .iter()
        .any(|(_, stem, ending)| names(stem, ending).iter().any(|name| found.contains(name)))
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
