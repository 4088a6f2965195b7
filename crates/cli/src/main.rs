//! The `osculant` program: training with curvature from a command line.
//!
//! | file | holds |
//! |---|---|
//! | `train.rs`, `predict.rs` | the commands of these names: options, and what happens in which order |
//! | `problem.rs` | what is trained on what: options, and what they make |
//! | `trainer.rs`, `solver.rs`, `schedule.rs` | the trainers, Newton's, and learning rates: options, and what they make |
//! | `run/` | a run under way: shown, recorded, saved, ended, resumed |
//! | `convert.rs` | weights from other libraries, and back |
//! | `network.rs`, `loss.rs`, `source.rs` | what `--net`, `--loss` and `--data` stand for, and what is done to data |
//! | `record.rs`, `report/` | the record of a run as JSON lines, and what `report` makes of it |
//! | `spectrum/`, `check.rs`, `point.rs` | the commands of these names; a network at a θ with data |
//! | `terminal.rs`, `table.rs` | what is shown: lines, progress, the table of a run |
//! | `score.rs` | outputs on a data set, and how many are right |
//! | `threads.rs`, `number.rs`, `error.rs` | the thread pool, values of options, messages |

mod check;
mod convert;
mod error;
mod loss;
mod network;
mod number;
mod point;
mod predict;
mod problem;
mod record;
mod report;
mod run;
mod saved;
mod schedule;
mod score;
mod solver;
mod source;
mod spectrum;
mod table;
mod terminal;
mod threads;
mod train;
mod trainer;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// Trains neural networks with their curvature: Gauss-Newton steps by conjugate gradients.
///
/// `osculant train` alone trains a convolutional network on handwritten digits that come with
/// the program, in about a minute.
#[derive(Parser)]
#[command(name = "osculant", version, max_term_width = 100)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(Box<train::Train>),
    Predict(predict::Predict),
    Convert(convert::Convert),
    Report(report::Report),
    Spectrum(spectrum::Spectrum),
    Check(check::Check),
}

fn main() -> ExitCode {
    // Wrong arguments end the program here, with code 2.
    let matches = Program::command().get_matches();
    let program = Program::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    // `train --resume` asks which options were given, and which are defaults.
    let (_, call) = matches.subcommand().unzip();
    let done = match (program.command, call) {
        (Command::Train(train), Some(call)) => train.run(call),
        (Command::Train(_), None) => Ok(ExitCode::SUCCESS),
        (Command::Predict(predict), _) => predict.run().map(|()| ExitCode::SUCCESS),
        (Command::Convert(convert), _) => convert.run().map(|()| ExitCode::SUCCESS),
        (Command::Report(report), _) => report.run().map(|()| ExitCode::SUCCESS),
        (Command::Spectrum(spectrum), _) => spectrum.run().map(|()| ExitCode::SUCCESS),
        (Command::Check(check), _) => check.run().map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            error::report(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
