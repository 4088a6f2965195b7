//! What inputs and outputs of a network are called, and in which unit targets are.

use crate::dataset::{Dataset, Reals};
use crate::{AnyDataset, DataError};

/// What the outputs of a network stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Task {
    /// One output for each class; the largest is the prediction.
    #[default]
    Classes,
    /// Each output is a prediction.
    Reals,
    /// Each output is a prediction of the input at its place, as in an autoencoder.
    Inputs,
}

/// The words of the data that a network was trained on, so that it can be used on other data and
/// its predictions be understood.
///
/// The default is that of images: classes without names, inputs without names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Legend {
    /// What outputs stand for.
    pub task: Task,
    /// The name of each input, where they have names: the columns of a table.
    pub inputs: Vec<String>,
    /// The name of each target, where they have names.
    pub targets: Vec<String>,
    /// How many columns the table had, where these have numbers for names.
    pub columns: Option<usize>,
    /// The name of each class, where they have names.
    pub classes: Vec<String>,
    /// How real targets were standardized, if they were.
    pub scaling: Option<TargetScaling>,
}

impl Legend {
    /// The name of class number `class`: its own, or the number.
    pub fn class(&self, class: usize) -> String {
        match self.classes.get(class) {
            Some(name) => name.clone(),
            None => class.to_string(),
        }
    }

    /// The name of target number `target`, of `count`: its own, or `target`, with a number where
    /// there are several. Where inputs are predicted, the input's.
    pub fn target(&self, target: usize, count: usize) -> String {
        let names = match self.task {
            Task::Inputs => &self.inputs,
            Task::Classes | Task::Reals => &self.targets,
        };
        match names.get(target) {
            Some(name) => name.clone(),
            None if count == 1 => "target".into(),
            None => format!("target{target}"),
        }
    }

    /// Learns the mean and the deviation of real targets, so that
    /// [`AnyDataset::scale_targets`] standardizes them.
    pub fn fit_targets(&mut self, train: &AnyDataset) {
        if let AnyDataset::Reals(train) = train {
            self.scaling = Some(TargetScaling::fit(train));
        }
    }
}

/// Standardized targets, and the way back.
///
/// # Formula
///
/// yₖ ← (yₖ − mₖ)/dₖ with the mean and the deviation (the square root of the mean squared distance
/// from the mean) over the training examples, both accumulated in f64. A target that is constant
/// keeps d = 1.
///
/// # Example
///
/// ```
/// use osculant_data::{Dataset, TargetScaling};
///
/// let mut data = Dataset::with_reals([1], vec![0.0; 2], 1, vec![10.0, 30.0])?;
/// let scaling = TargetScaling::fit(&data);
/// scaling.apply(&mut data)?;
/// assert_eq!(data.targets(), [-1.0, 1.0]);
/// let mut predicted = [0.5];
/// scaling.undo(&mut predicted);
/// assert_eq!(predicted, [25.0]);
/// # Ok::<(), osculant_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TargetScaling {
    /// All finite, as many as a target has numbers.
    mean: Vec<f32>,
    /// All finite and above 0, as many.
    deviation: Vec<f32>,
}

impl TargetScaling {
    /// Learns mean and deviation of the targets, which stay as they are.
    pub fn fit(train: &Dataset<Reals>) -> Self {
        let each = train.target_size();
        let (mean, deviation) = moments(train.targets(), each, 1.0);
        TargetScaling { mean, deviation }
    }

    /// The scaling with this mean and deviation, as a program has stored them.
    ///
    /// # Errors
    ///
    /// Lists that are empty or of different lengths; numbers that are not finite; a deviation that
    /// is not above 0.
    pub fn from_parts(mean: Vec<f32>, deviation: Vec<f32>) -> Result<Self, DataError> {
        check_finite("target", &mean)?;
        check_deviation("target", &deviation, mean.len())?;
        Ok(TargetScaling { mean, deviation })
    }

