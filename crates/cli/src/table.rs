//! The lines of a training run: one per iteration, with fixed columns.

use crate::number::significant;
use crate::score::Score;
use osculant_optim::solve::Stop;
use osculant_optim::train::Iteration;

/// The names of the columns.
pub fn head() -> String {
    columns([
        "iter", "f", "|g|", "cg", "stop", "λ", "ratio", "step", "accuracy", "seconds",
    ])
}

/// An iteration: f, |g| and the accuracy are those after its step, λ is the one it used.
pub fn line(i: &Iteration, accuracy: &Score, seconds: f64) -> String {
    let taken = i.step > 0.0;
    columns([
        &i.number.to_string(),
        &significant(i.new_value, 10),
        &significant(i.new_gradient_norm, 7),
        &i.cg_iterations.to_string(),
        stop(&i.cg_stop),
        &significant(i.lambda, 4),
        // A step that was not taken has no ratio.
        &if taken {
            format!("{:.3}", i.ratio)
        } else {
            "-".into()
        },
        &if taken {
            significant(i.step, 4)
        } else {
            "none".into()
        },
        &accuracy.percent(),
        &format!("{seconds:.1}"),
    ])
}

fn columns(cells: [&str; 10]) -> String {
    const WIDTHS: [usize; 10] = [4, 15, 13, 4, 9, 10, 7, 9, 9, 8];
    let cells = cells.iter().zip(WIDTHS);
    let cells: Vec<String> = cells
        .map(|(cell, width)| format!("{cell:>width$}"))
        .collect();
    cells.join(" ")
}

/// Why CG stopped, in a word.
fn stop(stop: &Stop) -> &'static str {
    match stop {
        Stop::Converged => "converged",
        Stop::MaxIterations => "bound",
        Stop::Boundary => "radius",
        Stop::NegativeCurvature { .. } => "negative",
        Stop::NonFinite => "nonfinite",
        Stop::IndefinitePreconditioner { .. } => "precond",
        Stop::Observer => "stopped",
        Stop::ZeroRightHandSide => "zero",
        _ => "other",
    }
}
