//! Class labels for losses on vectors, as one-hot vectors.

use super::{Convexity, Loss};
use crate::error::{OptimError, Result};
use osculant_tape::Scalar;

/// A loss on vectors, applied to class labels as one-hot vectors.
///
/// # Shapes
///
/// z `[m]`, one output per class; y a label in 0..m. Keeps the one-hot vector, m numbers per
/// example, and what the inner loss keeps: products allocate nothing.
///
/// # Formula
///
/// ```text
/// ξ(z; y) = inner(z; eᵧ)      eᵧ the unit vector number y
/// ```
///
/// An example counts once, whatever the inner loss counts.
///
/// # Reference
///
/// `OnLabels(SquaredLoss)` is the loss of Wang, Tan and Lin, *Newton methods for convolutional
/// neural networks*, ACM TIST 11(2), 2020.
///
/// # Errors
///
/// Outputs with several axes, labels that are not below m, and what the inner loss refuses.
///
/// # Example
///
/// ```
/// use osculant_optim::loss::{Loss, OnLabels, SquaredLoss};
/// let loss = OnLabels(SquaredLoss);
/// let mut kept = vec![0.0; 3];
/// assert_eq!(loss.value(&[0.0, 0.0, 1.0], &1, &[], &mut kept), 2.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnLabels<L>(pub L);

impl<T: Scalar, L: Loss<T, Target = [T]>> Loss<T> for OnLabels<L> {
    type Target = u32;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn check_output(&self, shape: &[usize]) -> Result<()> {
        if shape.len() != 1 {
            return Err(OptimError::Output {
                loss: self.0.name().into(),
                shape: shape.to_vec(),
                message: "with class labels it wants one axis, one output per class; flatten \
                          the output"
                    .into(),
            });
        }
        self.0.check_output(shape)
    }

    fn check_target(&self, shape: &[usize], y: &u32) -> Result<()> {
        let classes = shape.iter().product();
        let label = *y as usize;
        if label >= classes {
            return Err(OptimError::Label {
                loss: self.0.name().into(),
                label: *y,
                classes,
            });
        }
        let mut one_hot = vec![T::zero(); classes];
        one_hot[label] = T::one();
        self.0.check_target(shape, &one_hot)
    }

    fn check_input(&self, shape: &[usize], x: &[T]) -> Result<()> {
        self.0.check_input(shape, x)
    }

    fn convexity(&self) -> Convexity {
        self.0.convexity()
    }

    fn kept(&self, shape: &[usize]) -> usize {
        shape.iter().product::<usize>() + self.0.kept(shape)
    }

    fn value(&self, z: &[T], y: &u32, x: &[T], kept: &mut [T]) -> f64 {
        let (one_hot, kept) = kept.split_at_mut(z.len().min(kept.len()));
        one_hot.fill(T::zero());
        match one_hot.get_mut(*y as usize) {
            Some(one) => *one = T::one(),
            None => return f64::NAN,
        }
        self.0.value(z, one_hot, x, kept)
    }

    fn gradient(&self, z: &[T], _y: &u32, x: &[T], kept: &[T], g: &mut [T]) {
        let (one_hot, kept) = kept.split_at(z.len().min(kept.len()));
        self.0.gradient(z, one_hot, x, kept, g);
    }

    fn curvature(&self, z: &[T], _y: &u32, x: &[T], kept: &[T], dz: &[T], out: &mut [T]) {
        let (one_hot, kept) = kept.split_at(z.len().min(kept.len()));
        self.0.curvature(z, one_hot, x, kept, dz, out);
    }

    fn factor_columns(&self, shape: &[usize]) -> Option<usize> {
        self.0.factor_columns(shape)
    }

    fn factor(&self, z: &[T], _y: &u32, x: &[T], kept: &[T], column: usize, out: &mut [T]) {
        let (one_hot, kept) = kept.split_at(z.len().min(kept.len()));
        self.0.factor(z, one_hot, x, kept, column, out);
    }
}
