//! `osculant predict`.

use crate::error::CliError;
use crate::loss::LossName;
use crate::network;
use crate::number::{self, significant};
use crate::score::{self, Score};
use crate::source;
use crate::threads;
use crate::watch::say;
use clap::Args;
use osculant_data::{Dataset, ModelFile, check_destination, write_whole};
use std::io::{self, Write};
use std::path::PathBuf;

/// Scores test examples with a saved model
///
/// The model file holds all that is needed: the network, its parameters and what is done to
/// inputs. Accuracy and mean loss (without the regularization term) go to standard output.
#[derive(Args, Debug)]
pub struct Predict {
    /// A file that `osculant train --save` wrote
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// A folder with the IDX files of MNIST, or of a data set in its form, or with the binary
    /// files of CIFAR-10; by default the digits that come with the program
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Score the first N test examples only
    #[arg(long, value_name = "N", value_parser = number::positive)]
    test_examples: Option<usize>,

    /// Write a table (CSV) with label, prediction and outputs of each example
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

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
        let file = self.model.display().to_string();
        let model = ModelFile::load(&self.model)?;
        let about = model.about();
        let mut net = network::rebuild(&about.network, &file)?;
        let theta = model.restore(&mut net)?;
        let loss = LossName::find(&about.loss).ok_or_else(|| CliError::ModelLoss {
            file: file.clone(),
            loss: about.loss.clone(),
        })?;

        let test = source::load(self.data.as_deref())?.split.test;
        let mut test = source::first(test, self.test_examples, "--test-examples", "test")?;
        network::check_fit(&format!("of `{file}`"), &net, &test)?;
        about.preprocess.apply(&mut test)?;
        let outputs = score::outputs(&net, &theta, &test)?;
        let mean_loss = loss.objective(&net, &test)?.value(&theta)?;
        if let Some(path) = &self.output {
            write_whole(path, |file| write_table(file, &outputs, &test))?;
        }
        say(&format!("test accuracy {}", Score::of(&outputs, &test)))?;
        say(&format!(
            "mean {} loss {}",
            loss.name(),
            significant(mean_loss, 10)
        ))
    }
}

fn write_table(file: &mut dyn Write, outputs: &[f32], data: &Dataset) -> io::Result<()> {
    write!(file, "example,label,predicted")?;
    for class in 0..data.classes() {
        write!(file, ",output{class}")?;
    }
    writeln!(file)?;
    // As many outputs as classes: it was checked that they fit.
    for (i, (z, label)) in outputs
        .chunks(data.classes())
        .zip(data.labels())
        .enumerate()
    {
        write!(file, "{i},{label},{}", score::predict(z))?;
        for z in z {
            write!(file, ",{z}")?;
        }
        writeln!(file)?;
    }
    Ok(())
}
