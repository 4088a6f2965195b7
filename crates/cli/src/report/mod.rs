//! `osculant report`.

mod summary;

use crate::error::CliError;
use crate::record::RunRecord;
use crate::watch::say;
use clap::Args;
use std::path::PathBuf;

/// Compares runs, from the records that they wrote as JSON lines
///
/// A table with a line per run goes to standard output.
#[derive(Args, Debug)]
pub struct Report {
    /// Records of runs
    #[arg(value_name = "RECORD", required = true)]
    records: Vec<PathBuf>,
}

impl Report {
    /// Runs the command.
    pub fn run(&self) -> Result<(), CliError> {
        let mut runs = Vec::new();
        for path in &self.records {
            runs.extend(RunRecord::read(path)?);
        }
        say(&summary::text(&runs))
    }
}
