//! Jacobi: the diagonal of G.

use super::{Diagonals, Preconditioning, lift_zeros};
use crate::error::Result;

/// The exact diagonal of the system's matrix.
///
/// # Formula
///
/// ```text
/// M = diag(G) + λ
/// ```
///
/// with √ε times the largest entry in place of an entry below the smallest normal number of `f32`
/// (1 if all are).
///
/// It costs up to m reverse sweeps over the curvature's examples, m the size of the output.
///
/// # Reference
///
/// Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed. 2003, §10.2.
///
/// # Errors
///
/// See [`GaussNewton::diagonal`](crate::operator::GaussNewton::diagonal).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurvatureDiagonal;

impl Preconditioning for CurvatureDiagonal {
    fn diagonal(&mut self, at: &dyn Diagonals, lambda: f64) -> Result<Option<Vec<f64>>> {
        let mut diagonal = at.gauss_newton()?;
        diagonal.iter_mut().for_each(|d| *d += lambda);
        lift_zeros(&mut diagonal);
        Ok(Some(diagonal))
    }
}
