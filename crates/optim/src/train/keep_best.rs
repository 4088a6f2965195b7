//! The best θ of a run, by a score of the caller's.

use super::{Epoch, Iteration, Moment, Observer, Start};
use crate::error::{OptimError, Result};
use osculant_tape::Scalar;
use std::fmt;
use std::ops::ControlFlow;

/// The best θ so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Best<T> {
    /// After which iteration, or epoch; 0 is the θ that the run began with.
    pub number: usize,
    /// Its score.
    pub score: f64,
    /// θ.
    pub theta: Vec<T>,
}

/// Keeps the θ of the highest score, the first of several, and may end a run that finds no higher
/// one.
///
/// The score is usually one of examples that are not trained on. It is asked for at the start and
/// after every iteration, or epoch. NaN is never the best.
///
/// # Errors
/// An error of the score ends the run, which then says that its observer did; [`KeepBest::finish`]
/// returns it.
///
/// # Example
/// ```
/// use osculant_layers::{Layers, Network};
/// use osculant_optim::Objective;
/// use osculant_optim::examples::Labelled;
/// use osculant_optim::loss::SoftmaxCrossEntropy;
/// use osculant_optim::metrics::accuracy;
/// use osculant_optim::train::{KeepBest, NewtonCg};
///
/// let net = Network::<f64>::new([1], |x| x.dense(4).tanh().dense(2))?;
/// let train = Labelled::new([1], vec![-2.0, -1.0, 1.0, 2.0], vec![0, 0, 1, 1])?;
/// let (held_out, labels) = ([-1.5, 1.5], [0, 1]);
/// let objective = Objective::new(&net, SoftmaxCrossEntropy, &train)?.regularization(40.0)?;
///
/// let score = |theta: &[f64]| accuracy(&net.forward(theta, &held_out)?, &labels);
/// let mut best = KeepBest::by(score).patience(3);
/// NewtonCg::default().train_observed(&objective, net.init(1), &mut best)?;
/// let best = best.finish()?;
/// println!("{} after iteration {}", best.score, best.number);
/// assert_eq!(best.score, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeepBest<T, F> {
    score: F,
    patience: Option<usize>,
    best: Option<Best<T>>,
    error: Option<OptimError>,
}

impl<T: Scalar, F: FnMut(&[T]) -> Result<f64> + Send> KeepBest<T, F> {
    /// The best by this score; higher is better.
    pub fn by(score: F) -> Self {
        KeepBest {
            score,
            patience: None,
            best: None,
            error: None,
        }
    }

    /// Ends the run when the best is so many iterations, or epochs, old; at least one.
    pub fn patience(mut self, count: usize) -> Self {
        self.patience = Some(count.max(1));
        self
    }

    /// Goes on from what was the best before a resumption.
    pub fn resume_from(mut self, best: Best<T>) -> Self {
        self.best = Some(best);
        self
    }

    /// The best so far, if any score was a number.
    pub fn best(&self) -> Option<&Best<T>> {
        self.best.as_ref()
    }

    /// The best of the run.
    ///
    /// # Errors
    /// One that the score met; and where no score was a number.
    pub fn finish(self) -> Result<Best<T>> {
        if let Some(error) = self.error {
            return Err(error);
        }
        self.best.ok_or_else(|| {
            let message = "no θ of the run has a score; NaN says nothing of how good one is";
            OptimError::invalid("the score", f64::NAN, message)
        })
    }

    fn consider(&mut self, number: usize, theta: &[T]) -> ControlFlow<()> {
        let score = match (self.score)(theta) {
            Ok(score) => score,
            Err(error) => {
                self.error = Some(error);
                return ControlFlow::Break(());
            }
        };
        let is_better = match &self.best {
            Some(best) => score > best.score,
            None => !score.is_nan(),
        };
        if is_better {
            let theta = theta.to_vec();
            self.best = Some(Best {
                number,
                score,
                theta,
            });
        }
        let since = self.best.as_ref().map_or(0, |best| best.number);
        match self.patience {
            Some(count) if number >= since.saturating_add(count) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl<T: Scalar, F: FnMut(&[T]) -> Result<f64> + Send> Observer<T> for KeepBest<T, F> {
    fn start(&mut self, at: &Start<'_, T>) -> ControlFlow<()> {
        self.consider(at.done, at.theta)
    }

    fn iteration(&mut self, at: &Moment<'_, T, Iteration>) -> ControlFlow<()> {
        self.consider(at.record.number, at.theta)
    }

    fn epoch(&mut self, at: &Moment<'_, T, Epoch>) -> ControlFlow<()> {
        self.consider(at.record.number, at.theta)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for KeepBest<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepBest")
            .field("patience", &self.patience)
            .field("number", &self.best.as_ref().map(|best| best.number))
            .field("score", &self.best.as_ref().map(|best| best.score))
            .finish_non_exhaustive()
    }
}
