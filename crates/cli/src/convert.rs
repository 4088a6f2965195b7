//! `osculant convert`.

use crate::error::CliError;
use crate::loss::LossName;
use crate::network;
use crate::number;
use crate::source::TaskName;
use crate::terminal::{Progress, say};
use clap::{Args, ValueEnum};
use osculant_data::weights::{self, Imported, Layout, Pair};
use osculant_data::{About, Legend, ModelFile, Preprocess, Task, check_destination};
use osculant_layers::describe::NetworkDescription;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Takes weights over from PyTorch or Keras, or gives them back
///
/// With --from it reads weights of a network that --net describes, and saves a model that `osculant
/// predict` uses. With --to it reads such a model and writes its weights for the other library.
///
/// Files are safetensors, as `save_file(model.state_dict(), FILE)` of `safetensors.torch` writes
/// them, or .npz, as `numpy.savez(FILE, *model.get_weights())` does; numbers of 16 bits (half,
/// bfloat16) are read as f32.
///
/// Osculant has channels last. What it permutes, for o outputs, i inputs and a kernel of kh x kw:
///
///     weight of a convolution    here and in Keras [kh, kw, i, o]    in PyTorch [o, i, kh, kw]
///     weight of a dense layer    here and in Keras [i, o]            in PyTorch [o, i]
///     input of a dense layer     here and in Keras (row w + column) c + channel
///     after a flatten            in PyTorch (channel h + row) w + column
///
/// Images to predict on have their channels last too, as all data here.
///
/// Tensors are matched by name where names are the same, otherwise by order: convolutions and dense
/// layers by the numbers in their names, each with the bias beside its weight. What went where is
/// written to standard output; where it is not right, give --map.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Convert {
    /// The weights to take over, or with --to a saved model
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The library that the weights come from
    #[arg(long, value_name = "LIBRARY", required_unless_present = "to", conflicts_with = "to",
          requires_all = ["net", "input", "outputs"])]
    from: Option<Library>,

    /// The library to write the weights for
    #[arg(long, value_name = "LIBRARY", conflicts_with_all = ["net", "input", "outputs", "task",
          "loss", "classes", "scale", "mean", "deviation"])]
    to: Option<Library>,

    /// The file to write: with --from a model, with --to safetensors or, where it ends so, .npz
    #[arg(long, value_name = "FILE")]
    save: PathBuf,

    /// A tensor's name there and the parameter's name here; several times for several
    #[arg(long, value_name = "THEIRS=OURS", value_parser = pair)]
    map: Vec<Pair>,

    /// The network, as for `osculant train`: a name, or a file that describes one as JSON
    #[arg(long, value_name = "NAME|FILE", help_heading = "The model to make")]
    net: Option<String>,

    /// The shape of an input, channels last, as in 32,32,3
    #[arg(long, value_name = "SHAPE", value_delimiter = ',', value_parser = number::positive,
          help_heading = "The model to make")]
    input: Vec<usize>,

    /// The number of outputs
    #[arg(long, value_name = "N", value_parser = number::positive,
          help_heading = "The model to make")]
    outputs: Option<usize>,

    /// What outputs are
    #[arg(
        long,
        value_name = "TASK",
        default_value = "classes",
        help_heading = "The model to make"
    )]
    task: TaskName,

    /// The loss that it was trained with
    #[arg(
        long,
        value_name = "LOSS",
        default_value = "softmax",
        help_heading = "The model to make"
    )]
    loss: LossName,

    /// The names of the classes, in the order of the outputs
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        help_heading = "The model to make"
    )]
    classes: Vec<String>,

    /// The constant that inputs are multiplied by first, such as 1/255
    #[arg(long, value_name = "X", value_parser = number::quotient, allow_negative_numbers = true,
          default_value = "1", help_heading = "The model to make")]
    scale: f32,

    /// What is then subtracted: a number for all, one for each channel, or one for each position
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        allow_negative_numbers = true,
        help_heading = "The model to make"
    )]
    mean: Vec<f32>,

    /// What is then divided by: as many numbers as may stand in --mean
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        help_heading = "The model to make"
    )]
    deviation: Vec<f32>,
}

/// A library with a layout of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Library {
    /// PyTorch: channels first
    Pytorch,
    /// Keras: channels last
    Keras,
}

impl From<Library> for Layout {
    fn from(library: Library) -> Layout {
        match library {
            Library::Pytorch => Layout::Pytorch,
            Library::Keras => Layout::Keras,
        }
    }
}

fn pair(text: &str) -> Result<Pair, String> {
    match text.split_once('=') {
        Some((theirs, ours)) if !theirs.is_empty() && !ours.is_empty() => Ok(Pair {
            ours: ours.into(),
            theirs: theirs.into(),
        }),
        _ => Err(
            "give a tensor's name there and the parameter's name here, as in \
                  features.0.weight=conv1.weight"
                .into(),
        ),
    }
}

