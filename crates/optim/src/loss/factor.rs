//! A factor S of a loss's curvature, B = SSᵀ: the loss's own, or one derived from products.

use super::Loss;
use crate::error::{OptimError, Result, expect_length};
use osculant_tape::Scalar;

/// A factor S with B = SSᵀ for one example at a time, in buffers that are used again.
///
/// If the loss states a factor, that one; otherwise m products give B, and a Cholesky
/// factorization with complete pivoting, in `f64`, gives S with as many columns as B has rank.
///
/// # Shapes
///
/// S has m rows, one per output, and [`columns`](SquareRoot::columns) columns.
///
/// # Formula
///
/// ```text
/// B = SSᵀ, hence G = 1/C I + 1/l Σ (SᵀJ)ᵀ(SᵀJ)
/// ```
///
/// # Reference
///
/// Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed. 2002, §10.3.
///
/// # Errors
///
/// [`OptimError::NotPositiveSemidefinite`] names the example whose B has no factor.
///
/// # Example
///
/// ```
/// use osculant_optim::loss::{Loss, SoftmaxCrossEntropy, SquareRoot};
/// let (z, mut kept) = ([0.0f64, 0.0], [0.0; 2]);
/// SoftmaxCrossEntropy.value(&z, &0, &[], &mut kept);
/// let mut root = SquareRoot::new();
/// root.compute(&SoftmaxCrossEntropy, 0, &[2], &z, &0, &[], &kept)?;
/// let b00: f64 = (0..root.columns()).map(|c| root.column(c)[0].powi(2)).sum();
/// assert!((b00 - 0.25).abs() < 1e-15);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SquareRoot<T> {
    rows: usize,
    columns: usize,
    /// Column after column.
    factor: Vec<T>,
    unit: Vec<T>,
    product: Vec<T>,
    dense: Vec<f64>,
    /// The roots of B's diagonal.
    roots: Vec<f64>,
}

impl<T: Scalar> SquareRoot<T> {
    /// Without buffers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of columns of S.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Column number `c` of S; empty if there is none.
    pub fn column(&self, c: usize) -> &[T] {
        if c >= self.columns {
            return &[];
        }
        &self.factor[c * self.rows..(c + 1) * self.rows]
    }

    /// Computes S for one example; `kept` is what the loss's `value` filled for it.
    // What a loss sees of an example, and which example it is.
    #[allow(clippy::too_many_arguments)]
    pub fn compute<L: Loss<T> + ?Sized>(
        &mut self,
        loss: &L,
        example: usize,
        shape: &[usize],
        z: &[T],
        y: &L::Target,
        x: &[T],
        kept: &[T],
    ) -> Result<()> {
        let m = z.len();
        expect_length("the output", m, shape.iter().product(), "from its shape")?;
        self.rows = m;
        self.columns = 0;
        if let Some(columns) = loss.factor_columns(shape) {
            self.factor.resize(m * columns, T::zero());
            for (c, out) in self.factor.chunks_exact_mut(m.max(1)).enumerate() {
                loss.factor(z, y, x, kept, c, out);
            }
            self.columns = columns;
            return Ok(());
        }
        self.unit.clear();
        self.unit.resize(m, T::zero());
        self.product.resize(m, T::zero());
        self.dense.clear();
        for k in 0..m {
            self.unit[k] = T::one();
            loss.curvature(z, y, x, kept, &self.unit, &mut self.product);
            self.unit[k] = T::zero();
            self.dense.extend(self.product.iter().map(|&b| b.to_f64()));
        }
        self.cholesky()
            .map_err(|message| OptimError::NotPositiveSemidefinite {
                loss: loss.name().into(),
                example,
                message,
            })
    }

    /// Outer-product Cholesky with complete pivoting of `dense`, which it uses up.
    fn cholesky(&mut self) -> Result<(), String> {
        let (m, b, roots) = (self.rows, &mut self.dense, &mut self.roots);
        if let Some(at) = b.iter().position(|b| !b.is_finite()) {
            return Err(format!("B[{}][{}] is {}", at / m, at % m, b[at]));
        }
        for i in 0..m {
            for j in 0..i {
                let mean = 0.5 * b[i * m + j] + 0.5 * b[j * m + i];
                b[i * m + j] = mean;
                b[j * m + i] = mean;
            }
        }
        // Products in T carry its rounding, once per term of a sum of up to m. It is relative to
        // each entry's own row and column: a small curvature beside a large one is no rounding.
        let rounding = 8.0 * (m as f64) * T::epsilon().to_f64();
        roots.clear();
        roots.extend((0..m).map(|k| b[k * m + k].max(0.0).sqrt()));
        // What is left of a diagonal entry, as a share of it.
        let left = |b: &[f64], k: usize| match roots[k] * roots[k] {
            0.0 => 0.0,
            whole => b[k * m + k] / whole,
        };
        self.factor.clear();
        for _ in 0..m {
            let pivot = (0..m).fold(0, |p, k| if left(b, k) > left(b, p) { k } else { p });
            if left(b, pivot) <= rounding {
                break;
            }
            let start = self.factor.len();
            let root = b[pivot * m + pivot].sqrt();
            self.factor
                .extend((0..m).map(|i| T::from_f64(b[i * m + pivot] / root)));
            let column = &self.factor[start..];
            for (row, &s) in b.chunks_exact_mut(m).zip(column) {
                for (b, &t) in row.iter_mut().zip(column) {
                    *b -= s.to_f64() * t.to_f64();
                }
            }
            self.columns += 1;
        }
        // What is left must be rounding: a negative diagonal or anything beside the diagonal
        // shows a negative eigenvalue.
        let is_more = |at: &usize| b[*at].abs() > rounding * roots[at / m] * roots[at % m];
        match (0..m * m).find(is_more) {
            None => Ok(()),
            Some(at) => Err(format!(
                "after {} pivots, {} is left at row {} and column {}",
                self.columns,
                b[at],
                at / m,
                at % m
            )),
        }
    }
}
