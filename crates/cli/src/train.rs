//! `osculant train`.

use crate::error::CliError;
use crate::number::{self, significant};
use crate::problem::{Problem, ProblemArgs, Wanted};
use crate::record::{End, Event, Figures, RunRecord, Start};
use crate::report::{self, judge};
use crate::run::{
    self, Finished, Folder, Journal, JsonLines, Keeper, Kept, Options, Shown, Watch, Watched,
};
use crate::score;
use crate::solver::Solver;
use crate::table::Table;
use crate::terminal::Progress;
use crate::threads;
use crate::trainer::TrainerArgs;
use clap::{ArgMatches, Args};
use osculant_data::{AnyDataset, ModelFile, check_destination};
use osculant_optim::train::Outcome;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Trains a network by Gauss-Newton steps
///
/// Each iteration minimizes a paraboloid that touches the objective
///
///     f(θ) = 1/(2C) ‖θ‖² + mean loss over the training examples
///
/// at the present θ: conjugate gradients solve (G + λI) d = −∇f, where the curvature G is that of
/// a part of the training examples; a line search then finds how far to go along d. There is no
/// learning rate to choose. (--optimizer trains by first-order rules instead, to compare.)
///
/// Without options it trains a convolutional network on 8,000 bundled handwritten digits and
/// tests it on 2,000 others; other data are given with --data. The same options and seed give the
/// same numbers to the last digit, on any number of threads.
///
/// A line per iteration goes to standard output: f, the gradient's norm |g|, how many iterations CG
/// made and why it stopped, λ, the ratio of actual and predicted decrease, the step along d, the
/// score on the test examples (accuracy, or R²) and the seconds since the start. A progress display
/// goes to standard error if that is a terminal.
///
/// Ctrl-C ends the run after the present product and what is to be written is written; a second
/// one ends the program. With --run it can go on later.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Train {
    #[command(flatten)]
    problem: ProblemArgs,

    #[command(flatten)]
    solver: Solver,

    #[command(flatten)]
    trainer: TrainerArgs,

    /// End after so many iterations in a row without a better model: by the examples that
    /// --validation holds out, or by f
    #[arg(long, value_name = "N", value_parser = number::positive, help_heading = "Solver")]
    patience: Option<usize>,

    #[command(flatten)]
    output: OutputArgs,

    /// Threads to compute with [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = number::positive)]
    threads: Option<usize>,

    /// Show the final line only
    #[arg(long, short)]
    quiet: bool,

    /// Write the record of the run to standard output, as JSON lines, instead of the table
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

/// The options that say what is to be written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Keep the run in this folder, which is made: its checkpoint, the best and the last model
    /// (best.safetensors, last.safetensors) and its record (record.jsonl)
    ///
    /// Files are replaced as a whole or not at all; a run that is killed goes on with --resume.
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    run: Option<PathBuf>,

    /// Go on with the run in this folder, with its options
    ///
    /// It goes on bit for bit as if it had not been interrupted, on the same machine and build.
    /// Other bounds (--iterations, --epochs, --patience) and other files to write may be given;
    /// data may have moved, but not changed.
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,

    /// Save the run every so many iterations
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = number::positive)]
    checkpoint_every: usize,

    /// Save the trained model to this file (safetensors), with --validation the best one;
    /// `osculant predict FILE` uses it
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    /// Write the record of the run to this file, as JSON lines; `osculant report` compares records
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Write a page (HTML) on the run when it ends: its course, the confusion matrix and the
    /// test examples that were misclassified
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// The folder that a run is kept in, and what it holds already.
struct Place {
    folder: Folder,
    options: Options,
    kept: Option<Kept>,
}

impl Train {
    /// Runs the command; `call` is the command line that it was read from.
    pub fn run(self, call: &ArgMatches) -> Result<ExitCode, CliError> {
        let (train, place) = match &self.output.resume {
            Some(path) => {
                let folder = Folder::open(path)?;
                let kept = Kept::read(&folder)?;
                let (train, options) = kept.options.resume(call, &folder.shown())?;
                let kept = Some(kept);
                let place = Place {
                    folder,
                    options,
                    kept,
                };
                (train, Some(place))
            }
            None => (self, None),
        };
        let options = match &place {
            Some(place) => place.options.clone(),
            None => Options::of(call),
        };
        train.trainer.check(&train.solver, &options)?;
        let kept = train.output.run.is_some() || place.is_some();
        if options.is_explicit("checkpoint_every") && !kept {
            return Err(CliError::Usage(
                "--checkpoint-every is for a run that is kept; give --run DIR as well".into(),
            ));
        }
        let told = options.told();
        let place = match (&train.output.run, place) {
            (Some(path), None) => Some(Place {
                folder: Folder::create(path)?,
                options,
                kept: None,
            }),
            (_, place) => place,
        };
        // Minutes of training must not end in a file that was never possible.
        for path in [&train.output.save, &train.output.report]
            .into_iter()
            .flatten()
        {
            check_destination(path)?;
        }
        threads::pool(train.threads)?.install(|| train.train(place, told))
    }

