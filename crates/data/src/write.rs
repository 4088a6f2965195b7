//! Writing files whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::DataError;

/// Writes a file so that its path never shows a part of it: under a temporary name in the same
/// folder, which becomes the file's name once everything is on the disk.
///
/// # Errors
///
/// Those of [`check_destination`], those of `write`, and those of the system: a disk that is
/// full, for example. The temporary file is then removed, and what stood at `path` before stays.
///
/// # Example
///
/// ```
/// use std::io::Write;
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("scores.csv");
/// osculant_data::write_whole(&path, |file| writeln!(file, "example,label"))?;
/// assert_eq!(std::fs::read_to_string(&path).unwrap(), "example,label\n");
/// # Ok::<(), osculant_data::DataError>(())
/// ```
pub fn write_whole(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), DataError> {
    let path = path.as_ref();
    let folder = check(path)?;
    // A link stays a link: the file that it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = target.parent().map_or(folder, folder_of);
    replace(&folder, &target, write).map_err(|error| DataError::Write {
        file: shown(path),
        error,
    })
}

/// Finds out whether a file can be written to `path`, without writing it: a program asks before
/// the work whose result it is to save. A disk that fills in the meantime is not foreseen.
///
/// # Errors
///
/// The folder is missing or cannot be written to; at `path` stands something other than a file.
pub fn check_destination(path: impl AsRef<Path>) -> Result<(), DataError> {
    let path = path.as_ref();
    let folder = check(path)?;
    match temporary(&folder).and_then(NamedTempFile::close) {
        Ok(()) => Ok(()),
        Err(error) => Err(DataError::Destination {
            file: shown(path),
            reason: format!(
                "the folder `{}` takes no new file ({error}); check its permissions, or give \
                 another one",
                folder.display()
            ),
        }),
    }
}

/// The folder of a file that is to be written.
fn check(path: &Path) -> Result<PathBuf, DataError> {
    let refuse = |reason: String| DataError::Destination {
        file: shown(path),
        reason,
    };
    if path.file_name().is_none() {
        return Err(refuse("that is no name of a file; give one".into()));
    }
    // Replacing by renaming would put an ordinary file in the place of a device.
    if let Ok(found) = fs::metadata(path)
        && !found.is_file()
    {
        let what = if found.is_dir() {
            "a folder"
        } else {
            "no ordinary file"
        };
        return Err(refuse(format!("that is {what}; give the name of a file")));
    }
    let folder = path
        .parent()
        .map_or_else(|| folder_of(Path::new("")), folder_of);
    if !folder.is_dir() {
        let folder = folder.display();
        return Err(refuse(format!(
            "there is no folder `{folder}`; create it first, or give another path"
        )));
    }
    Ok(folder)
}

/// The parent of a bare file name is empty, which means here.
fn folder_of(parent: &Path) -> PathBuf {
    if parent.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        parent.to_path_buf()
    }
}

fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".osculant-").suffix(".tmp");
    // Temporary files are private by default; this one becomes a file like any other, with the
    // permissions that the process gives to new files.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// An early return drops the temporary file, which removes it.
fn replace(
    folder: &Path,
    target: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = temporary(folder)?;
    let mut buffered = BufWriter::new(file.as_file_mut());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    // The name must not outlive a crash that the bytes did not.
    file.as_file().sync_all()?;
    file.persist(target).map_err(|failed| failed.error)?;
    // Makes the new name durable, where folders can be opened at all; the file itself is whole.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
