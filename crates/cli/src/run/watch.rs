//! The observer of a run: what happens before the first iteration, and after each.

use super::{Course, Journal, Keeper, ended, interrupt};
use crate::error::CliError;
use crate::problem::Problem;
use crate::record::{self, Event, Figures};
use crate::score::{Scored, Scores};
use crate::terminal::Progress;
use osculant_optim::solve::Stop;
use osculant_optim::train::{Epoch, Iteration, Moment, Observer, Outcome, Report, Start, State};
use std::ops::ControlFlow;
use std::time::Instant;

/// Watches a run.
pub struct Watch<'a> {
    problem: &'a Problem,
    progress: Progress,
    journal: Journal,
    keeper: Option<Keeper<'a>>,
    course: Course,
    /// What is counted: iterations or epochs; and how many there are at most.
    unit: &'static str,
    bound: usize,
    patience: Option<usize>,
    /// The first line of the record, to be completed with f and ‖∇f‖.
    begin: Option<Box<record::Start>>,
    /// The scores of the present model.
    scores: Scores,
    started: Instant,
    done: usize,
    /// Why the run was ended here, if it was.
    ended: Option<Ended>,
}

/// What ended a run before its trainer would have.
enum Ended {
    Patience(usize),
    Interrupted,
    Failed(CliError),
}

/// What is watched, and how.
pub struct Watched<'a> {
    pub problem: &'a Problem,
    pub progress: Progress,
    pub journal: Journal,
    pub keeper: Option<Keeper<'a>>,
    /// What the run had come to when it was saved; nothing of a new one.
    pub course: Course,
    pub unit: &'static str,
    pub bound: usize,
    pub patience: Option<usize>,
    /// What is known of the run already.
    pub begin: record::Start,
}

/// What a trainer has come to.
pub struct Trained {
    pub state: State<f32>,
    pub value: f64,
    pub gradient_norm: f64,
    /// Iterations, and products, those before a resumption included.
    pub done: usize,
    pub products: usize,
    pub outcome: Outcome,
}

impl<R> From<Report<f32, R>> for Trained {
    fn from(report: Report<f32, R>) -> Self {
        Trained {
            state: report.state(),
            value: report.value,
            gradient_norm: report.gradient_norm,
            done: report.done(),
            products: report.products,
            outcome: report.outcome,
        }
    }
}

/// A run that has ended.
pub struct Finished<'a> {
    pub trained: Trained,
    pub journal: Journal,
    pub keeper: Option<Keeper<'a>>,
    pub course: Course,
    pub scores: Scores,
    pub interrupted: bool,
    /// What it counted.
    pub unit: &'static str,
    /// Why it ended, in words.
    pub outcome: String,
}

impl<'a> Watch<'a> {
    /// Begins to watch a run that starts at θ.
    pub fn new(mut of: Watched<'a>, theta: &[f32]) -> Result<Self, CliError> {
        let scores = scores(of.problem, theta)?;
        if of.course == Course::default() {
            of.course.best.consider(0, None, &scores, theta);
        }
        Ok(Watch {
            problem: of.problem,
            progress: of.progress,
            journal: of.journal,
            keeper: of.keeper,
            course: of.course,
            unit: of.unit,
            bound: of.bound,
            patience: of.patience,
            begin: Some(Box::new(record::Start {
                figures: Figures::from(&scores),
                ..of.begin
            })),
            scores,
            started: Instant::now(),
            done: 0,
            ended: None,
        })
    }

