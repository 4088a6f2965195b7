//! What a layer is, and layers as methods of a variable.

use crate::{Conv2d, Dense, Size2d};
use osculant_tape::{Scalar, Var};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A piece of a network that may own parameters.
///
/// A layer is a recipe: its options, but no parameters. These are made each time it is applied,
/// with names from the scopes around them. `Box<dyn Layer<T>>` is a layer too.
///
/// # Example
/// A layer of one's own needs one method. `name` gives its parameters their prefix.
/// ```
/// use osculant_layers::prelude::*;
///
/// struct Scale;
/// impl<T: Scalar> Layer<T> for Scale {
///     fn name(&self) -> &str {
///         "scale"
///     }
///     fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
///         x * x.param("factor", x.shape(), Init::Constant(1.0))
///     }
/// }
///
/// let net = Network::<f64>::new([3], |x| x.layer(Scale).dense(2))?;
/// assert_eq!(net.params().slices()[0].name(), "scale1.factor");
/// # Ok::<(), GraphError>(())
/// ```
pub trait Layer<T: Scalar>: Send + Sync {
    /// The prefix of its parameters' names; a number follows.
    fn name(&self) -> &str {
        "layer"
    }

    /// Records what the layer computes from `x`.
    ///
    /// Call it through [`Layers::layer`], which opens the scope; called directly, the layer's
    /// parameters get the names of the scope around the call.
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T>;
}

macro_rules! forward_to_inner {
    ($Outer:ty) => {
        impl<T: Scalar, L: Layer<T> + ?Sized> Layer<T> for $Outer {
            fn name(&self) -> &str {
                (**self).name()
            }
            fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
                (**self).forward(x)
            }
        }
    };
}
forward_to_inner!(&L);
forward_to_inner!(Box<L>);
forward_to_inner!(Arc<L>);

/// A closure as a layer: made by [`layer_fn`].
#[derive(Clone)]
pub struct FnLayer<F> {
    f: F,
    name: Cow<'static, str>,
}

/// Makes a layer out of a closure.
///
/// # Example
/// ```
/// use osculant_layers::prelude::*;
///
/// let block = layer_fn(|x: Var<f32>| x.dense(16).tanh()).named("block");
/// let net = Network::new([4], |x| x.layer(&block).layer(&block))?;
/// assert_eq!(net.params().slices()[2].name(), "block2.dense1.weight");
/// # Ok::<(), GraphError>(())
/// ```
pub fn layer_fn<T: Scalar, F>(f: F) -> FnLayer<F>
where
    F: for<'t> Fn(Var<'t, T>) -> Var<'t, T>,
{
    FnLayer {
        f,
        name: "layer".into(),
    }
}

impl<F> FnLayer<F> {
    /// The same layer under this name.
    pub fn named(self, name: impl Into<Cow<'static, str>>) -> Self {
        FnLayer {
            name: name.into(),
            ..self
        }
    }
}

impl<F> fmt::Debug for FnLayer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FnLayer({})", self.name)
    }
}

impl<T: Scalar, F> Layer<T> for FnLayer<F>
where
    F: for<'t> Fn(Var<'t, T>) -> Var<'t, T> + Send + Sync,
{
    fn name(&self) -> &str {
        &self.name
    }
    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        (self.f)(x)
    }
}

/// Layers as methods of a variable.
///
/// # Errors
/// A mistake (a shape that a layer has no meaning for, an option that is impossible) is noted with
/// the line of the call and surfaces once, from [`Network::new`](crate::Network::new).
///
/// # Example
/// ```
/// use osculant_layers::prelude::*;
///
/// let net = Network::<f32>::new([28, 28, 1], |x| {
///     let x = x.layer(Conv2d::new(8, 3).same().no_bias()).relu();
///     x.global_avg_pool().dense(10)
/// })?;
/// assert_eq!(net.len(), 9 * 8 + 8 * 10 + 10);
/// # Ok::<(), GraphError>(())
/// ```
pub trait Layers<'t, T: Scalar>: Sized {
    /// Applies a layer within a scope of its own, `name1`, `name2`, …, counted within the layer
    /// around it.
    #[track_caller]
    fn layer(self, layer: impl Layer<T>) -> Var<'t, T>;

    /// A fully connected layer with `out` outputs and a bias; see [`Dense`].
    #[track_caller]
    fn dense(self, out: usize) -> Var<'t, T> {
        self.layer(Dense::new(out))
    }

    /// A convolution with `out` output channels and a bias, without padding; `kernel` is one
    /// number or `[height, width]`. See [`Conv2d`].
    #[track_caller]
    fn conv2d(self, out: usize, kernel: impl Into<Size2d>) -> Var<'t, T> {
        self.layer(Conv2d::new(out, kernel))
    }
}

impl<'t, T: Scalar> Layers<'t, T> for Var<'t, T> {
    #[track_caller]
    fn layer(self, layer: impl Layer<T>) -> Var<'t, T> {
        self.tape()
            .numbered_scope(layer.name(), || layer.forward(self))
    }
}
