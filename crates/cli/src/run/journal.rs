//! Where the record of a run goes.

use crate::error::CliError;
use crate::record::{Event, Iteration, RunRecord};
use crate::score::Scores;
use crate::table::Table;
use crate::terminal::Progress;
use osculant_data::DataError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// What goes to standard output.
pub enum Shown {
    /// A table.
    Table(Table),
    /// The events as JSON lines.
    Json,
    /// Nothing.
    Nothing,
}

/// Writes what happens to all who want to know.
pub struct Journal {
    shown: Shown,
    progress: Progress,
    files: Vec<JsonLines>,
    /// All of the run, that before a resumption included.
    pub record: RunRecord,
}

impl Journal {
    /// A journal that continues a record, which is empty for a new run.
    pub fn new(shown: Shown, progress: Progress, files: Vec<JsonLines>, record: RunRecord) -> Self {
        Journal {
            shown,
            progress,
            files,
            record,
        }
    }

    /// Writes an event that has no place in the table.
    pub fn event(&mut self, event: Event) -> Result<(), CliError> {
        for file in &mut self.files {
            file.write(&event)?;
        }
        if matches!(self.shown, Shown::Json) {
            self.progress.say(&line(&event)?)?;
        }
        self.record.push(event);
        Ok(())
    }

    /// Writes an iteration.
    pub fn iteration(&mut self, iteration: Iteration, scores: &Scores) -> Result<(), CliError> {
        if let Shown::Table(table) = &self.shown {
            self.progress.say(&table.line(&iteration, scores))?;
        }
        self.event(Event::Iteration(Box::new(iteration)))
    }

    /// Says a line to people, where people read.
    pub fn remark(&self, text: &str) -> Result<(), CliError> {
        match &self.shown {
            Shown::Table(_) => self.progress.say(text),
            Shown::Json | Shown::Nothing => Ok(()),
        }
    }

    /// Says the last line; to programs the last event has said it.
    pub fn conclude(&self, text: &str) -> Result<(), CliError> {
        match &self.shown {
            Shown::Json => Ok(()),
            Shown::Table(_) | Shown::Nothing => self.progress.say(text),
        }
    }
}

fn line(event: &Event) -> Result<String, CliError> {
    serde_json::to_string(event).map_err(|error| CliError::Output(error.into()))
}

/// A file of JSON lines, each written at once and whole.
pub struct JsonLines {
    name: String,
    file: File,
}

impl JsonLines {
    /// A new file; what stood there before is gone.
    pub fn create(path: &Path) -> Result<Self, CliError> {
        let name = path.display().to_string();
        match File::create(path) {
            Ok(file) => Ok(JsonLines { name, file }),
            Err(error) => Err(DataError::Write { file: name, error }.into()),
        }
    }

    /// The file of a run that goes on after iteration `done`: what was written of later ones, or
    /// of an end, is cut off.
    pub fn resume(path: &Path, done: usize) -> Result<Self, CliError> {
        let name = path.display().to_string();
        let open = || -> io::Result<File> {
            let file = File::options().create(true).append(true).open(path)?;
            // Devices and pipes keep nothing that could be cut off.
            if file.metadata()?.is_file() {
                file.set_len(whole(&fs::read(path)?, done) as u64)?;
            }
            Ok(file)
        };
        match open() {
            Ok(file) => Ok(JsonLines { name, file }),
            Err(error) => Err(DataError::Write { file: name, error }.into()),
        }
    }

    fn write(&mut self, event: &Event) -> Result<(), CliError> {
        let text = line(event)? + "\n";
        self.file.write_all(text.as_bytes()).map_err(|error| {
            let file = self.name.clone();
            DataError::Write { file, error }.into()
        })
    }
}

/// How many bytes of a record are of the run up to iteration `done`.
fn whole(bytes: &[u8], done: usize) -> usize {
    let mut end = 0;
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let stays = match serde_json::from_slice(line) {
            Ok(Event::Iteration(iteration)) => iteration.iteration <= done,
            Ok(Event::Evaluation(_) | Event::End(_)) | Err(_) => false,
            Ok(Event::Start(_) | Event::Other) => true,
        };
        if !stays || !line.ends_with(b"\n") {
            break;
        }
        end += line.len();
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_cut_where_the_checkpoint_was_made() {
        let start = "{\"event\":\"start\"}\n";
        let iteration = |k| format!("{{\"event\":\"iteration\",\"iteration\":{k}}}\n");
        let end = "{\"event\":\"end\"}\n";
        let two = [start, &iteration(1), &iteration(2)].concat();
        let cut = |text: &str, done| text[..whole(text.as_bytes(), done)].to_string();
        assert_eq!(cut(&two, 2), two);
        assert_eq!(cut(&two, 1), [start, &iteration(1)].concat());
        assert_eq!(cut(&(two.clone() + end), 2), two);
        for torn in [
            "{\"event\":\"itera",
            "{\"event\":\"iteration\",\"iteration\":3}",
        ] {
            assert_eq!(cut(&(two.clone() + torn), 3), two);
        }
        assert_eq!(cut("", 3), "");
    }
}
