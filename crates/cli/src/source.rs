//! Where the data come from, and what is done to them.

use crate::error::CliError;
use crate::loss::LossName;
use crate::number;
use clap::{Args, ValueEnum};
use osculant_data::csv::CsvOptions;
use osculant_data::{
    AnyDataset, DataError, Legend, LoadOptions, Loaded, Per, Preprocess, PreprocessOptions, Table,
    Task, digits, load,
};
use osculant_optim::train::Size;
use std::path::{Path, PathBuf};

/// The share of a file that is tested on where nothing else is said.
const TEST_SHARE: f64 = 0.2;

/// The options that say which data to train on.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
pub struct DataArgs {
    /// Data to train on: a folder with the IDX files of MNIST (or of a data set in its form) or the
    /// binary files of CIFAR-10; or a file: a table (CSV), LIBSVM's format, .npz; by default the
    /// digits that come with the program
    ///
    /// Formats are told apart by what is in a file, and each may be gzip. An .npz has arrays x and
    /// y, or x_train, y_train, x_test and y_test. With an .npy of inputs, --target is the .npy of
    /// targets.
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,

    /// A file or folder with the examples to test on, in a form like that of the data; where it has
    /// a test part itself, that
    #[arg(long, value_name = "PATH", conflicts_with = "test_share")]
    pub test: Option<PathBuf>,

    /// The share of the examples to test on, drawn with the seed and, for classes, of each class;
    /// for a file without a test part [default: 20%]
    #[arg(long, value_name = "SHARE", value_parser = number::share,
          allow_negative_numbers = true)]
    pub test_share: Option<f64>,

    /// What targets are, where the loss doesn't say it; by default text is classes, and so are up
    /// to 100 different whole numbers that occur twice on average; all else is reals
    #[arg(long, value_name = "TASK")]
    pub task: Option<TaskName>,

    /// The column of a table that is the target: its name, or its number counted from 1; several
    /// times for several real targets [default: the last]
    #[arg(long, value_name = "COLUMN")]
    pub target: Vec<String>,

    /// A column of a table to leave out; several times for several
    #[arg(long, value_name = "COLUMN")]
    pub ignore: Vec<String>,

    /// Whether the first line of a table is a header; by default it is one if none of its values is
    /// a number, or if they count the columns from 0 or 1
    #[arg(long, value_name = "YES|NO")]
    pub header: Option<Answer>,

    /// What is done to inputs, as learnt from the training examples; by default images in bytes are
    /// centred and all else is standardized
    ///
    /// The model file keeps it, so that `osculant predict` does the same.
    #[arg(long, value_name = "HOW")]
    pub inputs: Option<InputsName>,

    /// The constant to multiply inputs by first, such as 1/255 [default: 1/255 for images in bytes,
    /// 1 for all else]
    #[arg(long, value_name = "X", value_parser = number::quotient, allow_negative_numbers = true)]
    pub scale: Option<f32>,

    /// Leave real targets as they are; by default they are standardized for the losses squared and
    /// huber, and predictions get their unit back
    #[arg(long)]
    pub raw_targets: bool,
}

/// What targets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TaskName {
    /// a class for each example
    Classes,
    /// one or more real numbers for each example
    Reals,
    /// the inputs themselves, for autoencoders; the target column of a table is left out
    Inputs,
}

impl From<TaskName> for Task {
    fn from(name: TaskName) -> Task {
        match name {
            TaskName::Classes => Task::Classes,
            TaskName::Reals => Task::Reals,
            TaskName::Inputs => Task::Inputs,
        }
    }
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Answer {
    /// it is
    Yes,
    /// it is not
    No,
}

/// What is done to inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputsName {
    /// nothing but the scale
    Keep,
    /// minus the mean at each position
    Center,
    /// minus the mean and divided by the deviation at each position
    Standardize,
    /// minus the mean of each channel
    CenterChannels,
    /// minus the mean and divided by the deviation of each channel
    StandardizeChannels,
}

impl InputsName {
    fn options(self) -> PreprocessOptions {
        let (subtract_mean, unit_deviation, per) = match self {
            InputsName::Keep => (false, false, Per::Position),
            InputsName::Center => (true, false, Per::Position),
            InputsName::Standardize => (true, true, Per::Position),
            InputsName::CenterChannels => (true, false, Per::Channel),
            InputsName::StandardizeChannels => (true, true, Per::Channel),
        };
        PreprocessOptions {
            scale: None,
            subtract_mean,
            unit_deviation,
            per,
        }
    }
}

