//! Losses whose target is the input: autoencoders.

use super::{Convexity, Loss};
use crate::error::{OptimError, Result};
use osculant_tape::Scalar;
use std::fmt;
use std::marker::PhantomData;

/// A loss on vectors that compares the output with the example's own input.
///
/// The targets of the data are ignored, of whatever type `Y` they are, so that a labelled data
/// set serves as it is.
///
/// # Shapes
///
/// z as many numbers as the input x, in the same order. Keeps what the inner loss keeps.
///
/// # Formula
///
/// ```text
/// ξ(z; y, x) = inner(z; x)
/// ```
///
/// An example counts once, whatever the inner loss counts.
///
/// # Reference
///
/// Hinton and Salakhutdinov, *Reducing the dimensionality of data with neural networks*, Science
/// 313, 2006: with [`LogisticLoss`](super::LogisticLoss), on inputs in [0, 1].
///
/// # Errors
///
/// What the inner loss refuses as a target: inputs of another size than the output, or outside
/// its domain.
///
/// # Example
///
/// ```
/// use osculant_layers::{Layers, Network};
/// use osculant_optim::Objective;
/// use osculant_optim::examples::Labelled;
/// use osculant_optim::loss::{LogisticLoss, ToInput};
///
/// let net = Network::<f64>::new([4], |x| x.dense(2).dense(4))?;
/// let data = Labelled::new([4], vec![0.0, 1.0, 1.0, 0.0, 1.0, 0.5, 0.5, 1.0], vec![0, 1])?;
/// let objective = Objective::new(&net, ToInput::new(LogisticLoss), &data)?;
/// assert!(objective.value(&net.init(0))? > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ToInput<L, Y: ?Sized> {
    inner: L,
    ignored: PhantomData<fn(&Y)>,
}

impl<L, Y: ?Sized> ToInput<L, Y> {
    /// This loss, with the input as target.
    pub fn new(inner: L) -> Self {
        ToInput {
            inner,
            ignored: PhantomData,
        }
    }
}

impl<L: fmt::Debug, Y: ?Sized> fmt::Debug for ToInput<L, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ToInput").field(&self.inner).finish()
    }
}

impl<T: Scalar, L: Loss<T, Target = [T]>, Y: ?Sized + Sync> Loss<T> for ToInput<L, Y> {
    type Target = Y;

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn check_output(&self, shape: &[usize]) -> Result<()> {
        self.inner.check_output(shape)
    }

    fn check_target(&self, _shape: &[usize], _y: &Y) -> Result<()> {
        Ok(())
    }

    fn check_input(&self, shape: &[usize], x: &[T]) -> Result<()> {
        let checked = self.inner.check_target(shape, x);
        checked.map_err(|error| match error {
            OptimError::Target { loss, message } => OptimError::Target {
                loss,
                message: format!("{message} (the target is the input)"),
            },
            OptimError::Length {
                what,
                found,
                expected,
                hint,
            } => OptimError::Length {
                what,
                found,
                expected,
                hint: format!("{hint}; the target is the input"),
            },
            other => other,
        })
    }

    fn convexity(&self) -> Convexity {
        self.inner.convexity()
    }

    fn kept(&self, shape: &[usize]) -> usize {
        self.inner.kept(shape)
    }

    fn value(&self, z: &[T], _y: &Y, x: &[T], kept: &mut [T]) -> f64 {
        self.inner.value(z, x, x, kept)
    }

    fn gradient(&self, z: &[T], _y: &Y, x: &[T], kept: &[T], g: &mut [T]) {
        self.inner.gradient(z, x, x, kept, g);
    }

    fn curvature(&self, z: &[T], _y: &Y, x: &[T], kept: &[T], dz: &[T], out: &mut [T]) {
        self.inner.curvature(z, x, x, kept, dz, out);
    }

    fn factor_columns(&self, shape: &[usize]) -> Option<usize> {
        self.inner.factor_columns(shape)
    }

    fn factor(&self, z: &[T], _y: &Y, x: &[T], kept: &[T], column: usize, out: &mut [T]) {
        self.inner.factor(z, x, x, kept, column, out);
    }
}
