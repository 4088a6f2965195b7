//! What is trained on what: the options, and what they stand for.

use crate::error::CliError;
use crate::loss::LossName;
use crate::network::{self, Described};
use crate::number;
use crate::source::{self, DataArgs, Source};
use clap::Args;
use osculant_data::{About, AnyDataset, Legend, ModelFile, Preprocess, Task};
use osculant_optim::train::Size;
use osculant_optim::{Objective, OptimError};
use std::collections::BTreeMap;

/// The options that say what is trained on what.
#[derive(Args, Clone, Debug)]
pub struct ProblemArgs {
    #[command(flatten)]
    data: DataArgs,

    /// The network
    #[arg(long, value_name = "NAME|FILE", help = network::help(), help_heading = "Problem")]
    net: Option<String>,

    /// The loss
    #[arg(
        long,
        value_name = "LOSS",
        default_value = "squared",
        help_heading = "Problem"
    )]
    loss: LossName,

    /// The regularization constant C, above 0; larger is weaker, inf is none [default: 0.1 times
    /// the number of training examples]
    #[arg(short = 'C', value_name = "C", value_parser = number::constant,
          allow_negative_numbers = true, help_heading = "Problem")]
    c: Option<f64>,

    /// The seed of all that is random: the initial θ, the curvature's examples, those held out
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Problem")]
    pub seed: u64,

    /// Train on the first N training examples only
    #[arg(long, visible_alias = "limit", value_name = "N", value_parser = number::positive,
          help_heading = "Problem")]
    train_examples: Option<usize>,

    /// Test on the first N test examples only
    #[arg(long, value_name = "N", value_parser = number::positive, help_heading = "Problem")]
    test_examples: Option<usize>,

    /// Hold training examples out to choose the best model by: a share (10% or 0.1) or a count,
    /// drawn with the seed and, for classes, of each class
    ///
    /// The best model is that of the highest accuracy on them, or for real targets of the lowest
    /// mean loss, the first of several. Nothing else learns from them: neither θ nor what is done
    /// to inputs.
    #[arg(long, value_name = "SHARE|COUNT", value_parser = number::size,
          allow_negative_numbers = true, help_heading = "Problem")]
    validation: Option<Size>,
}

/// A network, a loss and data, ready to train.
pub struct Problem {
    pub described: Described,
    pub loss: LossName,
    pub c: f64,
    seed: u64,
    /// Where the data come from.
    pub source: String,
    pub train: AnyDataset,
    pub validation: Option<AnyDataset>,
    pub test: AnyDataset,
    /// The test examples as they were read, to show them, where this was asked for.
    pub raw_test: Option<AnyDataset>,
    pub legend: Legend,
    preprocess: Preprocess,
    /// What a saved model tells of its training.
    pub options: BTreeMap<String, String>,
    /// What tells the data from others, where this was asked for.
    pub fingerprint: Option<Fingerprint>,
}

/// What tells a problem from others.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Fingerprint {
    /// The description of the network.
    network: String,
    train: String,
    test: String,
}

/// What is wanted of the data beside themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    pub raw_test: bool,
    pub fingerprint: bool,
}

/// C where none is given: the term counts less the more examples there are.
pub fn default_c(examples: usize) -> f64 {
    examples as f64 / 10.0
}

impl ProblemArgs {
    /// Whether the data are the digits that come with the program.
    pub fn is_bundled(&self) -> bool {
        self.data.data.is_none()
    }

