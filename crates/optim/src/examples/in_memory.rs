//! Data sets in memory.

use super::Examples;
use crate::error::{OptimError, Result, expect_finite, expect_length};
use osculant_tape::{IntoShape, Scalar, Shape};
use std::fmt;

/// Inputs and weights in memory: what all data sets of this file share.
#[derive(Clone, PartialEq)]
struct Stored<T> {
    shape: Shape,
    size: usize,
    /// Example after example.
    inputs: Vec<T>,
    /// Empty where every weight is 1.
    weights: Vec<f64>,
}

impl<T: Scalar> Stored<T> {
    fn new(shape: impl IntoShape, inputs: Vec<T>, len: usize) -> Result<Self> {
        let shape = shape.into_shape();
        let size = match shape.checked_size() {
            Some(size) if size > 0 => size,
            _ => {
                return Err(OptimError::invalid(
                    "the input shape",
                    &shape,
                    "every axis must be 1 or longer, and the product must fit in memory",
                ));
            }
        };
        if len == 0 {
            return Err(OptimError::invalid(
                "the number of examples",
                0,
                "a data set needs at least one example",
            ));
        }
        expect_length(
            "the list of inputs",
            inputs.len(),
            len.saturating_mul(size),
            &format!("{len} targets, inputs of shape {shape}"),
        )?;
        for (i, input) in inputs.chunks_exact(size).enumerate() {
            expect_finite("the input", input).map_err(|e| e.of_example(i))?;
        }
        Ok(Stored {
            shape,
            size,
            inputs,
            weights: Vec::new(),
        })
    }

    fn len(&self) -> usize {
        self.inputs.len() / self.size
    }

    fn set_weights(&mut self, weights: Vec<f64>) -> Result<()> {
        let hint = "one for each example";
        expect_length("the list of weights", weights.len(), self.len(), hint)?;
        for (i, &w) in weights.iter().enumerate() {
            if !(w >= 0.0 && w.is_finite()) {
                let message = "it must be finite and not negative";
                return Err(OptimError::invalid("the weight", w, message).of_example(i));
            }
        }
        if weights.iter().sum::<f64>() <= 0.0 {
            let message = "some example must count";
            return Err(OptimError::invalid("the sum of weights", 0, message));
        }
        self.weights = weights;
        Ok(())
    }

    fn weight(&self, i: usize) -> f64 {
        self.weights.get(i).copied().unwrap_or(1.0)
    }

    /// # Panics
    ///
    /// Where `i` is not below the number of examples, like any indexing.
    fn input(&self, i: usize) -> &[T] {
        &self.inputs[i * self.size..(i + 1) * self.size]
    }

    fn write_input(&self, i: usize, out: &mut [T]) {
        for (out, &x) in out.iter_mut().zip(self.input(i)) {
            *out = x;
        }
    }
}

/// Inputs in memory with one target of type `Y` each.
///
/// # Errors
///
/// The constructor refuses an empty set, lengths that disagree, NaN and infinite inputs
/// (naming the example). Targets are checked by the loss.
///
/// # Example
///
/// ```
/// use osculant_optim::examples::{Examples, InMemory};
/// struct Event { time: f64, observed: bool }
/// let events = vec![Event { time: 2.5, observed: true }, Event { time: 4.0, observed: false }];
/// let data = InMemory::new([3], vec![0.0, 0.1, 0.2, 1.0, 1.1, 1.2], events)?;
/// assert_eq!(data.len(), 2);
/// assert_eq!(data.target(1).time, 4.0);
/// assert!(!data.target(1).observed);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct InMemory<T, Y> {
    stored: Stored<T>,
    targets: Vec<Y>,
}

/// Inputs in memory with class labels.
///
/// # Example
///
/// ```
/// use osculant_optim::examples::{Examples, Labelled};
/// let images = vec![0.0f32; 3 * 4];
/// let data = Labelled::new([2, 2, 1], images, vec![7, 0, 7])?;
/// assert_eq!((data.len(), *data.target(2)), (3, 7));
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
pub type Labelled<T> = InMemory<T, u32>;

impl<T: Scalar, Y> InMemory<T, Y> {
    /// A data set of inputs of shape `shape`, one after the other, and as many targets.
    pub fn new(shape: impl IntoShape, inputs: Vec<T>, targets: Vec<Y>) -> Result<Self> {
        let stored = Stored::new(shape, inputs, targets.len())?;
        Ok(InMemory { stored, targets })
    }

