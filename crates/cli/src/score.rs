//! How well a network does on a data set.

use crate::error::CliError;
use crate::loss::LossName;
use crate::number::significant;
use osculant_data::AnyDataset;
use osculant_layers::Network;
use osculant_tape::GraphError;
use std::fmt;

/// Examples that go through the network at a time: enough for many threads, few to keep.
const CHUNK: usize = 1024;

/// The outputs for a data set, example after example.
pub fn outputs(net: &Network<f32>, theta: &[f32], data: &AnyDataset) -> Result<Vec<f32>, CliError> {
    let each = net.input_size().max(1);
    let mut outputs = Vec::with_capacity(data.len() * net.output_shape().size());
    for inputs in data.inputs().chunks(CHUNK * each) {
        outputs.extend(net.forward(theta, inputs)?);
    }
    Ok(outputs)
}

/// The same at a θ that a run came to: none where they are not finite, as where it diverged.
pub fn outputs_if_finite(
    net: &Network<f32>,
    theta: &[f32],
    data: &AnyDataset,
) -> Result<Option<Vec<f32>>, CliError> {
    match outputs(net, theta, data) {
        Err(CliError::Graph(GraphError::NotFinite { .. } | GraphError::Arose { .. })) => Ok(None),
        outputs => outputs.map(Some),
    }
}

/// How good predictions are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Score {
    /// How many examples have their class predicted.
    Accuracy { correct: usize, count: usize },
    /// The coefficient of determination, 1 − Σ(y − ŷ)² / Σ(y − ȳ)², over all real targets: 1 is
    /// perfect, 0 is what their mean alone would do.
    R2(f64),
    /// There is nothing to compare with.
    Unknown,
}

impl Score {
    /// Compares predictions with targets.
    pub fn of(outputs: &[f32], data: &AnyDataset, loss: LossName) -> Self {
        match data {
            AnyDataset::Classes(data) => {
                let classes = outputs.len().checked_div(data.len()).unwrap_or(0).max(1);
                let predicted = outputs.chunks(classes).map(predict);
                let right = predicted.zip(data.labels()).filter(|(p, y)| p == *y);
                Score::Accuracy {
                    correct: right.count(),
                    count: data.len(),
                }
            }
            AnyDataset::Reals(data) => {
                let mut predicted = outputs.to_vec();
                loss.means(&mut predicted);
                Score::R2(r2(&predicted, data.targets(), data.target_size()))
            }
            AnyDataset::Unlabelled(_) => Score::Unknown,
        }
    }

    /// The coefficient of determination, for real targets that vary.
    pub fn r2(&self) -> Option<f64> {
        match *self {
            Score::R2(r2) => Some(r2).filter(|r2| r2.is_finite()),
            _ => None,
        }
    }

    /// What a table shows: the share of right predictions in percent, or R².
    pub fn percent(&self) -> String {
        match *self {
            Score::Accuracy { correct, count } => {
                // From whole numbers: 97.55 % must not depend on how 0.9755 is rounded.
                let hundredths = (correct as u128 * 10_000 + count as u128 / 2)
                    .checked_div(count as u128)
                    .unwrap_or(0);
                format!("{}.{:02} %", hundredths / 100, hundredths % 100)
            }
            Score::R2(r2) if r2.is_nan() => "-".into(),
            Score::R2(r2) if r2.abs() < 1e4 => format!("R² {r2:.4}"),
            Score::R2(r2) => format!("R² {}", significant(r2, 4)),
            Score::Unknown => "-".into(),
        }
    }
}

/// `accuracy 97.55 % (1951/2000)`, `R² 0.8312`.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.percent();
        match self {
            Score::Accuracy { correct, count } => write!(f, "accuracy {text} ({correct}/{count})"),
            _ => f.write_str(&text),
        }
    }
}

/// What a network makes of a data set, in short.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    pub score: Score,
    /// The mean loss, without the regularization term.
    pub loss: Option<f64>,
}

