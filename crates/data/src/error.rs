//! The one error type of the crate.

use std::io;

use osculant_tape::GraphError;

use crate::model_file::ModelFault;

/// What can be wrong with data. Every message names the file or the value at fault and says
/// what to do about it.
///
/// A `file` is the name that the caller gave to a reader, or the path of the file that was
/// opened. Bytes are counted after decompression, header included.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// There is nothing at this path.
    #[error(
        "there is no file or folder `{path}`; give a file of data, or the folder that holds the files \
         of the data set"
    )]
    MissingPath {
        /// The path as given.
        path: String,
    },

    /// A folder lacks one of the files of a data set.
    #[error(
        "the folder `{folder}` holds no {what}; put there a file with one of these names: {}",
        tried.join(", ")
    )]
    MissingFile {
        /// The folder that was searched.
        folder: String,
        /// What the file was to hold: "training images", for example.
        what: &'static str,
        /// The names looked for, in this order.
        tried: Vec<String>,
    },

    /// A folder that holds no data set, or more than one.
    #[error("the folder `{folder}` {fault}")]
    Folder {
        /// The folder that was searched.
        folder: String,
        /// What is wrong with it and what to do.
        fault: String,
    },

    /// The operating system could not open or read a file.
    #[error("cannot read `{file}`: {error}; check the path and its permissions")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        error: io::Error,
    },

    /// A gzip file that does not decompress, or whose checksum is wrong.
    #[error("the gzip data of `{file}` are damaged ({reason}); fetch the file again")]
    Gzip {
        /// The file.
        file: String,
        /// What the decompressor said.
        reason: String,
    },

    /// The first bytes are not those of an IDX file.
    #[error(
        "`{file}` is not an IDX file: it begins with {}, where an IDX file has 00 00, an element \
         type (08, 09, 0b, 0c, 0d or 0e) and a number of axes from 1 to 255; check that this is \
         the right file and that its download was complete",
        shown(first)
    )]
    NotIdx {
        /// The file.
        file: String,
        /// Its first bytes, at most four.
        first: Vec<u8>,
    },

    /// A file holds fewer bytes than its header announces.
    #[error(
        "`{file}` is truncated: {} {expected} bytes, found {found}; fetch the file again",
        announced(shape)
    )]
    Truncated {
        /// The file.
        file: String,
        /// The shape in its header; empty if the file ends inside the header.
        shape: Vec<usize>,
        /// Bytes that the file should have.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },

    /// A file goes on after the last value that its header announces.
    #[error(
        "`{file}` has more bytes than its header announces: {} {expected} bytes, and more \
         follow; the header or the file is damaged, fetch it again",
        announced(shape)
    )]
    TrailingBytes {
        /// The file.
        file: String,
        /// The shape in its header.
        shape: Vec<usize>,
        /// Bytes that the file should have.
        expected: u64,
    },

    /// A file that does not consist of CIFAR-10 records.
    #[error(
        "`{file}` holds {found} bytes, which are not records of CIFAR-10: each has {} bytes, a \
         label and 3072 pixels (those of CIFAR-100 have one more); check that this is the right \
         file and that its download was complete",
        crate::cifar10::RECORD
    )]
    Records {
        /// The file.
        file: String,
        /// Bytes that it has.
        found: u64,
    },

    /// A header announces more values than can be counted.
    #[error(
        "the header of `{file}` announces shape {shape:?}, more than any memory holds; the file \
         is damaged, fetch it again"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// The shape in its header.
        shape: Vec<usize>,
    },

    /// An IDX file of another element type than images and labels have.
    #[error(
        "`{file}` holds {found} values; images and labels must be ubyte (element type 08): \
         convert the file, or read it with `idx::read_array` and build a `Dataset` from it"
    )]
    ElementType {
        /// The file.
        file: String,
        /// The name of its element type.
        found: &'static str,
    },

    /// An IDX file whose axes are not those of what it was to hold.
    #[error(
        "`{file}` has shape {found:?}; {what} have {expected}: are images and labels exchanged?"
    )]
    Axes {
        /// The file.
        file: String,
        /// "images" or "labels".
        what: &'static str,
        /// The axes that they have.
        expected: &'static str,
        /// The shape in the header.
        found: Vec<usize>,
    },

    /// Images and labels of different counts.
    #[error(
        "`{images_file}` holds {images} images and `{labels_file}` {labels} labels; each image \
         needs one label: take both files from the same part of the same data set"
    )]
    CountMismatch {
        /// The file of the images.
        images_file: String,
        /// How many it holds.
        images: usize,
        /// The file of the labels.
        labels_file: String,
        /// How many it holds.
        labels: usize,
    },

    /// A data set without examples.
    #[error("{place} holds no examples; a data set needs at least one")]
    Empty {
        /// The file, or "the data set".
        place: String,
    },

    /// A shape that no input can have.
    #[error(
        "{place} gives inputs the shape {shape:?}; they need at least one axis, each of length 1 \
         or more, such as [28, 28, 1]"
    )]
    Shape {
        /// The file, or "the data set".
        place: String,
        /// The shape as given.
        shape: Vec<usize>,
    },

    /// The number of input values does not fit the shape and the number of labels.
    #[error(
        "{labels} examples of shape {shape:?} need {labels} × {each} input values, found {found}; \
         give one label for each example and all values of each input"
    )]
    Length {
        /// The shape of one input.
        shape: Vec<usize>,
        /// Values in one input.
        each: usize,
        /// Labels given.
        labels: usize,
        /// Input values given.
        found: usize,
    },

    /// An input value that is NaN or infinite.
    #[error(
        "example {example} has the value {value} at position {position} of its input; every \
         input value must be finite: repair or leave out this example"
    )]
    NotFinite {
        /// The example, counted from 0.
        example: usize,
        /// The place in its input, counted from 0.
        position: usize,
        /// The value.
        value: f32,
    },

    /// Targets that do not divide into so many numbers for each example.
    #[error(
        "{found} numbers are no targets of {each} for each example; give as many for each, and at \
         least one"
    )]
    TargetLength {
        /// Numbers in one target.
        each: usize,
        /// Numbers that there are.
        found: usize,
    },

    /// A target that is NaN or infinite, or becomes so.
    #[error(
        "example {example} has the value {value} at position {position} of its target; every \
         target must be finite: repair or leave out this example"
    )]
    TargetNotFinite {
        /// The example, counted from 0.
        example: usize,
        /// The place in its target, counted from 0.
        position: usize,
        /// The value.
        value: f32,
    },

    /// A share that divides nothing.
    #[error(
        "{len} examples cannot be divided at a share of {share}; it must lie between 0 and 1 and \
         leave at least one example on either side"
    )]
    Share {
        /// The share as given.
        share: f64,
        /// Examples in the data set.
        len: usize,
    },

    /// Something is wrong at one place of a file that people can read.
    #[error("`{file}`, {place}: {fault}")]
    At {
        /// The file.
        file: String,
        /// The line, counted from 1, and the column, or the array.
        place: String,
        /// What is wrong and what to do.
        fault: String,
    },

    /// A file as a whole is not what it was to be.
    #[error("`{file}` {fault}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it and what to do.
        fault: String,
    },

    /// A label that names no class.
    #[error(
        "{place} gives example {example} the label {label}, but there are {classes} classes and \
         labels are counted from 0; correct the label or the number of classes"
    )]
    Label {
        /// The file, or "the data set".
        place: String,
        /// The example, counted from 0.
        example: usize,
        /// Its label.
        label: u32,
        /// The number of classes.
        classes: usize,
    },

    /// A range that leaves the data set, or holds nothing.
    #[error(
        "examples {start} to {end} (exclusive) are not a subset of a data set of {len} examples; \
         give a range that holds at least one example and ends at {len} or before"
    )]
    Subset {
        /// First example of the range.
        start: usize,
        /// The example after its last.
        end: usize,
        /// Examples in the data set.
        len: usize,
    },

    /// Training and test sets that do not belong together.
    #[error(
        "training inputs have shape {train_shape:?} and {train_classes} classes, test inputs \
         {test_shape:?} and {test_classes}; both must be the same: take both parts from the same \
         data set"
    )]
    Split {
        /// Shape of a training input.
        train_shape: Vec<usize>,
        /// Classes in training.
        train_classes: usize,
        /// Shape of a test input.
        test_shape: Vec<usize>,
        /// Classes in the test.
        test_classes: usize,
    },

    /// A scale that would destroy the data.
    #[error("inputs cannot be scaled by {scale}; give a finite number other than 0, such as 1/255")]
    Scale {
        /// The scale as given.
        scale: f32,
    },

    /// A mean that is empty or holds NaN or infinity.
    #[error(
        "the mean {of} has {len} values, {fault}; it must hold one finite value for each \
         position of each {of}: fit it to the training examples again"
    )]
    Mean {
        /// Of what it is: input or target.
        of: &'static str,
        /// Values in the mean.
        len: usize,
        /// What is wrong with it.
        fault: String,
    },

    /// A deviation that nothing can be divided by.
    #[error(
        "the deviation of each {of} has {len} values, {fault}; it must hold one value above 0 for \
         each of the mean: fit it to the training examples again"
    )]
    Deviation {
        /// Of what it is: input or target.
        of: &'static str,
        /// Values in the deviation.
        len: usize,
        /// What is wrong with it.
        fault: String,
    },

    /// Targets of another size than their mean and deviation were fitted to.
    #[error(
        "targets were standardized with {expected} numbers for each example, and these have \
         {found}; use targets like those of training, or fit mean and deviation again"
    )]
    TargetScaling {
        /// Numbers in the mean.
        expected: usize,
        /// Numbers in a target.
        found: usize,
    },

    /// Inputs of another size than the preprocessing was fitted to.
    #[error(
        "the preprocessing was fitted to inputs of {expected} values and cannot be applied to \
         {found}; use data of the shape that it was fitted to, or fit it again"
    )]
    PreprocessShape {
        /// Values in the mean input.
        expected: usize,
        /// What was given: the shape of the data, or a number of values.
        found: String,
    },

    /// Preprocessing would make a value infinite.
    #[error(
        "example {example} would have the value {value} at position {position} after \
         preprocessing; choose a smaller scale"
    )]
    Overflow {
        /// The example, counted from 0.
        example: usize,
        /// The place in its input, counted from 0.
        position: usize,
        /// The value.
        value: f32,
    },

    /// Something is wrong with a file that holds a trained model.
    #[error("the model file `{file}` {fault}")]
    Model {
        /// The file.
        file: String,
        /// What is wrong with it.
        fault: ModelFault,
    },

    /// Something is wrong with a file that holds the state of a run.
    #[error(
        "the checkpoint `{file}` {fault}; without another copy of it the run is to be begun anew"
    )]
    Checkpoint {
        /// The file.
        file: String,
        /// What is wrong with it.
        fault: ModelFault,
    },

    /// The graph or the θ of a model refused.
    #[error(transparent)]
    Graph(#[from] GraphError),

    /// The operating system could not write a file. What was there before still is, and no part
    /// of the new file stays behind.
    #[error("cannot write `{file}`: {error}; check the path, its permissions and the space left")]
    Write {
        /// The file.
        file: String,
        /// What the system said.
        error: io::Error,
    },

    /// A file cannot be written to this place.
    #[error("cannot write to `{file}`: {reason}")]
    Destination {
        /// The path as given.
        file: String,
        /// Why not, and what to do.
        reason: String,
    },
}

/// Bytes in hexadecimal and, where they are readable, as text: `3c 68 74 6d ("<htm")`.
pub(crate) fn shown(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing (it is empty)".into();
    }
    let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let hex = hex.join(" ");
    if bytes.iter().all(|b| b.is_ascii_graphic() || *b == b' ') {
        format!("{hex} (\"{}\")", String::from_utf8_lossy(bytes))
    } else {
        hex
    }
}

/// The part of a message that says where an expected size comes from.
fn announced(shape: &[usize]) -> String {
    if shape.is_empty() {
        "its header needs".into()
    } else {
        format!("its header announces shape {shape:?}, which makes")
    }
}
