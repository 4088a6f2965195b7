//! Archives of arrays: `.npz`, which are zip files.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Seek, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::array::{Array, read_array, write_array};
use crate::DataError;

/// Reads those arrays of an archive whose names, without `.npy`, are wanted. `name` is what
/// messages call the archive.
///
/// # Errors
///
/// Bytes that are no zip file, or are damaged; and the errors of [`read_array`].
pub fn read_archive(
    bytes: &[u8],
    name: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Array>, DataError> {
    let at_fault = |error: ZipError| DataError::File {
        file: name.into(),
        fault: format!("cannot be read as a .npz archive ({error}); copy it again"),
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(at_fault)?;
    let mut arrays = BTreeMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(at_fault)?;
        let file = entry.name().map_err(at_fault)?.into_owned();
        let Some(array) = file.strip_suffix(".npy").filter(|array| wanted(array)) else {
            continue;
        };
        let (array, shown) = (array.to_string(), format!("{name}: {file}"));
        if arrays.contains_key(&array) {
            let fault = format!("has two arrays named `{array}`; write it again with one of them");
            let file = name.into();
            return Err(DataError::File { file, fault });
        }
        arrays.insert(array, read_array(entry, &shown)?);
    }
    Ok(arrays)
}

/// Writes an archive of these arrays, each under its name with `.npy` at the end. Equal arrays make
/// equal archives, byte by byte.
///
/// # Errors
///
/// Those of the writer; two arrays of one name.
pub fn write_archive(writer: impl Write + Seek, arrays: &[(&str, &Array)]) -> io::Result<()> {
    let mut archive = ZipWriter::new(writer);
    // No time of writing: it would make equal archives different.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .large_file(true);
    for (name, array) in arrays {
        archive
            .start_file(format!("{name}.npy"), options)
            .map_err(io::Error::other)?;
        write_array(&mut archive, array)?;
    }
    archive.finish().map_err(io::Error::other)?;
    Ok(())
}