    /// What the run has come to; an error is one that ended it, here or in the trainer.
    pub fn finish(
        self,
        trained: Result<Trained, osculant_optim::OptimError>,
    ) -> Result<Finished<'a>, CliError> {
        let seconds = self.seconds();
        let interrupted = matches!(self.ended, Some(Ended::Interrupted));
        let early = match self.ended {
            Some(Ended::Failed(error)) => return Err(error),
            Some(Ended::Patience(count)) => {
                Some(format!("no better model in {count} {}s", self.unit))
            }
            Some(Ended::Interrupted) => Some("interrupted".into()),
            None => None,
        };
        let trained = trained.map_err(|error| ended(self.keeper.as_ref(), error.into()))?;
        // A first-order run that diverged went back to an earlier θ.
        let scores = if trained.done < self.done {
            scores(self.problem, &trained.state.theta)?
        } else {
            self.scores
        };
        let by_itself = match trained.outcome {
            Outcome::Iterations => format!("all {}s were made", self.unit),
            outcome => outcome.to_string(),
        };
        Ok(Finished {
            outcome: early.unwrap_or(by_itself),
            trained,
            journal: self.journal,
            keeper: self.keeper,
            course: Course {
                seconds,
                ..self.course
            },
            scores,
            unit: self.unit,
            interrupted,
        })
    }

    /// Seconds of training so far, those before a resumption included.
    fn seconds(&self) -> f64 {
        self.course.seconds + self.started.elapsed().as_secs_f64()
    }

    fn begin(&mut self, at: &Start<'_, f32>) -> Result<(), CliError> {
        self.done = at.done;
        self.progress.stage(&self.stage());
        let Some(begin) = self.begin.take() else {
            return Ok(());
        };
        let written = self.journal.event(Event::Start(Box::new(record::Start {
            value: Some(at.value),
            gradient_norm: Some(at.gradient_norm),
            ..*begin
        })));
        written.map_err(|error| ended(self.keeper.as_ref(), error))
    }

    /// Notes an iteration, or an epoch.
    fn note(
        &mut self,
        iteration: record::Iteration,
        theta: &[f32],
        state: &dyn Fn() -> State<f32>,
    ) -> Result<(), CliError> {
        let number = iteration.iteration;
        self.done = number;
        self.progress.stage("scores of the model");
        self.scores = scores(self.problem, theta)?;
        let seconds = self.seconds();
        self.course
            .best
            .consider(number, iteration.value, &self.scores, theta);
        let iteration = record::Iteration {
            seconds: Some(seconds),
            products: Some(self.course.products).filter(|&count| count > 0),
            figures: Figures::from(&self.scores),
            ..iteration
        };
        let noted = self.journal.iteration(iteration, &self.scores);
        noted.map_err(|error| ended(self.keeper.as_ref(), error))?;
        if let Some(keeper) = &mut self.keeper
            && keeper.is_due(number)
        {
            self.progress.stage("saving the run");
            (self.course.seconds, self.started) = (seconds, Instant::now());
            keeper.save(state(), &mut self.course)?;
        }
        self.progress.stage(&self.stage());
        Ok(())
    }

    fn stage(&self) -> String {
        format!("{} {} of {}", self.unit, self.done + 1, self.bound)
    }

    /// Shows how far an iteration is, and gives it up where that is asked for.
    fn part(&mut self, number: usize, bound: usize, what: &str, most: &str) -> ControlFlow<()> {
        let text = format!("{what} {number} of {most}{bound}");
        self.progress.part(number, bound, &text);
        if interrupt::asked() {
            self.ended = Some(Ended::Interrupted);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Whether the run goes on after this.
    fn then(&mut self, done: Result<(), CliError>) -> ControlFlow<()> {
        self.ended = match (done, self.patience) {
            (Err(error), _) => Some(Ended::Failed(error)),
            _ if interrupt::asked() => Some(Ended::Interrupted),
            (Ok(()), Some(count))
                if self.done >= self.course.best.iteration.saturating_add(count) =>
            {
                Some(Ended::Patience(count))
            }
            _ => return ControlFlow::Continue(()),
        };
        ControlFlow::Break(())
    }
}

impl Observer<f32> for Watch<'_> {
    fn start(&mut self, at: &Start<'_, f32>) -> ControlFlow<()> {
        let begun = self.begin(at);
        self.then(begun)
    }

    fn iteration(&mut self, at: &Moment<'_, f32, Iteration>) -> ControlFlow<()> {
        let i = at.record;
        self.course.products += i.products;
        let iteration = record::Iteration {
            iteration: i.number,
            value: Some(i.new_value),
            gradient_norm: Some(i.new_gradient_norm),
            lambda: Some(i.lambda),
            ratio: Some(i.ratio),
            cg_iterations: Some(i.cg_iterations),
            cg_stop: Some(word(&i.cg_stop).into()),
            step: Some(i.step),
            ..record::Iteration::default()
        };
        let noted = self.note(iteration, at.theta, &|| at.state());
        self.then(noted)
    }

    fn epoch(&mut self, at: &Moment<'_, f32, Epoch>) -> ControlFlow<()> {
        let e = at.record;
        self.course.products += e.products;
        let iteration = record::Iteration {
            iteration: e.number,
            value: Some(e.value),
            gradient_norm: e.gradient_norm,
            rate: Some(e.learning_rate),
            ..record::Iteration::default()
        };
        let noted = self.note(iteration, at.theta, &|| at.state());
        self.then(noted)
    }

    fn step(&mut self, number: usize, bound: usize) -> ControlFlow<()> {
        self.part(number, bound, "step", "")
    }

    fn cg_iteration(&mut self, number: usize, bound: usize) -> ControlFlow<()> {
        self.part(number, bound, "CG product", "at most ")
    }
}

fn scores(problem: &Problem, theta: &[f32]) -> Result<Scores, CliError> {
    let of = |data| Scored::of(&problem.described.net, theta, data, problem.loss);
    Ok(Scores {
        validation: problem.validation.as_ref().map(of).transpose()?,
        test: of(&problem.test)?,
    })
}

/// Why CG stopped, in a word.
fn word(stop: &Stop) -> &'static str {
    match stop {
        Stop::Converged => "converged",
        Stop::MaxIterations => "bound",
        Stop::Boundary => "radius",
        Stop::NegativeCurvature { .. } => "negative",
        Stop::NonFinite => "nonfinite",
        Stop::IndefinitePreconditioner { .. } => "precond",
        Stop::Observer => "stopped",
        Stop::ZeroRightHandSide => "zero",
        _ => "other",
    }
}
