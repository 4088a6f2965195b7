//! From an image to a vector.

use crate::Layer;
use osculant_tape::{Scalar, Var};

/// All numbers along one axis, in row-major order; `x.flatten()` as a layer.
///
/// # Shapes
/// `[a, b, …]` gives `[a·b·…]`.
///
/// # Example
/// ```
/// use osculant_layers::prelude::*;
///
/// let net = Network::<f32>::new([4, 4, 2], |x| x.layer(Flatten).dense(3))?;
/// assert_eq!(net.len(), 32 * 3 + 3);
/// # Ok::<(), GraphError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flatten;

impl<T: Scalar> Layer<T> for Flatten {
    fn name(&self) -> &str {
        "flatten"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        x.flatten()
    }
}