    /// What is subtracted from each number of a target.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// What it is then divided by.
    pub fn deviation(&self) -> &[f32] {
        &self.deviation
    }

    /// Standardizes all targets of a data set, in place.
    ///
    /// # Errors
    ///
    /// Targets of another size than those of the training examples; a value that overflows. The
    /// data then stay as they were.
    pub fn apply(&self, data: &mut Dataset<Reals>) -> Result<(), DataError> {
        let each = data.target_size();
        if each != self.mean.len() {
            return Err(DataError::TargetScaling {
                expected: self.mean.len(),
                found: each,
            });
        }
        let new = |position: usize, y: f32| (y - self.mean[position]) / self.deviation[position];
        for (example, target) in data.targets().chunks(each).enumerate() {
            for (position, &y) in target.iter().enumerate() {
                let value = new(position, y);
                if !value.is_finite() {
                    return Err(DataError::TargetNotFinite {
                        example,
                        position,
                        value,
                    });
                }
            }
        }
        for target in data.targets_mut().chunks_mut(each) {
            for (position, y) in target.iter_mut().enumerate() {
                *y = new(position, *y);
            }
        }
        Ok(())
    }

    /// Gives predictions the unit of the targets again, one after the other in one slice.
    pub fn undo(&self, predicted: &mut [f32]) {
        for predicted in predicted.chunks_mut(self.mean.len()) {
            for ((y, m), d) in predicted.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *y = *y * d + m;
            }
        }
    }
}

/// Mean and deviation at each of `each` positions of the values times `scale`; a position whose
/// values are all the same has deviation 1.
pub(crate) fn moments(values: &[f32], each: usize, scale: f32) -> (Vec<f32>, Vec<f32>) {
    let count = (values.len() / each) as f64;
    let scale = f64::from(scale);
    let mut mean = vec![0.0_f64; each];
    for row in values.chunks_exact(each) {
        for (sum, &x) in mean.iter_mut().zip(row) {
            *sum += f64::from(x);
        }
    }
    let unscaled: Vec<f64> = mean.iter().map(|sum| sum / count).collect();
    let mut squares = vec![0.0_f64; each];
    let mut constant = vec![true; each];
    for row in values.chunks_exact(each) {
        for (p, &x) in row.iter().enumerate() {
            squares[p] += (f64::from(x) - unscaled[p]).powi(2);
            constant[p] &= x == values[p];
        }
    }
    let deviation = squares.iter().zip(constant).map(|(squares, constant)| {
        let deviation = (scale.abs() * (squares / count).sqrt()) as f32;
        // The sum of equal numbers is rounded too; and no deviation below the normal numbers of
        // f32 can be divided by.
        if constant || !deviation.is_normal() {
            1.0
        } else {
            deviation
        }
    });
    let deviation = deviation.collect();
    let mean = mean.iter().map(|sum| (scale / count * sum) as f32);
    (mean.collect(), deviation)
}

/// Refuses a mean with NaN or infinity in it, or of nothing.
pub(crate) fn check_finite(of: &'static str, mean: &[f32]) -> Result<(), DataError> {
    let len = mean.len();
    let fault = match mean.iter().position(|m| !m.is_finite()) {
        Some(at) => format!("and the one at position {at} is {}", mean[at]),
        None if len == 0 => "so it is of none".into(),
        None => return Ok(()),
    };
    Err(DataError::Mean { of, len, fault })
}

/// Refuses a deviation of another length, or one that nothing can be divided by.
pub(crate) fn check_deviation(
    of: &'static str,
    deviation: &[f32],
    expected: usize,
) -> Result<(), DataError> {
    let len = deviation.len();
    let fault = if len != expected {
        format!("but the mean has {expected}")
    } else if let Some(at) = deviation.iter().position(|d| !(d.is_finite() && *d > 0.0)) {
        format!("and the one at position {at} is {}", deviation[at])
    } else {
        return Ok(());
    };
    Err(DataError::Deviation { of, len, fault })
}