impl Scored {
    /// Compares what the network at θ gives with the targets of the data.
    pub fn of(
        net: &Network<f32>,
        theta: &[f32],
        data: &AnyDataset,
        loss: LossName,
    ) -> Result<Self, CliError> {
        let Some(outputs) = outputs_if_finite(net, theta, data)? else {
            return Ok(Scored {
                score: Score::Unknown,
                loss: None,
            });
        };
        Ok(Scored {
            score: Score::of(&outputs, data, loss),
            loss: loss.mean(&outputs, data),
        })
    }

    /// The coefficient of determination, for real targets that vary.
    pub fn r2(&self) -> Option<f64> {
        self.score.r2()
    }

    /// The share of right predictions.
    pub fn accuracy(&self) -> Option<f64> {
        match self.score {
            Score::Accuracy { correct, count } => Some(correct as f64 / count.max(1) as f64),
            _ => None,
        }
    }
}

/// The scores of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    pub validation: Option<Scored>,
    pub test: Scored,
}

/// The class with the largest output, the first of several.
pub fn predict(outputs: &[f32]) -> u32 {
    let mut best = 0;
    for (class, z) in outputs.iter().enumerate() {
        if *z > outputs[best] {
            best = class;
        }
    }
    best as u32
}

/// The coefficient of determination, with a mean for each of `each` targets; NaN where targets do
/// not vary.
fn r2(predicted: &[f32], targets: &[f32], each: usize) -> f64 {
    let count = (targets.len() / each.max(1)).max(1) as f64;
    let mut means = vec![0.0; each];
    for target in targets.chunks(each.max(1)) {
        for (mean, &y) in means.iter_mut().zip(target) {
            *mean += f64::from(y) / count;
        }
    }
    let squares = |other: &dyn Fn(usize) -> f64| -> f64 {
        let targets = targets.iter().enumerate();
        targets
            .map(|(i, &y)| (f64::from(y) - other(i)).powi(2))
            .sum()
    };
    let varies = |i: usize| {
        targets
            .get(i % each)
            .is_some_and(|&first| targets[i] != first)
    };
    let left = squares(&|i| predicted.get(i).map_or(f64::NAN, |&p| f64::from(p)));
    let total = squares(&|i| means[i % each]);
    if !(0..targets.len()).any(varies) {
        f64::NAN
    } else {
        1.0 - left / total
    }
}

/// The root of the mean squared distance of predictions and targets.
pub fn rmse(predicted: &[f32], targets: &[f32]) -> f64 {
    let squares = predicted.iter().zip(targets);
    let sum: f64 = squares
        .map(|(&p, &y)| (f64::from(p) - f64::from(y)).powi(2))
        .sum();
    (sum / targets.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_outputs_wins() {
        assert_eq!(predict(&[0.0, 2.0, 2.0, -1.0]), 1);
        assert_eq!(predict(&[-3.0]), 0);
    }

    #[test]
    fn percentages_are_exact() {
        let percent = |correct, count| Score::Accuracy { correct, count }.percent();
        assert_eq!(percent(1951, 2000), "97.55 %");
        assert_eq!(percent(2000, 2000), "100.00 %");
        assert_eq!(percent(1, 3), "33.33 %");
        assert_eq!(percent(2, 3), "66.67 %");
        assert_eq!(percent(0, 7), "0.00 %");
    }

    #[test]
    fn r2_is_1_for_the_targets_and_0_for_their_means() {
        // Two targets for each of two examples, of very different means.
        let targets = [1.0, 100.0, 3.0, 102.0];
        assert_eq!(r2(&targets, &targets, 2), 1.0);
        assert_eq!(r2(&[2.0, 101.0, 2.0, 101.0], &targets, 2), 0.0);
        assert_eq!(r2(&[1.0, 101.0, 3.0, 101.0], &targets, 2), 0.5);
        assert!(r2(&[1.0, 2.0], &[5.0, 5.0], 1).is_nan());
        assert_eq!(Score::R2(f64::NAN).percent(), "-");
    }

    #[test]
    fn rmse_has_the_unit_of_the_targets() {
        assert_eq!(rmse(&[1.0, 2.0], &[4.0, 6.0]), 12.5f64.sqrt());
    }
}