    /// Reads the data and makes them ready.
    pub fn load(&self, wanted: Wanted) -> Result<Problem, CliError> {
        let mut source = self.data.load(self.net.as_deref(), self.loss, self.seed)?;
        let (train, test) = (self.train_examples, self.test_examples);
        source::first(&mut source.train, train, "--train-examples", "training")?;
        source::first(&mut source.test, test, "--test-examples", "test")?;
        let (shape, outputs) = (source.train.shape(), source.outputs);
        let described = network::find(self.net.as_deref(), shape, outputs)?;
        let name = format!("`{}`", described.name);
        network::check_fit(&name, &described.net, &source.train)?;
        let fingerprint = wanted.fingerprint.then(|| Fingerprint {
            network: described.description.clone(),
            train: source.train.fingerprint(),
            test: source.test.fingerprint(),
        });
        let mut raw_test = wanted.raw_test.then(|| source.test.clone());
        if let Some(size) = self.validation {
            source.hold_out(size, self.seed)?;
        }
        let preprocess = self.data.prepare(&mut source, self.loss)?;
        if source.legend.task == Task::Inputs {
            network::check_fit(&name, &described.net, &source.train)?;
            raw_test = wanted.raw_test.then(|| source.test.clone());
        }
        let Source {
            name,
            train,
            validation,
            test,
            legend,
            ..
        } = source;
        Ok(Problem {
            described,
            loss: self.loss,
            c: self.c.unwrap_or(default_c(train.len())),
            seed: self.seed,
            source: name,
            train,
            validation,
            test,
            raw_test,
            legend,
            preprocess,
            options: BTreeMap::new(),
            fingerprint,
        })
    }
}

impl Problem {
    /// The objective on the training examples.
    pub fn objective(&self) -> Result<Objective<'_, f32>, CliError> {
        let objective = self.loss.objective(&self.described.net, &self.train);
        let objective = objective.map_err(|error| match error {
            // Counted among the training examples, which are not all of the file's.
            CliError::Optim(OptimError::Example { example, source }) => {
                let hint = match self.legend.task {
                    Task::Inputs => "; targets are the inputs: try --inputs keep",
                    Task::Classes | Task::Reals => "",
                };
                CliError::Mismatch(format!("training example {example}: {source}{hint}"))
            }
            other => other,
        })?;
        Ok(objective.regularization(self.c)?)
    }

    /// The model at this θ, ready to be saved.
    pub fn model(&self, theta: &[f32]) -> Result<ModelFile, CliError> {
        let about = About {
            network: self.described.description.clone(),
            loss: self.loss.name().into(),
            regularization: self.c,
            seed: self.seed,
            preprocess: self.preprocess.clone(),
            legend: self.legend.clone(),
            options: self.options.clone(),
        };
        Ok(ModelFile::new(about, self.described.net.params(), theta)?)
    }

    /// The lines that say what is trained on what.
    pub fn describe(&self) -> String {
        let net = &self.described.net;
        let targets = match &self.train {
            _ if self.legend.task == Task::Inputs => "inputs as targets".into(),
            AnyDataset::Reals(data) => format!("real targets of {}", data.target_size()),
            data => format!("{} classes", data.outputs().unwrap_or(0)),
        };
        let held_out = match &self.validation {
            Some(data) => format!(", {} to validate", data.len()),
            None => String::new(),
        };
        let input = net.input_shapes().first().map(ToString::to_string);
        format!(
            "network  {}: {} parameters, input {}, output {}\n\
             data     {}: {} examples to train{held_out}, {} to test, {targets}\n\
             problem  {} loss, C = {}, seed {}",
            self.described.name,
            net.len(),
            input.unwrap_or_default(),
            net.output_shape(),
            self.source,
            self.train.len(),
            self.test.len(),
            self.loss.name(),
            self.c,
            self.seed,
        )
    }
}

impl Fingerprint {
    /// Refuses to go on with other data or another network than those of a run.
    pub fn check(&self, run: &Self, folder: &str) -> Result<(), CliError> {
        let what = match self {
            _ if self.train != run.train => {
                format!(
                    "the training data are {}, and were {}",
                    self.train, run.train
                )
            }
            _ if self.test != run.test => {
                format!("the test data are {}, and were {}", self.test, run.test)
            }
            _ if self.network != run.network => "the network is another than".to_string(),
            _ => return Ok(()),
        };
        Err(CliError::Mismatch(format!(
            "{what} when the run in `{folder}` began; give it what it began with, or begin another \
             run with --run"
        )))
    }
}
