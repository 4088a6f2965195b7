//! What a failed check reports: a table of the entries that differ.

use super::Check;
use crate::Shape;
use std::fmt;

/// A check that an op fails, on the smallest case found.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The op's name.
    pub name: &'static str,
    /// Which check.
    pub check: Check,
    /// The op with its options.
    pub op: String,
    /// The shapes of its operands.
    pub shapes: Vec<Shape>,
    /// How the tile looked: how many examples, which operands they share.
    pub tile: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong: a sentence, and the entries that show it.
#[derive(Clone, Debug, Default)]
pub struct Fault {
    /// A sentence.
    pub message: String,
    /// What the two columns of numbers are called.
    pub columns: [&'static str; 2],
    /// The entries that differ, at most 12 of them.
    pub entries: Vec<Entry>,
    /// How many more differ.
    pub more: usize,
}

/// A number that differs from what it should be.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which number.
    pub name: String,
    /// What the rule gives.
    pub found: f64,
    /// What it should give.
    pub expected: f64,
    /// The largest difference allowed.
    pub allowed: f64,
}

impl Entry {
    /// |found − expected| as a part of the larger of the two.
    pub fn relative_error(&self) -> f64 {
        let larger = self.found.abs().max(self.expected.abs());
        (self.found - self.expected).abs() / larger.max(f64::MIN_POSITIVE)
    }
}

pub(super) type Checked = Result<(), Fault>;

/// A fault that no table shows.
pub(super) fn fault<R>(message: impl Into<String>) -> Result<R, Fault> {
    Err(Fault {
        message: message.into(),
        ..Fault::default()
    })
}

/// What a rule gives: `values` of one slice, `len` of them per example.
#[derive(Clone, Debug)]
pub(super) struct Numbers<'a> {
    pub(super) what: String,
    pub(super) values: &'a [f64],
    pub(super) len: usize,
}

impl<'a> Numbers<'a> {
    /// Numbers of no example in particular.
    pub(super) fn one(what: &str, values: &'a [f64]) -> Self {
        Numbers::tile(what, values, values.len())
    }

    /// `len` numbers per example.
    pub(super) fn tile(what: &str, values: &'a [f64], len: usize) -> Self {
        Numbers {
            what: what.to_string(),
            values,
            len,
        }
    }

    fn entry(&self, e: usize) -> String {
        match self.values.len() / self.len.max(1) {
            0 | 1 => format!("{}[{e}]", self.what),
            _ => {
                let (i, e) = (e / self.len, e % self.len);
                format!("{}[{e}] of example {i}", self.what)
            }
        }
    }
}

/// Lists the entries of `found` that differ from `expected` by more than `allowed(e)`.
///
/// NaN differs from everything.
pub(super) fn compare(
    message: &str,
    columns: [&'static str; 2],
    found: Numbers<'_>,
    expected: &[f64],
    allowed: impl Fn(usize) -> f64,
) -> Checked {
    const SHOWN: usize = 12;
    if found.values.len() != expected.len() {
        return fault(format!(
            "{message}: {} has {} numbers where {} are expected",
            found.what,
            found.values.len(),
            expected.len()
        ));
    }
    let pairs = found.values.iter().zip(expected).enumerate();
    let mut wrong = pairs.filter(|&(e, (a, b))| {
        // Also true for NaN.
        let fits = (a - b).abs() <= allowed(e);
        !fits
    });
    let entries: Vec<Entry> = wrong
        .by_ref()
        .take(SHOWN)
        .map(|(e, (&a, &b))| Entry {
            name: found.entry(e),
            found: a,
            expected: b,
            allowed: allowed(e),
        })
        .collect();
    let more = wrong.count();
    if entries.is_empty() {
        return Ok(());
    }
    Err(Fault {
        message: message.to_string(),
        columns,
        entries,
        more,
    })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "`{}` fails check {}", self.name, self.check)?;
        let shapes: Vec<String> = self.shapes.iter().map(Shape::to_string).collect();
        writeln!(f, "  op        {}", self.op)?;
        writeln!(f, "  operands  {}", shapes.join(" and "))?;
        writeln!(f, "  tile      {}", self.tile)?;
        write!(f, "{}", self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  fault     {}", self.message)?;
        if self.entries.is_empty() {
            return Ok(());
        }
        let names = self.entries.iter().map(|e| e.name.chars().count());
        let width = names.max().unwrap_or(0).max(5);
        let [a, b] = self.columns;
        writeln!(
            f,
            "\n  {:width$}  {a:>24}  {b:>24}  {:>14}  {:>10}",
            "entry", "relative error", "allowed"
        )?;
        for e in &self.entries {
            writeln!(
                f,
                "  {:width$}  {:>24.15e}  {:>24.15e}  {:>14.2e}  {:>10.1e}",
                e.name,
                e.found,
                e.expected,
                e.relative_error(),
                e.allowed
            )?;
        }
        match self.more {
            0 => Ok(()),
            more => writeln!(f, "  … and {more} more"),
        }
    }
}

impl std::error::Error for Failure {}