/// Data to train and to test on, with the words for them.
pub struct Source {
    pub name: String,
    pub train: AnyDataset,
    /// Training examples that are held out.
    pub validation: Option<AnyDataset>,
    pub test: AnyDataset,
    /// How many outputs a network for these data has.
    pub outputs: usize,
    pub legend: Legend,
    /// What is done to inputs if no option says it.
    usual: PreprocessOptions,
}

impl DataArgs {
    /// Reads the data for a network of this name; the seed draws the test examples where they are
    /// a share.
    pub fn load(&self, net: Option<&str>, loss: LossName, seed: u64) -> Result<Source, CliError> {
        let task = self.task(net, loss)?;
        let (name, loaded) = self.read()?;
        let images = loaded.train.holds_classes();
        // As counts they would make sense to nobody, unless somebody says so.
        if images && task == Some(Task::Reals) && self.task.is_none() {
            return Err(loss.mismatch(Task::Classes));
        }
        let usual = if loaded.train.holds_bytes() {
            PreprocessOptions::default()
        } else {
            PreprocessOptions::standardize()
        };
        let (all, legend) = loaded.train.decode(task)?;
        if let ([class], false) = (&legend.classes[..], images) {
            let column = match &legend.targets[..] {
                [column] => format!(" in column `{column}`"),
                _ => String::new(),
            };
            return Err(CliError::Mismatch(format!(
                "{name} has the one class `{class}` for all examples{column}, and nothing to tell \
                 apart; choose another target"
            )));
        }
        let itself = legend.task == Task::Inputs;
        let size = all.shape().iter().product();
        let Some(outputs) = all.outputs().or(itself.then_some(size)) else {
            return Err(CliError::Mismatch(format!(
                "{name} has no targets to learn from; give data with targets (for an .npy of \
                 inputs: --target with the .npy of targets)"
            )));
        };
        let test = self.tested_on(&name, loaded.test, &legend, (size, outputs))?;
        let (train, test) = match test {
            Some(test) => (all, test),
            None => {
                let divided = all.split(self.test_share.unwrap_or(TEST_SHARE), seed);
                divided.map_err(|e| division(&name, &e, "--test-share, or --test with a file"))?
            }
        };
        if test.outputs().is_none() && !itself {
            return Err(CliError::Mismatch(
                "the test examples have no targets to compare with; give data with targets (for \
                 arrays: an .npz with x, y, x_test and y_test)"
                    .into(),
            ));
        }
        if train.shape() != test.shape() {
            return Err(CliError::Mismatch(format!(
                "training inputs have shape {:?}, test inputs {:?}; take both from the same data set",
                train.shape(),
                test.shape()
            )));
        }
        Ok(Source {
            name,
            train,
            validation: None,
            test,
            outputs,
            legend,
            usual,
        })
    }

    /// What targets are, as far as options, the network and the loss say it.
    fn task(&self, net: Option<&str>, loss: LossName) -> Result<Option<Task>, CliError> {
        let autoencoder = net.is_some_and(|net| net.starts_with("autoencoder:"));
        let said = self.task.map(Task::from);
        let said = said.or(autoencoder.then_some(Task::Inputs));
        said.map_or(Ok(()), |task| loss.check_task(task))?;
        Ok(said.or(loss.task()))
    }

    /// The data as they are, and what they are called.
    fn read(&self) -> Result<(String, Loaded), CliError> {
        if let Some(path) = &self.data {
            return Ok((path.display().to_string(), load(path, &self.options())?));
        }
        for (option, given) in [
            ("--target", !self.target.is_empty()),
            ("--ignore", !self.ignore.is_empty()),
            ("--header", self.header.is_some()),
        ] {
            if given {
                return Err(CliError::Usage(format!(
                    "{option} is for a table, and the bundled digits are none; give --data, or leave \
                     it out"
                )));
            }
        }
        Ok(("bundled digits".into(), bundled()?))
    }

    /// The examples to test on, where a file or a part of the data has them.
    fn tested_on(
        &self,
        name: &str,
        part: Option<Table>,
        legend: &Legend,
        (width, outputs): (usize, usize),
    ) -> Result<Option<AnyDataset>, CliError> {
        let table = match (&self.test, part) {
            (Some(path), _) => {
                let form = Form {
                    header: self.header,
                    targets: &[],
                };
                let loaded = load_like(Some(path), form, legend, width)?;
                Some(loaded.test.unwrap_or(loaded.train))
            }
            (None, Some(_)) if self.test_share.is_some() => {
                return Err(CliError::Usage(format!(
                    "--test-share is for data without a test part, and {name} has one; leave it out"
                )));
            }
            (None, part) => part,
        };
        Ok(table.map(|t| t.decode_with(legend, outputs)).transpose()?)
    }

