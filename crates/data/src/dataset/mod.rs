//! Examples in memory with their targets, and their division into training and test.

mod split;
mod targets;

use std::ops::{Bound, Range, RangeBounds};

pub use self::split::Split;
use self::targets::rows;
pub use self::targets::{Classes, Reals, Targets, Unlabelled};
use crate::DataError;

/// Examples of one shape, each with a target: by default a class as its label.
///
/// Inputs lie one after the other, each row-major with its channels last. Whoever holds a
/// `Dataset` may rely on this: it has at least one example, all input values are finite and so
/// are all targets; labels are less than [`classes`](Self::classes).
///
/// `Dataset<Reals>` has real targets, `Dataset<Unlabelled>` none; [`AnyDataset`](crate::AnyDataset)
/// is one of the three.
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
pub struct Dataset<Y = Classes> {
    shape: Vec<usize>,
    /// Values in one input: the product of `shape`, at least 1.
    each: usize,
    inputs: Vec<f32>,
    targets: Y,
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
        let data = Self::checked(shape.into(), inputs, Classes { labels, classes })?;
        check_labels("the data set", data.labels(), classes)?;
        Ok(data)
    }

    /// Shape, inputs, labels and number of classes.
    pub(crate) fn into_parts(self) -> (Vec<usize>, Vec<f32>, Vec<u32>, usize) {
        let Classes { labels, classes } = self.targets;
        (self.shape, self.inputs, labels, classes)
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.targets.classes
    }

    /// The label of example `i`, or `None` past the last example.
    pub fn label(&self, i: usize) -> Option<u32> {
        self.labels().get(i).copied()
    }

    /// All labels.
    pub fn labels(&self) -> &[u32] {
        &self.targets.labels
    }

    /// Input and label of each example, in order.
    pub fn examples(&self) -> impl ExactSizeIterator<Item = (&[f32], u32)> {
        let labels = self.labels().iter().copied();
        self.inputs.chunks_exact(self.each).zip(labels)
    }
}

impl Dataset<Reals> {
    /// A data set with real targets, `target_size` numbers for each example, one after the other.
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::new`], labels apart; targets that are NaN or infinite, or do not
    /// divide into so many for each example.
    ///
    /// # Example
    ///
    /// ```
    /// use osculant_data::Dataset;
    ///
    /// let data = Dataset::with_reals([2], vec![0.0, 1.0, 2.0, 3.0], 1, vec![0.5, -0.5])?;
    /// assert_eq!(data.target(1), Some(&[-0.5][..]));
    /// # Ok::<(), osculant_data::DataError>(())
    /// ```
    pub fn with_reals(
        shape: impl Into<Vec<usize>>,
        inputs: Vec<f32>,
        target_size: usize,
        values: Vec<f32>,
    ) -> Result<Self, DataError> {
        if target_size == 0 || !values.len().is_multiple_of(target_size) {
            return Err(DataError::TargetLength {
                each: target_size,
                found: values.len(),
            });
        }
        if let Some(at) = values.iter().position(|y| !y.is_finite()) {
            return Err(DataError::TargetNotFinite {
                example: at / target_size,
                position: at % target_size,
                value: values[at],
            });
        }
        let each = target_size;
        Self::checked(shape.into(), inputs, Reals { values, each })
    }

    /// The numbers in one target, at least 1.
    pub fn target_size(&self) -> usize {
        self.targets.each
    }

    /// The target of example `i`, or `None` past the last example.
    pub fn target(&self, i: usize) -> Option<&[f32]> {
        let start = i.checked_mul(self.targets.each)?;
        let end = start.checked_add(self.targets.each)?;
        self.targets.values.get(start..end)
    }

    /// All targets, one after the other.
    pub fn targets(&self) -> &[f32] {
        &self.targets.values
    }

    /// All targets, to be changed in place; whoever does keeps them finite.
    pub(crate) fn targets_mut(&mut self) -> &mut [f32] {
        &mut self.targets.values
    }
}

impl Dataset<Unlabelled> {
    /// A data set of inputs alone.
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::new`], labels apart.
    pub fn unlabelled(shape: impl Into<Vec<usize>>, inputs: Vec<f32>) -> Result<Self, DataError> {
        let shape = shape.into();
        let count = inputs.len() / size(&shape)?;
        Self::checked(shape, inputs, Unlabelled { count })
    }
}

/// The number of values in an input of this shape.
fn size(shape: &[usize]) -> Result<usize, DataError> {
    let size = shape
        .iter()
        .try_fold(1_usize, |n, &axis| n.checked_mul(axis));
    match size {
        Some(each) if each > 0 && !shape.is_empty() => Ok(each),
        _ => Err(DataError::Shape {
            place: "the data set".into(),
            shape: shape.to_vec(),
        }),
    }
}

impl<Y: Targets> Dataset<Y> {
    /// What must hold, whatever the targets are.
    fn checked(shape: Vec<usize>, inputs: Vec<f32>, targets: Y) -> Result<Self, DataError> {
        let each = size(&shape)?;
        let count = targets.count();
        if count == 0 && inputs.is_empty() {
            return Err(DataError::Empty {
                place: "the data set".into(),
            });
        }
        if count.checked_mul(each) != Some(inputs.len()) {
            return Err(DataError::Length {
                shape,
                each,
                labels: count,
                found: inputs.len(),
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
        Ok(Self {
            shape,
            each,
            inputs,
            targets,
        })
    }

    /// The number of examples, at least 1.
    pub fn len(&self) -> usize {
        self.targets.count()
    }

    /// Always false: a data set without examples cannot be made.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of one input, channels last: `[28, 28, 1]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
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

    /// A copy of the examples in `range`, with the same shape and classes.
    ///
    /// ```
    /// # use osculant_data::Dataset;
    /// # let data = Dataset::new([1], vec![5.0, 6.0, 7.0], vec![0, 1, 0], 2)?;
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
        self.check_range(start..end)?;
        self.select(&(start..end).collect::<Vec<_>>())
    }

    /// A copy of these examples, in this order, with the same shape and classes.
    ///
    /// # Errors
    ///
    /// No example, or a number past the last one.
    pub fn select(&self, examples: &[usize]) -> Result<Self, DataError> {
        if examples.is_empty() {
            self.check_range(0..0)?;
        }
        if let Some(&i) = examples.iter().find(|&&i| i >= self.len()) {
            self.check_range(i..i.saturating_add(1))?;
        }
        Ok(Self {
            shape: self.shape.clone(),
            each: self.each,
            inputs: rows(&self.inputs, self.each, examples),
            targets: self.targets.pick(examples),
        })
    }

    /// Keeps the first `count` examples and lets go of the others, without a copy.
    ///
    /// # Errors
    ///
    /// A count of 0, or one past the last example; the data then stay as they were.
    pub fn keep_first(&mut self, count: usize) -> Result<(), DataError> {
        self.check_range(0..count)?;
        self.inputs.truncate(count * self.each);
        self.inputs.shrink_to_fit();
        self.targets.keep_first(count);
        Ok(())
    }

    fn check_range(&self, Range { start, end }: Range<usize>) -> Result<(), DataError> {
        let len = self.len();
        if start >= end || end > len {
            return Err(DataError::Subset { start, end, len });
        }
        Ok(())
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
