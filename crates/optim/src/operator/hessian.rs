//! The exact Hessian.

use super::{LinearOperator, SelfAdjoint, expect_apply};
use crate::error::Result;
use crate::objective::Local;
use osculant_tape::Scalar;
use osculant_tape::linearize::{Curved, TileData};
use std::fmt;
use std::sync::Arc;

/// ∇²f, by products: jvp → B → vjp_jvp.
///
/// Made by [`Model::hessian`](crate::Model::hessian). It keeps the gradient's cotangents too.
///
/// # Shapes
/// n × n, symmetric; it may be indefinite.
///
/// # Formula
/// ∇²f = G + 1/W Σ wᵢ Σⱼ (∂ξ/∂zⱼ) ∇²zⱼ
///
/// # Reference
/// Pearlmutter, *Neural Computation* 6(1), 1994.
///
/// # Errors
/// A vector that doesn't fit or isn't finite; a product that isn't finite, with its node.
pub struct Hessian<'o, T: Scalar> {
    local: Arc<Local<'o, T>>,
    curved: Curved<'o, T>,
}

impl<T: Scalar> fmt::Debug for Hessian<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hessian").field(&self.local.lin).finish()
    }
}

impl<'o, T: Scalar> Hessian<'o, T> {
    pub(crate) fn new(local: Arc<Local<'o, T>>) -> Result<Self> {
        let state = local.state.clone();
        let gradient = move |data: &TileData<'_, T>, u: Option<&mut [T]>| {
            if let Some(u) = u {
                state.gradient(data, true, u);
            }
            Ok(0.0)
        };
        let curved = local.lin.with_gradient(Box::new(gradient))?;
        Ok(Hessian { local, curved })
    }
}

impl<T: Scalar> LinearOperator<T> for Hessian<'_, T> {
    fn rows(&self) -> usize {
        self.local.objective.dimension()
    }

    fn cols(&self) -> usize {
        self.local.objective.dimension()
    }

    fn apply_into(&self, v: &[T], out: &mut [T]) -> Result<()> {
        expect_apply(self, v, out)?;
        let Local {
            objective, state, ..
        } = &*self.local;
        let b = |data: &TileData<'_, T>, dz: &[T], u: &mut [T]| state.curvature(data, dz, u);
        self.local.on_pool(|| {
            self.curved.product_into(v, &b, out)?;
            objective.regularizer().add_product(v, out)
        })
    }

    fn apply_adjoint_into(&self, u: &[T], out: &mut [T]) -> Result<()> {
        self.apply_into(u, out)
    }

    fn is_parallel(&self) -> bool {
        self.local.is_parallel()
    }
}

impl<T: Scalar> SelfAdjoint<T> for Hessian<'_, T> {}
