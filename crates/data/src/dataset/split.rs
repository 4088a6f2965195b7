//! The division into training and test.

use osculant_tape::Random;

use super::{Dataset, Targets};
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

impl<Y: Targets> Dataset<Y> {
    /// Divides the examples at random: the second part gets this share of them, of each class
    /// where there are classes, the first part the rest. Both keep the order of the examples; the
    /// same seed divides in the same way.
    ///
    /// # Errors
    ///
    /// A share that is not between 0 and 1, or leaves one of the parts without examples.
    ///
    /// # Example
    ///
    /// ```
    /// use osculant_data::Dataset;
    ///
    /// let inputs = (0..20).map(|i| i as f32).collect();
    /// let labels = (0..20).map(|i| u32::from(i % 4 == 0)).collect();
    /// let data = Dataset::new([1], inputs, labels, 2)?;
    /// let (train, held_out) = data.split(0.2, 1)?;
    /// assert_eq!((train.len(), held_out.len()), (16, 4));
    /// assert_eq!(held_out.labels().iter().sum::<u32>(), 1); // a quarter, as in all
    /// # Ok::<(), osculant_data::DataError>(())
    /// ```
    pub fn split(&self, share: f64, seed: u64) -> Result<(Self, Self), DataError> {
        let len = self.len();
        let refuse = || DataError::Share { share, len };
        if !(share > 0.0 && share < 1.0) {
            return Err(refuse());
        }
        let mut random = Random::new(seed, STREAM);
        let mut chosen = vec![false; len];
        // What rounding takes from one class goes to the next, so that the sum is right.
        let mut owed = 0.0;
        for group in self.targets.groups() {
            owed += share * group.len() as f64;
            let take = (owed.round() as usize).min(group.len());
            owed -= take as f64;
            for &i in random.permutation(group.len()).iter().take(take) {
                chosen[group[i]] = true;
            }
        }
        let (second, first): (Vec<_>, Vec<_>) = (0..len).partition(|&i| chosen[i]);
        if first.is_empty() || second.is_empty() {
            return Err(refuse());
        }
        Ok((self.select(&first)?, self.select(&second)?))
    }
}

/// The stream of the generator that divides data: none that draws parameters or subsets.
const STREAM: u64 = 0x73_706c_6974;
