//! A network at a θ, with some training examples to look at it with: what `spectrum` and `check`
//! are about.

use crate::error::CliError;
use crate::loss::LossName;
use crate::network;
use crate::number;
use crate::problem::default_c;
use crate::source::{self, DataArgs};
use clap::Args;
use osculant_data::{AnyDataset, ModelFile, Task};
use osculant_layers::Network;
use osculant_layers::describe::NetworkDescription;
use osculant_optim::Objective;
use osculant_optim::examples::Paired;
use osculant_optim::train::Size;
use osculant_tape::{Random, Scalar};
use std::path::PathBuf;

/// Where the network, its θ and the data come from.
#[derive(Args, Debug)]
#[command(next_help_heading = "Problem")]
pub struct At {
    /// A file that `osculant train --save` wrote: its network, at its θ
    #[arg(value_name = "MODEL", conflicts_with_all = ["net", "loss",
          "test", "test_share", "task", "target", "ignore", "inputs", "scale", "raw_targets"])]
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

impl At {
    /// The name of the model's file.
    fn file(&self) -> String {
        let path = self.model.as_ref();
        path.map_or(String::new(), |path| path.display().to_string())
    }

    /// Reads the model and so many random training examples, or builds the network.
    pub fn prepare<T: Scalar>(&self, examples: Size) -> Result<Point<T>, CliError> {
        let model = self.model.as_ref().map(ModelFile::load).transpose()?;
        let usage = |e: osculant_optim::OptimError| CliError::Usage(e.to_string());
        let some = |data: &AnyDataset| -> Result<AnyDataset, CliError> {
            let count = match examples {
                // More than there are is all of them.
                Size::Count(count) => count.min(data.len()),
                share => share.of(data.len()).map_err(usage)?,
            };
            let mut chosen = Random::new(self.seed, u64::MAX).permutation(data.len());
            chosen.truncate(count);
            chosen.sort_unstable();
            Ok(data.select(&chosen)?)
        };
        let (title, description, loss, c, source, of, data);
        match &model {
            Some(model) => {
                let file = self.file();
                let about = model.about();
                let net = network::rebuild(&about.network, &file)?;
                let (width, outputs) = (net.input_size(), net.output_shape().size());
                let (path, form) = (self.data.data.as_deref(), self.data.form());
                let train = source::trained_on(path, form, &about.legend, width, outputs)?;
                network::check_fit(&format!("of `{file}`"), &net, &train)?;
                let mut some = some(&train)?;
                some.preprocess(&about.preprocess)?;
                if about.legend.task == Task::Inputs {
                    some = some.to_itself()?;
                }
                some.scale_targets(&about.legend)?;
                title = format!("`{file}`");
                description = about.network.clone();
                loss = LossName::find(&about.loss).ok_or_else(|| CliError::ModelLoss {
                    file,
                    loss: about.loss.clone(),
                })?;
                c = about.regularization;
                source = path.map_or("bundled digits".into(), |p| p.display().to_string());
                (of, data) = (train.len(), some);
            }
            None => {
                loss = self.loss.unwrap_or(LossName::Squared);
                let mut read = self.data.load(self.net.as_deref(), loss, self.seed)?;
                let outputs = read.outputs;
                let found = network::find(self.net.as_deref(), read.train.shape(), outputs)?;
                network::check_fit(&format!("`{}`", found.name), &found.net, &read.train)?;
                self.data.prepare(&mut read, loss)?;
                title = format!("{} at its initial θ", found.name);
                description = found.description;
                c = default_c(read.train.len());
                source = read.name;
                (of, data) = (read.train.len(), some(&read.train)?);
            }
        }
        let net = NetworkDescription::parse(&description).and_then(|d| d.build());
        let mut net: Network<T> = net.map_err(|error| CliError::Network {
            what: title.clone(),
            reason: error.to_string(),
        })?;
        let theta = match &model {
            Some(model) => model.restore(&mut net)?,
            None => net.init(self.seed),
        };
        let cast = |x: &[f32]| x.iter().map(|&x| T::from_f64(x.into())).collect();
        let reals = match &data {
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
            title,
            net,
            initial: model.is_none(),
            theta,
            data,
            reals,
            source,
            of,
            loss,
            c: self.c.unwrap_or(c),
            seed: self.seed,
        })
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