    /// Takes what belongs to a call of the program from that call.
    pub fn adopt_call(&mut self, call: Train) {
        (self.threads, self.quiet, self.json) = (call.threads, call.quiet, call.json);
    }

    /// Trains; a saved model tells the options that are `told`.
    fn train(
        &self,
        place: Option<Place>,
        told: BTreeMap<String, String>,
    ) -> Result<ExitCode, CliError> {
        let progress = Progress::new(!self.quiet && !self.json);
        progress.stage("reading the data");
        let output = &self.output;
        let mut problem = self.problem.load(Wanted {
            raw_test: self.json
                || place.is_some()
                || output.log.is_some()
                || output.report.is_some(),
            fingerprint: place.is_some(),
        })?;
        problem.options = told;
        let kept = place.as_ref().and_then(|place| place.kept.as_ref());
        if let (Some(place), Some(kept), Some(now)) = (&place, kept, &problem.fingerprint) {
            now.check(&kept.fingerprint, &place.folder.shown())?;
        }
        let (seed, examples) = (self.problem.seed, problem.train.len());
        let bound = self.trainer.bound(&self.solver, self.problem.is_bundled());
        let (trainer, solver) = self.trainer.build(&self.solver, bound, examples, seed)?;
        let objective = problem.objective()?;

        let journal = self.journal(&problem, place.as_ref(), &progress)?;
        journal.remark(&format!(
            "{}\nsolver   {solver}\nthreads  {}",
            problem.describe(),
            rayon::current_num_threads()
        ))?;
        if let (Some(place), Some(kept)) = (&place, kept) {
            let folder = place.folder.shown();
            journal.remark(&format!(
                "resumed  after {} {} of {folder}",
                self.trainer.unit(),
                kept.done()
            ))?;
        }
        journal.remark(&format!("\n{}", self.table(&problem).head()))?;

        let mut keeper = match &place {
            Some(Place {
                folder, options, ..
            }) => {
                let every = output.checkpoint_every;
                let saved = kept.map_or(0, Kept::done);
                Some(Keeper::new(folder, &problem, options, every, saved)?)
            }
            None => None,
        };
        let course = kept.map(|kept| kept.course.clone()).unwrap_or_default();
        if let (Some(keeper), None) = (&mut keeper, kept) {
            keeper.begin(&course)?;
        }
        let state = kept.and_then(|kept| kept.state.clone());
        let theta = match &state {
            Some(state) => state.theta.clone(),
            None => problem.described.net.init(self.problem.seed),
        };
        progress.stage("value and gradient at the start");
        let watched = Watched {
            problem: &problem,
            progress: progress.clone(),
            journal,
            keeper,
            course,
            unit: self.trainer.unit(),
            bound,
            patience: self.patience,
            begin: Start {
                resumed: kept.map(Kept::done),
                ..self.begin(&problem, &solver)
            },
        };
        let mut watch = Watch::new(watched, &theta)?;
        run::interrupt::listen();
        let trained = match state {
            Some(state) => trainer.resume(&objective, state, &mut watch),
            None => trainer.train(&objective, theta, &mut watch),
        };
        let finished = watch.finish(trained);
        progress.finish();
        self.conclude(&problem, place.as_ref(), finished?)
    }

    /// Where what happens is written.
    fn journal(
        &self,
        problem: &Problem,
        place: Option<&Place>,
        progress: &Progress,
    ) -> Result<Journal, CliError> {
        let done = place.and_then(|place| place.kept.as_ref()).map(Kept::done);
        let open = |path: &Path| match done {
            Some(done) => JsonLines::resume(path, done),
            None => JsonLines::create(path),
        };
        let name = format!("{} on {}", problem.described.name, problem.source);
        let mut record = RunRecord::new(&name);
        let mut files = Vec::new();
        if let Some(place) = place {
            let path = place.folder.record();
            files.push(open(&path)?);
            // Nothing is in it before the first iteration of a run that was killed there.
            if done.is_some() && fs::metadata(&path).is_ok_and(|file| file.len() > 0) {
                record = RunRecord::read(&path)?.pop().unwrap_or(record);
                record.name = name;
            }
        }
        if let Some(path) = &self.output.log {
            files.push(open(path)?);
        }
        let shown = match (self.json, self.quiet) {
            (true, _) => Shown::Json,
            (_, true) => Shown::Nothing,
            _ => Shown::Table(self.table(problem)),
        };
        Ok(Journal::new(shown, progress.clone(), files, record))
    }

