//! A network at a θ, with some training examples to look at it with: what `spectrum` and `check`
//! are about.

use crate::error::CliError;
use crate::loss::LossName;
use crate::network;
use crate::number;
use crate::problem::default_c;
use crate::saved::Saved;
use crate::source::DataArgs;
use clap::Args;
use osculant_data::{AnyDataset, ModelFile, Task};
use osculant_layers::Network;
use osculant_layers::describe::NetworkDescription;
use osculant_optim::Objective;
use osculant_optim::examples::Paired;
use osculant_optim::train::Size;
use osculant_tape::{Random, Scalar};
use std::path::{Path, PathBuf};

/// Where the network, its θ and the data come from.
#[derive(Args, Debug)]
#[command(next_help_heading = "Problem")]
pub struct At {
    /// A file that `osculant train --save` wrote: its network, at its θ
    #[arg(value_name = "MODEL", conflicts_with_all = ["net", "loss",
          "test", "test_share", "task", "ignore", "inputs", "scale", "raw_targets"])]
    model: Option<PathBuf>,

    /// Without a model: a network at its initial θ. A name, such as cnn4, or a file that describes
    /// one as JSON [default: cnn4 for
    /// images, mlp:64,64 for all else]
    #[arg(long, value_name = "NAME|FILE")]
    net: Option<String>,

    /// The loss [default: the model's, or squared]
    #[arg(long, value_name = "LOSS")]
    loss: Option<LossName>,

    /// The regularization constant C, above 0; inf is none [default: the model's, or 0.1 times the
    /// number of training examples]
    #[arg(short = 'C', value_name = "C", value_parser = number::constant,
          allow_negative_numbers = true)]
    c: Option<f64>,

    /// The seed of all that is random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    #[command(flatten)]
    data: DataArgs,
}

/// What was asked for.
pub struct Point<T: Scalar> {
    /// What the network is called, and at which θ.
    pub title: String,
    pub net: Network<T>,
    /// Whether θ is an initial one.
    pub initial: bool,
    pub theta: Vec<T>,
    /// Some training examples, in their order.
    pub data: AnyDataset,
    /// The same in these numbers, where targets are real.
    reals: Option<Paired<T>>,
    /// What the data are called.
    pub source: String,
    /// How many training examples there are.
    pub of: usize,
    pub loss: LossName,
    pub c: f64,
    pub seed: u64,
}

/// Where a point comes from, in whatever scalar type it will be.
struct Origin {
    title: String,
    /// The network's, as JSON.
    description: String,
    /// Whose θ it is, if not the initial one.
    model: Option<ModelFile>,
    data: AnyDataset,
    source: String,
    of: usize,
    loss: LossName,
    c: f64,
}

impl At {
    /// Reads the model and so many random training examples, or builds the network.
    pub fn prepare<T: Scalar>(&self, examples: Size) -> Result<Point<T>, CliError> {
        let origin = match &self.model {
            Some(path) => self.saved(path, examples)?,
            None => self.initial(examples)?,
        };
        let net = NetworkDescription::parse(&origin.description).and_then(|d| d.build());
        let mut net: Network<T> = net.map_err(|error| CliError::Network {
            what: origin.title.clone(),
            reason: error.to_string(),
        })?;
        let theta = match &origin.model {
            Some(model) => model.restore(&mut net)?,
            None => net.init(self.seed),
        };
        let cast = |x: &[f32]| x.iter().map(|&x| T::from_f64(x.into())).collect();
        let reals = match &origin.data {
            AnyDataset::Reals(data) => {
                let (inputs, targets) = (cast(data.inputs()), cast(data.targets()));
                Some(Paired::new(
                    data.shape(),
                    inputs,
                    data.target_size(),
                    targets,
                )?)
            }
            _ => None,
        };
        Ok(Point {
            title: origin.title,
            net,
            initial: origin.model.is_none(),
            theta,
            data: origin.data,
            reals,
            source: origin.source,
            of: origin.of,
            loss: origin.loss,
            c: self.c.unwrap_or(origin.c),
            seed: self.seed,
        })
    }

    /// A saved model, with data in its words.
    fn saved(&self, path: &Path, examples: Size) -> Result<Origin, CliError> {
        let saved = Saved::load(path)?;
        let (about, legend) = (saved.about(), saved.legend());
        let path = self.data.data.as_deref();
        let train = saved.trained_on(path, self.data.form())?;
        let mut data = self.some(&train, examples)?;
        data.preprocess(&about.preprocess)?;
        if legend.task == Task::Inputs {
            data = data.to_itself()?;
        }
        data.scale_targets(legend)?;
        Ok(Origin {
            title: format!("`{}`", saved.file),
            description: about.network.clone(),
            data,
            source: path.map_or("bundled digits".into(), |p| p.display().to_string()),
            of: train.len(),
            loss: saved.loss,
            c: about.regularization,
            model: Some(saved.model),
        })
    }

    /// A network for data, at its initial θ.
    fn initial(&self, examples: Size) -> Result<Origin, CliError> {
        let loss = self.loss.unwrap_or(LossName::Squared);
        let mut read = self.data.load(self.net.as_deref(), loss, self.seed)?;
        let found = network::find(self.net.as_deref(), read.train.shape(), read.outputs)?;
        network::check_fit(&format!("`{}`", found.name), &found.net, &read.train)?;
        self.data.prepare(&mut read, loss)?;
        Ok(Origin {
            title: format!("{} at its initial θ", found.name),
            description: found.description,
            model: None,
            data: self.some(&read.train, examples)?,
            source: read.name,
            of: read.train.len(),
            loss,
            c: default_c(read.train.len()),
        })
    }

    /// So many of the examples, drawn with the seed, in their order.
    fn some(&self, data: &AnyDataset, examples: Size) -> Result<AnyDataset, CliError> {
        let count = match examples {
            // More than there are is all of them.
            Size::Count(count) => count.min(data.len()),
            share => share
                .of(data.len())
                .map_err(|e| CliError::Usage(e.to_string()))?,
        };
        let mut chosen = Random::new(self.seed, u64::MAX).permutation(data.len());
        chosen.truncate(count);
        chosen.sort_unstable();
        Ok(data.select(&chosen)?)
    }
}

impl<T: Scalar> Point<T> {
    /// f, over these examples.
    pub fn objective(&self) -> Result<Objective<'_, T>, CliError> {
        let objective = match (&self.data, &self.reals) {
            (AnyDataset::Classes(data), _) => self.loss.of_classes(&self.net, data)?,
            (_, Some(data)) => self.loss.of_reals(&self.net, data)?,
            (_, None) => {
                let message = "the data have no targets, and a loss compares with them";
                return Err(CliError::Mismatch(message.into()));
            }
        };
        Ok(objective.regularization(self.c)?)
    }

    /// What it is about, each with a word before.
    pub fn describe(&self) -> [(&'static str, String); 3] {
        [
            (
                "network",
                format!("{}: {} parameters", self.title, self.net.len()),
            ),
            (
                "data",
                format!(
                    "{}: {} of {} examples",
                    self.source,
                    self.data.len(),
                    self.of
                ),
            ),
            (
                "problem",
                format!(
                    "{} loss, C = {}, seed {}",
                    self.loss.name(),
                    self.c,
                    self.seed
                ),
            ),
        ]
    }
}
