//! Matrices that are stored, for tests and small problems.

use super::{LinearOperator, SelfAdjoint, expect_adjoint, expect_apply, expect_square};
use crate::error::{OptimError, Result, expect_finite, expect_length};
use osculant_tape::Scalar;

/// A stored matrix, row after row. Sums accumulate in `f64`.
///
/// # Errors
///
/// A list of entries of the wrong length, or not finite.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::{LinearOperator, Matrix};
/// let a = Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(a.apply(&[1.0, 0.0, 1.0])?, [4.0, 10.0]);
/// assert_eq!(a.apply_adjoint(&[1.0, 1.0])?, [5.0, 7.0, 9.0]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix<T> {
    rows: usize,
    cols: usize,
    entries: Vec<T>,
}

impl<T: Scalar> Matrix<T> {
    /// The matrix with these entries, row after row.
    pub fn new(rows: usize, cols: usize, entries: Vec<T>) -> Result<Self> {
        let expected = rows.saturating_mul(cols);
        let hint = format!("{rows} rows of {cols}");
        expect_length("the list of entries", entries.len(), expected, &hint)?;
        expect_finite("the matrix", &entries)?;
        Ok(Matrix {
            rows,
            cols,
            entries,
        })
    }

    /// The matrix of any operator, from one product per column.
    pub fn of<A: LinearOperator<T> + ?Sized>(a: &A) -> Result<Self> {
        let (rows, cols) = (a.rows(), a.cols());
        if rows
            .checked_mul(cols)
            .is_none_or(|n| n > isize::MAX as usize / 8)
        {
            return Err(OptimError::invalid(
                "the shape of the operator",
                format!("{rows} × {cols}"),
                "its matrix does not fit in memory; use products",
            ));
        }
        let mut entries = vec![T::zero(); rows * cols];
        let (mut unit, mut column) = (vec![T::zero(); cols], vec![T::zero(); rows]);
        for j in 0..cols {
            unit[j] = T::one();
            a.apply_into(&unit, &mut column)?;
            unit[j] = T::zero();
            for (i, &x) in column.iter().enumerate() {
                entries[i * cols + j] = x;
            }
        }
        Matrix::new(rows, cols, entries)
    }

    /// The entries, row after row.
    pub fn entries(&self) -> &[T] {
        &self.entries
    }

    /// Row `i`; empty if there is none.
    pub fn row(&self, i: usize) -> &[T] {
        if i >= self.rows {
            return &[];
        }
        &self.entries[i * self.cols..(i + 1) * self.cols]
    }
}

impl<T: Scalar> LinearOperator<T> for Matrix<T> {
    fn rows(&self) -> usize {
        self.rows
    }
    fn cols(&self) -> usize {
        self.cols
    }
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        expect_apply(self, v, out)?;
        for (i, out) in out.iter_mut().enumerate() {
            let terms = self.row(i).iter().zip(v);
            *out = T::from_f64(terms.map(|(&a, &v)| a.to_f64() * v.to_f64()).sum());
        }
        Ok(())
    }
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        expect_adjoint(self, u, out)?;
        for (j, out) in out.iter_mut().enumerate() {
            let terms = u.iter().enumerate();
            let sum = terms.map(|(i, &u)| self.entries[i * self.cols + j].to_f64() * u.to_f64());
            *out = T::from_f64(sum.sum());
        }
        Ok(())
    }
    fn is_parallel(&self) -> bool {
        false
    }
}

/// A stored symmetric matrix.
///
/// # Errors
///
/// As for [`Matrix`]; a matrix that is not square, or not symmetric to rounding.
///
/// # Example
///
/// ```
/// use osculant_optim::operator::{LinearOperator, Symmetric};
/// let a = Symmetric::new(2, vec![2.0, 1.0, 1.0, 2.0])?;
/// assert_eq!(a.apply(&[1.0, -1.0])?, [1.0, -1.0]);
/// assert!(Symmetric::new(2, vec![2.0, 1.0, 0.0, 2.0]).is_err());
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Symmetric<T>(Matrix<T>);

impl<T: Scalar> Symmetric<T> {
    /// The n × n matrix with these entries; what differs by rounding across the diagonal is
    /// replaced by the mean.
    pub fn new(n: usize, entries: Vec<T>) -> Result<Self> {
        Symmetric::try_from(Matrix::new(n, n, entries)?)
    }

    /// The matrix of any self-adjoint operator, from one product per column.
    pub fn of<A: SelfAdjoint<T> + ?Sized>(a: &A) -> Result<Self> {
        Symmetric::try_from(Matrix::of(a)?)
    }

    /// The entries, row after row.
    pub fn entries(&self) -> &[T] {
        self.0.entries()
    }
}

impl<T: Scalar> TryFrom<Matrix<T>> for Symmetric<T> {
    type Error = OptimError;

    fn try_from(mut a: Matrix<T>) -> Result<Self> {
        expect_square(&a)?;
        let n = a.rows;
        let largest = a.entries.iter().fold(0f64, |l, &x| l.max(x.to_f64().abs()));
        // √ε of the largest entry: far above rounding, far below a forgotten transpose.
        let tolerance = T::epsilon().to_f64().sqrt() * largest;
        for i in 0..n {
            for j in 0..i {
                let (lower, upper) = (a.entries[i * n + j].to_f64(), a.entries[j * n + i].to_f64());
                if (lower - upper).abs() > tolerance {
                    return Err(OptimError::invalid(
                        &format!("entry ({i}, {j})"),
                        format!("{lower}, and entry ({j}, {i}) is {upper}"),
                        "the matrix must be symmetric; use `Matrix` for others",
                    ));
                }
                let mean = T::from_f64(lower + 0.5 * (upper - lower));
                a.entries[i * n + j] = mean;
                a.entries[j * n + i] = mean;
            }
        }
        Ok(Symmetric(a))
    }
}

impl<T: Scalar> LinearOperator<T> for Symmetric<T> {
    fn rows(&self) -> usize {
        self.0.rows
    }
    fn cols(&self) -> usize {
        self.0.cols
    }
    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        self.0.apply_into(v, out)
    }
    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.0.apply_into(u, out)
    }
    fn is_parallel(&self) -> bool {
        false
    }
}

impl<T: Scalar> SelfAdjoint<T> for Symmetric<T> {}
