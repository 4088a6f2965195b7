//! Requests and answers.

use crate::Fault;
use crate::cell::{Cell, Column};
use crate::files::Workload;
use crate::{memory, networks};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The one form in which Osculant computes a column: it has no other to choose from.
const FORM: &str = "default";

/// What the driver asks for; `op` names it.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Request {
    /// Versions of what answers.
    Versions,
    /// Reads a workload; forgets the one before.
    Load { folder: PathBuf },
    /// The forms in which a column can be computed.
    Candidates,
    /// Computes a column once and writes the numbers, as they lie in memory, to `file`.
    Result { column: Column, file: PathBuf },
    /// Seconds per result, `repeats` times.
    Time { column: Column, repeats: usize },
    /// Bytes at the peak while a column is computed, above those before.
    Memory { column: Column },
    /// Drops what is kept between repeats of a column.
    Release,
    /// Ends.
    Quit,
}

/// What answers: at most one workload at a time.
#[derive(Default)]
pub(crate) struct Worker {
    cell: Option<Box<dyn Cell>>,
}

impl Worker {
    /// The answer to one line, or nothing at the end.
    pub fn answer(&mut self, line: &str) -> Result<Option<Value>, Fault> {
        let answer = match serde_json::from_str(line)? {
            Request::Quit => return Ok(None),
            Request::Versions => json!({ "osculant": env!("CARGO_PKG_VERSION") }),
            Request::Load { folder } => {
                self.cell = None;
                let cell = networks::load(&Workload::read(&folder)?)?;
                let parameters = cell.parameters();
                self.cell = Some(cell);
                json!({ "parameters": parameters })
            }
            Request::Candidates => json!({ "candidates": [FORM] }),
            Request::Result { column, file } => {
                std::fs::write(file, self.cell()?.result(column)?)?;
                json!({})
            }
            Request::Time { column, repeats } => {
                json!({ "seconds": self.cell()?.time(column, repeats)? })
            }
            Request::Memory { column } => {
                let cell = self.cell()?;
                cell.release();
                let before = memory::reset_peak()?;
                cell.time(column, 1)?;
                json!({ "bytes": memory::peak()?.saturating_sub(before) })
            }
            Request::Release => {
                self.cell()?.release();
                json!({})
            }
        };
        Ok(Some(answer))
    }

    fn cell(&mut self) -> Result<&mut Box<dyn Cell>, Fault> {
        self.cell
            .as_mut()
            .ok_or_else(|| "no workload is loaded".into())
    }
}
