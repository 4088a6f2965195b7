//! The losses that the program can train with.

use crate::error::CliError;
use clap::ValueEnum;
use osculant_data::{AnyDataset, Task};
use osculant_layers::Network;
use osculant_optim::Objective;
use osculant_optim::examples::Examples;
use osculant_optim::loss::{
    HuberLoss, LogisticLoss, Loss, OnLabels, PoissonLoss, SoftmaxCrossEntropy, SquaredLoss,
};
use osculant_tape::Scalar;

/// A loss, by its name on the command line and in model files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LossName {
    /// ‖z − y‖², with real targets y, or with classes as one-hot vectors
    Squared,
    /// softmax cross-entropy: −log of the probability of the class
    Softmax,
    /// Σ log(1 + exp z) − yz: each output tells its class from all others, or a target from 0 to 1
    Logistic,
    /// ½r² for distances r from real targets up to 1, r − ½ beyond; for targets with outliers
    Huber,
    /// Σ exp z − yz, for counts as targets; predictions are exp z
    Poisson,
}

impl LossName {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            LossName::Squared => "squared",
            LossName::Softmax => "softmax",
            LossName::Logistic => "logistic",
            LossName::Huber => "huber",
            LossName::Poisson => "poisson",
        }
    }

    /// The loss of this name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        let mut all = LossName::value_variants().iter().copied();
        all.find(|loss| loss.name() == name)
    }

    /// What its targets must be, if it doesn't take both.
    pub fn task(self) -> Option<Task> {
        match self {
            LossName::Squared | LossName::Logistic => None,
            LossName::Softmax => Some(Task::Classes),
            LossName::Huber | LossName::Poisson => Some(Task::Reals),
        }
    }

    /// Refuses targets that it cannot be computed for.
    pub fn check_task(self, task: Task) -> Result<(), CliError> {
        match (task, self.task()) {
            (_, None) | (Task::Inputs, Some(Task::Reals)) => Ok(()),
            (task, Some(wanted)) if task == wanted => Ok(()),
            (task, Some(_)) => Err(self.mismatch(task)),
        }
    }

    /// Whether it compares outputs with targets in a unit that may be changed.
    pub fn has_unit(self) -> bool {
        matches!(self, LossName::Squared | LossName::Huber)
    }

    /// Makes outputs the scores of classes, one per class.
    pub fn scores(self, z: &mut [f32]) {
        match self {
            LossName::Softmax => {
                let largest = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                z.iter_mut().for_each(|z| *z = (*z - largest).exp());
                let sum: f32 = z.iter().sum();
                z.iter_mut().for_each(|z| *z /= sum);
            }
            LossName::Logistic => self.means(z),
            _ => {}
        }
    }

    /// Makes outputs what is expected of real targets.
    pub fn means(self, z: &mut [f32]) {
        let mean: fn(f32) -> f32 = match self {
            LossName::Logistic => |z| 1.0 / (1.0 + (-z).exp()),
            LossName::Poisson => f32::exp,
            LossName::Squared | LossName::Softmax | LossName::Huber => return,
        };
        z.iter_mut().for_each(|z| *z = mean(*z));
    }

    /// The mean of this loss on data.
    pub fn objective<'d>(
        self,
        net: &'d Network<f32>,
        data: &'d AnyDataset,
    ) -> Result<Objective<'d, f32>, CliError> {
        match data {
            AnyDataset::Classes(data) => self.of_classes(net, data),
            AnyDataset::Reals(data) => self.of_reals(net, data),
            AnyDataset::Unlabelled(_) => Err(CliError::Mismatch(
                "the data have no targets, and a loss compares with them".into(),
            )),
        }
    }

    /// The mean of this loss on examples with labels.
    pub fn of_classes<'d, T: Scalar>(
        self,
        net: &'d Network<T>,
        data: &'d impl Examples<T, Target = u32>,
    ) -> Result<Objective<'d, T>, CliError> {
        Ok(match self {
            LossName::Squared => Objective::new(net, OnLabels(SquaredLoss), data)?,
            LossName::Softmax => Objective::new(net, SoftmaxCrossEntropy, data)?,
            LossName::Logistic => Objective::new(net, OnLabels(LogisticLoss), data)?,
            LossName::Huber | LossName::Poisson => return Err(self.mismatch(Task::Classes)),
        })
    }

    /// The mean of this loss on examples with real targets.
    pub fn of_reals<'d, T: Scalar>(
        self,
        net: &'d Network<T>,
        data: &'d impl Examples<T, Target = [T]>,
    ) -> Result<Objective<'d, T>, CliError> {
        Ok(match self {
            LossName::Squared => Objective::new(net, SquaredLoss, data)?,
            LossName::Logistic => Objective::new(net, LogisticLoss, data)?,
            LossName::Huber => Objective::new(net, HuberLoss::new(1.0)?, data)?,
            LossName::Poisson => Objective::new(net, PoissonLoss, data)?,
            LossName::Softmax => return Err(self.mismatch(Task::Reals)),
        })
    }

    /// The mean of this loss over outputs that are there already; none where there is nothing to
    /// compare with.
    pub fn mean(self, outputs: &[f32], data: &AnyDataset) -> Option<f64> {
        match data {
            AnyDataset::Classes(data) => {
                let targets = || data.labels().iter();
                match self {
                    LossName::Squared => Some(mean(OnLabels(SquaredLoss), outputs, targets())),
                    LossName::Softmax => Some(mean(SoftmaxCrossEntropy, outputs, targets())),
                    LossName::Logistic => Some(mean(OnLabels(LogisticLoss), outputs, targets())),
                    LossName::Huber | LossName::Poisson => None,
                }
            }
            AnyDataset::Reals(data) => {
                let targets = || data.targets().chunks_exact(data.target_size());
                match self {
                    LossName::Squared => Some(mean(SquaredLoss, outputs, targets())),
                    LossName::Logistic => Some(mean(LogisticLoss, outputs, targets())),
                    LossName::Huber => Some(mean(HuberLoss::new(1.0).ok()?, outputs, targets())),
                    LossName::Poisson => Some(mean(PoissonLoss, outputs, targets())),
                    LossName::Softmax => None,
                }
            }
            AnyDataset::Unlabelled(_) => None,
        }
    }

    /// The error of targets that it does not take.
    pub fn mismatch(self, task: Task) -> CliError {
        let name = self.name();
        CliError::Usage(match task {
            Task::Classes => format!(
                "the loss {name} is for real targets, and these are classes; train with --loss \
                 softmax, squared or logistic"
            ),
            Task::Inputs => format!(
                "the loss {name} is for classes, and here the inputs are the targets; train with \
                 --loss squared, logistic or huber"
            ),
            Task::Reals => format!(
                "the loss {name} is for classes, and these targets are reals; train with --loss \
                 squared, huber or poisson, or say --task classes where they are classes"
            ),
        })
    }
}

/// The mean over examples; none of these losses looks at inputs.
fn mean<'t, L: Loss<f32>>(
    loss: L,
    outputs: &[f32],
    targets: impl ExactSizeIterator<Item = &'t L::Target>,
) -> f64
where
    L::Target: 't,
{
    let count = targets.len().max(1);
    let each = (outputs.len() / count).max(1);
    let mut kept = vec![0.0; loss.kept(&[each])];
    let outputs = outputs.chunks_exact(each);
    let values = outputs.zip(targets);
    let sum: f64 = values.map(|(z, y)| loss.value(z, y, &[], &mut kept)).sum();
    sum / count as f64
}
