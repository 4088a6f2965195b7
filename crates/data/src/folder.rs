//! Folders of any format that is known.

use std::path::Path;

use crate::input::{file_names, shown};
use crate::{DataError, Split, cifar10, idx};

/// Reads a data set from a folder, in the format that the names of its files speak of: IDX
/// ([`idx::read_folder`]) or CIFAR-10 ([`cifar10::read_folder`]).
///
/// # Errors
///
/// The folder is missing; it holds no file of a known format, or files of two; and the errors of
/// the format's own reader.
///
/// # Example
///
/// ```no_run
/// let split = osculant_data::read_folder("data/cifar-10-batches-bin")?;
/// println!("{} examples of shape {:?}", split.train.len(), split.train.shape());
/// # Ok::<(), osculant_data::DataError>(())
/// ```
pub fn read_folder(folder: impl AsRef<Path>) -> Result<Split, DataError> {
    let folder = folder.as_ref();
    let names = file_names(folder)?;
    match (idx::is_meant(&names), cifar10::is_meant(&names)) {
        (true, false) => idx::read_folder(folder),
        (false, true) => cifar10::read_folder(folder),
        (both, _) => Err(DataError::Folder {
            folder: shown(folder),
            fault: if both {
                "holds both IDX files and files that end in .bin, as CIFAR-10 has them; give a \
                 folder with one data set"
                    .into()
            } else {
                "holds no data set of a known form; looked for IDX files \
                 (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, \
                 t10k-labels-idx1-ubyte) and for CIFAR-10 files (data_batch_1.bin to \
                 data_batch_5.bin and test_batch.bin, or other *.bin with train and test in their \
                 names), each also with .gz at the end"
                    .into()
            },
        }),
    }
}
