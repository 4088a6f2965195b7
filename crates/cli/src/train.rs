//! `osculant train`.

use crate::error::CliError;
use crate::loss::LossName;
use crate::network::{self, Described};
use crate::number::{self, significant};
use crate::score::{self, Score};
use crate::solver::Solver;
use crate::source::{self, DataArgs, Source};
use crate::threads;
use crate::watch::{Watch, say};
use clap::Args;
use osculant_data::{About, AnyDataset, Legend, ModelFile, Preprocess, check_destination};
use osculant_optim::train::Report;
use std::path::PathBuf;

/// Trains a network by Gauss-Newton steps
///
/// Each iteration minimizes a paraboloid that touches the objective
///
///     f(θ) = 1/(2C) ‖θ‖² + mean loss over the training examples
///
/// at the present θ: conjugate gradients solve (G + λI) d = −∇f, where the curvature G is that of
/// a part of the training examples; a line search then finds how far to go along d. There is no
/// learning rate to choose.
///
/// Without options it trains a convolutional network on 8,000 bundled handwritten digits and
/// tests it on 2,000 others; other data are given with --data. The same options and seed give the same numbers to the last digit,
/// on any number of threads.
///
/// A line per iteration goes to standard output: f, the gradient's norm |g|, how many iterations
/// CG made and why it stopped, λ, the ratio of actual and predicted decrease, the step along d,
/// the accuracy on the test examples and the seconds since the start. A progress display goes to
/// standard error if that is a terminal.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Train {
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

    /// The regularization constant C, above 0; larger is weaker, inf is none [default: 0.01 times
    /// the number of training examples]
    #[arg(short = 'C', value_name = "C", value_parser = number::constant,
          allow_negative_numbers = true, help_heading = "Problem")]
    c: Option<f64>,

    /// The seed of the initial θ and of the curvature's examples
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Problem")]
    seed: u64,

    /// Train on the first N training examples only
    #[arg(long, visible_alias = "limit", value_name = "N", value_parser = number::positive,
          help_heading = "Problem")]
    train_examples: Option<usize>,

    /// Test on the first N test examples only
    #[arg(long, value_name = "N", value_parser = number::positive, help_heading = "Problem")]
    test_examples: Option<usize>,

    #[command(flatten)]
    solver: Solver,

    /// Threads to compute with [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = number::positive)]
    threads: Option<usize>,

    /// Save the trained model to this file (safetensors); `osculant predict FILE` uses it
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    /// Show the final line only
    #[arg(long, short)]
    quiet: bool,
}

impl Train {
    /// Runs the command.
    pub fn run(&self) -> Result<(), CliError> {
        // Minutes of training must not end in a file that was never possible.
        if let Some(path) = &self.save {
            check_destination(path)?;
        }
        threads::pool(self.threads)?.install(|| self.train())
    }

    fn train(&self) -> Result<(), CliError> {
        let mut source = self.data.load(self.loss, self.seed)?;
        let of = source::first;
        of(
            &mut source.train,
            self.train_examples,
            "--train-examples",
            "training",
        )?;
        of(
            &mut source.test,
            self.test_examples,
            "--test-examples",
            "test",
        )?;
        let described = network::find(
            self.net.as_deref(),
            source.train.shape(),
            source.train.outputs().unwrap_or(1),
        )?;
        let net = &described.net;
        network::check_fit(&format!("`{}`", described.name), net, &source.train)?;
        let curvature = self.solver.curvature_examples(source.train.len())?;
        let newton = self.solver.build(self.seed)?;

        let preprocess = self.data.prepare(&mut source, self.loss)?;
        let Source {
            name,
            train,
            test,
            legend,
            ..
        } = source;
        let c = self.c.unwrap_or(0.01 * train.len() as f64);
        let objective = self.loss.objective(net, &train)?.regularization(c)?;

        if !self.quiet {
            let (l, t) = (train.len(), test.len());
            let targets = match &train {
                AnyDataset::Reals(data) => format!("real targets of {}", data.target_size()),
                _ => format!("{} classes", train.outputs().unwrap_or(0)),
            };
            say(&format!(
                "network  {}: {} parameters, input {}, output {}\n\
                 data     {name}: {l} examples to train, {t} to test, {targets}\n\
                 problem  {} loss, C = {c}, seed {}\n\
                 solver   {}\n\
                 threads  {}\n\n{}",
                described.name,
                net.len(),
                net.input_shapes()
                    .first()
                    .map_or(String::new(), ToString::to_string),
                net.output_shape(),
                self.loss.name(),
                self.seed,
                self.describe_solver(curvature),
                rayon::current_num_threads(),
                crate::table::head(),
            ))?;
        }
        let mut watch = Watch::new(net, &test, self.loss, self.solver.iterations, self.quiet);
        let trained = newton.train_observed(&objective, net.init(self.seed), &mut watch);
        watch.finish()?;
        let report = trained?;
        let score = Score::of(
            &score::outputs(net, &report.theta, &test)?,
            &test,
            self.loss,
        );
        // The result is the last line, and is said even where saving fails.
        let saved = self.save(&described, preprocess, legend, c, &report.theta);
        say(&summary(&report, &score))?;
        saved
    }

    fn describe_solver(&self, curvature: usize) -> String {
        let s = &self.solver;
        format!(
            "at most {} iterations, curvature on {curvature} examples, CG to {} or {} products, \
             λ from {}",
            s.iterations, s.cg_tolerance, s.cg_iterations, s.lambda
        )
    }

    fn save(
        &self,
        described: &Described,
        preprocess: Preprocess,
        legend: Legend,
        c: f64,
        theta: &[f32],
    ) -> Result<(), CliError> {
        let Some(path) = &self.save else {
            return Ok(());
        };
        let about = About {
            network: described.description.clone(),
            loss: self.loss.name().into(),
            regularization: c,
            seed: self.seed,
            preprocess,
            legend,
        };
        ModelFile::new(about, described.net.params(), theta)?.save(path)?;
        if self.quiet {
            return Ok(());
        }
        say(&format!("saved: {}", path.display()))
    }
}

/// The final line: nothing in it depends on the machine's speed or the number of threads.
fn summary(report: &Report<f32>, score: &Score) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    format!(
        "final: f {} |g| {} test {score} after {}, {}: {}",
        significant(report.value, 10),
        significant(report.gradient_norm, 7),
        count(report.iterations.len(), "iteration"),
        count(report.products, "product"),
        report.outcome
    )
}
