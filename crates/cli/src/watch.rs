//! What is shown while training: a line per iteration, and progress on a terminal.

use crate::error::CliError;
use crate::loss::LossName;
use crate::score::{self, Score};
use crate::table;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use osculant_data::AnyDataset;
use osculant_layers::Network;
use osculant_optim::train::{Iteration, Moment, Observer};
use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Writes a line to standard output, at once: whoever reads a file or a pipe sees it now.
/// `println!` would panic where the reader has gone.
pub fn say(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Watches a training run.
pub struct Watch<'a> {
    net: &'a Network<f32>,
    test: &'a AnyDataset,
    loss: LossName,
    quiet: bool,
    started: Instant,
    bar: ProgressBar,
    bound: usize,
    done: usize,
    /// What went wrong while watching; it ends the run.
    failure: Option<CliError>,
}

impl<'a> Watch<'a> {
    /// Begins to watch a run of at most `bound` iterations.
    pub fn new(
        net: &'a Network<f32>,
        test: &'a AnyDataset,
        loss: LossName,
        bound: usize,
        quiet: bool,
    ) -> Self {
        // In a file or a pipe a bar would be control characters; there the lines must do.
        let target = if io::stderr().is_terminal() && !quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(bound as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} [{bar:20}] {elapsed} {wide_msg}")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message("value and gradient at the start");
        if !bar.is_hidden() {
            // CG products may take long; the clock goes on meanwhile.
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Watch {
            net,
            test,
            loss,
            quiet,
            started: Instant::now(),
            bar,
            bound,
            done: 0,
            failure: None,
        }
    }

    /// Takes the progress display away; an error is one that ended the run.
    pub fn finish(self) -> Result<(), CliError> {
        self.bar.finish_and_clear();
        self.failure.map_or(Ok(()), Err)
    }

    fn show(&self, iteration: &Iteration, theta: &[f32]) -> Result<(), CliError> {
        if self.quiet {
            return Ok(());
        }
        let accuracy = Score::of(
            &score::outputs(self.net, theta, self.test)?,
            self.test,
            self.loss,
        );
        let line = table::line(iteration, &accuracy, self.started.elapsed().as_secs_f64());
        self.bar.suspend(|| say(&line))
    }
}

impl Observer<f32> for Watch<'_> {
    fn iteration(&mut self, at: &Moment<'_, f32, Iteration>) -> ControlFlow<()> {
        self.done = at.record.number;
        self.bar.set_position(self.done as u64);
        match self.show(at.record, at.theta) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn product(&mut self, number: usize, bound: usize) -> ControlFlow<()> {
        if self.bar.is_hidden() {
            return ControlFlow::Continue(());
        }
        let (iteration, iterations) = (self.done + 1, self.bound);
        self.bar.set_message(format!(
            "iteration {iteration} of {iterations}, CG product {number} of at most {bound}"
        ));
        ControlFlow::Continue(())
    }
}
