//! `osculant predict`.

use crate::error::CliError;
use crate::loss::LossName;
use crate::number::{self, significant};
use crate::saved::Saved;
use crate::score::{self, Score};
use crate::source::{self, Answer, Form};
use crate::terminal::{Progress, say};
use crate::threads;
use clap::Args;
use osculant_data::{AnyDataset, Legend, Task, check_destination, write_whole};
use osculant_optim::metrics::{predicted_class, rmse};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;

/// Predicts with a saved model
///
/// The model file holds all that is needed: the network, its parameters, what is done to inputs,
/// and the names of columns and classes. Where the data have targets, a score and the mean loss
/// (without the regularization term) go to standard output: accuracy for classes, R² and the root
/// mean squared error for real targets.
///
/// The table of --output has a line per example. For classes: the class if it is known, the
/// predicted one, and a score for each class (probabilities with the losses softmax and logistic,
/// otherwise the outputs). For real targets: each target if it is known, and each prediction, in
/// the unit of the targets.
#[derive(Args, Debug)]
pub struct Predict {
    /// A file that `osculant train --save` or `osculant convert` wrote
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// Data of the form that the model was trained on, with or without targets: a folder, of which
    /// the test part is taken, or a file (see `osculant train --help`); by default the digits that
    /// come with the program
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// The column of a table that is the target, where it is not called as in training; several
    /// times for several. With an .npy of inputs, the .npy of targets
    #[arg(long, value_name = "COLUMN|FILE")]
    target: Vec<String>,

    /// Whether the first line of a table is a header; by default it is one if none of its values is
    /// a number, or if they count the columns from 0 or 1
    #[arg(long, value_name = "YES|NO")]
    header: Option<Answer>,

    /// Predict the first N examples only
    #[arg(long, value_name = "N", value_parser = number::positive)]
    test_examples: Option<usize>,

    /// Write a table (CSV) with the predictions for each example
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write scores to standard output as a line of JSON, rather than in words
    #[arg(long)]
    json: bool,

    /// Threads to compute with [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = number::positive)]
    threads: Option<usize>,
}

impl Predict {
    /// Runs the command.
    pub fn run(&self) -> Result<(), CliError> {
        if let Some(path) = &self.output {
            check_destination(path)?;
        }
        threads::pool(self.threads)?.install(|| self.predict())
    }

    fn predict(&self) -> Result<(), CliError> {
        let progress = Progress::new(true);
        progress.stage("reading the data");
        let saved = Saved::load(&self.model)?;
        let (net, loss, legend) = (&saved.net, saved.loss, saved.legend());
        let form = Form {
            header: self.header,
            targets: &self.target,
        };
        let mut data = saved.to_predict(self.data.as_deref(), form)?;
        source::first(&mut data, self.test_examples, "--test-examples", "test")?;
        let itself = legend.task == Task::Inputs;
        let known = data.outputs().is_some() || itself;
        if !known && self.output.is_none() {
            return Err(CliError::Usage(
                "the data have no targets to compare with; give --output FILE for the predictions"
                    .into(),
            ));
        }
        data.preprocess(&saved.about().preprocess)?;
        if itself {
            data = data.to_itself()?;
        }
        progress.stage("predictions");
        let outputs = score::outputs_watched(net, &saved.theta, &data, |done, of| {
            progress.part(done, of, &format!("example {done} of {of}"));
        })?;
        progress.finish();
        let table = Predictions {
            loss,
            legend,
            data: &data,
            outputs: &outputs,
            each: net.output_shape().size(),
        };
        if let Some(path) = &self.output {
            write_whole(path, |file| table.write(file))?;
        }
        if !known {
            let scores = Scores {
                examples: data.len(),
                ..Scores::default()
            };
            return self.tell(&scores, &[format!("predicted {} examples", data.len())]);
        }
        // Errors of real targets are told in their own unit, the loss in that of training.
        let rmse = match &data {
            AnyDataset::Reals(data) => Some(rmse(&table.reals(), data.targets())?),
            _ => None,
        };
        let mut scaled = data.clone();
        scaled.scale_targets(legend)?;
        let score = Score::of(&outputs, &scaled, loss);
        let mean_loss = loss.objective(net, &scaled)?.value(&saved.theta)?;
        // They may be those of training too: it is not said of them that they test.
        let mut lines = vec![score.to_string()];
        lines.extend(rmse.map(|rmse| format!("root mean squared error {}", significant(rmse, 7))));
        let shown = significant(mean_loss, 10);
        lines.push(format!("mean {} loss {shown}", loss.name()));
        let scores = Scores {
            examples: data.len(),
            accuracy: score.accuracy(),
            r2: score.r2(),
            rmse,
            loss: Some(mean_loss),
        };
        self.tell(&scores, &lines)
    }

