//! What the program says when something is wrong.

use osculant_data::DataError;
use osculant_optim::OptimError;
use osculant_tape::GraphError;
use std::io::{self, Write};

/// Everything that can end the program early.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The command line asks for something that doesn't exist or doesn't fit.
    #[error("{0}")]
    Usage(String),
    /// A data set, a model file, or a file to be written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An objective or the solver.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// A network.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A description of a network that is at fault, or a file with none.
    #[error("cannot build the network {what}: {reason}")]
    Network { what: String, reason: String },
    /// A model file that was trained with a loss that this program does not have.
    #[error(
        "the model file `{file}` was trained with the loss `{loss}`, which this program does not \
         know; update the program"
    )]
    ModelLoss { file: String, loss: String },
    /// A network and data that don't belong together.
    #[error("{0}")]
    Mismatch(String),
    /// The threads could not be started.
    #[error("cannot start {threads}: {reason}; ask for fewer with --threads")]
    Threads { threads: String, reason: String },
    /// A file that cannot be read.
    #[error("cannot read `{file}`: {error}")]
    Read { file: String, error: io::Error },
    /// A file that should hold the record of a run.
    #[error(
        "`{file}` is no record of a run: line {line}: {reason}; records are what `osculant train` \
         writes as JSON lines; a model goes after --model"
    )]
    Record {
        file: String,
        line: usize,
        reason: String,
    },
    /// A checkpoint without what this program writes into one.
    #[error("cannot go on from `{file}`: {reason}; use the program that saved it")]
    Checkpoint { file: String, reason: String },
    /// An error that ended a run that is kept.
    #[error(
        "{error}. The run in `{folder}` is kept up to iteration {iteration}: when that is put \
         right, go on with --resume {folder}"
    )]
    Kept {
        folder: String,
        iteration: usize,
        error: Box<CliError>,
    },
    /// Claims of `check` that do not hold; it has shown which.
    #[error("{failed} of {all} claims do not hold, or cannot be decided")]
    Check { failed: usize, all: usize },
    /// Standard output is closed or its disk is full.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    /// 2 where the command line is to be changed, as for arguments that cannot be read at all;
    /// 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::Usage(_) => 2,
            _ => 1,
        }
    }
}

/// Writes the message, and what caused it where the message doesn't say so itself.
pub fn report(error: &CliError) {
    let mut text = format!("error: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text += &format!("\n  caused by: {said}");
        }
        cause = error.source();
    }
    // Where standard error is closed too, only the exit code is left to say it.
    let _ = writeln!(io::stderr(), "{text}");
}
