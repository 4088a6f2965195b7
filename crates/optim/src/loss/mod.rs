//! Losses: what a network's output costs, with the curvature B that the loss owns.
//!
//! A loss is one file. It states its value, its gradient and the product `B·v` with
//! `B = ∂²ξ/∂z∂z`; every operator and every solver follows from these. To add one, implement
//! [`Loss`] and hand it to `check::check_loss` (feature `check`).
//!
//! | loss | ξ(z; y) | target |
//! |---|---|---|
//! | [`SquaredLoss`] | ‖z − y‖² | `[T]` |
//! | [`SoftmaxCrossEntropy`] | −log softmax(z)ᵧ | `u32` |
//! | [`LogisticLoss`] | Σ log(1 + exp zₖ) − yₖzₖ | `[T]` |
//! | [`PoissonLoss`] | Σ exp zₖ − yₖzₖ | `[T]` |
//! | [`HuberLoss`] | Σ ½r² near 0, δ(\|r\| − ½δ) beyond δ | `[T]` |
//!
//! [`OnLabels`] lets a loss on vectors take class labels, as one-hot vectors; [`ToInput`] has it
//! compare the output with the input, as autoencoders do; [`PerPosition`] sums a loss over the
//! positions of a sequence or an image.

mod factor;
mod huber;
mod logistic;
mod on_labels;
mod per_position;
mod poisson;
mod softmax;
mod squared;
mod to_input;

pub use factor::SquareRoot;
pub use huber::HuberLoss;
pub use logistic::LogisticLoss;
pub use on_labels::OnLabels;
pub use per_position::PerPosition;
pub use poisson::PoissonLoss;
pub use softmax::SoftmaxCrossEntropy;
pub use squared::SquaredLoss;
pub use to_input::ToInput;

use crate::error::{OptimError, Result, expect_finite, expect_length};
use osculant_tape::Scalar;

/// Whether a loss is convex in the network's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convexity {
    /// B is positive semidefinite everywhere, hence so is the Gauss-Newton matrix.
    Convex,
    /// B may have negative eigenvalues: conjugate gradients may meet negative curvature.
    NotConvex,
}

/// What an output z costs, given the target y and the input x of the same example.
///
/// # Shapes
///
/// z, a gradient, `dz` and `out` have one number per output of the network, in row-major
/// order; x is the example's input, all inputs one after the other.
///
/// # Contract
///
/// - `check_output` is asked once, `check_target` and `check_input` once per example; the other
///   methods are called only with what passed. Lengths that disagree give meaningless numbers, never a panic.
/// - `value` fills `kept`, whatever it held before; `gradient`, `curvature` and `factor` read
///   it, for the same z, y and x.
/// - Outputs are overwritten, never added to, and never scaled: weights and 1/W are the
///   objective's.
/// - A value that overflows is infinite, one that has no meaning NaN; callers detect both.
///
/// # Example
///
/// A loss of one's own, ξ = Σ cosh(zₖ − yₖ) − 1, hence ∇ξ = sinh and B = diag cosh:
///
/// ```
/// use osculant_optim::loss::{Convexity, Loss};
/// use osculant_optim::Result;
///
/// struct CoshLoss;
///
/// impl Loss<f64> for CoshLoss {
///     type Target = [f64];
///     fn name(&self) -> &str { "cosh" }
///     fn check_output(&self, _shape: &[usize]) -> Result<()> { Ok(()) }
///     fn check_target(&self, _shape: &[usize], _y: &[f64]) -> Result<()> { Ok(()) }
///     fn convexity(&self) -> Convexity { Convexity::Convex }
///     fn value(&self, z: &[f64], y: &[f64], _x: &[f64], _kept: &mut [f64]) -> f64 {
///         z.iter().zip(y).map(|(z, y)| (z - y).cosh() - 1.0).sum()
///     }
///     fn gradient(&self, z: &[f64], y: &[f64], _x: &[f64], _kept: &[f64], g: &mut [f64]) {
///         for ((g, z), y) in g.iter_mut().zip(z).zip(y) {
///             *g = (z - y).sinh();
///         }
///     }
///     fn curvature(
///         &self, z: &[f64], y: &[f64], _x: &[f64], _kept: &[f64], dz: &[f64], out: &mut [f64],
///     ) {
///         for (((o, z), y), d) in out.iter_mut().zip(z).zip(y).zip(dz) {
///             *o = (z - y).cosh() * d;
///         }
///     }
/// }
///
/// assert_eq!(CoshLoss.value(&[2.0], &[2.0], &[], &mut []), 0.0);
/// ```
pub trait Loss<T: Scalar>: Send + Sync {
    /// What an example is compared with: a class label `u32`, a slice, a struct.
    type Target: ?Sized + Sync;

    /// The name in messages, such as `squared`.
    fn name(&self) -> &str;

    /// Refuses output shapes that the loss has no meaning for.
    fn check_output(&self, shape: &[usize]) -> Result<()>;

    /// Refuses targets that have no meaning for an output of this shape.
    fn check_target(&self, shape: &[usize], y: &Self::Target) -> Result<()>;

    /// Refuses inputs that have no meaning for an output of this shape: all pass, unless told.
    fn check_input(&self, _shape: &[usize], _x: &[T]) -> Result<()> {
        Ok(())
    }

