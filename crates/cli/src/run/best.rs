//! The best model so far.

use crate::score::{Scored, Scores};
use serde::{Deserialize, Serialize};

/// The best model so far: by the validation examples, or by f where there are none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The iteration that it is of.
    pub iteration: usize,
    /// How good it is: more is better; none before the first.
    merit: Option<f64>,
    /// What validation and test examples say of it.
    validation: Option<String>,
    test: String,
    /// Its θ, where it is not in its file.
    #[serde(skip)]
    pub unsaved: Option<Vec<f32>>,
}

impl Best {
    /// Takes a model as the best if it is better than all before.
    pub fn consider(
        &mut self,
        iteration: usize,
        value: Option<f64>,
        scores: &Scores,
        theta: &[f32],
    ) {
        let merit = match &scores.validation {
            Some(scored) => merit(scored),
            None => value.map(|f| -f),
        };
        // NaN is better than nothing else.
        let better = match (merit, self.merit) {
            (Some(new), Some(old)) => new > old,
            (Some(new), None) => new.is_finite(),
            (None, _) => false,
        };
        if better {
            *self = Best {
                iteration,
                merit,
                validation: scores.validation.as_ref().map(|v| v.score.to_string()),
                test: scores.test.score.to_string(),
                unsaved: Some(theta.to_vec()),
            };
        }
    }

    /// A line on the model that was chosen by validation examples.
    pub fn describe(&self, unit: &str) -> Option<String> {
        let validation = self.validation.as_ref()?;
        let (iteration, test) = (self.iteration, &self.test);
        Some(format!(
            "best: {unit} {iteration}, validation {validation}, test {test}"
        ))
    }
}

/// How many examples are right; or how low the loss is.
fn merit(scored: &Scored) -> Option<f64> {
    scored.accuracy().or(scored.loss.map(|loss| -loss))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Score;

    fn scores(correct: usize) -> Scores {
        let scored = Scored {
            score: Score::Accuracy { correct, count: 10 },
            loss: None,
        };
        Scores {
            validation: Some(scored.clone()),
            test: scored,
        }
    }

    #[test]
    fn the_first_of_the_best_is_kept() {
        let mut best = Best::default();
        for (iteration, correct) in [(0, 4), (1, 7), (2, 7), (3, 5)] {
            best.consider(iteration, None, &scores(correct), &[correct as f32]);
        }
        assert_eq!((best.iteration, best.unsaved), (1, Some(vec![7.0])));
    }

    #[test]
    fn nan_is_never_the_best() {
        let mut best = Best::default();
        let unknown = Scores {
            validation: None,
            ..scores(0)
        };
        best.consider(1, Some(f64::NAN), &unknown, &[1.0]);
        assert_eq!(best, Best::default());
        best.consider(2, Some(0.5), &unknown, &[2.0]);
        best.consider(3, Some(f64::NAN), &unknown, &[3.0]);
        assert_eq!(best.iteration, 2);
    }
}
