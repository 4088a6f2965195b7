//! The sparse text format of LIBSVM, LIBLINEAR and svmlight.
//!
//! A line is an example: its label or target, then `index:value` for each input that is not 0,
//! indices counted from 1 and ascending, all separated by blanks. What follows a `#` is a comment.
//! A line that begins with `index:value` has no label; then none may have one. A file may be gzip.
//!
//! # Reference
//!
//! C.-C. Chang and C.-J. Lin, *LIBSVM: a library for support vector machines*, ACM TIST 2(3), 2011.

use std::io::Read;

use crate::DataError;
use crate::input::{BOM, Input};
use crate::table::{Answers, Table};

/// Inputs are kept with their zeros; a file that would need more values is refused.
const MOST_VALUES: usize = 1 << 31;

/// Reads examples to the end of a source. `name` is what messages call it; `width` is the number of
/// inputs of an example where that is known, otherwise it is the largest index that occurs.
///
/// # Errors
///
/// The source cannot be read or decompressed; a label or value that is no finite number; an index
/// that is 0, does not ascend or is above `width`; labels in some lines only; no examples, or so
/// many inputs that they don't fit in memory with their zeros. Messages name the line.
///
/// # Example
///
/// ```
/// use osculant_data::AnyDataset;
///
/// let text = "+1 1:0.5 3:2 # a comment\n-1 2:1\n";
/// let (data, legend) = osculant_data::libsvm::read(text.as_bytes(), "two", None)?.decode(None)?;
/// assert_eq!(data.inputs(), [0.5, 0.0, 2.0, 0.0, 1.0, 0.0]);
/// assert_eq!(legend.classes, ["-1", "1"]);
/// let AnyDataset::Classes(data) = data else { unreachable!() };
/// assert_eq!(data.labels(), [1, 0]);
/// # Ok::<(), osculant_data::DataError>(())
/// ```
pub fn read(source: impl Read, name: &str, width: Option<usize>) -> Result<Table, DataError> {
    let text = Input::new(source, name)?.all()?;
    let text = text.strip_prefix(BOM).unwrap_or(&text);
    let mut entries = Entries::default();
    for (number, line) in text.split(|&b| b == b'\n').enumerate() {
        let at = |fault: String| DataError::At {
            file: name.into(),
            place: format!("line {}", number + 1),
            fault,
        };
        let line = line.split(|&b| b == b'#').next().unwrap_or_default();
        let Ok(line) = str::from_utf8(line) else {
            return Err(at(
                "it is no text in UTF-8; check that this is the right file".into(),
            ));
        };
        if !line.trim().is_empty() {
            entries.add(line, width).map_err(at)?;
            entries.lines.push(number as u64 + 1);
        }
    }
    entries.into_table(name, width)
}

/// What has been read so far.
#[derive(Default)]
struct Entries {
    words: Vec<String>,
    lines: Vec<u64>,
    /// The first entry of each example.
    starts: Vec<usize>,
    /// Index, counted from 0, and value.
    entries: Vec<(usize, f32)>,
    largest: usize,
}

impl Entries {
    fn add(&mut self, line: &str, width: Option<usize>) -> Result<(), String> {
        let mut parts = line.split_ascii_whitespace().peekable();
        let label = parts.next_if(|part| !part.contains(':'));
        if !self.starts.is_empty() && label.is_some() == self.words.is_empty() {
            return Err(
                "here lines with a label and lines without one meet; give one to each, or to none"
                    .into(),
            );
        }
        if let Some(label) = label {
            match label.parse::<f64>() {
                Ok(y) if y.is_finite() => self.words.push(label.into()),
                _ => {
                    return Err(format!(
                        "the label `{label}` is no finite number; correct it"
                    ));
                }
            }
        }
        self.starts.push(self.entries.len());
        let mut last = 0;
        for part in parts {
            if part.starts_with("qid:") {
                return Err(format!(
                    "it has `{part}`, a query of ranking data, which no loss here is for; leave it out"
                ));
            }
            let (index, value) = part
                .split_once(':')
                .and_then(|(index, value)| Some((index.parse().ok()?, value.parse().ok()?)))
                .ok_or_else(|| {
                    format!("`{part}` is not of the form index:value; correct it, as in 3:0.5")
                })?;
            let (index, value): (usize, f32) = (index, value);
            if !value.is_finite() {
                return Err(format!(
                    "the value at index {index} is {value}; every value must be finite: correct \
                     it, or leave the example out"
                ));
            }
            if index <= last {
                return Err(if index == 0 {
                    "it has the index 0; indices are counted from 1: add 1 to each (scikit-learn's \
                     dump_svmlight_file does so with zero_based=False)"
                        .into()
                } else {
                    format!("the index {index} follows {last}; indices must ascend: sort them")
                });
            }
            if let Some(width) = width.filter(|&width| index > width) {
                return Err(format!(
                    "it has the index {index}, and inputs have {width} values; leave out entries \
                     above {width}, which training never saw"
                ));
            }
            last = index;
            self.entries.push((index - 1, value));
        }
        self.largest = self.largest.max(last);
        Ok(())
    }

    fn into_table(self, name: &str, width: Option<usize>) -> Result<Table, DataError> {
        let width = width.unwrap_or(self.largest);
        let count = self.starts.len();
        if count == 0 {
            return Err(DataError::Empty {
                place: format!("`{name}`"),
            });
        }
        if width == 0 {
            return Err(DataError::File {
                file: name.into(),
                fault: "has no index:value at all; an example needs at least one input".into(),
            });
        }
        let size = count.checked_mul(width).filter(|&n| n <= MOST_VALUES);
        let Some(size) = size else {
            return Err(DataError::File {
                file: name.into(),
                fault: format!(
                    "has {count} examples and indices up to {width}; with their zeros these are \
                     more than {MOST_VALUES} values: leave out some, or hash the indices"
                ),
            });
        };
        let mut inputs = Vec::new();
        if inputs.try_reserve_exact(size).is_err() {
            return Err(DataError::File {
                file: name.into(),
                fault: format!(
                    "has {count} examples and indices up to {width}; with their zeros these are \
                     {size} values, for which there is no memory: leave out some, or hash the indices"
                ),
            });
        }
        inputs.resize(size, 0.0);
        for (i, &start) in self.starts.iter().enumerate() {
            let end = self.starts.get(i + 1).copied();
            let entries = &self.entries[start..end.unwrap_or(self.entries.len())];
            for &(index, value) in entries {
                inputs[i * width + index] = value;
            }
        }
        let targets = if self.words.is_empty() {
            Answers::None
        } else {
            Answers::Words {
                values: self.words,
                each: 1,
            }
        };
        let mut table = Table::new(name.into(), vec![width], inputs, targets, false);
        table.lines = self.lines;
        Ok(table)
    }
}
