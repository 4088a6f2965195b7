//! What is shown on a terminal: lines, and how far the work is.

use crate::error::CliError;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

/// Writes a line to standard output, at once: whoever reads a file or a pipe sees it now.
/// `println!` would panic where the reader has gone.
pub fn say(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// How far the work is, on standard error if that is a terminal: in a file or a pipe bars would be
/// control characters.
#[derive(Clone)]
pub struct Progress {
    bars: MultiProgress,
    outer: ProgressBar,
    inner: ProgressBar,
}

impl Progress {
    /// Shows what is being done from now on, unless it is not wanted.
    pub fn new(wanted: bool) -> Self {
        let shown = wanted && io::stderr().is_terminal();
        let bars = MultiProgress::with_draw_target(if shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        let bar = |template: &str| {
            let bar = ProgressBar::new(0).with_finish(ProgressFinish::AndClear);
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bars.add(bar)
        };
        let progress = Progress {
            outer: bar("{spinner} {elapsed} {wide_msg}"),
            inner: bar("  [{bar:20}] {msg}"),
            bars,
        };
        if shown {
            // One product, or one pass over the data, may take long; the clock goes on meanwhile.
            progress
                .outer
                .enable_steady_tick(Duration::from_millis(200));
        }
        progress
    }

    /// Says what is being done.
    pub fn stage(&self, what: &str) {
        self.outer.set_message(what.to_string());
    }

    /// Says how much of a part is done, such as of the products of an iteration.
    pub fn part(&self, done: usize, of: usize, what: &str) {
        if self.bars.is_hidden() {
            return;
        }
        self.inner.set_length(of as u64);
        self.inner.set_message(what.to_string());
        self.inner.set_position(done as u64);
    }

    /// Writes a line to standard output, the bars out of the way.
    pub fn say(&self, line: &str) -> Result<(), CliError> {
        self.bars.suspend(|| say(line))
    }

    /// Takes the bars away.
    pub fn finish(&self) {
        self.inner.finish_and_clear();
        self.outer.finish_and_clear();
    }
}