    /// Says the scores, in words or as JSON.
    fn tell(&self, scores: &Scores, lines: &[String]) -> Result<(), CliError> {
        if self.json {
            let text = serde_json::to_string(scores).map_err(|e| CliError::Output(e.into()))?;
            return say(&text);
        }
        lines.iter().try_for_each(|line| say(line))
    }
}

/// How good predictions are, as far as that is known: what `--json` writes.
#[derive(Default, Serialize)]
struct Scores {
    examples: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r2: Option<f64>,
    /// In the unit of the targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    rmse: Option<f64>,
    /// The mean loss, without the regularization term.
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
}

/// What a model says of data.
struct Predictions<'a> {
    loss: LossName,
    legend: &'a Legend,
    data: &'a AnyDataset,
    outputs: &'a [f32],
    /// Outputs of each example.
    each: usize,
}

impl Predictions<'_> {
    /// Predictions of real targets, in their unit.
    fn reals(&self) -> Vec<f32> {
        let mut reals = self.outputs.to_vec();
        self.loss.means(&mut reals);
        if let Some(scaling) = &self.legend.scaling {
            scaling.undo(&mut reals);
        }
        reals
    }

    fn write(&self, file: &mut dyn Write) -> io::Result<()> {
        let mut table = csv::WriterBuilder::new().from_writer(file);
        let with_reals = match self.data {
            AnyDataset::Classes(_) => false,
            AnyDataset::Reals(_) => true,
            AnyDataset::Unlabelled(_) => self.legend.task == Task::Reals,
        };
        if with_reals {
            self.write_reals(&mut table)?;
        } else {
            self.write_classes(&mut table)?;
        }
        table.flush()
    }

    fn write_classes(&self, table: &mut csv::Writer<&mut dyn Write>) -> io::Result<()> {
        let labels = match self.data {
            AnyDataset::Classes(data) => Some(data.labels()),
            _ => None,
        };
        let class = |class: u32| self.legend.class(class as usize);
        let mut line = vec!["example".to_string()];
        line.extend(labels.map(|_| "label".into()));
        line.push("predicted".into());
        line.extend((0..self.each).map(|i| format!("score_{}", self.legend.class(i))));
        table.write_record(&line)?;
        for (i, z) in self.outputs.chunks(self.each).enumerate() {
            let mut scores = z.to_vec();
            self.loss.scores(&mut scores);
            line.clear();
            line.push(i.to_string());
            line.extend(labels.map(|labels| class(labels[i])));
            line.push(class(predicted_class(z)));
            line.extend(scores.iter().map(ToString::to_string));
            table.write_record(&line)?;
        }
        Ok(())
    }

    fn write_reals(&self, table: &mut csv::Writer<&mut dyn Write>) -> io::Result<()> {
        let targets = match self.data {
            AnyDataset::Reals(data) => Some(data.targets()),
            _ => None,
        };
        let names: Vec<_> = (0..self.each)
            .map(|i| self.legend.target(i, self.each))
            .collect();
        let mut line = vec!["example".to_string()];
        line.extend(targets.iter().flat_map(|_| names.iter().cloned()));
        line.extend(names.iter().map(|name| format!("predicted_{name}")));
        table.write_record(&line)?;
        for (i, predicted) in self.reals().chunks(self.each).enumerate() {
            line.clear();
            line.push(i.to_string());
            let known = targets.map(|targets| &targets[i * self.each..(i + 1) * self.each]);
            line.extend(known.iter().flat_map(|y| y.iter().map(ToString::to_string)));
            line.extend(predicted.iter().map(ToString::to_string));
            table.write_record(&line)?;
        }
        Ok(())
    }
}
