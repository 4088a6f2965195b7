//! The IDX format of LeCun's MNIST files, plain or gzip.
//!
//! An IDX file is one array: two zero bytes, a byte for the element type, a byte for the
//! number of axes, the length of each axis as a big-endian `u32`, then the values, row-major
//! and big-endian.
//!
//! | code | type | | code | type |
//! |---|---|---|---|---|
//! | `08` | ubyte ([`u8`]) | | `0c` | int ([`i32`]) |
//! | `09` | byte ([`i8`]) | | `0d` | float ([`f32`]) |
//! | `0b` | short ([`i16`]) | | `0e` | double ([`f64`]) |
//!
//! Whether a file is compressed is seen from its first bytes, never from its name. The header
//! is not trusted: memory grows with the bytes that are there, not with those announced, and a
//! file with fewer or more bytes than announced is an error.
//!
//! From the widest to the narrowest: [`read_folder`] reads a data set under its official file
//! names, [`read_files`] one pair of files, [`read_dataset`] one pair of sources,
//! [`read_images`] and [`read_labels`] one half of it and [`read_array`] any IDX array.
//!
//! # Reference
//!
//! Y. LeCun, C. Cortes and C. J. C. Burges, *The MNIST database of handwritten digits*,
//! section "File formats".

mod array;
mod folder;

use std::io::Read;

pub use self::array::{IdxArray, IdxValues, read_array};
pub(crate) use self::folder::is_meant;
pub use self::folder::{read_files, read_folder};
use crate::dataset::check_labels;
use crate::{DataError, Dataset};

/// Images without labels, as a file of images holds them.
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    /// The number of images; may be 0.
    pub count: usize,
    /// The shape of one image: height, width, channels.
    pub shape: Vec<usize>,
    /// The pixels, 0 to 255, one image after the other.
    pub inputs: Vec<f32>,
}

/// Reads images: ubyte of shape `[n, height, width]`, which get one channel, or
/// `[n, height, width, channels]`. `name` is what messages call the source.
///
/// # Errors
///
/// Those of [`read_array`]; another element type; other axes.
pub fn read_images(source: impl Read, name: &str) -> Result<Images, DataError> {
    let array = read_array(source, name)?;
    let (count, shape) = match *array.shape {
        [n, height, width] => (n, vec![height, width, 1]),
        [n, height, width, channels] => (n, vec![height, width, channels]),
        _ => {
            let expected = "axes [n, height, width] or [n, height, width, channels]";
            return Err(axes(name, "images", expected, array.shape));
        }
    };
    let inputs = ubytes(array.values, name)?
        .into_iter()
        .map(f32::from)
        .collect();
    Ok(Images {
        count,
        shape,
        inputs,
    })
}

/// Reads labels: ubyte of shape `[n]`. `name` is what messages call the source.
///
/// # Errors
///
/// Those of [`read_array`]; another element type; other axes.
pub fn read_labels(source: impl Read, name: &str) -> Result<Vec<u32>, DataError> {
    let array = read_array(source, name)?;
    if array.shape.len() != 1 {
        return Err(axes(name, "labels", "one axis, [n]", array.shape));
    }
    Ok(ubytes(array.values, name)?
        .into_iter()
        .map(u32::from)
        .collect())
}

/// Reads images and their labels, each source with the name that messages give it. Pixels keep
/// their values, 0 to 255.
///
/// # Errors
///
/// Those of [`read_images`] and [`read_labels`]; different counts; no images, or images without
/// pixels; a label that is not less than `classes`.
pub fn read_dataset(
    (images, images_name): (impl Read, &str),
    (labels, labels_name): (impl Read, &str),
    classes: usize,
) -> Result<Dataset, DataError> {
    let images = read_images(images, images_name)?;
    let labels = read_labels(labels, labels_name)?;
    pair(images, images_name, labels, labels_name, classes)
}

/// Joins images and labels, with checks that can still name the files.
fn pair(
    images: Images,
    images_name: &str,
    labels: Vec<u32>,
    labels_name: &str,
    classes: usize,
) -> Result<Dataset, DataError> {
    if images.count != labels.len() {
        return Err(DataError::CountMismatch {
            images_file: images_name.into(),
            images: images.count,
            labels_file: labels_name.into(),
            labels: labels.len(),
        });
    }
    let place = format!("`{images_name}`");
    if images.count == 0 {
        return Err(DataError::Empty { place });
    }
    if images.inputs.is_empty() {
        return Err(DataError::Shape {
            place,
            shape: images.shape,
        });
    }
    check_labels(&format!("`{labels_name}`"), &labels, classes)?;
    Dataset::new(images.shape, images.inputs, labels, classes)
}

/// The values of an array that must be ubyte.
fn ubytes(values: IdxValues, name: &str) -> Result<Vec<u8>, DataError> {
    match values {
        IdxValues::U8(values) => Ok(values),
        other => Err(DataError::ElementType {
            file: name.into(),
            found: other.type_name(),
        }),
    }
}

/// The error of an array whose axes are not those of images or labels.
fn axes(name: &str, what: &'static str, expected: &'static str, found: Vec<usize>) -> DataError {
    DataError::Axes {
        file: name.into(),
        what,
        expected,
        found,
    }
}
