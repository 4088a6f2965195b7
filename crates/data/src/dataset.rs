//! Labelled examples in memory, and their division into training and test.

use std::ops::{Bound, RangeBounds};

use crate::DataError;

/// Examples of one shape, each with a class as its label.
///
/// Inputs lie one after the other, each row-major with its channels last. Whoever holds a
/// `Dataset` may rely on this: it has at least one example, all input values are finite and
/// all labels are less than [`classes`](Self::classes).
///
/// # Example
///
/// ```
/// use osculant_data::Dataset;
///
/// // two examples of 2 × 2 pixels with one channel
/// let inputs = vec![0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
/// let data = Dataset::new([2, 2, 1], inputs, vec![0, 1], 2)?;
/// assert_eq!(data.len(), 2);
/// assert_eq!(data.input(1), Some(&[1.0, 0.0, 0.0, 1.0][..]));
/// assert_eq!(data.label(1), Some(1));
/// # Ok::<(), osculant_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    shape: Vec<usize>,
    /// Values in one input: the product of `shape`, at least 1.
    each: usize,
    inputs: Vec<f32>,
    labels: Vec<u32>,
    classes: usize,
}

impl Dataset {
    /// A data set of `labels.len()` examples of the given shape.
    ///
    /// # Errors
    ///
    /// No examples; a shape without axes or with an axis of length 0; a number of values that
    /// is not the number of labels times the size of the shape; an input value that is NaN or
    /// infinite; a label that is not less than `classes`.
    pub fn new(
        shape: impl Into<Vec<usize>>,
        inputs: Vec<f32>,
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self, DataError> {
        let shape = shape.into();
        let size = shape
            .iter()
            .try_fold(1_usize, |n, &axis| n.checked_mul(axis));
        let each = match size {
            Some(each) if each > 0 && !shape.is_empty() => each,
            _ => {
                return Err(DataError::Shape {
                    place: "the data set".into(),
                    shape,
                });
            }
        };
        if labels.is_empty() && inputs.is_empty() {
            return Err(DataError::Empty {
                place: "the data set".into(),
            });
        }
        if labels.len().checked_mul(each) != Some(inputs.len()) {
            let (labels, found) = (labels.len(), inputs.len());
            return Err(DataError::Length {
                shape,
                each,
                labels,
                found,
            });
        }
        if let Some(at) = inputs.iter().position(|x| !x.is_finite()) {
            let (example, position) = (at / each, at % each);
            return Err(DataError::NotFinite {
                example,
                position,
                value: inputs[at],
            });
        }
        check_labels("the data set", &labels, classes)?;
        Ok(Self {
            shape,
            each,
            inputs,
            labels,
            classes,
        })
    }

    /// The number of examples, at least 1.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Always false: a data set without examples cannot be made.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The shape of one input, channels last: `[28, 28, 1]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The input of example `i`, or `None` past the last example.
    pub fn input(&self, i: usize) -> Option<&[f32]> {
        let start = i.checked_mul(self.each)?;
        self.inputs.get(start..start.checked_add(self.each)?)
    }

    /// All inputs, one after the other.
    pub fn inputs(&self) -> &[f32] {
        &self.inputs
    }

    /// The label of example `i`, or `None` past the last example.
    pub fn label(&self, i: usize) -> Option<u32> {
        self.labels.get(i).copied()
    }

    /// All labels.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Input and label of each example, in order.
    pub fn examples(&self) -> impl ExactSizeIterator<Item = (&[f32], u32)> {
        self.inputs
            .chunks_exact(self.each)
            .zip(self.labels.iter().copied())
    }

    /// A copy of the examples in `range`, with the same shape and classes.
    ///
    /// ```
    /// # let data = osculant_data::Dataset::new([1], vec![5.0, 6.0, 7.0], vec![0, 1, 0], 2)?;
    /// assert_eq!(data.subset(..2)?.inputs(), [5.0, 6.0]);
    /// # Ok::<(), osculant_data::DataError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The range holds no example, or ends past the last one.
    pub fn subset(&self, range: impl RangeBounds<usize>) -> Result<Self, DataError> {
        // Saturation is harmless: such a bound lies outside every data set and is refused.
        let start = match range.start_bound() {
            Bound::Included(&i) => i,
            Bound::Excluded(&i) => i.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&i) => i.saturating_add(1),
            Bound::Excluded(&i) => i,
            Bound::Unbounded => self.len(),
        };
        if start >= end || end > self.len() {
            return Err(DataError::Subset {
                start,
                end,
                len: self.len(),
            });
        }
        Ok(Self {
            shape: self.shape.clone(),
            each: self.each,
            inputs: self.inputs[start * self.each..end * self.each].to_vec(),
            labels: self.labels[start..end].to_vec(),
            classes: self.classes,
        })
    }

    /// The values of one input.
    pub(crate) fn each(&self) -> usize {
        self.each
    }

    /// All inputs, to be changed in place; whoever does keeps them finite.
    pub(crate) fn inputs_mut(&mut self) -> &mut [f32] {
        &mut self.inputs
    }
}

/// Checks that each label is less than `classes`; `place` says in the message where they stand.
pub(crate) fn check_labels(place: &str, labels: &[u32], classes: usize) -> Result<(), DataError> {
    match labels.iter().position(|&label| label as usize >= classes) {
        Some(example) => {
            let label = labels[example];
            Err(DataError::Label {
                place: place.into(),
                example,
                label,
                classes,
            })
        }
        None => Ok(()),
    }
}

/// A data set in two parts: one to train on, one to test what was learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// The examples to train on.
    pub train: Dataset,
    /// The examples to test on; training must not see them.
    pub test: Dataset,
}

impl Split {
    /// Joins two parts of the same data set.
    ///
    /// # Errors
    ///
    /// The parts differ in the shape of their inputs or in the number of classes.
    pub fn new(train: Dataset, test: Dataset) -> Result<Self, DataError> {
        if train.shape != test.shape || train.classes != test.classes {
            return Err(DataError::Split {
                train_shape: train.shape,
                train_classes: train.classes,
                test_shape: test.shape,
                test_classes: test.classes,
            });
        }
        Ok(Self { train, test })
    }
}
