//! The trainers: Newton's, and first-order rules to compare it with.

use crate::error::CliError;
use crate::number;
use crate::run::{Options, Trained};
use crate::schedule;
use crate::solver::Solver;
use clap::{Args, ValueEnum};
use osculant_optim::train::{
    Adam, Batches, FirstOrder, NewtonCg, Observer, Sgd, Smd, State, StepRule,
};
use osculant_optim::{Objective, OptimError};

/// The options that say which trainer to use, and those of the first-order ones.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "First-order trainers")]
pub struct TrainerArgs {
    /// What trains: Newton's method, or a first-order rule to compare it with
    #[arg(
        long,
        value_name = "NAME",
        default_value = "newton",
        help_heading = "Solver"
    )]
    optimizer: OptimizerName,

    /// Epochs at most: an epoch meets every training example once [default: 10]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,

    /// Examples of a step [default: 128]
    #[arg(long, value_name = "N", value_parser = number::positive)]
    batch: Option<usize>,

    /// The learning rate [default: 0.01, for adam and adamw 0.001]
    #[arg(long, value_name = "RATE", value_parser = number::not_negative,
          allow_negative_numbers = true)]
    learning_rate: Option<f64>,

    /// How the learning rate changes: constant, step:EPOCHS,FACTOR (times FACTOR every so many
    /// epochs), cosine:EPOCHS or cosine:EPOCHS,FLOOR (half a cosine down to FLOOR, 0), or
    /// inverse:DECAY (over 1 + DECAY·t after t epochs) [default: constant]
    #[arg(long, value_name = "CURVE")]
    schedule: Option<String>,

    /// Epochs in which the learning rate grows evenly first [default: 0]
    #[arg(long, value_name = "EPOCHS")]
    warm_up: Option<usize>,

    /// The momentum of sgd, 0 for none [default: 0.9]
    #[arg(long, value_name = "MU", value_parser = number::not_negative,
          allow_negative_numbers = true)]
    momentum: Option<f64>,

    /// The decay of θ in adamw, beside the one by C [default: 0.01]
    #[arg(long, value_name = "DECAY", value_parser = number::not_negative,
          allow_negative_numbers = true)]
    weight_decay: Option<f64>,
}

/// A trainer, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OptimizerName {
    /// Gauss-Newton steps by conjugate gradients
    Newton,
    /// stochastic gradient descent
    Sgd,
    /// Adam
    Adam,
    /// Adam with decoupled weight decay
    Adamw,
    /// stochastic meta-descent: a step size for every parameter, learnt by products with G
    Smd,
}

/// The rule of a first-order trainer.
type Rule = Box<dyn StepRule<f32>>;

/// A trainer, ready to train.
pub enum Trainer {
    /// Newton's method.
    Newton(Box<NewtonCg>),
    /// A first-order rule.
    FirstOrder(FirstOrder<Rule>),
}

/// What belongs to some trainers only: the option, and who has it.
const OF_SOME: [(&str, &str, &[OptimizerName]); 7] = {
    use OptimizerName::{Adam, Adamw, Sgd, Smd};
    const ALL: &[OptimizerName] = &[Sgd, Adam, Adamw, Smd];
    // The step sizes of smd begin at a rate and go their own ways.
    const CHANGING: &[OptimizerName] = &[Sgd, Adam, Adamw];
    [
        ("epochs", "--epochs", ALL),
        ("batch", "--batch", ALL),
        ("learning_rate", "--learning-rate", ALL),
        ("schedule", "--schedule", CHANGING),
        ("warm_up", "--warm-up", CHANGING),
        ("momentum", "--momentum", &[Sgd]),
        ("weight_decay", "--weight-decay", &[Adamw]),
    ]
};

impl OptimizerName {
    fn name(self) -> &'static str {
        match self {
            OptimizerName::Newton => "newton",
            OptimizerName::Sgd => "sgd",
            OptimizerName::Adam => "adam",
            OptimizerName::Adamw => "adamw",
            OptimizerName::Smd => "smd",
        }
    }
}

impl TrainerArgs {
    /// Whether it is Newton's method.
    pub fn is_newton(&self) -> bool {
        self.optimizer == OptimizerName::Newton
    }

