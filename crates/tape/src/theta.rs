//! θ as all that is computed there holds it: checked once, copied once.

use crate::buffer::Buffer;
use crate::error::Result;
use crate::graph::Graph;
use crate::kernel::copy_finite;
use crate::{Scalar, params};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A θ that fits a graph and is finite: a copy, which clones share.
///
/// Made by [`Graph::theta`], to which its room goes back with the last clone: whoever steps from θ
/// to θ allocates once.
///
/// # Example
/// ```
/// use osculant_tape::{Graph, Init};
///
/// let graph = Graph::<f64>::new(|tape| tape.param("w", [3], Init::Zeros).square().sum())?;
/// let theta = graph.theta(&[1.0, 2.0, 3.0])?;
/// assert_eq!(theta[1], 2.0);
/// assert!(graph.theta(&[1.0, f64::NAN, 3.0]).is_err());
/// # Ok::<(), osculant_tape::GraphError>(())
/// ```
pub struct Theta<'g, T: Scalar> {
    graph: &'g Graph<T>,
    /// Some, until it is dropped.
    numbers: Option<Arc<Buffer<T>>>,
}

impl<T: Scalar> Graph<T> {
    /// Copies a θ, and checks it on the way.
    ///
    /// # Errors
    /// A θ that doesn't fit or isn't finite.
    pub fn theta(&self, theta: &[T]) -> Result<Theta<'_, T>> {
        self.params.check_length("theta", theta)?;
        let mut numbers = self.thetas.take();
        // The pool held the only reference, so nothing is cloned here.
        let room = Arc::make_mut(&mut numbers);
        room.grow(theta.len());
        let fault = copy_finite(theta, room);
        let theta = Theta {
            graph: self,
            numbers: Some(numbers),
        };
        match fault {
            None => Ok(theta),
            Some(index) => Err(params::not_finite("theta", &theta, index)),
        }
    }
}

impl<'g, T: Scalar> Theta<'g, T> {
    /// The graph that it is a θ of.
    pub fn graph(&self) -> &'g Graph<T> {
        self.graph
    }
}

impl<T: Scalar> Deref for Theta<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.numbers.as_deref().map_or(&[], |numbers| numbers)
    }
}

impl<T: Scalar> Clone for Theta<'_, T> {
    fn clone(&self) -> Self {
        Theta {
            graph: self.graph,
            numbers: self.numbers.clone(),
        }
    }
}

impl<T: Scalar> Drop for Theta<'_, T> {
    fn drop(&mut self) {
        if let Some(mut numbers) = self.numbers.take()
            && Arc::get_mut(&mut numbers).is_some()
        {
            self.graph.thetas.give_back(numbers);
        }
    }
}

impl<T: Scalar> fmt::Debug for Theta<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Theta").field(&&**self).finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Graph, Init};

    #[test]
    fn the_last_clone_gives_the_room_back() {
        let graph = Graph::<f64>::new(|tape| tape.param("w", [2], Init::Zeros).sum()).unwrap();
        let theta = graph.theta(&[1.0, 2.0]).unwrap();
        let (clone, room) = (theta.clone(), theta.as_ptr());
        drop(theta);
        let other = graph.theta(&[3.0, 4.0]).unwrap();
        assert_ne!(other.as_ptr(), room);
        assert_eq!(clone[..], [1.0, 2.0]);
        drop(clone);
        assert_eq!(graph.theta(&[5.0, 6.0]).unwrap().as_ptr(), room);
    }
}
