//! The folder of a run.

use crate::error::CliError;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// A folder with the files of a run; nobody else writes to it meanwhile.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Locked until it is dropped, or the process ends in whatever way.
    _lock: File,
}

impl Folder {
    /// Makes the folder of a new run.
    pub fn create(path: &Path) -> Result<Self, CliError> {
        let shown = path.display();
        fs::create_dir_all(path).map_err(|error| {
            CliError::Usage(format!(
                "cannot make the folder `{shown}` of the run: {error}"
            ))
        })?;
        if let Some(other) = others(path)?.min() {
            let hint = if path.join(CHECKPOINT).exists() {
                format!("go on with its run by --resume {shown}, or give another folder")
            } else {
                "give another folder".into()
            };
            return Err(CliError::Usage(format!(
                "the folder `{shown}` is not empty (it holds `{other}`); {hint}"
            )));
        }
        Self::lock(path)
    }

    /// Opens the folder of a run that is to go on.
    pub fn open(path: &Path) -> Result<Self, CliError> {
        if !path.join(CHECKPOINT).is_file() {
            return Err(CliError::Usage(format!(
                "there is no run in `{}`: it holds no `{CHECKPOINT}`; give the folder that --run \
                 made, or begin a run with --run",
                path.display()
            )));
        }
        Self::lock(path)
    }

    fn lock(path: &Path) -> Result<Self, CliError> {
        let file = path.join("lock");
        let refuse =
            |reason: String| CliError::Usage(format!("the run in `{}` {reason}", path.display()));
        let lock = File::options().create(true).append(true).open(&file);
        let lock = lock.map_err(|error| refuse(format!("cannot be written to: {error}")))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(refuse(
                    "is under way in another process; wait for its end".into(),
                ));
            }
            // Some file systems know no locks; there it is up to the user.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        for name in names(path)?.filter(|name| is_temporary(name)) {
            // What a killed process was writing.
            let _ = fs::remove_file(path.join(name));
        }
        Ok(Folder {
            path: path.to_path_buf(),
            _lock: lock,
        })
    }

    /// As messages show it.
    pub fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// The state of the run, and its options.
    pub fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }

    /// The best model.
    pub fn best(&self) -> PathBuf {
        self.path.join("best.safetensors")
    }

    /// The last model.
    pub fn last(&self) -> PathBuf {
        self.path.join("last.safetensors")
    }

    /// The record.
    pub fn record(&self) -> PathBuf {
        self.path.join(RECORD)
    }
}

const CHECKPOINT: &str = "checkpoint.safetensors";

/// The name of the record in the folder of a run.
pub const RECORD: &str = "record.jsonl";

fn names(path: &Path) -> Result<impl Iterator<Item = String>, CliError> {
    let entries = fs::read_dir(path).map_err(|error| CliError::Read {
        file: path.display().to_string(),
        error,
    })?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())))
}

/// What is in a folder but for the traces of a run that was killed before it began.
fn others(path: &Path) -> Result<impl Iterator<Item = String>, CliError> {
    Ok(names(path)?.filter(|name| name != "lock" && !is_temporary(name)))
}

fn is_temporary(name: &str) -> bool {
    name.starts_with(".osculant-") && name.ends_with(".tmp")
}
