//! `osculant spectrum`.

mod page;

use crate::error::CliError;
use crate::number::{self, significant};
use crate::point::{At, Point};
use crate::terminal::{Progress, say};
use crate::threads;
use clap::{Args, ValueEnum};
use osculant_data::{check_destination, write_whole};
use osculant_optim::operator::SelfAdjoint;
use osculant_optim::solve::{Ritz, Spectrum as Found, SpectrumEstimator};
use osculant_optim::train::Size;
use osculant_tape::Scalar;
use serde_json::json;
use std::path::PathBuf;

/// Draws the eigenvalue density of G and of the Hessian
///
/// Both have as many eigenvalues as the network has parameters, and neither is ever stored:
/// Lanczos' method makes a small matrix from products with a few random vectors, whose eigenvalues
/// (Ritz values) and weights stand for the whole spectrum. The largest and smallest are those of
/// the matrix within the error that is shown; traces are estimates with their standard error.
///
/// A table goes to standard output; --output draws a page, --json writes all Ritz values.
#[derive(Args, Debug)]
pub struct Spectrum {
    #[command(flatten)]
    at: At,

    /// Training examples that the matrices are taken over, drawn from the seed: a share (5%) or a
    /// count
    #[arg(long, value_name = "SHARE|COUNT", default_value = "1000", value_parser = number::size)]
    examples: Size,

    /// The matrix
    #[arg(long, value_name = "MATRIX", default_value = "both")]
    matrix: Which,

    /// Lanczos steps from each vector
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = number::positive)]
    steps: usize,

    /// Random vectors
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = number::positive)]
    vectors: usize,

    /// The numbers to compute with
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    precision: Precision,

    /// Draw a page (HTML)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write what was found as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Threads to compute with [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = number::positive)]
    threads: Option<usize>,

    /// Show a line per matrix only
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// the Gauss-Newton matrix
    G,
    /// the Hessian
    H,
    /// one after the other
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Precision {
    F32,
    F64,
}

/// A matrix and what was found of it.
pub struct Matrix {
    pub name: &'static str,
    pub spectrum: Found,
    /// What rounding makes of its largest eigenvalue.
    rounding: f64,
}

impl Matrix {
    /// An extreme eigenvalue, with an error of no less than rounding.
    fn extreme(&self, ritz: Ritz) -> (f64, f64) {
        (ritz.value, ritz.error.max(self.rounding))
    }

    /// The ratio of the largest and smallest eigenvalue, where both are known to be positive.
    fn condition(&self) -> Option<f64> {
        let (smallest, error) = self.extreme(self.spectrum.smallest());
        (smallest > error).then(|| self.spectrum.largest().value / smallest)
    }
}

impl Spectrum {
    /// Runs the command.
    pub fn run(&self) -> Result<(), CliError> {
        for path in [&self.output, &self.json].into_iter().flatten() {
            check_destination(path)?;
        }
        threads::pool(self.threads)?.install(|| match self.precision {
            Precision::F32 => self.find::<f32>(),
            Precision::F64 => self.find::<f64>(),
        })
    }

    fn find<T: Scalar>(&self) -> Result<(), CliError> {
        let point = self.at.prepare::<T>(self.examples)?;
        let objective = point.objective()?;
        let model = objective
            .at(&point.theta)?
            .expect_products(self.steps.saturating_mul(self.vectors));
        let mut about = point.describe().to_vec();
        about.push((
            "method",
            format!(
                "{} random vectors, at most {} Lanczos steps from each, in {}",
                self.vectors,
                self.steps,
                T::NAME
            ),
        ));
        let value = significant(model.value()?, 10);
        let norm = significant(osculant_optim::vector::norm(model.gradient()?), 7);
        about.push(("here", format!("f {value} |g| {norm}")));
        if !self.quiet {
            for (word, text) in &about {
                say(&format!("{word:<8} {text}"))?;
            }
            say(&format!("\n{HEAD}"))?;
        }
        let mut found = Vec::new();
        if self.matrix != Which::H {
            found.push(self.estimate("G", &model.gauss_newton()?, &point)?);
            say(&line(&found[found.len() - 1]))?;
        }
        if self.matrix != Which::G {
            found.push(self.estimate("H", &model.hessian()?, &point)?);
            say(&line(&found[found.len() - 1]))?;
        }
        if let Some(path) = &self.output {
            let html = page::html(&about, &found)?;
            write_whole(path, |file| file.write_all(html.as_bytes()))?;
        }
        if let Some(path) = &self.json {
            let text = self.to_json(&point, &found);
            write_whole(path, |file| writeln!(file, "{text:#}"))?;
        }
        Ok(())
    }

