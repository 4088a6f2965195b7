//! The handle of a value being recorded.

use super::Tape;
use crate::op::Op;
use crate::{Init, IntoShape, Scalar, Shape};

/// A value being recorded: copy it freely, compute with it as with a number.
///
/// Nothing is evaluated while recording. A mistake (shapes that don't fit) is noted with its
/// source line and surfaces once, when the graph is finished; until then the variable goes on as a
/// placeholder, and what is computed from it is not checked.
pub struct Var<'t, T> {
    pub(crate) tape: &'t Tape<T>,
    pub(crate) node: Option<usize>,
}

impl<T> Clone for Var<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Var<'_, T> {}

impl<T: Scalar> std::fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.try_shape() {
            Some(shape) => write!(f, "Var({shape})"),
            None => write!(f, "Var(error)"),
        }
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The tape that records this variable.
    pub fn tape(self) -> &'t Tape<T> {
        self.tape
    }

    /// The shape, or `None` where a mistake has already been noted.
    pub fn try_shape(self) -> Option<Shape> {
        let r = self.tape.recording.borrow();
        self.node.map(|id| r.nodes[id].shape.clone())
    }

    /// The shape; that of a scalar where a mistake has already been noted.
    pub fn shape(self) -> Shape {
        self.try_shape().unwrap_or_default()
    }

    /// Records an op on this one operand.
    #[track_caller]
    pub fn apply(self, op: impl Op<T>) -> Var<'t, T> {
        self.tape.record(op, &[self])
    }

    /// Records an op on this operand and another.
    #[track_caller]
    pub fn apply2(self, other: Var<'t, T>, op: impl Op<T>) -> Var<'t, T> {
        self.tape.record(op, &[self, other])
    }

    /// A trained parameter, named `name` within the current scope; see [`Tape::param`].
    #[track_caller]
    pub fn param(self, name: &str, shape: impl IntoShape, init: Init) -> Var<'t, T> {
        self.tape.param(name, shape, init)
    }

    /// Runs `f` on this variable inside the scope `name`; see [`Tape::scope`].
    #[track_caller]
    pub fn scope<R>(self, name: &str, f: impl FnOnce(Var<'t, T>) -> R) -> R {
        self.tape.scope(name, || f(self))
    }
}
