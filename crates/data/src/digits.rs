//! The handwritten digits that come with the crate.

use crate::{DataError, Split, idx};

/// The ten digits.
const CLASSES: usize = 10;

/// 10,000 real handwritten digits of MNIST, in memory and without any download: 8,000 to train
/// on and 2,000 to test.
///
/// They are the first 10,000 examples of the official *training* set, in its order; accuracy
/// on these 2,000 is therefore not comparable with published accuracy on the official test
/// set, which [`idx::read_folder`] reads. Source and licence stand in the folder `digits` of
/// this crate.
///
/// # Shapes
///
/// `[28, 28, 1]`, pixels 0 to 255 (0 is paper, 255 ink); labels 0 to 9.
///
/// # Errors
///
/// None, unless the crate was built from damaged files.
///
/// # Example
///
/// ```
/// let digits = osculant_data::digits()?;
/// assert_eq!(digits.train.len(), 8_000);
/// assert_eq!(digits.train.labels()[..5], [5, 0, 4, 1, 9]);
/// # Ok::<(), osculant_data::DataError>(())
/// ```
pub fn digits() -> Result<Split, DataError> {
    /// A file of the folder, with the name that messages give it.
    macro_rules! file {
        ($name:literal) => {
            (
                include_bytes!(concat!("../digits/", $name)).as_slice(),
                concat!("bundled digits/", $name),
            )
        };
    }
    let train = idx::read_dataset(
        file!("train-images-idx3-ubyte.gz"),
        file!("train-labels-idx1-ubyte.gz"),
        CLASSES,
    )?;
    let test = idx::read_dataset(
        file!("t10k-images-idx3-ubyte.gz"),
        file!("t10k-labels-idx1-ubyte.gz"),
        CLASSES,
    )?;
    Split::new(train, test)
}
