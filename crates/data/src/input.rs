//! Bytes from files and other sources, decompressed where they are gzip.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::DataError;

/// What some programs write before text in UTF-8.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// The decompressed bytes of a source, counted.
pub(crate) struct Input<'n> {
    source: Box<dyn Read + 'n>,
    /// What messages call the source.
    pub name: &'n str,
    gzip: bool,
    /// Bytes read so far.
    pub found: u64,
}

impl<'n> Input<'n> {
    /// Looks at the first two bytes to see whether the source is compressed.
    pub fn new(mut source: impl Read + 'n, name: &'n str) -> Result<Self, DataError> {
        let mut magic = Vec::new();
        (&mut source)
            .take(2)
            .read_to_end(&mut magic)
            .map_err(|error| cannot_read(name, error))?;
        let gzip = magic == [0x1f, 0x8b];
        let whole = io::Cursor::new(magic).chain(source);
        let source: Box<dyn Read + 'n> = if gzip {
            Box::new(MultiGzDecoder::new(whole))
        } else {
            Box::new(whole)
        };
        Ok(Input {
            source,
            name,
            gzip,
            found: 0,
        })
    }

    /// Up to `limit` bytes, fewer at the end of the source; and whether a gzip stream broke
    /// off there. Memory grows with the bytes that arrive, whatever the limit.
    pub fn read(&mut self, limit: u64) -> Result<(Vec<u8>, bool), DataError> {
        let mut bytes = Vec::new();
        let outcome = (&mut self.source).take(limit).read_to_end(&mut bytes);
        self.found += bytes.len() as u64;
        match outcome {
            Ok(_) => Ok((bytes, false)),
            Err(error) if !self.gzip => Err(cannot_read(self.name, error)),
            Err(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof => Ok((bytes, true)),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Err(DataError::Gzip {
                    file: self.name.into(),
                    reason: error.to_string(),
                }),
                _ => Err(cannot_read(self.name, error)),
            },
        }
    }

    /// All bytes to the end.
    pub fn all(&mut self) -> Result<Vec<u8>, DataError> {
        match self.read(u64::MAX)? {
            (_, true) => Err(self.cut_off()),
            (bytes, false) => Ok(bytes),
        }
    }

    /// The error of a gzip stream that broke off although no value is known to be missing.
    pub fn cut_off(&self) -> DataError {
        DataError::Gzip {
            file: self.name.into(),
            reason: "it ends inside its checksum, or is followed by other bytes".into(),
        }
    }
}

/// The error of a file that the system does not give.
pub(crate) fn cannot_read(name: &str, error: io::Error) -> DataError {
    DataError::Read {
        file: name.into(),
        error,
    }
}

/// Opens a file.
pub(crate) fn open(path: &Path) -> Result<BufReader<File>, DataError> {
    let file = File::open(path).map_err(|error| cannot_read(&shown(path), error))?;
    Ok(BufReader::new(file))
}

/// Checks that a folder is there and may be looked at.
pub(crate) fn check_folder(folder: &Path) -> Result<(), DataError> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(()),
        Err(error) if !is_absent(&error) => Err(cannot_read(&shown(folder), error)),
        _ => Err(DataError::MissingPath {
            path: shown(folder),
        }),
    }
}

/// The path of the first of these names that exists as a file.
pub(crate) fn find_file(
    folder: &Path,
    what: &'static str,
    tried: Vec<String>,
) -> Result<PathBuf, DataError> {
    for name in &tried {
        let path = folder.join(name);
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => return Ok(path),
            // Some archives unpack into folders named like the file.
            Ok(_) => {}
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(cannot_read(&shown(&path), error)),
        }
    }
    Err(DataError::MissingFile {
        folder: shown(folder),
        what,
        tried,
    })
}

/// The names of the files in a folder, in order; folders and names that are no text are left out.
pub(crate) fn file_names(folder: &Path) -> Result<Vec<String>, DataError> {
    check_folder(folder)?;
    let list = || -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // Through links: data sets are large and often lie elsewhere.
            let is_file = fs::metadata(entry.path()).is_ok_and(|found| found.is_file());
            if is_file && let Ok(name) = entry.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    };
    list().map_err(|error| cannot_read(&shown(folder), error))
}

/// Whether an error says that nothing is there, rather than that it cannot be seen.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A path as messages show it.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
