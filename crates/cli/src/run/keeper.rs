//! What is saved of a run, and when.

use super::{Best, Folder, Options};
use crate::error::CliError;
use crate::problem::{Fingerprint, Problem};
use osculant_data::Checkpoint;
use osculant_optim::train::State;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

// The notes in a checkpoint.
const OPTIONS: &str = "options";
const FINGERPRINT: &str = "fingerprint";
const COURSE: &str = "course";

/// What a run has come to, beside the state of its trainer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// Seconds of training.
    pub seconds: f64,
    /// Products with the curvature.
    pub products: usize,
    /// The best model.
    pub best: Best,
}

/// What a checkpoint has kept of a run.
pub struct Kept {
    pub state: Option<State<f32>>,
    pub options: Options,
    pub fingerprint: Fingerprint,
    pub course: Course,
}

impl Kept {
    /// Reads it from the folder of the run.
    pub fn read(folder: &Folder) -> Result<Self, CliError> {
        let path = folder.checkpoint();
        let checkpoint = Checkpoint::load(&path)?;
        let file = path.display().to_string();
        let note = |name| {
            let text = checkpoint.notes.get(name);
            text.ok_or_else(|| CliError::Checkpoint {
                file: file.clone(),
                reason: format!("it has no note `{name}`"),
            })
        };
        fn parse<N: DeserializeOwned>(text: &str, file: &str) -> Result<N, CliError> {
            serde_json::from_str(text).map_err(|error| CliError::Checkpoint {
                file: file.into(),
                reason: error.to_string(),
            })
        }
        Ok(Kept {
            options: parse(note(OPTIONS)?, &file)?,
            fingerprint: parse(note(FINGERPRINT)?, &file)?,
            course: parse(note(COURSE)?, &file)?,
            state: checkpoint.state,
        })
    }

    /// How many iterations are done.
    pub fn done(&self) -> usize {
        self.state.as_ref().map_or(0, |state| state.iteration)
    }
}

/// Saves a run in its folder.
pub struct Keeper<'a> {
    folder: &'a Folder,
    problem: &'a Problem,
    checkpoint: Checkpoint<f32>,
    every: usize,
    /// The iteration that can be resumed from.
    saved: usize,
}

impl<'a> Keeper<'a> {
    /// Keeps a run of these options, of which so many iterations are saved already; from then on
    /// `every` so many.
    pub fn new(
        folder: &'a Folder,
        problem: &'a Problem,
        options: &Options,
        every: usize,
        saved: usize,
    ) -> Result<Self, CliError> {
        let mut checkpoint = Checkpoint::new(None);
        let mut note = |name: &str, text: String| checkpoint.notes.insert(name.into(), text);
        note(OPTIONS, json(options)?);
        note(FINGERPRINT, json(&problem.fingerprint)?);
        Ok(Keeper {
            folder,
            problem,
            checkpoint,
            every,
            saved,
        })
    }

    /// Makes a run that could be resumed of one in which nothing has been done.
    pub fn begin(&mut self, course: &Course) -> Result<(), CliError> {
        self.write(course)
    }

    /// Whether it is time to save after this iteration.
    pub fn is_due(&self, iteration: usize) -> bool {
        iteration.is_multiple_of(self.every)
    }

    /// Saves the models, then the state: who resumes finds the models that belong to it, or makes
    /// later ones again.
    pub fn save(&mut self, state: State<f32>, course: &mut Course) -> Result<(), CliError> {
        let iteration = state.iteration;
        self.replace(state, course)
            .map_err(|error| self.ended(error))?;
        self.saved = iteration;
        Ok(())
    }

    /// An error that ends the run, with what is kept of it.
    fn ended(&self, error: CliError) -> CliError {
        CliError::Kept {
            folder: self.folder.shown(),
            iteration: self.saved,
            error: error.into(),
        }
    }

    fn replace(&mut self, state: State<f32>, course: &mut Course) -> Result<(), CliError> {
        if let Some(theta) = &course.best.unsaved {
            self.problem.model(theta)?.save(self.folder.best())?;
        }
        self.problem.model(&state.theta)?.save(self.folder.last())?;
        self.checkpoint.state = Some(state);
        self.write(course)?;
        course.best.unsaved = None;
        Ok(())
    }

    fn write(&mut self, course: &Course) -> Result<(), CliError> {
        let text = json(course)?;
        self.checkpoint.notes.insert(COURSE.into(), text);
        Ok(self.checkpoint.save(self.folder.checkpoint())?)
    }
}

/// An error that ends a run; where the run is kept, with what is kept of it, said once.
pub fn ended(keeper: Option<&Keeper<'_>>, error: CliError) -> CliError {
    match (keeper, &error) {
        (None, _) | (_, CliError::Kept { .. }) => error,
        (Some(keeper), _) => keeper.ended(error),
    }
}

fn json(value: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string(value).map_err(|error| CliError::Output(error.into()))
}