    fn estimate<T: Scalar>(
        &self,
        name: &'static str,
        a: &dyn SelfAdjoint<T>,
        point: &Point<T>,
    ) -> Result<Matrix, CliError> {
        let progress = Progress::new(!self.quiet);
        progress.stage(&format!("spectrum of {name}"));
        let steps = self.steps.min(a.rows());
        let estimator = SpectrumEstimator {
            steps: self.steps,
            vectors: self.vectors,
            seed: point.seed,
        };
        let vectors = self.vectors;
        let found = estimator.estimate_watched(a, &mut |vector, step| {
            let what = format!("vector {vector} of {vectors}, step {step} of {steps}");
            progress.part((vector - 1) * steps + step, steps * vectors, &what);
        });
        progress.finish();
        let spectrum = found?;
        let ends = [spectrum.largest().value, spectrum.smallest().value];
        let largest = ends.iter().fold(0.0, |l: f64, x| l.max(x.abs()));
        Ok(Matrix {
            name,
            spectrum,
            rounding: T::epsilon().to_f64() * largest,
        })
    }

    fn to_json<T: Scalar>(&self, point: &Point<T>, found: &[Matrix]) -> serde_json::Value {
        let matrices = found.iter().map(|matrix| {
            let spectrum = &matrix.spectrum;
            let end = |ritz| {
                let (value, error) = matrix.extreme(ritz);
                json!({"value": value, "error": error})
            };
            let trace = spectrum.trace();
            let ritz = spectrum.runs().iter().map(|run| {
                let run = run.iter().map(|r| json!([r.value, r.weight, r.error]));
                run.collect::<serde_json::Value>()
            });
            json!({
                "matrix": matrix.name,
                "largest": end(spectrum.largest()),
                "smallest": end(spectrum.smallest()),
                "trace": {"value": trace.value, "error": trace.error},
                "condition": matrix.condition(),
                "negative": spectrum.trace_of(negative).value,
                "ritz": ritz.collect::<serde_json::Value>(),
            })
        });
        json!({
            "network": point.title,
            "parameters": point.net.len(),
            "data": point.source,
            "examples": point.data.len(),
            "loss": point.loss.name(),
            "regularization": point.c,
            "seed": point.seed,
            "steps": self.steps,
            "vectors": self.vectors,
            "matrices": matrices.collect::<serde_json::Value>(),
        })
    }
}

fn negative(x: f64) -> f64 {
    if x < 0.0 { 1.0 } else { 0.0 }
}

const HEAD: &str = "matrix         largest       ±        smallest       ±           trace       ±  condition  negative";

/// A matrix in the table.
fn line(matrix: &Matrix) -> String {
    let spectrum = &matrix.spectrum;
    let (largest, above) = matrix.extreme(spectrum.largest());
    let (smallest, below) = matrix.extreme(spectrum.smallest());
    let trace = spectrum.trace();
    let share = spectrum.trace_of(negative).value / spectrum.dimension().max(1) as f64;
    let error = |x: f64| {
        if x.is_finite() {
            format!("{x:.0e}")
        } else {
            "?".into()
        }
    };
    format!(
        "{:<6} {:>15} {:>7} {:>15} {:>7} {:>15} {:>7} {:>10} {:>9}",
        matrix.name,
        significant(largest, 6),
        error(above),
        significant(smallest, 6),
        error(below),
        significant(trace.value, 6),
        error(trace.error),
        matrix.condition().map_or("-".into(), |c| significant(c, 3)),
        format!("{:.1} %", 100.0 * share),
    )
}
