//! The lines of a training run: one per iteration, with fixed columns.

use crate::number::significant;
use crate::record::Iteration;
use crate::score::Scores;

/// A column: its name, its width, and what stands in it.
type Column = (&'static str, usize, fn(&Iteration, &Scores) -> String);

/// f, |g| and the accuracy are those after the step of an iteration, λ is the one it used.
const NEWTON: [Column; 8] = [
    ("iter", 4, |i, _| i.iteration.to_string()),
    ("f", 15, |i, _| number(i.value, 10)),
    ("|g|", 13, |i, _| number(i.gradient_norm, 7)),
    ("cg", 4, |i, _| count(i.cg_iterations)),
    ("stop", 9, |i, _| i.cg_stop.clone().unwrap_or("-".into())),
    ("λ", 10, |i, _| number(i.lambda, 4)),
    // A step that was not taken has no ratio.
    ("ratio", 7, |i, _| match i.ratio {
        Some(ratio) if ratio.is_finite() => format!("{ratio:.3}"),
        _ => "-".into(),
    }),
    ("step", 9, |i, _| match i.step {
        Some(step) if step > 0.0 => significant(step, 4),
        _ => "none".into(),
    }),
];
const FIRST_ORDER: [Column; 3] = [
    ("epoch", 5, |i, _| i.iteration.to_string()),
    // The mean over its steps.
    ("f", 15, |i, _| number(i.value, 10)),
    ("rate", 10, |i, _| number(i.rate, 4)),
];
const VALIDATION: Column = ("validation", 10, |_, scores| {
    scores
        .validation
        .as_ref()
        .map_or("-".into(), |v| v.score.percent())
});
const TEST: Column = ("test", 9, |_, scores| scores.test.score.percent());
const SECONDS: Column = ("seconds", 8, |i, _| {
    i.seconds.map_or("-".into(), |s| format!("{s:.1}"))
});

/// The table of a run.
pub struct Table(Vec<Column>);

impl Table {
    /// That of the Newton trainer.
    pub fn newton(validation: bool) -> Self {
        Self::of(&NEWTON, validation)
    }

    /// That of first-order trainers.
    pub fn first_order(validation: bool) -> Self {
        Self::of(&FIRST_ORDER, validation)
    }

    fn of(trainer: &[Column], validation: bool) -> Self {
        let validation = validation.then_some(VALIDATION);
        let last = validation.into_iter().chain([TEST, SECONDS]);
        Table(trainer.iter().copied().chain(last).collect())
    }

    /// The names of the columns.
    pub fn head(&self) -> String {
        self.row(|(name, ..)| name.to_string())
    }

    /// An iteration.
    pub fn line(&self, iteration: &Iteration, scores: &Scores) -> String {
        self.row(|(.., cell)| cell(iteration, scores))
    }

    fn row(&self, cell: impl Fn(&Column) -> String) -> String {
        let cells = self.0.iter();
        let cells: Vec<String> = cells
            .map(|column| format!("{:>1$}", cell(column), column.1))
            .collect();
        cells.join(" ")
    }
}

fn number(x: Option<f64>, digits: usize) -> String {
    x.map_or("-".into(), |x| significant(x, digits))
}

fn count(n: Option<usize>) -> String {
    n.map_or("-".into(), |n| n.to_string())
}
