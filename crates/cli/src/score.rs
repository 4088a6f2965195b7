//! How well a network does on a data set.

use crate::error::CliError;
use osculant_data::Dataset;
use osculant_layers::Network;
use std::fmt;

/// Examples that go through the network at a time: enough for many threads, few to keep.
const CHUNK: usize = 1024;

/// The outputs for a data set, example after example.
pub fn outputs(net: &Network<f32>, theta: &[f32], data: &Dataset) -> Result<Vec<f32>, CliError> {
    let each = net.input_size().max(1);
    let mut outputs = Vec::with_capacity(data.len() * net.output_shape().size());
    for inputs in data.inputs().chunks(CHUNK * each) {
        outputs.extend(net.forward(theta, inputs)?);
    }
    Ok(outputs)
}

/// How many examples have their label predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    correct: usize,
    count: usize,
}

impl Score {
    /// Compares predictions with labels.
    pub fn of(outputs: &[f32], data: &Dataset) -> Self {
        let classes = outputs.len().checked_div(data.len()).unwrap_or(0).max(1);
        let predicted = outputs.chunks(classes).map(predict);
        let right = predicted.zip(data.labels()).filter(|(p, y)| p == *y);
        Score {
            correct: right.count(),
            count: data.len(),
        }
    }

    /// The share of right predictions, in percent, as it is written everywhere.
    pub fn percent(&self) -> String {
        // From whole numbers: 97.55 % must not depend on how 0.9755 is rounded.
        let hundredths = (self.correct as u128 * 10_000 + self.count as u128 / 2)
            .checked_div(self.count as u128)
            .unwrap_or(0);
        format!("{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

/// `97.55 % (1951/2000)`.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}/{})", self.percent(), self.correct, self.count)
    }
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
        let percent = |correct, count| Score { correct, count }.percent();
        assert_eq!(percent(1951, 2000), "97.55 %");
        assert_eq!(percent(2000, 2000), "100.00 %");
        assert_eq!(percent(1, 3), "33.33 %");
        assert_eq!(percent(2, 3), "66.67 %");
        assert_eq!(percent(0, 7), "0.00 %");
    }
}
