//! How well a network does on a data set.

use crate::error::CliError;
use crate::loss::LossName;
use crate::number::significant;
use osculant_data::AnyDataset;
use osculant_layers::Network;
use osculant_optim::metrics::{predicted_class, r2};
use osculant_tape::GraphError;
use std::fmt;

/// Examples that go through the network at a time: enough for many threads, few to keep.
const CHUNK: usize = 1024;

/// The outputs for a data set, example after example.
pub fn outputs(net: &Network<f32>, theta: &[f32], data: &AnyDataset) -> Result<Vec<f32>, CliError> {
    outputs_watched(net, theta, data, |_, _| ())
}

/// The same, telling how many examples are done, and of how many.
pub fn outputs_watched(
    net: &Network<f32>,
    theta: &[f32],
    data: &AnyDataset,
    mut watch: impl FnMut(usize, usize),
) -> Result<Vec<f32>, CliError> {
    let each = net.input_size().max(1);
    let mut outputs = Vec::with_capacity(data.len() * net.output_shape().size());
    for (chunk, inputs) in data.inputs().chunks(CHUNK * each).enumerate() {
        watch(chunk * CHUNK, data.len());
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
                let predicted = outputs.chunks(classes).map(predicted_class);
                let right = predicted.zip(data.labels()).filter(|(p, y)| p == *y);
                Score::Accuracy {
                    correct: right.count(),
                    count: data.len(),
                }
            }
            AnyDataset::Reals(data) => {
                let mut predicted = outputs.to_vec();
                loss.means(&mut predicted);
                let r2 = r2(&predicted, data.targets(), data.target_size());
                Score::R2(r2.unwrap_or(f64::NAN))
            }
            AnyDataset::Unlabelled(_) => Score::Unknown,
        }
    }

    /// The share of right predictions.
    pub fn accuracy(&self) -> Option<f64> {
        match *self {
            Score::Accuracy { correct, count } => Some(correct as f64 / count.max(1) as f64),
            _ => None,
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
        self.score.accuracy()
    }
}

/// The scores of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    pub validation: Option<Scored>,
    pub test: Scored,
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_score_that_is_no_number_is_a_dash() {
        assert_eq!(Score::R2(f64::NAN).percent(), "-");
    }
}
