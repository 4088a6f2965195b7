//! What a trained network makes of the test data: confusion, mistakes, predictions against targets.

use super::page::{Page, escape};
use super::plot::{Plot, Series, Style};
use crate::record::{Evaluation, Mistake, RunRecord};
use std::fmt::Write;

/// Classes up to which cells show their counts.
const READABLE: usize = 24;

/// Writes the sections of each run that was evaluated.
pub fn write(page: &mut Page, runs: &[RunRecord]) {
    for run in runs {
        let Some(evaluation) = &run.evaluation else {
            continue;
        };
        let of = |what: &str| match runs.len() {
            1 => what.to_string(),
            _ => format!("{what} of {}", run.name),
        };
        if let Some(confusion) = evaluation.confusion.as_ref().filter(|c| !c.is_empty()) {
            page.section(&of("Confusion matrix"));
            page.html(&matrix(evaluation, confusion));
        }
        if let Some(mistakes) = evaluation.mistakes.as_ref().filter(|m| !m.is_empty()) {
            page.section(&of("Misclassified test examples"));
            page.html(&mistakes_list(evaluation, mistakes));
        }
        if let Some(pairs) = evaluation.regression.as_ref().filter(|p| !p.is_empty()) {
            page.section(&of("Predictions"));
            page.html(&predictions(pairs));
        }
    }
}

fn class(evaluation: &Evaluation, k: usize) -> String {
    let names = evaluation.classes.as_ref();
    names
        .and_then(|n| n.get(k).cloned())
        .unwrap_or(k.to_string())
}

/// Rows are labels, columns predictions. Right ones are shaded by their share of the row, wrong
/// ones by their share of the most frequent confusion, so that a few mistakes among thousands of
/// examples can be seen.
fn matrix(evaluation: &Evaluation, confusion: &[Vec<u64>]) -> String {
    let n = confusion
        .len()
        .max(confusion.iter().map(Vec::len).max().unwrap_or(0));
    let at = |i: usize, j: usize| -> u64 {
        confusion
            .get(i)
            .and_then(|row| row.get(j))
            .copied()
            .unwrap_or(0)
    };
    let all: u64 = confusion.iter().flatten().sum();
    let right: u64 = (0..n).map(|k| at(k, k)).sum();
    let off = (0..n).flat_map(|i| (0..n).filter(move |&j| i != j).map(move |j| (i, j)));
    let worst = off.map(|(i, j)| at(i, j)).max().unwrap_or(0).max(1);
    let small = if n > READABLE { " small" } else { "" };
    let mut html = format!(
        "<p class=\"soft\">{right} of {all} right. Rows: the label; columns: what the network \
         says.</p>\n<div class=\"wide fit\"><table class=\"confusion{small}\">\n<thead><tr><th></th>"
    );
    // Writing to a string cannot fail, here and below.
    for j in 0..n {
        let _ = write!(html, "<th>{}</th>", escape(&class(evaluation, j)));
    }
    html += "</tr></thead>\n<tbody>\n";
    for i in 0..n {
        let total: u64 = (0..n).map(|j| at(i, j)).sum();
        let _ = write!(html, "<tr><th>{}</th>", escape(&class(evaluation, i)));
        for j in 0..n {
            let count = at(i, j);
            let (kind, share) = if i == j {
                ("right", count as f64 / total.max(1) as f64)
            } else {
                ("wrong", 0.85 * count as f64 / worst as f64)
            };
            let class_names = match count {
                0 => format!("{kind} none"),
                _ if share > 0.55 => format!("{kind} dark"),
                _ => kind.into(),
            };
            let _ = write!(
                html,
                "<td class=\"{class_names}\" style=\"--share:{share:.3}\" title=\"label {}, said \
                 {}: {count} of {total}\">{count}</td>",
                escape(&class(evaluation, i)),
                escape(&class(evaluation, j)),
            );
        }
        html += "</tr>\n";
    }
    html + "</tbody></table></div>\n"
}

fn mistakes_list(evaluation: &Evaluation, mistakes: &[Mistake]) -> String {
    let mut html = String::from(
        "<p class=\"soft\">Label → what the network says, the surest mistakes first.</p>\n\
         <ul class=\"mistakes\">\n",
    );
    for mistake in mistakes {
        let (label, said) = (
            escape(&class(evaluation, mistake.label)),
            escape(&class(evaluation, mistake.predicted)),
        );
        html += "<li>";
        if let Some(png) = &mistake.png {
            let _ = write!(
                html,
                "<img src=\"data:image/png;base64,{}\" alt=\"test example {} with label {label}\">",
                escape(png),
                mistake.example
            );
        }
        let _ = writeln!(
            html,
            "{label} → <b class=\"wrong\">{said}</b><small>no. {}</small></li>",
            mistake.example
        );
    }
    html + "</ul>\n"
}

fn predictions(pairs: &[[f64; 2]]) -> String {
    let mut plot = Plot::new("Predicted against true", "true value", "predicted");
    plot.style = Style::Scatter;
    plot.diagonal = true;
    plot.series.push(Series {
        points: pairs.iter().map(|p| (p[0], p[1])).collect(),
        ..Series::default()
    });
    let count = pairs.len() as f64;
    let mean = pairs.iter().map(|p| p[0]).sum::<f64>() / count;
    let residual: f64 = pairs.iter().map(|p| (p[1] - p[0]).powi(2)).sum();
    let spread: f64 = pairs.iter().map(|p| (p[0] - mean).powi(2)).sum();
    let explained = if spread > 0.0 {
        format!(", R² {:.4}", 1.0 - residual / spread)
    } else {
        String::new()
    };
    format!(
        "<div class=\"plots\"><figure>\n<figcaption>Predicted against true <small>root mean \
         square error {}{explained}</small></figcaption>\n{}</figure></div>\n",
        crate::number::significant((residual / count).sqrt(), 4),
        plot.svg()
    )
}