    /// The same data with weights, which must be finite, not negative and not all 0.
    pub fn with_weights(mut self, weights: Vec<f64>) -> Result<Self> {
        self.stored.set_weights(weights)?;
        Ok(self)
    }

    /// The shape of an input.
    pub fn input_shape(&self) -> &Shape {
        &self.stored.shape
    }

    /// All inputs, example after example.
    pub fn inputs(&self) -> &[T] {
        &self.stored.inputs
    }

    /// All targets.
    pub fn targets(&self) -> &[Y] {
        &self.targets
    }
}

impl<T: Scalar, Y: Sync> Examples<T> for InMemory<T, Y> {
    type Target = Y;
    fn len(&self) -> usize {
        self.targets.len()
    }
    fn input_size(&self) -> usize {
        self.stored.size
    }
    fn write_input(&self, i: usize, out: &mut [T]) {
        self.stored.write_input(i, out);
    }
    fn target(&self, i: usize) -> &Y {
        &self.targets[i]
    }
    fn weight(&self, i: usize) -> f64 {
        self.stored.weight(i)
    }
}

/// Inputs in memory with a vector as target of each, all of one length.
///
/// # Errors
///
/// The constructor refuses an empty set, lengths that disagree, NaN and infinite inputs or
/// targets (naming the example).
///
/// # Example
///
/// ```
/// use osculant_optim::examples::{Examples, Paired};
/// let data = Paired::new([1], vec![0.0, 1.0], 2, vec![0.0, 0.5, 1.0, 1.5])?;
/// assert_eq!(data.target(1), &[1.0, 1.5]);
/// # Ok::<(), osculant_optim::OptimError>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Paired<T> {
    stored: Stored<T>,
    target_size: usize,
    targets: Vec<T>,
}

impl<T: Scalar> Paired<T> {
    /// A data set of inputs of shape `shape` and targets of `target_size` numbers, each list
    /// example after example.
    pub fn new(
        shape: impl IntoShape,
        inputs: Vec<T>,
        target_size: usize,
        targets: Vec<T>,
    ) -> Result<Self> {
        if target_size == 0 {
            let message = "a target has at least one number";
            return Err(OptimError::invalid("the target's size", 0, message));
        }
        let len = targets.len() / target_size;
        expect_length(
            "the list of targets",
            targets.len(),
            targets
                .len()
                .div_ceil(target_size)
                .saturating_mul(target_size),
            &format!("{target_size} for each example"),
        )?;
        let stored = Stored::new(shape, inputs, len)?;
        for (i, target) in targets.chunks_exact(target_size).enumerate() {
            expect_finite("the target", target).map_err(|e| e.of_example(i))?;
        }
        Ok(Paired {
            stored,
            target_size,
            targets,
        })
    }

    /// The same data with weights, which must be finite, not negative and not all 0.
    pub fn with_weights(mut self, weights: Vec<f64>) -> Result<Self> {
        self.stored.set_weights(weights)?;
        Ok(self)
    }

    /// The shape of an input.
    pub fn input_shape(&self) -> &Shape {
        &self.stored.shape
    }

    /// All inputs, example after example.
    pub fn inputs(&self) -> &[T] {
        &self.stored.inputs
    }

    /// All targets, example after example.
    pub fn targets(&self) -> &[T] {
        &self.targets
    }

    /// How many numbers a target has.
    pub fn target_size(&self) -> usize {
        self.target_size
    }
}

impl<T: Scalar> Examples<T> for Paired<T> {
    type Target = [T];
    fn len(&self) -> usize {
        self.stored.len()
    }
    fn input_size(&self) -> usize {
        self.stored.size
    }
    fn write_input(&self, i: usize, out: &mut [T]) {
        self.stored.write_input(i, out);
    }
    fn target(&self, i: usize) -> &[T] {
        &self.targets[i * self.target_size..(i + 1) * self.target_size]
    }
    fn weight(&self, i: usize) -> f64 {
        self.stored.weight(i)
    }
}

// Lengths, not the thousands of numbers themselves.
impl<T: Scalar> Stored<T> {
    fn describe(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("len", &self.len())
            .field("input_shape", &self.shape)
            .field("weighted", &!self.weights.is_empty())
            .finish_non_exhaustive()
    }
}

impl<T: Scalar, Y> fmt::Debug for InMemory<T, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stored.describe("InMemory", f)
    }
}

impl<T: Scalar> fmt::Debug for Paired<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stored.describe("Paired", f)
    }
}