    fn table(&self, problem: &Problem) -> Table {
        let validation = problem.validation.is_some();
        if self.trainer.is_newton() {
            Table::newton(validation)
        } else {
            Table::first_order(validation)
        }
    }

    /// What the record says of the run before it begins.
    fn begin(&self, problem: &Problem, solver: &str) -> Start {
        let words: Vec<String> = std::env::args().skip(1).collect();
        Start {
            command: Some(format!("osculant {}", words.join(" "))),
            network: Some(problem.described.name.clone()),
            parameters: Some(problem.described.net.len()),
            data: Some(problem.source.clone()),
            train_examples: Some(problem.train.len()),
            validation_examples: problem.validation.as_ref().map(AnyDataset::len),
            test_examples: Some(problem.test.len()),
            loss: Some(problem.loss.name().into()),
            regularization: Some(problem.c).filter(|c| c.is_finite()),
            trainer: Some(solver.into()),
            seed: Some(self.problem.seed),
            threads: Some(rayon::current_num_threads()),
            ..Start::default()
        }
    }

    /// Writes all that is to be written of a run that has ended.
    fn conclude(
        &self,
        problem: &Problem,
        place: Option<&Place>,
        mut run: Finished<'_>,
    ) -> Result<ExitCode, CliError> {
        if let (true, Some(place)) = (run.interrupted, place) {
            run.outcome += &format!("; go on with --resume {}", place.folder.shown());
        }
        let written = self.write(problem, place, &mut run);
        // The result is the last line, and is said even where writing fails.
        if let Some(best) = run.course.best.describe(run.unit) {
            run.journal.remark(&best)?;
        }
        run.journal.conclude(&summary(&run))?;
        written.map_err(|error| run::ended(run.keeper.as_ref(), error))?;
        Ok(match (run.interrupted, run.trained.outcome) {
            (true, _) => run::interrupt::CODE.into(),
            // All is written as for other runs; but a script is to know.
            (_, Outcome::Diverged) => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        })
    }

    fn write(
        &self,
        problem: &Problem,
        place: Option<&Place>,
        run: &mut Finished<'_>,
    ) -> Result<(), CliError> {
        let theta = &run.trained.state.theta;
        let best = run.course.best.unsaved.clone();
        if let Some(keeper) = &mut run.keeper {
            keeper.save(run.trained.state.clone(), &mut run.course)?;
        }
        if let Some(raw) = &problem.raw_test {
            let net = &problem.described.net;
            let outputs = score::outputs_if_finite(net, theta, &problem.test)?;
            let judged = |outputs| judge::evaluate(outputs, raw, problem.loss, &problem.legend);
            if let Some(evaluation) = outputs.and_then(judged) {
                run.journal.event(Event::Evaluation(Box::new(evaluation)))?;
            }
        }
        run.journal.event(Event::End(Box::new(End {
            outcome: Some(run.outcome.clone()),
            iterations: Some(run.trained.done),
            products: Some(run.trained.products).filter(|&n| n > 0 || self.trainer.is_newton()),
            seconds: Some(run.course.seconds),
            value: Some(run.trained.value),
            gradient_norm: Some(run.trained.gradient_norm),
            figures: Figures::from(&run.scores),
        })))?;
        if let Some(path) = &self.output.save {
            let model = match (&best, place) {
                _ if problem.validation.is_none() => problem.model(theta)?,
                (Some(theta), _) => problem.model(theta)?,
                // Saved by an earlier checkpoint.
                (None, Some(place)) => ModelFile::load(place.folder.best())?,
                (None, None) => problem.model(theta)?,
            };
            model.save(path)?;
            run.journal.remark(&format!("saved: {}", path.display()))?;
        }
        if let Some(path) = &self.output.report {
            report::write(path, std::slice::from_ref(&run.journal.record))?;
            run.journal.remark(&format!("page: {}", path.display()))?;
        }
        Ok(())
    }
}

/// The final line: nothing in it depends on the machine's speed or the number of threads.
fn summary(run: &Finished<'_>) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    // Most first-order trainers make none.
    let products = match (run.unit, run.trained.products) {
        ("epoch", 0) => String::new(),
        (_, n) => format!(", {}", count(n, "product")),
    };
    format!(
        "final: f {} |g| {} test {} after {}{products}: {}",
        significant(run.trained.value, 10),
        significant(run.trained.gradient_norm, 7),
        run.scores.test.score,
        count(run.trained.done, run.unit),
        run.outcome
    )
}
