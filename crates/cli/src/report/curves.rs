//! The course of runs: one plot for each figure, against iterations, seconds and products.

use super::page::{Choice, Page, escape};
use super::plot::{Plot, Series};
use super::scale::Kind;
use crate::record::{Iteration, RunRecord, Start};
use std::fmt::Write;

/// A number of an iteration, or none.
type Get<P> = fn(&P) -> Option<f64>;

/// What the vertical axis shows.
struct Figure {
    title: &'static str,
    y: &'static str,
    note: &'static str,
    kind: Kind,
    range: Option<(f64, f64)>,
    guides: &'static [f64],
    /// Numbers that are shown together, each with its word; iterations have them, and some are
    /// known at the start.
    lines: &'static [(&'static str, Get<Iteration>, Get<Start>)],
}

/// What the horizontal axis shows.
struct Against {
    choice: Choice,
    label: &'static str,
    kind: Kind,
    get: Get<Iteration>,
}

const AXES: [Against; 3] = [
    Against {
        choice: Choice {
            id: "iterations",
            name: "iterations",
        },
        label: "iteration",
        kind: Kind::Count,
        get: |i| Some(i.iteration as f64),
    },
    Against {
        choice: Choice {
            id: "seconds",
            name: "seconds",
        },
        label: "seconds",
        kind: Kind::Linear,
        get: |i| i.seconds,
    },
    Against {
        choice: Choice {
            id: "products",
            name: "products",
        },
        label: "products G v",
        kind: Kind::Linear,
        get: |i| i.products.map(|n| n as f64),
    },
];

const FIGURES: [Figure; 10] = [
    Figure {
        title: "Objective",
        y: "f",
        note: "f(θ), regularization included",
        kind: Kind::Logarithmic,
        range: None,
        guides: &[],
        lines: &[("", |i| i.value, |s| s.value)],
    },
    Figure {
        title: "Accuracy",
        y: "%",
        note: "% right; the axis stretches towards 100",
        kind: Kind::Percent,
        range: None,
        guides: &[],
        lines: &[
            (
                "test",
                |i| percent(i.figures.test_accuracy),
                |s| percent(s.figures.test_accuracy),
            ),
            (
                "validation",
                |i| percent(i.figures.validation_accuracy),
                |s| percent(s.figures.validation_accuracy),
            ),
            (
                "training",
                |i| percent(i.figures.train_accuracy),
                |s| percent(s.figures.train_accuracy),
            ),
        ],
    },
    Figure {
        title: "R²",
        y: "R²",
        note: "1 is perfect, 0 is what the mean of the targets would do",
        kind: Kind::Linear,
        range: Some((-0.2, 1.0)),
        guides: &[0.0],
        lines: &[("test", |i| i.figures.test_r2, |s| s.figures.test_r2)],
    },
    Figure {
        title: "Mean loss",
        y: "loss",
        note: "without the regularization term",
        kind: Kind::Logarithmic,
        range: None,
        guides: &[],
        lines: &[
            ("test", |i| i.figures.test_loss, |s| s.figures.test_loss),
            (
                "validation",
                |i| i.figures.validation_loss,
                |s| s.figures.validation_loss,
            ),
        ],
    },
    Figure {
        title: "Gradient norm",
        y: "‖∇f‖",
        note: "‖∇f(θ)‖",
        kind: Kind::Logarithmic,
        range: None,
        guides: &[],
        lines: &[("", |i| i.gradient_norm, |s| s.gradient_norm)],
    },
    Figure {
        title: "Damping",
        y: "λ",
        note: "λ in (G + λI) d = −∇f",
        kind: Kind::Logarithmic,
        range: None,
        guides: &[],
        lines: &[("", |i| i.lambda, none)],
    },
    Figure {
        title: "Ratio",
        y: "ratio",
        note: "actual over predicted change of f; λ changes below ¼ and above ¾",
        kind: Kind::Linear,
        range: Some((-0.5, 2.0)),
        guides: &[0.25, 0.75],
        lines: &[("", |i| i.ratio, none)],
    },
    Figure {
        title: "CG iterations",
        y: "CG iterations",
        note: "in each Newton iteration",
        kind: Kind::Linear,
        range: None,
        guides: &[],
        lines: &[("", |i| i.cg_iterations.map(|n| n as f64), none)],
    },
    Figure {
        title: "Step",
        y: "α",
        note: "how far along d; 0 where no step was taken",
        kind: Kind::Linear,
        range: None,
        guides: &[],
        lines: &[("", |i| i.step, none)],
    },
    Figure {
        title: "Learning rate",
        y: "rate",
        note: "of first-order trainers",
        kind: Kind::Logarithmic,
        range: None,
        guides: &[],
        lines: &[("", |i| i.rate, none)],
    },
];

