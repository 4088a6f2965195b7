//! One layer after the other.

use crate::{Layer, Layers};
use osculant_tape::{Scalar, Var};
use std::fmt;

/// Layers applied one after the other: a network put together while the program runs.
///
/// Each layer has a scope of its own: `conv1`, `dense1`, `dense2`, …. Without layers, it changes
/// nothing.
///
/// # Example
/// ```
/// use osculant_layers::prelude::*;
///
/// let mut layers = Sequential::new().then(Flatten);
/// for width in [256, 128] {
///     layers = layers.then(Dense::new(width)).then(Relu);
/// }
/// let net = Network::<f32>::new([28, 28, 1], |x| layers.forward(x).dense(10))?;
/// assert_eq!(net.params().slices()[4].name(), "dense3.weight");
/// # Ok::<(), GraphError>(())
/// ```
pub struct Sequential<T: Scalar> {
    layers: Vec<Box<dyn Layer<T>>>,
}

impl<T: Scalar> Sequential<T> {
    /// No layers yet.
    pub fn new() -> Self {
        Sequential { layers: Vec::new() }
    }

    /// The same layers and one more.
    pub fn then(mut self, layer: impl Layer<T> + 'static) -> Self {
        self.push(Box::new(layer));
        self
    }

    /// Adds a layer at the end.
    pub fn push(&mut self, layer: Box<dyn Layer<T>>) {
        self.layers.push(layer);
    }

    /// How many layers there are.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there is no layer.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }
}

impl<T: Scalar> Default for Sequential<T> {
    fn default() -> Self {
        Sequential::new()
    }
}

impl<T: Scalar> FromIterator<Box<dyn Layer<T>>> for Sequential<T> {
    fn from_iter<I: IntoIterator<Item = Box<dyn Layer<T>>>>(layers: I) -> Self {
        Sequential {
            layers: layers.into_iter().collect(),
        }
    }
}

impl<T: Scalar> fmt::Debug for Sequential<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sequential ")?;
        f.debug_list()
            .entries(self.layers.iter().map(|l| l.name()))
            .finish()
    }
}

impl<T: Scalar> Layer<T> for Sequential<T> {
    fn name(&self) -> &str {
        "sequential"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.layers.iter().fold(x, |x, layer| x.layer(layer))
    }
}
