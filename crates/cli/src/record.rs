//! The record of a run: what happened, one JSON object per line.
//!
//! `{"event":"start", …}`, then `{"event":"iteration", "iteration":1, …}` after each iteration, at
//! the end `{"event":"evaluation", …}` and `{"event":"end", …}`. Every field but the number of an
//! iteration may be missing, and numbers that are not finite are written as null. Who reads skips
//! fields and events that it does not know, so that both sides may grow.

use crate::error::CliError;
use crate::run::RECORD;
use crate::score::{Scored, Scores};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// One line of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run begins, or goes on.
    Start(Box<Start>),
    /// An iteration is done.
    Iteration(Box<Iteration>),
    /// What the trained network makes of the test data.
    Evaluation(Box<Evaluation>),
    /// The run ends.
    End(Box<End>),
    /// Something newer than this program.
    #[serde(other)]
    Other,
}

/// How good a model is. Accuracies are shares, from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    pub train_accuracy: Option<f64>,
    pub validation_accuracy: Option<f64>,
    pub test_accuracy: Option<f64>,
    /// The coefficient of determination, for real targets.
    pub test_r2: Option<f64>,
    /// The mean loss, without the regularization term.
    pub validation_loss: Option<f64>,
    pub test_loss: Option<f64>,
}

impl From<&Scores> for Figures {
    fn from(scores: &Scores) -> Self {
        let validation = scores.validation.as_ref();
        Figures {
            // Other programs may know it; here it would cost as much as training.
            train_accuracy: None,
            validation_accuracy: validation.and_then(Scored::accuracy),
            test_accuracy: scores.test.accuracy(),
            test_r2: scores.test.r2(),
            validation_loss: validation.and_then(|scored| scored.loss),
            test_loss: scores.test.loss,
        }
    }
}

/// What is known at the start of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Start {
    /// What legends call the run; otherwise it is called like its file.
    pub name: Option<String>,
    /// The command line.
    pub command: Option<String>,
    pub network: Option<String>,
    pub parameters: Option<usize>,
    pub data: Option<String>,
    pub train_examples: Option<usize>,
    pub validation_examples: Option<usize>,
    pub test_examples: Option<usize>,
    pub loss: Option<String>,
    /// C; none if it is infinite.
    pub regularization: Option<f64>,
    pub trainer: Option<String>,
    pub seed: Option<u64>,
    pub threads: Option<usize>,
    /// The last iteration before this start, if the run goes on from a checkpoint. What the record
    /// holds of later iterations was lost, and is made again.
    pub resumed: Option<usize>,
    /// f(θ) at the start.
    pub value: Option<f64>,
    /// ‖∇f(θ)‖ at the start.
    pub gradient_norm: Option<f64>,
    #[serde(flatten)]
    pub figures: Figures,
}

/// One iteration, or one epoch of a trainer without iterations of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Iteration {
    /// Its number, from 1.
    pub iteration: usize,
    /// Seconds of training since the start, those before a resumption included.
    pub seconds: Option<f64>,
    /// Products with the curvature since the start.
    pub products: Option<usize>,
    /// f(θ) after it; of an epoch, the mean over its steps.
    pub value: Option<f64>,
    /// ‖∇f(θ)‖ after it.
    pub gradient_norm: Option<f64>,
    /// The damping λ that it used.
    pub lambda: Option<f64>,
    /// Actual over predicted change of f.
    pub ratio: Option<f64>,
    pub cg_iterations: Option<usize>,
    /// Why CG stopped, in a word.
    pub cg_stop: Option<String>,
    /// The accepted α; 0 if no step was taken.
    pub step: Option<f64>,
    /// The learning rate of a first-order trainer.
    pub rate: Option<f64>,
    #[serde(flatten)]
    pub figures: Figures,
}

/// What the trained network makes of the test data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evaluation {
    /// Names of the classes; numbers from 0 if they have none.
    pub classes: Option<Vec<String>>,
    /// How many examples of class i (row) were taken for class j (column).
    pub confusion: Option<Vec<Vec<u64>>>,
    /// Some of the examples that were misclassified.
    pub mistakes: Option<Vec<Mistake>>,
    /// Targets and predictions of a regression, some of them if there are many.
    pub regression: Option<Vec<[f64; 2]>>,
}

impl Evaluation {
    /// The share of right predictions, where there are classes.
    pub fn accuracy(&self) -> Option<f64> {
        let rows = self.confusion.as_ref()?.iter();
        let right: u64 = rows
            .clone()
            .enumerate()
            .filter_map(|(k, row)| row.get(k))
            .sum();
        let all: u64 = rows.flatten().sum();
        Some(right as f64 / all.max(1) as f64)
    }
}

/// An example that was misclassified.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mistake {
    /// Its number in the test data, from 0.
    pub example: usize,
    pub label: usize,
    pub predicted: usize,
    /// How much the predicted class's output exceeds the label's.
    pub margin: Option<f64>,
    /// The image, as a PNG in base64; none if the input is no image.
    pub png: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct End {
    /// Why training ended, in words.
    pub outcome: Option<String>,
    pub iterations: Option<usize>,
    pub products: Option<usize>,
    pub seconds: Option<f64>,
    pub value: Option<f64>,
    pub gradient_norm: Option<f64>,
    #[serde(flatten)]
    pub figures: Figures,
}

/// A whole run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunRecord {
    pub name: String,
    pub start: Start,
    pub iterations: Vec<Iteration>,
    pub evaluation: Option<Evaluation>,
    /// None if the run was cut short.
    pub end: Option<End>,
}

