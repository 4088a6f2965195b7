//! Curvature as a linear operator: products with a vector, never a stored matrix.
//!
//! Solvers know [`LinearOperator`] and nothing of networks. Operators compose: [`Shifted`]
//! adds a damping, [`Sum`] and [`Scaled`] combine, [`Identity`] and [`Diagonal`] are the simple
//! ones, [`Matrix`] and [`Symmetric`] hold a small matrix, for tests and small problems.

mod diagonal;
mod gauss_newton;
mod hessian;
mod identity;
mod jacobian;
mod matrix;
mod scaled;
mod scratch;
mod shifted;
mod sum;

pub use diagonal::Diagonal;
pub use gauss_newton::GaussNewton;
pub use hessian::Hessian;
pub use identity::Identity;
pub use jacobian::Jacobian;
pub use matrix::{Matrix, Symmetric};
pub use scaled::Scaled;
pub use shifted::Shifted;
pub use sum::Sum;

use crate::error::{OptimError, Result, expect_length};
use crate::vector;
use osculant_tape::Scalar;

/// A linear map from vectors of `cols` numbers to vectors of `rows` numbers.
///
/// # Contract
///
/// Products overwrite their output, give the same bits each time, and may be asked for from
/// several threads at once. [`expect_apply`] and its siblings check lengths.
///
/// # Errors
///
/// Vectors of the wrong length are refused, never a panic.
///
/// # Example
///
/// The second difference, which no one needs to store:
///
/// ```
/// use osculant_optim::operator::{LinearOperator, SelfAdjoint, expect_apply};
/// use osculant_optim::Result;
///
/// struct SecondDifference(usize);
///
/// impl LinearOperator<f64> for SecondDifference {
///     fn rows(&self) -> usize { self.0 }
///     fn cols(&self) -> usize { self.0 }
///     fn apply_into(&self, v: &[f64], out: &mut [f64]) -> Result<()> {
///         expect_apply(self, v, out)?;
///         for i in 0..self.0 {
///             let left = if i > 0 { v[i - 1] } else { 0.0 };
///             let right = v.get(i + 1).copied().unwrap_or(0.0);
///             out[i] = 2.0 * v[i] - left - right;
///         }
///         Ok(())
///     }
///     fn apply_adjoint_into(&self, u: &[f64], out: &mut [f64]) -> Result<()> {
///         self.apply_into(u, out)
///     }
/// }
/// impl SelfAdjoint<f64> for SecondDifference {}
///
/// assert_eq!(SecondDifference(3).apply(&[1.0, 2.0, 3.0])?, [0.0, 0.0, 4.0]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
pub trait LinearOperator<T: Scalar>: Send + Sync {
    /// The length of products A v.
    fn rows(&self) -> usize;

    /// The length of vectors v.
    fn cols(&self) -> usize;

    /// out = A v.
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()>;

    /// out = Aᵀ u.
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()>;

    /// out = A V for k vectors at once, each stored after the other: vector j is
    /// `v[j * cols..(j + 1) * cols]`, its product `out[j * rows..(j + 1) * rows]`.
    fn apply_block_into(&self, k: usize, v: &[T], out: &mut [T]) -> Result<()> {
        let (rows, cols) = (self.rows(), self.cols());
        expect_block(self, k, v, out)?;
        // Of vectors without numbers there may be any number.
        let count = if v.is_empty() && out.is_empty() { 0 } else { k };
        for j in 0..count {
            self.apply_into(
                &v[j * cols..(j + 1) * cols],
                &mut out[j * rows..(j + 1) * rows],
            )?;
        }
        Ok(())
    }

    /// A v in a vector of its own.
    fn apply(&self, v: &[T]) -> Result<Vec<T>> {
        let mut out = vec![T::zero(); self.rows()];
        self.apply_into(v, &mut out)?;
        Ok(out)
    }

