//! The losses that the program can train with.

use crate::error::CliError;
use clap::ValueEnum;
use osculant_data::Dataset;
use osculant_layers::Network;
use osculant_optim::Objective;
use osculant_optim::loss::{OnLabels, SoftmaxCrossEntropy, SquaredLoss};

/// A loss, by its name on the command line and in model files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LossName {
    /// ‖z − y‖², with labels as one-hot vectors y
    Squared,
    /// softmax cross-entropy: −log of the probability of the label
    Softmax,
}

impl LossName {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            LossName::Squared => "squared",
            LossName::Softmax => "softmax",
        }
    }

    /// The loss of this name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        let mut all = LossName::value_variants().iter().copied();
        all.find(|loss| loss.name() == name)
    }

    /// The mean of this loss on data.
    pub fn objective<'d>(
        self,
        net: &'d Network<f32>,
        data: &'d Dataset,
    ) -> Result<Objective<'d, f32>, CliError> {
        Ok(match self {
            LossName::Squared => Objective::new(net, OnLabels(SquaredLoss), data)?,
            LossName::Softmax => Objective::new(net, SoftmaxCrossEntropy, data)?,
        })
    }
}