impl RunRecord {
    /// A run of which nothing is known yet.
    pub fn new(name: &str) -> Self {
        RunRecord {
            name: name.into(),
            ..RunRecord::default()
        }
    }

    /// Whether this event begins another run.
    fn ends_before(&self, event: &Event) -> bool {
        let begun = !self.iterations.is_empty() || self.start != Start::default();
        matches!(event, Event::Start(start) if start.resumed.is_none()) && begun
    }

    /// Takes in the next event.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Start(start) => {
                if let Some(done) = start.resumed {
                    self.iterations.retain(|i| i.iteration <= done);
                    (self.evaluation, self.end) = (None, None);
                }
                if self.start == Start::default() {
                    if let Some(name) = &start.name {
                        self.name.clone_from(name);
                    }
                    self.start = *start;
                }
            }
            Event::Iteration(iteration) => self.iterations.push(*iteration),
            Event::Evaluation(evaluation) => self.evaluation = Some(*evaluation),
            Event::End(end) => self.end = Some(*end),
            Event::Other => {}
        }
    }

    /// Reads the runs of a file, usually one; of a folder that `train --run` made, its record.
    ///
    /// The last line may be cut off, as where a run was killed while it wrote; any other line that
    /// is no event is refused.
    pub fn read(path: &Path) -> Result<Vec<RunRecord>, CliError> {
        let name = path.file_stem().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy();
        let record = path.join(RECORD);
        let path = if path.is_dir() { &record } else { path };
        let file = path.display().to_string();
        let refuse = |line: usize, reason: String| CliError::Record {
            file: file.clone(),
            line,
            reason,
        };
        let open = |error| CliError::Read {
            file: file.clone(),
            error,
        };
        let lines = BufReader::new(File::open(path).map_err(open)?).lines();
        let mut runs: Vec<RunRecord> = Vec::new();
        let mut broken = None;
        for (line, text) in (1..).zip(lines) {
            let text = text.map_err(|error| refuse(line, error.to_string()))?;
            if text.trim().is_empty() {
                continue;
            }
            if let Some(error) = broken {
                return Err(error);
            }
            let event = match serde_json::from_str(&text) {
                Ok(event) => event,
                Err(error) => {
                    broken = Some(refuse(line, error.to_string()));
                    continue;
                }
            };
            if runs.last().is_none_or(|run| run.ends_before(&event)) {
                runs.push(RunRecord::new(&match runs.len() {
                    0 => name.to_string(),
                    before => format!("{name} {}", before + 1),
                }));
            }
            if let Some(run) = runs.last_mut() {
                run.push(event);
            }
        }
        match (runs.is_empty(), broken) {
            (false, _) => Ok(runs),
            (true, Some(error)) => Err(error),
            (true, None) => Err(refuse(1, "it holds no event".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(text: &str) -> Result<Vec<RunRecord>, CliError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seed1.jsonl");
        fs::write(&path, text).unwrap();
        RunRecord::read(&path)
    }

    fn iteration(number: usize) -> String {
        format!("{{\"event\":\"iteration\",\"iteration\":{number},\"value\":0.5}}\n")
    }

    const START: &str = "{\"event\":\"start\",\"seed\":7,\"value\":null,\"novel\":[1]}\n";

    #[test]
    fn events_come_back_as_they_were_written() {
        let event = Event::Iteration(Box::new(Iteration {
            iteration: 3,
            value: Some(0.1 + 0.2),
            ratio: Some(f64::NAN),
            ..Iteration::default()
        }));
        let text = serde_json::to_string(&event).unwrap();
        assert!(
            text.starts_with("{\"event\":\"iteration\",\"iteration\":3,"),
            "{text}"
        );
        let Event::Iteration(back) = serde_json::from_str(&text).unwrap() else {
            panic!("{text}");
        };
        assert_eq!((back.value, back.ratio), (Some(0.1 + 0.2), None));
    }

    #[test]
    fn a_file_holds_a_run_or_several() {
        let runs = read(&[START, &iteration(1), START, &iteration(1)].concat()).unwrap();
        let names: Vec<&str> = runs.iter().map(|run| &run.name[..]).collect();
        assert_eq!(names, ["seed1", "seed1 2"]);
        assert_eq!((runs[1].start.seed, runs[1].iterations.len()), (Some(7), 1));
    }

    #[test]
    fn iterations_that_are_made_again_after_a_resumption_count_once() {
        let resumed = "{\"event\":\"start\",\"resumed\":1,\"seed\":8}\n";
        let text = [START, &iteration(1), &iteration(2), resumed, &iteration(2)].concat();
        let runs = read(&text).unwrap();
        let numbers: Vec<usize> = runs[0].iterations.iter().map(|i| i.iteration).collect();
        assert_eq!((runs.len(), numbers), (1, vec![1, 2]));
        assert_eq!(runs[0].start.seed, Some(7));
    }

    #[test]
    fn events_that_are_not_known_are_skipped() {
        let runs = read(&[START, "{\"event\":\"epoch\"}\n\n", &iteration(1)].concat());
        assert_eq!(runs.unwrap()[0].iterations.len(), 1);
    }

    #[test]
    fn a_last_line_that_is_cut_off_is_left_out_and_others_are_refused() {
        let cut = "{\"event\":\"itera";
        let runs = read(&[START, &iteration(1), cut].concat()).unwrap();
        assert_eq!(runs[0].iterations.len(), 1);
        for text in [
            [START, cut, "\n", START].concat(),
            cut.into(),
            String::new(),
        ] {
            assert!(
                matches!(read(&text), Err(CliError::Record { .. })),
                "{text}"
            );
        }
    }
}
