//! Derivatives of a plain function: no examples, no network, just x.

use crate::error::Result;
use crate::linearize::{Budget, Linearization, TileData};
use crate::{Graph, Init, IntoShape, Scalar, Shape, Var};
use std::sync::Arc;

/// A function of one array, with all its derivatives.
///
/// # Formula
/// For z = f(x): J v ([`jvp`](PointOf::jvp)), Jᵀu ([`vjp`](PointOf::vjp)), and for a scalar f also
/// ∇f ([`gradient`](PointOf::gradient)) and ∇²f v ([`hessian_product`](PointOf::hessian_product)).
///
/// # Example
/// ```
/// use osculant_tape::Function;
/// let f = Function::<f64>::new([2], |x| (x * x).sum())?;
/// let at = f.at(&[3.0, 4.0])?;
/// assert_eq!(at.value(), 25.0);
/// assert_eq!(at.gradient()?, [6.0, 8.0]);
/// assert_eq!(at.hessian_product(&[1.0, 0.0])?, [2.0, 0.0]);
/// # Ok::<(), osculant_tape::GraphError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Function<T: Scalar> {
    graph: Graph<T>,
}

/// A function at a point: made by [`Function::at`].
#[derive(Debug)]
pub struct PointOf<'f, T: Scalar> {
    lin: Arc<Linearization<'f, T>>,
    value: Vec<T>,
}

fn no_input<T>(_: usize, _: &mut [T]) {}

impl<T: Scalar> Function<T> {
    /// Records `f` for an argument of this shape.
    ///
    /// # Errors
    /// The first mistake of the recording, with its source line.
    #[track_caller]
    pub fn new(
        shape: impl IntoShape,
        f: impl for<'t> FnOnce(Var<'t, T>) -> Var<'t, T>,
    ) -> Result<Self> {
        let shape = shape.into_shape();
        // Here, since the tape would blame the line below.
        shape.expect_size("the argument")?;
        Ok(Function {
            graph: Graph::new(|tape| f(tape.param("x", shape, Init::Zeros)))?,
        })
    }

    /// The shape of the result.
    pub fn output_shape(&self) -> &Shape {
        self.graph.output_shape()
    }

    /// Evaluates at `x`, row-major.
    ///
    /// # Errors
    /// An `x` of the wrong length or not finite; a value that isn't finite, with its node.
    pub fn at(&self, x: &[T]) -> Result<PointOf<'_, T>> {
        let mut value = vec![T::zero(); self.output_shape().size()];
        self.graph.forward(x, &no_input, &[0], &mut value)?;
        if value.iter().any(|z| !z.is_finite()) {
            self.graph.audit(x, &no_input, &[0])?;
        }
        let lin = self
            .graph
            .linearize(x, &no_input, &[0], Budget::default())?;
        Ok(PointOf {
            lin: Arc::new(lin),
            value,
        })
    }
}

impl<T: Scalar> PointOf<'_, T> {
    /// f(x), row-major.
    pub fn values(&self) -> &[T] {
        &self.value
    }

    /// f(x) of a scalar function; the first of several values.
    pub fn value(&self) -> T {
        self.value[0]
    }

    /// ∇f(x) of a scalar function; of several values, the gradient of their sum.
    ///
    /// # Errors
    /// A derivative that isn't finite, with its node.
    pub fn gradient(&self) -> Result<Vec<T>> {
        self.vjp(&vec![T::one(); self.value.len()])
    }

    /// J v.
    ///
    /// # Errors
    /// A `v` that doesn't fit or isn't finite; a derivative that isn't finite, with its node.
    pub fn jvp(&self, v: &[T]) -> Result<Vec<T>> {
        let mut out = vec![T::zero(); self.value.len()];
        self.lin.jvp_into(v, &mut out)?;
        Ok(out)
    }

    /// Jᵀ u.
    ///
    /// # Errors
    /// A `u` that doesn't fit or isn't finite; a derivative that isn't finite, with its node.
    pub fn vjp(&self, u: &[T]) -> Result<Vec<T>> {
        let mut out = vec![T::zero(); self.lin.theta().len()];
        self.lin.vjp_into(u, &mut out)?;
        Ok(out)
    }

    /// ∇²f(x) v of a scalar function; of several values, that of their sum.
    ///
    /// # Errors
    /// A `v` that doesn't fit or isn't finite; a derivative that isn't finite, with its node.
    pub fn hessian_product(&self, v: &[T]) -> Result<Vec<T>> {
        let curved = self.lin.with_gradient(Box::new(|_, u| {
            u.into_iter().for_each(|u| u.fill(T::one()));
            Ok(0.0)
        }))?;
        let mut out = vec![T::zero(); v.len()];
        let no_curvature = |_: &TileData<'_, T>, _: &[T], u: &mut [T]| {
            u.fill(T::zero());
            Ok(())
        };
        curved.product_into(v, &no_curvature, &mut out)?;
        Ok(out)
    }
}
