//! A branch added to what it came from.

use crate::Layer;
use crate::refuse::refuse;
use osculant_tape::{Scalar, Var};

/// The layer that changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity;

impl<T: Scalar> Layer<T> for Identity {
    fn name(&self) -> &str {
        "identity"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        x
    }
}

/// A main branch added to a shortcut, which is x itself unless told otherwise.
///
/// # Shapes
/// Both branches must give the same shape, which is the output's; nothing is broadcast. The main
/// branch's parameters come first, named `main.…`; then the shortcut's, named `shortcut.…`.
///
/// # Formula
/// y = main(x) + shortcut(x)
///
/// # Reference
/// He, Zhang, Ren and Sun, *Deep residual learning for image recognition*, CVPR 2016, eq. 1 and 2.
///
/// # Errors
/// Branches of different shapes: noted, with the line of the call and both shapes.
///
/// # Example
/// ```
/// use osculant_layers::prelude::*;
///
/// let main = Sequential::new()
///     .then(Conv2d::new(8, 3).pad(1).stride(2))
///     .then(Relu)
///     .then(Conv2d::new(8, 3).pad(1));
/// let block = Residual::new(main).shortcut(Conv2d::new(8, 1).stride(2));
/// let net = Network::<f32>::new([6, 6, 2], |x| x.layer(block).relu())?;
/// assert_eq!(net.params().slices()[4].name(), "residual1.shortcut.weight");
/// # Ok::<(), GraphError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Residual<M, S = Identity> {
    main: M,
    shortcut: S,
}

impl<M> Residual<M> {
    /// x plus what `main` makes of it.
    pub fn new(main: M) -> Self {
        Residual {
            main,
            shortcut: Identity,
        }
    }
}

impl<M, S> Residual<M, S> {
    /// What `shortcut` makes of x in the place of x: for a main branch that changes the shape.
    pub fn shortcut<U>(self, shortcut: U) -> Residual<M, U> {
        Residual {
            main: self.main,
            shortcut,
        }
    }
}

impl<T: Scalar, M: Layer<T>, S: Layer<T>> Layer<T> for Residual<M, S> {
    fn name(&self) -> &str {
        "residual"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        let main = x.scope("main", |x| self.main.forward(x));
        let shortcut = x.scope("shortcut", |x| self.shortcut.forward(x));
        match (main.try_shape(), shortcut.try_shape()) {
            (Some(a), Some(b)) if a != b => {
                let message = format!(
                    "the main branch gives {a} and the shortcut {b}; they must be the same: let \
                     the main branch keep the shape, or give the shortcut a layer that changes it \
                     likewise"
                );
                refuse("residual", main, &[shortcut], message)
            }
            _ => main + shortcut,
        }
    }
}