    /// Whether B is positive semidefinite everywhere; a claim that the harness tests.
    fn convexity(&self) -> Convexity;

    /// How many terms this example counts for in W, such as the labels of a sequence.
    fn count(&self, _y: &Self::Target) -> f64 {
        1.0
    }

    /// How many numbers per example `value` keeps for the other methods.
    fn kept(&self, _shape: &[usize]) -> usize {
        0
    }

    /// ξ(z; y, x), accumulated in `f64`; fills `kept`.
    fn value(&self, z: &[T], y: &Self::Target, x: &[T], kept: &mut [T]) -> f64;

    /// g = ∇_z ξ.
    fn gradient(&self, z: &[T], y: &Self::Target, x: &[T], kept: &[T], g: &mut [T]);

    /// out = B·dz with B = ∂²ξ/∂z∂z.
    fn curvature(&self, z: &[T], y: &Self::Target, x: &[T], kept: &[T], dz: &[T], out: &mut [T]);

    /// The number of columns of a factor S with B = SSᵀ, or `None` if the loss states none.
    ///
    /// [`SquareRoot`] uses the stated factor, and derives one where there is none.
    fn factor_columns(&self, _shape: &[usize]) -> Option<usize> {
        None
    }

    /// out = column number `column` of S; called only below `factor_columns`.
    fn factor(
        &self,
        _z: &[T],
        _y: &Self::Target,
        _x: &[T],
        _kept: &[T],
        _column: usize,
        out: &mut [T],
    ) {
        out.fill(T::nan());
    }
}

macro_rules! loss_behind {
    ($pointer:ty) => {
        impl<T: Scalar, L: Loss<T> + ?Sized> Loss<T> for $pointer {
            type Target = L::Target;
            fn name(&self) -> &str {
                (**self).name()
            }
            fn check_output(&self, shape: &[usize]) -> Result<()> {
                (**self).check_output(shape)
            }
            fn check_target(&self, shape: &[usize], y: &L::Target) -> Result<()> {
                (**self).check_target(shape, y)
            }
            fn check_input(&self, shape: &[usize], x: &[T]) -> Result<()> {
                (**self).check_input(shape, x)
            }
            fn convexity(&self) -> Convexity {
                (**self).convexity()
            }
            fn count(&self, y: &L::Target) -> f64 {
                (**self).count(y)
            }
            fn kept(&self, shape: &[usize]) -> usize {
                (**self).kept(shape)
            }
            fn value(&self, z: &[T], y: &L::Target, x: &[T], kept: &mut [T]) -> f64 {
                (**self).value(z, y, x, kept)
            }
            fn gradient(&self, z: &[T], y: &L::Target, x: &[T], kept: &[T], g: &mut [T]) {
                (**self).gradient(z, y, x, kept, g)
            }
            fn curvature(
                &self,
                z: &[T],
                y: &L::Target,
                x: &[T],
                kept: &[T],
                dz: &[T],
                out: &mut [T],
            ) {
                (**self).curvature(z, y, x, kept, dz, out)
            }
            fn factor_columns(&self, shape: &[usize]) -> Option<usize> {
                (**self).factor_columns(shape)
            }
            fn factor(
                &self,
                z: &[T],
                y: &L::Target,
                x: &[T],
                kept: &[T],
                column: usize,
                out: &mut [T],
            ) {
                (**self).factor(z, y, x, kept, column, out)
            }
        }
    };
}

loss_behind!(&L);
loss_behind!(Box<L>);
loss_behind!(std::sync::Arc<L>);

/// Refuses an output without numbers.
///
/// # Errors
/// A shape that holds none.
pub fn expect_some_output(loss: &str, shape: &[usize]) -> Result<()> {
    if shape.contains(&0) {
        return Err(OptimError::Output {
            loss: loss.into(),
            shape: shape.to_vec(),
            message: "it has no numbers at all; every axis must be 1 or longer".into(),
        });
    }
    Ok(())
}

/// Refuses a vector of targets of the wrong length, or with NaN or infinity in it.
///
/// # Errors
/// Each of these, with the first number that is wrong.
pub fn expect_target<T: Scalar>(loss: &str, shape: &[usize], y: &[T]) -> Result<()> {
    let expected = shape.iter().product();
    let what = format!("the target of the {loss} loss");
    expect_length(
        &what,
        y.len(),
        expected,
        &format!("the output has shape {shape:?}"),
    )?;
    expect_finite(&what, y)
}

/// Refuses the first number of a target that is not in the loss's domain.
///
/// # Errors
/// That number, and where it stands.
pub fn expect_domain<T: Scalar>(
    loss: &str,
    y: &[T],
    inside: impl Fn(T) -> bool,
    domain: &str,
) -> Result<()> {
    match y.iter().position(|&y| !inside(y)) {
        None => Ok(()),
        Some(k) => Err(OptimError::Target {
            loss: loss.into(),
            message: format!("it is {} at index {k}, and {domain}", y[k]),
        }),
    }
}

/// out = value of `only` in position `column`, 0 elsewhere: a column of a diagonal factor.
fn diagonal_column<T: Scalar>(column: usize, only: T, out: &mut [T]) {
    for (k, entry) in out.iter_mut().enumerate() {
        *entry = if k == column { only } else { T::zero() };
    }
}
