//! What a run needs to go on after an interruption.

use crate::error::{OptimError, Result, expect_finite, expect_length};
use osculant_tape::Scalar;
use std::collections::BTreeMap;

/// All that a run needs to go on, bit for bit on the same machine and build.
///
/// It is made between two iterations (or epochs) by [`Moment::state`](super::Moment::state) or
/// [`Report::state`](super::Report::state), and holds no options: whoever resumes sets up the
/// trainer, the objective and its parts as they were.
///
/// # Example
///
/// ```
/// use osculant_layers::{Layers, Network};
/// use osculant_optim::Objective;
/// use osculant_optim::examples::Paired;
/// use osculant_optim::loss::SquaredLoss;
/// use osculant_optim::train::NewtonCg;
///
/// let net = Network::<f64>::new([1], |x| x.dense(4).tanh().dense(1))?;
/// let data = Paired::new([1], vec![-1.0, 0.0, 1.0, 2.0], 1, vec![1.0, 0.0, 1.0, 4.0])?;
/// let objective = Objective::new(&net, SquaredLoss, &data)?;
///
/// let first = NewtonCg::default().iterations(3).train(&objective, net.init(1))?;
/// let resumed = NewtonCg::default().iterations(8).resume(&objective, first.state(), &mut ())?;
/// let at_once = NewtonCg::default().iterations(8).train(&objective, net.init(1))?;
/// assert_eq!(resumed.theta, at_once.theta);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct State<T> {
    /// The trainer that it is of, such as `newton_cg`.
    pub trainer: String,
    /// How many iterations, or epochs, are done.
    pub iteration: usize,
    /// θ.
    pub theta: Vec<T>,
    /// Vectors as long as θ, by name: a warm start, a momentum.
    pub vectors: BTreeMap<String, Vec<T>>,
    /// Other numbers, by name: λ, counts.
    pub numbers: BTreeMap<String, Vec<f64>>,
}

impl<T: Scalar> State<T> {
    /// A state with θ alone.
    pub fn new(trainer: &str, iteration: usize, theta: Vec<T>) -> Self {
        State {
            trainer: trainer.into(),
            iteration,
            theta,
            vectors: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// The same with a vector as long as θ.
    pub fn with_vector(mut self, name: &str, vector: Vec<T>) -> Self {
        self.vectors.insert(name.into(), vector);
        self
    }

    /// The same with other numbers.
    pub fn with_numbers(mut self, name: &str, numbers: Vec<f64>) -> Self {
        self.numbers.insert(name.into(), numbers);
        self
    }

    /// Refuses a state of another trainer, of another number n of parameters, or with NaN or
    /// infinity in it.
    pub fn check(&self, trainer: &str, n: usize) -> Result<()> {
        if self.trainer != trainer {
            return Err(OptimError::invalid(
                "the trainer of the saved state",
                &self.trainer,
                &format!("this run is one of {trainer}; resume it with the trainer that saved it"),
            ));
        }
        let hint = "the trained parameters of the network that is resumed with";
        expect_length("θ of the saved state", self.theta.len(), n, hint)?;
        expect_finite("θ of the saved state", &self.theta)?;
        for (name, vector) in &self.vectors {
            let what = format!("`{name}` of the saved state");
            expect_length(&what, vector.len(), n, hint)?;
            expect_finite(&what, vector)?;
        }
        for (name, numbers) in &self.numbers {
            expect_finite(&format!("`{name}` of the saved state"), numbers)?;
        }
        Ok(())
    }

    /// The vector of this name; refused where there is none.
    pub fn vector(&self, name: &str) -> Result<&[T]> {
        self.vectors
            .get(name)
            .map(Vec::as_slice)
            .ok_or_else(|| self.lacks("vector", name))
    }

    /// The numbers of this name; refused where there are none.
    pub fn numbers(&self, name: &str) -> Result<&[f64]> {
        self.numbers
            .get(name)
            .map(Vec::as_slice)
            .ok_or_else(|| self.lacks("numbers", name))
    }

    /// The counts of this name, `expected` whole numbers; `which` says of what.
    pub(super) fn counts(&self, name: &str, expected: usize, which: &str) -> Result<Vec<usize>> {
        // Beyond, f64 does not hold every whole number.
        const MOST: f64 = 9_007_199_254_740_992.0;
        let (what, numbers) = ("the counts of the saved state", self.numbers(name)?);
        expect_length(what, numbers.len(), expected, which)?;
        let is_count = |&c: &f64| (0.0..=MOST).contains(&c) && c.fract() == 0.0;
        if let Some(bad) = numbers.iter().find(|c| !is_count(c)) {
            let message = "a count is a whole number; the file is damaged";
            return Err(OptimError::invalid(what, bad, message));
        }
        Ok(numbers.iter().map(|&c| c as usize).collect())
    }

    fn lacks(&self, kind: &str, name: &str) -> OptimError {
        let message = format!(
            "the saved state of {} holds none; resume with the options of the run that saved it",
            self.trainer
        );
        OptimError::invalid(&format!("the {kind} `{name}`"), "missing", &message)
    }
}
