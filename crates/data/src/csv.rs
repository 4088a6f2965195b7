//! Tables in text: one example in each line, its values separated by commas, one column or more
//! for the target.
//!
//! Values may be quoted as in RFC 4180; where the first line has no comma, semicolons or tabs
//! separate. The first line is a header if none of its values is a number, or if they count three
//! columns or more from 0 or 1, as data frames without names are written. A file may be gzip.

use std::io::Read;

use crate::DataError;
use crate::input::{BOM, Input};
use crate::table::{Answers, Table};

/// Which columns are what; by default the last is the target and all others are inputs.
///
/// A column is said by its name in the header or, where no column has that name, by its number
/// counted from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// Whether the first line is a header; `None` to see it from the values.
    pub header: Option<bool>,
    /// The columns of the target; empty for the last.
    pub targets: Vec<String>,
    /// Columns that are neither target nor input.
    pub ignore: Vec<String>,
    /// The columns of the inputs, in this order; empty for all others. Where they are given,
    /// targets may be missing, unless they are needed: then all of them must be.
    pub inputs: Vec<String>,
    /// Whether targets may not be missing.
    pub needs_targets: bool,
    /// The number of columns, where the inputs are given and their columns have numbers for names.
    pub columns: Option<usize>,
    /// The number of inputs, where it is known although their columns are not: then a table with
    /// no more columns has no target.
    pub width: Option<usize>,
}

/// Reads a table to the end of its source. `name` is what messages call it.
///
/// # Errors
///
/// The source cannot be read or decompressed, or is no UTF-8; lines of different lengths; a column
/// that does not exist, has no name, or shares it with another; an input that is missing, no
/// number, NaN or infinite; a missing target. Messages name line and column.
///
/// # Example
///
/// ```
/// use osculant_data::csv::{CsvOptions, read};
/// use osculant_data::AnyDataset;
///
/// let text = "width,height,kind\n1.5,2,cat\n0.5,3,dog\n";
/// let table = read(text.as_bytes(), "pets.csv", &CsvOptions::default())?;
/// let (data, legend) = table.decode(None)?;
/// assert_eq!(data.inputs(), [1.5, 2.0, 0.5, 3.0]);
/// assert_eq!(legend.classes, ["cat", "dog"]);
/// # Ok::<(), osculant_data::DataError>(())
/// ```
pub fn read(source: impl Read, name: &str, options: &CsvOptions) -> Result<Table, DataError> {
    let text = Input::new(source, name)?.all()?;
    let text = text.strip_prefix(BOM).unwrap_or(&text);
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text);
    let mut lines = Lines {
        name,
        text,
        reader: &mut reader,
        record: ::csv::StringRecord::new(),
        line: 1,
        may_be_header: false,
    };
    if !lines.next()? {
        return Err(DataError::Empty {
            place: format!("`{name}`"),
        });
    }
    let first: Vec<String> = lines.cells().map(String::from).collect();
    let header = options.header.unwrap_or_else(|| is_header(&first));
    let columns = if header {
        first
    } else {
        (1..=first.len()).map(|number| number.to_string()).collect()
    };
    let chosen = Chosen::of(name, &columns, header, options)?;
    lines.may_be_header = !header && options.header.is_none();

    let mut table = Table::new(
        name.into(),
        vec![chosen.inputs.len()],
        Vec::new(),
        Answers::None,
        false,
    );
    let mut words = Vec::new();
    let mut there = !header || lines.next()?;
    while there {
        if lines.record.len() != columns.len() {
            let fault = format!(
                "it has {} values, and the first line has {}; each line needs as many",
                lines.record.len(),
                columns.len()
            );
            return Err(lines.at(None, fault));
        }
        for &column in &chosen.inputs {
            table.inputs.push(lines.number(column, &columns)?);
        }
        for &column in &chosen.targets {
            let word = lines.cell(column);
            if is_missing(word) && !word.eq_ignore_ascii_case("none") {
                let fault = "the target is missing; fill it in, or leave the line out".into();
                return Err(lines.at(Some(&columns[column]), fault));
            }
            words.push(word.to_string());
        }
        table.lines.push(lines.line);
        lines.may_be_header = false;
        there = lines.next()?;
    }
    let names = |chosen: &[usize]| chosen.iter().map(|&i| columns[i].clone()).collect();
    table.input_names = names(&chosen.inputs);
    table.target_names = names(&chosen.targets);
    table.columns = (!header).then_some(columns.len());
    if !chosen.targets.is_empty() {
        table.targets = Answers::Words {
            values: words,
            each: chosen.targets.len(),
        };
    }
    Ok(table)
}

