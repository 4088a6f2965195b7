//! The Jacobian of the network's outputs.

use super::{LinearOperator, expect_adjoint, expect_apply};
use crate::error::Result;
use crate::objective::Local;
use osculant_tape::linearize::{Choice, TileData};
use osculant_tape::{GraphError, Scalar};
use std::fmt;
use std::sync::Arc;

/// J, by products: J v is one jvp, Jᵀu one vjp.
///
/// Made by [`Model::jacobian`](crate::Model::jacobian).
///
/// # Shapes
/// l·m × n: the m outputs of example 0, then those of example 1, and so on. Weights and 1/W are
/// not in it.
///
/// # Formula
/// Jⁱ = ∂zⁱ/∂θ
///
/// # Errors
/// A vector that doesn't fit or isn't finite; a product that isn't finite, with its node.
pub struct Jacobian<'o, T: Scalar> {
    local: Arc<Local<'o, T>>,
}

impl<T: Scalar> fmt::Debug for Jacobian<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jacobian").field(&self.local.lin).finish()
    }
}

impl<'o, T: Scalar> Jacobian<'o, T> {
    pub(crate) fn new(local: Arc<Local<'o, T>>) -> Self {
        Jacobian { local }
    }

    /// Which route its products take, and, displayed, why; see
    /// [`Model::expect_products`](crate::Model::expect_products).
    pub fn route(&self) -> &Choice {
        self.local.lin.route()
    }

    /// All of J, row-major.
    ///
    /// # Errors
    /// More than `limit` bytes.
    pub fn explicit(&self, limit: usize) -> Result<Vec<T>> {
        let (n, m, l) = (
            self.cols(),
            self.local.outputs_per_example(),
            self.local.lin.len(),
        );
        // The result, and one output's rows on their way into it.
        self.guard("an explicit Jacobian", (l * m).saturating_add(l), limit)?;
        let mut jacobian = vec![T::zero(); l * m * n];
        let mut rows = vec![T::zero(); l * n];
        for j in 0..m {
            let unit = |_: &TileData<'_, T>, u: Option<&mut [T]>| {
                for u in u.into_iter().flat_map(|u| u.chunks_exact_mut(m)) {
                    u.fill(T::zero());
                    u[j] = T::one();
                }
                Ok(0.0)
            };
            self.local.lin.per_example_into(&unit, &mut rows)?;
            for (i, row) in rows.chunks_exact(n.max(1)).enumerate() {
                jacobian[(i * m + j) * n..][..n].copy_from_slice(row);
            }
        }
        Ok(jacobian)
    }

    /// Jᵀ∇ξ of every example on its own: l rows of n numbers.
    ///
    /// # Errors
    /// More than `limit` bytes.
    pub fn per_example_gradients(&self, limit: usize) -> Result<Vec<T>> {
        let (n, l) = (self.cols(), self.local.lin.len());
        self.guard("per-example gradients", l, limit)?;
        let mut rows = vec![T::zero(); l * n];
        self.per_example_gradients_into(&mut rows)?;
        Ok(rows)
    }

    /// The same, written over `out`: l rows of n numbers.
    ///
    /// # Errors
    /// Room of another length.
    pub fn per_example_gradients_into(&self, out: &mut [T]) -> Result<()> {
        let state = &self.local.state;
        let gradient = |data: &TileData<'_, T>, u: Option<&mut [T]>| {
            if let Some(u) = u {
                state.gradient(data, false, u);
            }
            Ok(0.0)
        };
        Ok(self.local.lin.per_example_into(&gradient, out)?)
    }

    fn guard(&self, what: &str, rows: usize, limit: usize) -> Result<()> {
        let bytes = rows
            .saturating_mul(self.cols())
            .saturating_mul(size_of::<T>());
        if bytes <= limit {
            return Ok(());
        }
        let hint = "use products with J, take fewer examples, or raise the limit".to_string();
        Err(GraphError::Memory {
            what: what.into(),
            bytes,
            limit,
            hint,
        }
        .into())
    }
}

impl<T: Scalar> LinearOperator<T> for Jacobian<'_, T> {
    fn rows(&self) -> usize {
        self.local.lin.len() * self.local.outputs_per_example()
    }

    fn cols(&self) -> usize {
        self.local.objective.dimension()
    }

    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        expect_apply(self, v, out)?;
        Ok(self.local.lin.jvp_into(v, out)?)
    }

    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        expect_adjoint(self, u, out)?;
        Ok(self.local.lin.vjp_into(u, out)?)
    }

    fn is_parallel(&self) -> bool {
        self.local.is_parallel()
    }
}
