//! Saving the state of a run while it goes on.

use crate::{Checkpoint, DataError};
use osculant_optim::train::{Epoch, Iteration, Moment, Observer, State};
use osculant_tape::Scalar;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Saves a run's state every so many iterations, or epochs: one file, which the next takes the
/// place of, whole or not at all.
///
/// What was saved last is what [`Checkpoint::load`] gives, to be handed to the trainer's `resume`.
/// A run that ends between two of these has its last state in its report.
///
/// # Errors
/// A file that cannot be written ends the run, which then says that its observer did, and leaves
/// what was saved before; [`Checkpoints::finish`] returns the error.
///
/// # Example
/// ```
/// use osculant_data::{Checkpoint, Checkpoints};
/// use osculant_layers::{Layers, Network};
/// use osculant_optim::Objective;
/// use osculant_optim::examples::Paired;
/// use osculant_optim::loss::SquaredLoss;
/// use osculant_optim::train::NewtonCg;
///
/// let net = Network::<f64>::new([1], |x| x.dense(4).tanh().dense(1))?;
/// let data = Paired::new([1], vec![-1.0, 0.0, 1.0, 2.0], 1, vec![1.0, 0.0, 1.0, 4.0])?;
/// let objective = Objective::new(&net, SquaredLoss, &data)?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("run.safetensors");
/// let mut checkpoints = Checkpoints::at(&path).every(2);
/// let whole = NewtonCg::default().iterations(5);
/// let whole = whole.train_observed(&objective, net.init(1), &mut checkpoints)?;
/// checkpoints.finish()?;
///
/// let state = Checkpoint::load(&path)?.state.ok_or("nothing was saved")?;
/// assert_eq!(state.iteration, 4);
/// let resumed = NewtonCg::default().iterations(5).resume(&objective, state, &mut ())?;
/// assert_eq!(resumed.theta, whole.theta);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Checkpoints {
    path: PathBuf,
    every: usize,
    error: Option<DataError>,
}

impl Checkpoints {
    /// After every iteration, in this file.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Checkpoints {
            path: path.into(),
            every: 1,
            error: None,
        }
    }

    /// After every so many iterations, or epochs; at least one.
    pub fn every(mut self, count: usize) -> Self {
        self.every = count.max(1);
        self
    }

    /// Says whether all was saved.
    ///
    /// # Errors
    /// The one that ended the run: see [`write_whole`](crate::write_whole).
    pub fn finish(self) -> Result<(), DataError> {
        self.error.map_or(Ok(()), Err)
    }

    fn save<T: Scalar>(&mut self, number: usize, state: &dyn Fn() -> State<T>) -> ControlFlow<()> {
        if number.is_multiple_of(self.every)
            && let Err(error) = Checkpoint::new(Some(state())).save(&self.path)
        {
            self.error = Some(error);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl<T: Scalar> Observer<T> for Checkpoints {
    fn iteration(&mut self, at: &Moment<'_, T, Iteration>) -> ControlFlow<()> {
        self.save(at.record.number, &|| at.state())
    }

    fn epoch(&mut self, at: &Moment<'_, T, Epoch>) -> ControlFlow<()> {
        self.save(at.record.number, &|| at.state())
    }
}