/// Whether the first line names columns: none of its values is a number, or they count the columns
/// from 0 or 1, as data frames without names are written.
fn is_header(first: &[String]) -> bool {
    if first.iter().all(|cell| cell.parse::<f64>().is_err()) {
        return true;
    }
    let counts = |from: usize| {
        first
            .iter()
            .zip(from..)
            .all(|(cell, n)| *cell == n.to_string())
    };
    first.len() > 2 && (counts(0) || counts(1))
}

/// What separates values: in the first line that has any, a comma if there is one outside of
/// quotes.
fn delimiter(text: &[u8]) -> u8 {
    let mut lines = text.split(|&b| b == b'\n');
    let first = lines.find(|line| !line.trim_ascii().is_empty());
    let first = first.unwrap_or_default();
    let outside = || first.split(|&b| b == b'"').step_by(2);
    let occurs = |delimiter: &&u8| outside().any(|part| part.contains(delimiter));
    b",;\t".iter().find(occurs).copied().unwrap_or(b',')
}

/// Whether a value says that there is none.
fn is_missing(cell: &str) -> bool {
    ["", "na", "n/a", "nan", "null", "none", "?"].contains(&cell.to_lowercase().as_str())
}

/// The lines of a table.
struct Lines<'a, R> {
    name: &'a str,
    text: &'a [u8],
    reader: &'a mut ::csv::Reader<R>,
    record: ::csv::StringRecord,
    /// The number of the line, counted from 1.
    line: u64,
    /// Whether this is the first line, and was taken for an example.
    may_be_header: bool,
}

impl<R: Read> Lines<'_, R> {
    /// Goes on to the next line; false at the end.
    fn next(&mut self) -> Result<bool, DataError> {
        let next = self.reader.read_record(&mut self.record);
        if let Some(position) = self.record.position() {
            // The library skips empty lines, but puts the record where the first of them is.
            let rest = self
                .text
                .get(position.byte() as usize..)
                .unwrap_or_default();
            let empty = rest.iter().take_while(|&b| [b'\n', b'\r'].contains(b));
            self.line = position.line() + empty.filter(|&&b| b == b'\n').count() as u64;
        }
        next.map_err(|error| {
            if let Some(position) = error.position() {
                self.line = position.line();
            }
            let fault = match error.kind() {
                ::csv::ErrorKind::Utf8 { .. } => {
                    "it is no text in UTF-8; save the file in this encoding".into()
                }
                _ => format!("it cannot be read: {error}"),
            };
            self.at(None, fault)
        })
    }

    fn cells(&self) -> impl Iterator<Item = &str> {
        self.record.iter().map(str::trim)
    }

    fn cell(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default().trim()
    }

    /// The value in a column, which must be a finite number.
    fn number(&self, column: usize, columns: &[String]) -> Result<f32, DataError> {
        let cell = self.cell(column);
        let fault = match cell.parse::<f32>() {
            Ok(x) if x.is_finite() => return Ok(x),
            _ if is_missing(cell) => {
                "the value is missing; fill it in, or leave the line or the column out".into()
            }
            Ok(_) => {
                format!("the value {cell} is not finite in f32; correct it, or leave the line out")
            }
            Err(_) => format!(
                "`{cell}` is no number; write categories as numbers (one column for each), or \
                 leave the column out"
            ),
        };
        let fault = if self.may_be_header {
            format!("{fault}; if this line names the columns, say so (--header yes)")
        } else {
            fault
        };
        Err(self.at(Some(&columns[column]), fault))
    }

    fn at(&self, column: Option<&str>, fault: String) -> DataError {
        let column = column.map_or(String::new(), |column| format!(", column `{column}`"));
        DataError::At {
            file: self.name.into(),
            place: format!("line {}{column}", self.line),
            fault,
        }
    }
}

/// The numbers of the columns that are wanted.
struct Chosen {
    inputs: Vec<usize>,
    targets: Vec<usize>,
}