    /// What is said of data of the form of others.
    pub fn form(&self) -> Form<'_> {
        Form {
            header: self.header,
            targets: &self.target,
        }
    }

    fn options(&self) -> LoadOptions {
        LoadOptions {
            csv: CsvOptions {
                header: self.header.map(|answer| answer == Answer::Yes),
                targets: self.target.clone(),
                ignore: self.ignore.clone(),
                ..CsvOptions::default()
            },
            targets: self.target.first().map(PathBuf::from),
            width: None,
        }
    }

    /// Learns from the training examples what is to be done to inputs and targets, and does it to
    /// all. The legend then knows how targets get their unit back.
    pub fn prepare(&self, source: &mut Source, loss: LossName) -> Result<Preprocess, CliError> {
        let reals = matches!(source.train, AnyDataset::Reals(_)) && loss.has_unit();
        if self.raw_targets && !reals {
            return Err(CliError::Usage(
                "--raw-targets is for real targets and the losses squared and huber; leave it out"
                    .into(),
            ));
        }
        let mut options = self.inputs.map_or(source.usual, InputsName::options);
        options.scale = self.scale.or(source.usual.scale);
        let preprocess = source.train.fit(options)?;
        if loss.has_unit() && !self.raw_targets {
            source.legend.fit_targets(&source.train);
        }
        let parts = [&mut source.train, &mut source.test].into_iter();
        for part in parts.chain(&mut source.validation) {
            part.preprocess(&preprocess)?;
            if source.legend.task == Task::Inputs {
                *part = part.to_itself()?;
            }
            part.scale_targets(&source.legend)?;
        }
        Ok(preprocess)
    }
}

impl Source {
    /// Holds training examples out, drawn with the seed.
    pub fn hold_out(&mut self, size: Size, seed: u64) -> Result<(), CliError> {
        let len = self.train.len();
        let share = match size {
            Size::Fraction(share) => share,
            Size::Count(count) => count as f64 / len as f64,
        };
        if !(share > 0.0 && share < 1.0) {
            return Err(CliError::Usage(format!(
                "--validation asks for as many examples as there are to train on, or more ({len}); \
                 ask for fewer"
            )));
        }
        let divided = self.train.split(share, seed);
        let divided = divided.map_err(|e| division(&self.name, &e, "--validation"));
        let (train, validation) = divided?;
        (self.train, self.validation) = (train, Some(validation));
        Ok(())
    }
}

/// Says which data could not be divided, and which option divides them.
fn division(name: &str, error: &DataError, option: &str) -> CliError {
    CliError::Mismatch(format!("{name}: {error}; give {option}"))
}

/// The digits that come with the program.
fn bundled() -> Result<Loaded, CliError> {
    let split = digits()?;
    Ok(Loaded {
        train: Table::of_bytes("bundled digits", split.train),
        test: Some(Table::of_bytes("bundled digits", split.test)),
    })
}

/// What may be said of data beside what the legend says of all of their form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Form<'a> {
    pub header: Option<Answer>,
    /// Where the targets are, if not where the legend says.
    pub targets: &'a [String],
}

/// Reads data for a network that takes `width` numbers, from a path or from the bundled digits.
/// The legend has the words for them.
pub fn load_like(
    path: Option<&Path>,
    form: Form<'_>,
    legend: &Legend,
    width: usize,
) -> Result<Loaded, CliError> {
    let Some(path) = path else {
        return match form.targets {
            [] => bundled(),
            _ => Err(CliError::Usage(
                "--target is for a table or an array, and the bundled digits have their labels; give \
                 --data, or leave it out"
                    .into(),
            )),
        };
    };
    let csv = CsvOptions {
        header: form.header.map(|answer| answer == Answer::Yes),
        targets: match form.targets {
            [] => legend.targets.clone(),
            said => said.to_vec(),
        },
        inputs: legend.inputs.clone(),
        needs_targets: !form.targets.is_empty(),
        columns: legend.columns,
        ..CsvOptions::default()
    };
    let options = LoadOptions {
        csv,
        targets: form.targets.first().map(PathBuf::from),
        width: Some(width),
    };
    Ok(load(path, &options)?)
}

/// Keeps the first examples of a data set, as many as the option says.
pub fn first(
    data: &mut AnyDataset,
    count: Option<usize>,
    option: &str,
    what: &str,
) -> Result<(), CliError> {
    let Some(count) = count else {
        return Ok(());
    };
    let len = data.len();
    if count > len {
        let message = format!(
            "{option} asks for {count} {what} examples, but there are {len}; ask for at most so \
             many, or leave it out to use all"
        );
        return Err(CliError::Usage(message));
    }
    Ok(data.keep_first(count)?)
}
