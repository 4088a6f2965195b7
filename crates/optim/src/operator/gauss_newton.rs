//! The Gauss-Newton matrix.

use super::{LinearOperator, SelfAdjoint, expect_apply, expect_block};
use crate::error::{OptimError, Result, expect_finite};
use crate::objective::Local;
use osculant_tape::Scalar;
use osculant_tape::linearize::{Choice, TileData};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// G, by products: jvp → B → vjp, at about the price of a gradient or less.
///
/// Made by [`Model::gauss_newton`](crate::Model::gauss_newton). It linearized once; its products
/// repeat none of that, unless the memory budget says so. Two routes lead to a product, and
/// [`route`](Self::route) tells which one this operator takes and why.
///
/// # Shapes
/// n × n, symmetric; positive semidefinite if the loss is convex, definite if also C is finite.
///
/// # Formula
/// G = 1/C I + 1/W Σ wᵢ (Jⁱ)ᵀ Bⁱ Jⁱ. It includes 1/C and never a damping λ; for that, see
/// [`Shifted`](super::Shifted).
///
/// # Reference
/// Schraudolph, *Neural Computation* 14(7), 2002, §3.
///
/// # Errors
/// A vector that doesn't fit or isn't finite; a product that isn't finite, with its node.
#[derive(Clone)]
pub struct GaussNewton<'o, T: Scalar> {
    local: Arc<Local<'o, T>>,
}

impl<T: Scalar> fmt::Debug for GaussNewton<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GaussNewton").field(&self.local.lin).finish()
    }
}

/// Writes the columns of a loss's matrix for a tile, and says how many there are.
type LossColumns<'a, T> = dyn Fn(&TileData<'_, T>, &mut [T]) -> Result<usize> + Sync + 'a;

impl<'o, T: Scalar> GaussNewton<'o, T> {
    pub(crate) fn new(local: Arc<Local<'o, T>>) -> Self {
        GaussNewton { local }
    }

    /// The numbers of the examples that it averages over.
    pub fn examples(&self) -> &[usize] {
        self.local.lin.examples()
    }

    /// Which route its products take, and, displayed, why; see
    /// [`Model::expect_products`](crate::Model::expect_products).
    pub fn route(&self) -> &Choice {
        self.local.lin.route()
    }

    /// The outputs z of these examples, l·m numbers.
    pub fn outputs(&self) -> Vec<T> {
        self.local.outputs()
    }

    /// The exact diagonal of G, n numbers: 1/C + 1/W Σ wᵢ Σ_c (Jᵀs_c)², where B = SSᵀ.
    ///
    /// # Errors
    /// A B that is not positive semidefinite, with its example.
    pub fn diagonal(&self) -> Result<Vec<T>> {
        let state = &self.local.state;
        self.squares(self.local.outputs_per_example(), &|data, out| {
            state.columns(data, out)
        })
    }

    /// The diagonal of the empirical Fisher matrix, n numbers: 1/C + 1/W Σ wᵢ (∇ξⁱ)², ∇ξⁱ the
    /// gradient of an example's loss by θ.
    ///
    /// # Errors
    /// A gradient that isn't finite.
    pub fn empirical_fisher_diagonal(&self) -> Result<Vec<T>> {
        let state = &self.local.state;
        let diagonal = self.squares(1, &|data, out| {
            state.gradient_root(data, out);
            Ok(1)
        })?;
        expect_finite("the diagonal of the empirical Fisher matrix", &diagonal)?;
        Ok(diagonal)
    }

    /// 1/C + Σ over examples and columns c of (Jᵀs_c)², for at most `most` columns.
    fn squares(&self, most: usize, columns: &LossColumns<'_, T>) -> Result<Vec<T>> {
        let Local { objective, lin, .. } = &*self.local;
        let mut out = vec![T::zero(); objective.dimension()];
        // The first example's error, whichever thread meets one first.
        let wrong: Mutex<Option<(usize, OptimError)>> = Mutex::new(None);
        let columns = |data: &TileData<'_, T>, out: &mut [T]| {
            columns(data, out).or_else(|error| {
                let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                let first = data.positions.start;
                if wrong.as_ref().is_none_or(|(at, _)| first < *at) {
                    *wrong = Some((first, error));
                }
                Ok(0)
            })
        };
        let summed = self.local.on_pool(|| {
            lin.squares_into(most, &columns, &mut out)?;
            objective.regularizer().add_diagonal(&mut out);
            Ok(())
        });
        if let Some((_, error)) = wrong.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        summed.map(|()| out)
    }

    /// B of the example at this position of [`examples`](Self::examples), m × m, row-major,
    /// without its weight.
    ///
    /// # Errors
    /// A position beyond the examples.
    pub fn loss_curvature(&self, position: usize) -> Result<Vec<T>> {
        self.local.curvature_of(position)
    }
}

impl<T: Scalar> LinearOperator<T> for GaussNewton<'_, T> {
    fn rows(&self) -> usize {
        self.local.objective.dimension()
    }

    fn cols(&self) -> usize {
        self.local.objective.dimension()
    }

    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        expect_apply(self, v, out)?;
        let Local {
            objective,
            lin,
            state,
        } = &*self.local;
        let b = |data: &TileData<'_, T>, dz: &[T], u: &mut [T]| state.curvature(data, dz, u);
        self.local.on_pool(|| {
            lin.product_into(v, &b, out)?;
            objective.regularizer().add_product(v, out)
        })
    }

    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.apply_into(u, out)
    }

    fn apply_block_into(&self, k: usize, v: &[T], out: &mut [T]) -> Result<()> {
        expect_block(self, k, v, out)?;
        let Local {
            objective,
            lin,
            state,
        } = &*self.local;
        let b = |data: &TileData<'_, T>, dz: &[T], u: &mut [T]| state.curvature(data, dz, u);
        let n = self.rows().max(1);
        self.local.on_pool(|| {
            lin.product_block_into(k, v, &b, out)?;
            let mut pairs = v.chunks_exact(n).zip(out.chunks_exact_mut(n));
            pairs.try_for_each(|(v, out)| objective.regularizer().add_product(v, out))
        })
    }

    fn is_parallel(&self) -> bool {
        self.local.is_parallel()
    }
}

impl<T: Scalar> SelfAdjoint<T> for GaussNewton<'_, T> {}