    /// Aᵀ u in a vector of its own.
    fn apply_adjoint(&self, u: &[T]) -> Result<Vec<T>> {
        let mut out = vec![T::zero(); self.cols()];
        self.apply_adjoint_into(u, &mut out)?;
        Ok(out)
    }

    /// Whether a product runs on the thread pool. A solver then enters the pool once, for the
    /// whole solve, instead of once per product.
    fn is_parallel(&self) -> bool {
        self.rows().max(self.cols()) >= vector::PARALLEL
    }
}

/// An operator with Aᵀ = A, and as many rows as columns.
pub trait SelfAdjoint<T: Scalar>: LinearOperator<T> {}

macro_rules! operator_behind {
    ($pointer:ty) => {
        impl<T: Scalar, A: LinearOperator<T> + ?Sized> LinearOperator<T> for $pointer {
            fn rows(&self) -> usize {
                (**self).rows()
            }
            fn cols(&self) -> usize {
                (**self).cols()
            }
            fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
                (**self).apply_into(v, out)
            }
            fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
                (**self).apply_adjoint_into(u, out)
            }
            fn apply_block_into(&self, k: usize, v: &[T], out: &mut [T]) -> Result<()> {
                (**self).apply_block_into(k, v, out)
            }
            fn is_parallel(&self) -> bool {
                (**self).is_parallel()
            }
        }
        impl<T: Scalar, A: SelfAdjoint<T> + ?Sized> SelfAdjoint<T> for $pointer {}
    };
}

operator_behind!(&A);
operator_behind!(Box<A>);
operator_behind!(std::sync::Arc<A>);

/// Refuses lengths that do not fit a product A v.
///
/// # Errors
/// The first length that does not fit.
pub fn expect_apply<T: Scalar, A: LinearOperator<T> + ?Sized>(
    a: &A,
    v: &[T],
    out: &[T],
) -> Result<()> {
    expect_length("the vector v of A v", v.len(), a.cols(), "the columns of A")?;
    expect_length("the output of A v", out.len(), a.rows(), "the rows of A")
}

/// Refuses lengths that do not fit a product Aᵀ u.
///
/// # Errors
/// The first length that does not fit.
pub fn expect_adjoint<T: Scalar, A: LinearOperator<T> + ?Sized>(
    a: &A,
    u: &[T],
    out: &[T],
) -> Result<()> {
    expect_length("the vector u of Aᵀ u", u.len(), a.rows(), "the rows of A")?;
    expect_length(
        "the output of Aᵀ u",
        out.len(),
        a.cols(),
        "the columns of A",
    )
}

/// Refuses lengths that do not fit a product A V with k vectors.
///
/// # Errors
/// The first length that does not fit.
pub fn expect_block<T: Scalar, A: LinearOperator<T> + ?Sized>(
    a: &A,
    k: usize,
    v: &[T],
    out: &[T],
) -> Result<()> {
    let (rows, cols) = (k.saturating_mul(a.rows()), k.saturating_mul(a.cols()));
    expect_length(
        "the block V of A V",
        v.len(),
        cols,
        "k times the columns of A",
    )?;
    expect_length(
        "the output of A V",
        out.len(),
        rows,
        "k times the rows of A",
    )
}

/// Refuses an operator that is not square.
pub(crate) fn expect_square<T: Scalar, A: LinearOperator<T> + ?Sized>(a: &A) -> Result<()> {
    if a.rows() == a.cols() {
        return Ok(());
    }
    Err(OptimError::invalid(
        "the shape of the operator",
        format!("{} × {}", a.rows(), a.cols()),
        "it must be square",
    ))
}

/// Refuses a scalar that is not finite, in `f64` or after rounding to `T`.
fn expect_scalar<T: Scalar>(what: &str, value: f64) -> Result<T> {
    let rounded = T::from_f64(value);
    if rounded.is_finite() {
        return Ok(rounded);
    }
    Err(OptimError::invalid(
        what,
        value,
        &format!("it must be finite as a number of type {}", T::NAME),
    ))
}
