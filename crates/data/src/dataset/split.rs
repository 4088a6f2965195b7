//! The division into training and test.

use super::Dataset;
use crate::DataError;

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
        if train.shape != test.shape || train.classes() != test.classes() {
            return Err(DataError::Split {
                train_classes: train.classes(),
                train_shape: train.shape,
                test_classes: test.classes(),
                test_shape: test.shape,
            });
        }
        Ok(Self { train, test })
    }
}
