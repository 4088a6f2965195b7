//! The `osculant` program: training with curvature from a command line.
//!
//! | file | holds |
//! |---|---|
//! | `train.rs`, `predict.rs` | the two commands: options, and what happens in which order |
//! | `solver.rs` | the options of the solver, and the solver that they make |
//! | `convert.rs` | weights from other libraries, and back |
//! | `network.rs`, `loss.rs`, `source.rs` | what `--net`, `--loss` and `--data` stand for, and what is done to data |
//! | `record.rs`, `report/` | the record of a run as JSON lines, and what `report` makes of it |
//! | `spectrum/`, `check.rs`, `point.rs` | the commands of these names; a network at a θ with data |
//! | `watch.rs`, `table.rs` | what is shown while training: lines and progress |
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
mod record;
mod report;
mod score;
mod solver;
mod source;
mod spectrum;
mod table;
mod threads;
mod train;
mod watch;

use clap::{Parser, Subcommand};
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
    Train(train::Train),
    Predict(predict::Predict),
    Convert(convert::Convert),
    Report(report::Report),
    Spectrum(spectrum::Spectrum),
    Check(check::Check),
}

fn main() -> ExitCode {
    // Wrong arguments end the program here, with code 2.
    let done = match Program::parse().command {
        Command::Train(train) => train.run(),
        Command::Predict(predict) => predict.run(),
        Command::Convert(convert) => convert.run(),
        Command::Report(report) => report.run(),
        Command::Spectrum(spectrum) => spectrum.run(),
        Command::Check(check) => check.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error::report(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