impl Chosen {
    fn of(
        file: &str,
        columns: &[String],
        header: bool,
        options: &CsvOptions,
    ) -> Result<Self, DataError> {
        let refuse = |fault: String| DataError::File {
            file: file.into(),
            fault,
        };
        // The inputs of a model go by their names alone, where they had any.
        let numbered = options.inputs.is_empty() || options.columns.is_some();
        let find_as = |wanted: &String, numbered: bool| -> Result<usize, DataError> {
            let mut named = (0..columns.len()).filter(|&i| columns[i] == *wanted);
            let number = || {
                let number = wanted.parse::<usize>().ok()?.checked_sub(1)?;
                (numbered && number < columns.len()).then_some(number)
            };
            match (named.next(), named.next()) {
                (Some(_), Some(_)) => Err(refuse(format!(
                    "has two columns named `{wanted}`; rename one of them"
                ))),
                (Some(column), None) => Ok(column),
                (None, _) => number().ok_or_else(|| {
                    refuse(format!(
                        "has no column `{wanted}`; it has {} columns: {}",
                        columns.len(),
                        list(columns)
                    ))
                }),
            }
        };
        let find = |wanted: &String| find_as(wanted, true);
        let all = |wanted: &[String]| wanted.iter().map(find).collect::<Result<Vec<_>, _>>();

        if !options.inputs.is_empty() {
            // Without a header columns have numbers only; where the targets have been left away,
            // those of the inputs are others than in training.
            if !header && columns.len() == options.inputs.len() && !options.needs_targets {
                let inputs = (0..columns.len()).collect();
                return Ok(Chosen {
                    inputs,
                    targets: Vec::new(),
                });
            }
            if let Some(count) = options.columns.filter(|&c| !header && c != columns.len()) {
                return Err(refuse(format!(
                    "has {} columns without names, and the data of the training had {count}, {} of \
                     them inputs; give the same columns, or the inputs alone",
                    columns.len(),
                    options.inputs.len()
                )));
            }
            let inputs = options.inputs.iter();
            let inputs = inputs.map(|wanted| find_as(wanted, numbered));
            let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
            let again = (1..inputs.len()).find(|&i| inputs[..i].contains(&inputs[i]));
            if let Some(i) = again {
                return Err(refuse(format!(
                    "would give its column `{}` to two inputs, one of them `{}`; name each column \
                     once",
                    columns[inputs[i]], options.inputs[i]
                )));
            }
            let is_there = |target: &String| {
                columns.contains(target) || find(target).is_ok_and(|i| !inputs.contains(&i))
            };
            let targets = if options.needs_targets || options.targets.iter().any(is_there) {
                all(&options.targets)?
            } else {
                Vec::new()
            };
            return Ok(Chosen { inputs, targets });
        }
        let targets = match &options.targets[..] {
            [] if options.width == Some(columns.len()) => Vec::new(),
            [] => vec![columns.len() - 1],
            targets => all(targets)?,
        };
        let ignore = all(&options.ignore)?;
        for (i, column) in targets.iter().enumerate() {
            let name = &columns[*column];
            if targets[..i].contains(column) {
                return Err(refuse(format!(
                    "has the column `{name}`, which is named as a target twice; name it once"
                )));
            }
            if ignore.contains(column) {
                return Err(refuse(format!(
                    "has the column `{name}`, which cannot be a target and ignored; choose one"
                )));
            }
        }
        let inputs: Vec<_> = (0..columns.len())
            .filter(|i| !targets.contains(i) && !ignore.contains(i))
            .collect();
        if inputs.is_empty() && columns.len() == 1 {
            return Err(refuse(format!(
                "has the one column {}; commas, semicolons or tabs must separate columns",
                list(columns)
            )));
        }
        if inputs.is_empty() {
            return Err(refuse(format!(
                "leaves no column for the inputs; its columns are {}",
                list(columns)
            )));
        }
        if let Some(i) = inputs.iter().find(|&&i| columns[i].is_empty()) {
            return Err(refuse(format!(
                "has no name for column {}, as data frames write their index; ignore it by its \
                 number, or name it",
                i + 1
            )));
        }
        let used = inputs.iter().chain(&targets);
        let mut names: Vec<_> = used.map(|&i| &columns[i]).collect();
        names.sort();
        if let Some(two) = names.windows(2).find(|two| two[0] == two[1]) {
            return Err(refuse(format!(
                "has two columns named `{}`; rename one of them",
                two[0]
            )));
        }
        Ok(Chosen { inputs, targets })
    }
}

/// The first names of a list.
fn list(columns: &[String]) -> String {
    let mut names: Vec<_> = columns.iter().take(12).map(|c| format!("`{c}`")).collect();
    if columns.len() > names.len() {
        names.push("…".into());
    }
    names.join(", ")
}
