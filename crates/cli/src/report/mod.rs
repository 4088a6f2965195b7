//! `osculant report`: runs compared, in a table and on a page.
//!
//! | file | holds |
//! |---|---|
//! | `summary.rs` | how each run ended, as a table |
//! | `curves.rs` | which plots there are, and what they show |
//! | `plot.rs`, `scale.rs` | curves and axes as SVG |
//! | `judge.rs`, `evaluation.rs` | confusion and mistakes: found, and shown |
//! | `page.rs`, `style.css` | the file around it all |

mod curves;
mod evaluation;
pub mod judge;
pub mod page;
pub mod plot;
pub mod scale;
mod summary;

use crate::error::CliError;
use crate::record::RunRecord;
use crate::source::Form;
use crate::terminal::{Progress, say};
use crate::threads;
use clap::Args;
use osculant_data::{check_destination, write_whole};
use page::{Page, escape};
use std::path::{Path, PathBuf};

/// Compares runs, from the records that they wrote as JSON lines
///
/// A table with a line per run goes to standard output. With --output there is a page, too: the
/// course of all runs over iterations, seconds and products, the confusion matrix, and the test
/// examples that were misclassified. It is one file that any browser shows, without a network.
#[derive(Args, Debug)]
pub struct Report {
    /// Records of runs
    #[arg(value_name = "RECORD", required_unless_present = "model")]
    records: Vec<PathBuf>,

    /// Judge this model by test data, and show its confusion matrix and mistakes
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,

    /// The data to judge the model by; by default the digits that come with the program
    #[arg(long, value_name = "PATH", requires = "model")]
    data: Option<PathBuf>,

    /// The target of those data, as for `osculant predict`
    #[arg(long, value_name = "COLUMN|FILE", requires = "data")]
    target: Vec<String>,

    /// Write a page (HTML)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Report {
    /// Runs the command.
    pub fn run(&self) -> Result<(), CliError> {
        if let Some(path) = &self.output {
            check_destination(path)?;
        }
        let mut runs = Vec::new();
        for path in &self.records {
            runs.extend(RunRecord::read(path)?);
        }
        if let Some(model) = &self.model {
            let progress = Progress::new(true);
            progress.stage("judging the model");
            let form = Form {
                header: None,
                targets: &self.target,
            };
            let data = self.data.as_deref();
            let judged = threads::pool(None)?.install(|| judge::model(model, data, form))?;
            progress.finish();
            match &mut runs[..] {
                [run] => run.evaluation = judged.evaluation,
                _ => runs.push(judged),
            }
        }
        say(&summary::text(&runs))?;
        match &self.output {
            Some(path) => write(path, &runs),
            None => Ok(()),
        }
    }
}

/// Writes the page of these runs.
pub fn write(path: &Path, runs: &[RunRecord]) -> Result<(), CliError> {
    let html = html(runs);
    Ok(write_whole(path, |file| file.write_all(html.as_bytes()))?)
}

fn html(runs: &[RunRecord]) -> String {
    let names: Vec<&str> = runs.iter().map(|run| &run.name[..]).collect();
    let mut page = Page::new(&match &names[..] {
        [many @ .., last] if (1..5).contains(&many.len()) => {
            format!("{} and {last}", many.join(", "))
        }
        [name] => name.to_string(),
        names => format!("{} runs", names.len()),
    });
    match runs {
        [run] => {
            page.lead(&problem(run));
            if let Some(command) = &run.start.command {
                page.lead(&format!("<code>{}</code>", escape(command)));
            }
            page.figures(summary::figures(run));
        }
        _ => page.html(&summary::table(runs)),
    }
    curves::write(&mut page, runs);
    evaluation::write(&mut page, runs);
    page.finish()
}

/// What was trained on what, in a line.
fn problem(run: &RunRecord) -> String {
    let s = &run.start;
    let mut parts: Vec<String> = Vec::new();
    let mut add = |part: Option<String>| parts.extend(part);
    let net = s.network.as_ref();
    add(net.map(|net| match s.parameters {
        Some(n) => format!("{net}, {n} parameters"),
        None => net.clone(),
    }));
    add(s.data.as_ref().map(|data| match s.train_examples {
        Some(l) => format!("{data}, {l} examples"),
        None => data.clone(),
    }));
    add(s.loss.as_ref().map(|loss| match s.regularization {
        Some(c) => format!("{loss} loss, C = {c}"),
        None => format!("{loss} loss"),
    }));
    add(s.trainer.clone());
    add(s.seed.map(|seed| format!("seed {seed}")));
    escape(&parts.join(" · "))
}
