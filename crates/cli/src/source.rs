//! Where the data come from.

use crate::error::CliError;
use osculant_data::{Dataset, Split, digits, read_folder};
use std::path::Path;

/// A data set with the words for it.
pub struct Source {
    pub name: String,
    pub split: Split,
}

/// The data of a folder, or the digits that come with the program.
pub fn load(folder: Option<&Path>) -> Result<Source, CliError> {
    Ok(match folder {
        Some(folder) => Source {
            name: folder.display().to_string(),
            split: read_folder(folder)?,
        },
        None => Source {
            name: "bundled digits".into(),
            split: digits()?,
        },
    })
}

/// The first examples of a data set, as many as the option says.
pub fn first(
    data: Dataset,
    count: Option<usize>,
    option: &str,
    what: &str,
) -> Result<Dataset, CliError> {
    let Some(count) = count else {
        return Ok(data);
    };
    let len = data.len();
    if count > len {
        let message = format!(
            "{option} asks for {count} {what} examples, but there are {len}; ask for at most so \
             many, or leave it out to use all"
        );
        return Err(CliError::Usage(message));
    }
    Ok(data.subset(..count)?)
}
