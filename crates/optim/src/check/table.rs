//! The table that a failed verification prints.

use crate::error::{OptimError, Result};
use std::fmt::Write;

/// How many entries a table shows.
const ROWS: usize = 8;

/// Compares analytic with numeric entries; an entry may differ by `tolerance`, an absolute
/// number. A failure shows the worst entries first.
pub(crate) fn compare(
    what: &str,
    claim: &str,
    name: impl Fn(usize) -> String,
    analytic: &[f64],
    numeric: &[f64],
    tolerance: f64,
) -> Result<()> {
    let mut wrong: Vec<(usize, f64)> = analytic
        .iter()
        .zip(numeric)
        .map(|(a, n)| (a - n).abs())
        .enumerate()
        // "Not within" rather than "beyond", so that NaN is wrong.
        .filter(|&(_, error)| error.is_nan() || error > tolerance)
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let weight = |error: f64| if error.is_nan() { f64::INFINITY } else { error };
    wrong.sort_by(|a, b| weight(b.1).total_cmp(&weight(a.1)));
    let mut table = format!(
        "{:>12} {:>24} {:>24} {:>10}\n",
        "entry", "analytic", "numeric", "relative"
    );
    for &(k, error) in wrong.iter().take(ROWS) {
        let (a, n) = (analytic[k], numeric[k]);
        let relative = error / a.abs().max(n.abs()).max(f64::MIN_POSITIVE);
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "{:>12} {a:>24.15e} {n:>24.15e} {relative:>10.1e}",
            name(k)
        );
    }
    if wrong.len() > ROWS {
        let _ = writeln!(table, "and {} more", wrong.len() - ROWS);
    }
    Err(OptimError::Check {
        what: what.into(),
        claim: format!(
            "{claim} ({} of {} entries differ by more than {tolerance:.1e})",
            wrong.len(),
            analytic.len()
        ),
        table,
    })
}

/// The largest absolute value; 0 if there is none.
pub(crate) fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |l: f64, x| l.max(x.abs()))
}