    /// What it counts.
    pub fn unit(&self) -> &'static str {
        if self.is_newton() {
            "iteration"
        } else {
            "epoch"
        }
    }

    /// How many of these there are at most.
    pub fn bound(&self, solver: &Solver, bundled: bool) -> usize {
        if self.is_newton() {
            solver.bound(bundled)
        } else {
            self.epochs.unwrap_or(10)
        }
    }

    /// Refuses options that this trainer does not have.
    pub fn check(&self, solver: &Solver, options: &Options) -> Result<(), CliError> {
        let name = self.optimizer.name();
        for (id, option, trainers) in OF_SOME {
            if options.is_explicit(id) && !trainers.contains(&self.optimizer) {
                let names: Vec<_> = trainers.iter().map(|trainer| trainer.name()).collect();
                return Err(CliError::Usage(format!(
                    "{option} is an option of --optimizer {}, and this one is {name}; leave it out",
                    names.join(", ")
                )));
            }
        }
        if self.is_newton() {
            return solver.check(options);
        }
        if let Some(option) = options.explicit_of::<Solver>() {
            return Err(CliError::Usage(format!(
                "{option} is an option of --optimizer newton, and this one is {name}; leave it out \
                 (first-order trainers have --epochs, --batch and --learning-rate)"
            )));
        }
        // Before data are read.
        self.first_order(0).map(drop)
    }

    /// The first-order trainer, if it is one, but for its bound, and what it is in words. The
    /// ranges of options are the rules' to say; here they are a matter of the command line.
    fn first_order(&self, seed: u64) -> Result<Option<(FirstOrder<Rule>, String)>, CliError> {
        let usage = |e: OptimError| CliError::Usage(e.to_string());
        let Some((rule, mut words)) = self.rule().map_err(usage)? else {
            return Ok(None);
        };
        let rate = self.learning_rate.unwrap_or(rule.usual_rate());
        words += &format!(", rate {rate}");
        let mut schedule = schedule::parse(self.schedule.as_deref().unwrap_or("constant"), rate)
            .map_err(CliError::Usage)?;
        if let Some(text) = &self.schedule {
            words += &format!(" on {text}");
        }
        if let Some(epochs) = self.warm_up {
            schedule = schedule.warm_up(epochs);
            words += &format!(" after {epochs} epochs of warm-up");
        }
        let batch = self.batch.unwrap_or(128);
        words += &format!(", batches of {batch}");
        let batches = Batches::new(batch, seed).map_err(usage)?;
        let trainer = FirstOrder::new(rule).schedule(schedule).batches(batches);
        Ok(Some((trainer, words)))
    }

    /// The rule of a first-order trainer, and what it is in words; Newton's method has none.
    fn rule(&self) -> Result<Option<(Rule, String)>, OptimError> {
        let rule: (Rule, String) = match self.optimizer {
            OptimizerName::Newton => return Ok(None),
            OptimizerName::Sgd => {
                let momentum = self.momentum.unwrap_or(0.9);
                let sgd = Sgd::default().momentum(momentum)?;
                (Box::new(sgd), format!("sgd, momentum {momentum}"))
            }
            OptimizerName::Adam => (Box::new(Adam::default()), "adam".into()),
            OptimizerName::Adamw => {
                let decay = self.weight_decay.unwrap_or(0.01);
                let adamw = Adam::default().decoupled_decay(decay)?;
                (Box::new(adamw), format!("adamw, weight decay {decay}"))
            }
            OptimizerName::Smd => (Box::new(Smd::default()), "smd".into()),
        };
        Ok(Some(rule))
    }

    /// The trainer, and what it is in words.
    pub fn build(
        &self,
        solver: &Solver,
        bound: usize,
        examples: usize,
        seed: u64,
    ) -> Result<(Trainer, String), CliError> {
        let Some((trainer, words)) = self.first_order(seed)? else {
            let curvature = solver.curvature_examples(examples)?;
            let words = solver.describe(bound, curvature);
            let newton = solver.build(bound, examples, seed)?;
            return Ok((Trainer::Newton(Box::new(newton)), words));
        };
        let words = format!("{words}, at most {bound} epochs");
        let trainer = trainer.epochs(bound);
        Ok((Trainer::FirstOrder(trainer), words))
    }
}

impl Trainer {
    /// Trains from θ.
    pub fn train(
        self,
        objective: &Objective<'_, f32>,
        theta: Vec<f32>,
        observer: &mut dyn Observer<f32>,
    ) -> Result<Trained, OptimError> {
        match self {
            Trainer::Newton(newton) => newton
                .train_observed(objective, theta, observer)
                .map(Trained::from),
            Trainer::FirstOrder(rule) => rule
                .train_observed(objective, theta, observer)
                .map(Trained::from),
        }
    }

    /// Goes on from a state.
    pub fn resume(
        self,
        objective: &Objective<'_, f32>,
        state: State<f32>,
        observer: &mut dyn Observer<f32>,
    ) -> Result<Trained, OptimError> {
        match self {
            Trainer::Newton(newton) => newton.resume(objective, state, observer).map(Trained::from),
            Trainer::FirstOrder(rule) => rule.resume(objective, state, observer).map(Trained::from),
        }
    }
}