impl Convert {
    /// Runs the command.
    pub fn run(&self) -> Result<(), CliError> {
        check_destination(&self.save)?;
        let progress = Progress::new(true);
        progress.stage("taking the weights over");
        let pairs = match (self.from, self.to) {
            (Some(from), _) => self.take_over(from.into())?,
            (_, Some(to)) => self.give_back(to.into())?,
            (None, None) => return Err(CliError::Usage("give --from or --to".into())),
        };
        progress.finish();
        let width = pairs.iter().map(|pair| pair.ours.len()).max().unwrap_or(0);
        let arrow = if self.from.is_some() { "<-" } else { "->" };
        for Pair { ours, theirs } in &pairs {
            say(&format!("{ours:width$} {arrow} {theirs}"))?;
        }
        say(&format!("saved: {}", self.save.display()))
    }

    /// From weights to a model.
    fn take_over(&self, layout: Layout) -> Result<Vec<Pair>, CliError> {
        let (net, outputs) = (self.net.as_deref(), self.outputs.unwrap_or(1));
        let described = network::find(net, &self.input, outputs)?;
        let description = description(&described.description, &described.name)?;
        let Imported { net, theta, pairs } =
            weights::import(&self.file, layout, &description, &self.map)?;
        let takes = &net.input_shapes()[0];
        if takes[..] != self.input[..] {
            return Err(CliError::Mismatch(format!(
                "the network `{}` takes inputs of shape {takes}, and --input says {:?}; both must agree",
                described.name, self.input
            )));
        }
        if let Some(name) = twice(&self.classes) {
            return Err(CliError::Usage(format!(
                "--classes has the name `{name}` twice; give each class a name of its own"
            )));
        }
        let found = net.output_shape().size();
        if found != outputs || (!self.classes.is_empty() && self.classes.len() != outputs) {
            return Err(CliError::Mismatch(format!(
                "the network `{}` has {found} outputs, --outputs says {outputs} and --classes has \
                 {} names; all must agree",
                described.name,
                self.classes.len()
            )));
        }
        let task = Task::from(self.task);
        self.loss.check_task(task)?;
        let size = net.input_size();
        let mean = self.spread("--mean", &self.mean, size)?;
        let mut preprocess = Preprocess::from_parts(self.scale, mean)?;
        if let Some(deviation) = self.spread("--deviation", &self.deviation, size)? {
            preprocess = preprocess.with_deviation(deviation)?;
        }
        let about = About {
            network: described.description,
            loss: self.loss.name().into(),
            regularization: f64::INFINITY,
            seed: 0,
            preprocess,
            legend: Legend {
                task,
                classes: self.classes.clone(),
                ..Legend::default()
            },
            // Whoever trained it knows them.
            options: BTreeMap::new(),
        };
        ModelFile::new(about, net.params(), &theta)?.save(&self.save)?;
        Ok(pairs)
    }

    /// Numbers for all, for each channel or for each position, at each position.
    fn spread(
        &self,
        option: &str,
        given: &[f32],
        size: usize,
    ) -> Result<Option<Vec<f32>>, CliError> {
        if given.is_empty() {
            return Ok(None);
        }
        let channels = self.input.last().copied().unwrap_or(1);
        if ![1, channels, size].contains(&given.len()) {
            return Err(CliError::Usage(format!(
                "{option} has {} numbers; give 1, {channels} (one for each channel) or {size} (one \
                 for each position)",
                given.len()
            )));
        }
        Ok(Some(given.iter().copied().cycle().take(size).collect()))
    }

    /// From a model to weights.
    fn give_back(&self, layout: Layout) -> Result<Vec<Pair>, CliError> {
        let file = self.file.display().to_string();
        let model = ModelFile::load(&self.file)?;
        let text = &model.about().network;
        let mut net = network::rebuild(text, &file)?;
        let theta = model.restore(&mut net)?;
        let description = description(text, &file)?;
        Ok(weights::export(
            &self.save,
            layout,
            &description,
            &net,
            &theta,
            &self.map,
        )?)
    }
}

fn description(text: &str, name: &str) -> Result<NetworkDescription, CliError> {
    NetworkDescription::parse(text).map_err(|error| CliError::Network {
        what: format!("`{name}`"),
        reason: error.to_string(),
    })
}

/// A name that occurs twice.
fn twice(names: &[String]) -> Option<&String> {
    let mut seen = names.iter().enumerate();
    seen.find_map(|(i, name)| names[..i].contains(name).then_some(name))
}
