//! Runs side by side: how each ended.

use super::page::escape;
use crate::number::significant;
use crate::record::RunRecord;

/// How many columns the comparison has; the last one holds words.
const COLUMNS: usize = 10;

/// The number of that column.
const WORDS: usize = COLUMNS - 1;

/// The columns of the comparison.
pub const HEAD: [&str; COLUMNS] = [
    "run",
    "iterations",
    "products",
    "seconds",
    "f",
    "|g|",
    "train accuracy",
    "test accuracy",
    "test R²",
    "outcome",
];

/// A run in the comparison; the last iteration stands in for an end that is missing.
pub fn row(run: &RunRecord) -> [String; COLUMNS] {
    let end = run.end.clone().unwrap_or_default();
    let last = run.iterations.last();
    let number = |x: Option<f64>, digits| x.map_or("-".into(), |x| significant(x, digits));
    let count = |n: Option<usize>| n.map_or("-".into(), |n| n.to_string());
    [
        run.name.clone(),
        count(end.iterations.or(last.map(|i| i.iteration))),
        count(end.products.or(last.and_then(|i| i.products))),
        end.seconds
            .or(last.and_then(|i| i.seconds))
            .map_or("-".into(), |s| format!("{s:.1}")),
        number(end.value.or(last.and_then(|i| i.value)), 6),
        number(end.gradient_norm.or(last.and_then(|i| i.gradient_norm)), 4),
        share(
            end.figures
                .train_accuracy
                .or(last.and_then(|i| i.figures.train_accuracy)),
        ),
        share(
            end.figures
                .test_accuracy
                .or(last.and_then(|i| i.figures.test_accuracy)),
        ),
        number(
            end.figures.test_r2.or(last.and_then(|i| i.figures.test_r2)),
            4,
        ),
        end.outcome.unwrap_or("cut short".into()),
    ]
}

/// A share in percent.
pub fn share(x: Option<f64>) -> String {
    x.map_or("-".into(), |x| format!("{:.2} %", 100.0 * x))
}

/// The comparison as text: columns as wide as they need, those without a number left out.
pub fn text(runs: &[RunRecord]) -> String {
    let mut rows = vec![HEAD.map(String::from)];
    rows.extend(runs.iter().map(row));
    let shown = |column: &usize| rows[1..].iter().any(|row| row[*column] != "-");
    let columns: Vec<usize> = (0..HEAD.len()).filter(shown).collect();
    let width = |column: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    };
    let line = |row: &[String; COLUMNS]| {
        let cells = columns.iter().map(|&c| match c {
            0 => format!("{:<1$}", row[c], width(c)),
            WORDS => row[c].clone(),
            _ => format!("{:>1$}", row[c], width(c)),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The comparison as HTML.
pub fn table(runs: &[RunRecord]) -> String {
    let rows: Vec<[String; COLUMNS]> = runs.iter().map(row).collect();
    let columns: Vec<usize> = (0..HEAD.len())
        .filter(|&c| rows.iter().any(|row| row[c] != "-"))
        .collect();
    let words = |c: usize| if c == WORDS { " class=\"words\"" } else { "" };
    let head = columns
        .iter()
        .map(|&c| format!("<th{}>{}</th>", words(c), escape(HEAD[c])));
    let body = rows.iter().enumerate().map(|(color, row)| {
        let cells = columns.iter().map(|&c| match c {
            0 => format!(
                "<th><span class=\"s{}\">●</span> {}</th>",
                color % 8 + 1,
                escape(&row[0])
            ),
            _ => format!("<td{}>{}</td>", words(c), escape(&row[c])),
        });
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    });
    format!(
        "<div class=\"wide\"><table class=\"runs\">\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\
         </tbody></table></div>\n",
        head.collect::<String>(),
        body.collect::<String>()
    )
}

/// The figures of a run alone.
pub fn figures(run: &RunRecord) -> Vec<(&'static str, String)> {
    let row = row(run);
    let best = run
        .iterations
        .iter()
        .filter_map(|i| i.figures.validation_accuracy)
        .fold(None, |best: Option<f64>, x| {
            Some(best.map_or(x, |b| b.max(x)))
        });
    let mut figures: Vec<(&str, String)> = [7, 8, 6, 4, 5, 1, 2, 3]
        .into_iter()
        .filter(|&c| row[c] != "-")
        .map(|c| (HEAD[c], row[c].clone()))
        .collect();
    if let Some(best) = best {
        figures.insert(1, ("best validation accuracy", share(Some(best))));
    }
    figures
}