fn none(_: &Start) -> Option<f64> {
    None
}

fn percent(share: Option<f64>) -> Option<f64> {
    share.map(|x| 100.0 * x)
}

/// Writes the plots of all that the runs know.
pub fn write(page: &mut Page, runs: &[RunRecord]) {
    let axes: Vec<&Against> = AXES
        .iter()
        .filter(|axis| {
            runs.iter()
                .any(|run| run.iterations.iter().any(|i| (axis.get)(i).is_some()))
        })
        .collect();
    if axes.is_empty() {
        return;
    }
    page.section("Course");
    page.html("<div class=\"bar\">\n");
    page.html(&legend(runs));
    page.choose(
        &axes
            .iter()
            .map(|a| Choice { ..a.choice })
            .collect::<Vec<_>>(),
    );
    page.html("</div>\n<div class=\"plots\">\n");
    for figure in &FIGURES {
        write_figure(page, figure, runs, &axes);
    }
    page.html("</div>\n");
}

fn write_figure(page: &mut Page, figure: &Figure, runs: &[RunRecord], axes: &[&Against]) {
    let plots: Vec<(&Against, Plot)> = axes
        .iter()
        .map(|axis| (*axis, plot(figure, runs, axis)))
        .filter(|(_, plot)| !plot.series.is_empty())
        .collect();
    let Some((_, first)) = plots.first() else {
        return;
    };
    let mut words: Vec<(&str, usize)> = Vec::new();
    for (dashes, (word, ..)) in figure.lines.iter().enumerate() {
        if !word.is_empty() && first.series.iter().any(|s| s.dashes == dashes) {
            words.push((word, dashes));
        }
    }
    let mut html = format!(
        "<figure>\n<figcaption>{} <small>{}</small></figcaption>\n",
        escape(figure.title),
        escape(figure.note)
    );
    for (axis, plot) in &plots {
        // Writing to a string cannot fail.
        let _ = writeln!(
            html,
            "<div class=\"by-{}\">{}</div>",
            axis.choice.id,
            plot.svg()
        );
    }
    if words.len() > 1 {
        html += "<ul class=\"legend soft\">";
        for (word, dashes) in words {
            let _ = write!(html, "<li>{}{word}</li>", swatch("", dashes));
        }
        html += "</ul>\n";
    }
    page.html(&(html + "</figure>\n"));
}

fn plot(figure: &Figure, runs: &[RunRecord], axis: &Against) -> Plot {
    let mut plot = Plot::new(figure.title, axis.label, figure.y);
    plot.x.1 = axis.kind;
    plot.range = figure.range;
    plot.guides = figure.guides.to_vec();
    for (color, run) in runs.iter().enumerate() {
        for (dashes, (word, of, at_start)) in figure.lines.iter().enumerate() {
            let begin = at_start(&run.start).map(|y| (0.0, y));
            let points: Vec<(f64, f64)> = run
                .iterations
                .iter()
                .filter_map(|i| Some(((axis.get)(i)?, of(i)?)))
                .collect();
            // A start without iterations is no curve.
            if points.is_empty() {
                continue;
            }
            plot.series.push(Series {
                name: format!("{} {word}", run.name).trim_end().into(),
                color,
                dashes,
                points: begin.into_iter().chain(points).collect(),
            });
        }
    }
    let positive = plot
        .series
        .iter()
        .flat_map(|s| &s.points)
        .all(|p| p.1 > 0.0);
    plot.y.1 = if figure.kind == Kind::Logarithmic && !positive {
        Kind::Linear
    } else {
        figure.kind
    };
    plot
}

/// Which colour is which run; nothing for a run alone.
pub fn legend(runs: &[RunRecord]) -> String {
    if runs.len() < 2 {
        return "<span></span>\n".into();
    }
    let entry = |(color, run): (usize, &RunRecord)| {
        format!(
            "<li>{}{}</li>",
            swatch(&format!("s{}", color % 8 + 1), 0),
            escape(&run.name)
        )
    };
    let entries: Vec<String> = runs.iter().enumerate().map(entry).collect();
    format!("<ul class=\"legend\">{}</ul>\n", entries.concat())
}

fn swatch(class: &str, dashes: usize) -> String {
    format!(
        "<svg class=\"{class} d{dashes}\" viewBox=\"0 0 26 10\"><g class=\"d{dashes}\"><path \
         class=\"curve\" d=\"M1 5H25\"/></g></svg>"
    )
}
