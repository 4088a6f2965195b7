//! How a tape notes a node, a parameter, a scope or a mistake.

use super::{Declared, Kind, Node, Recording, Role, Scope, Tape, Var};
use crate::error::{GraphError, Place};
use crate::{Init, Scalar, Shape};
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::Arc;

impl<T: Scalar> Tape<T> {
    pub(super) fn declare(
        &self,
        name: &str,
        shape: Shape,
        init: Init,
        role: Role,
        caller: &'static Location<'static>,
    ) -> Var<'_, T> {
        let place = self.place(caller);
        let path = self.path();
        let name = if path.is_empty() {
            name.to_string()
        } else {
            format!("{path}.{name}")
        };
        if self
            .sized(&shape, &format!("parameter `{name}`"), place)
            .is_none()
        {
            return self.poison();
        }
        if let Some(message) = init.fault::<T>(&shape) {
            return self.fail(GraphError::Invalid {
                what: format!("parameter `{name}`"),
                place,
                message,
            });
        }
        let mut r = self.recording.borrow_mut();
        if let Some(first) = r.params.iter().find(|p| p.name == name) {
            let first = first.place;
            drop(r);
            return self.fail(GraphError::DuplicateName {
                name,
                first,
                second: place,
            });
        }
        let Some(total) = countable::<T>(r.param_size, shape.size()) else {
            drop(r);
            return self.too_many(&format!("parameter `{name}`"), &shape, place);
        };
        r.param_size = total;
        let number = r.params.len();
        r.params.push(Declared {
            name,
            shape: shape.clone(),
            init,
            role,
            place,
        });
        drop(r);
        self.push(Kind::Param(number), &[], shape, place)
    }

    pub(super) fn enter<R>(&self, name: String, place: Place, f: impl FnOnce() -> R) -> R {
        let path = self.path();
        let path = if path.is_empty() {
            name
        } else {
            format!("{path}.{name}")
        };
        self.within(path.into(), place, f)
    }

    /// Runs `f` in the scope of this whole path.
    pub(super) fn within<R>(&self, path: Arc<str>, place: Place, f: impl FnOnce() -> R) -> R {
        let scope = Scope {
            path,
            place: Some(place),
            counts: Vec::new(),
        };
        self.recording.borrow_mut().scopes.push(scope);
        let result = f();
        self.recording.borrow_mut().scopes.pop();
        result
    }

    pub(super) fn path(&self) -> Arc<str> {
        self.recording.borrow_mut().current().path.clone()
    }

    /// Inside a layer, the line that called the outermost layer: the only one a user knows.
    pub(super) fn place(&self, caller: &'static Location<'static>) -> Place {
        let r = self.recording.borrow();
        r.scopes
            .first()
            .and_then(|s| s.place)
            .unwrap_or(Place(caller))
    }

    pub(super) fn sized(&self, shape: &Shape, what: &str, place: Place) -> Option<usize> {
        let message = match shape.checked_size() {
            Some(0) => {
                format!("shape {shape} has an axis of length 0; every axis needs at least 1")
            }
            None => format!("shape {shape} holds more numbers than can be counted"),
            Some(size) => return Some(size),
        };
        self.fail(GraphError::Invalid {
            what: what.into(),
            place,
            message,
        });
        None
    }

    pub(super) fn too_many(&self, what: &str, shape: &Shape, place: Place) -> Var<'_, T> {
        self.fail(GraphError::Invalid {
            what: what.into(),
            place,
            message: format!(
                "with shape {shape} it makes more numbers than any memory holds; take smaller axes"
            ),
        })
    }

    pub(super) fn push(
        &self,
        kind: Kind<T>,
        operands: &[usize],
        shape: Shape,
        place: Place,
    ) -> Var<'_, T> {
        let layer = self.path();
        let mut r = self.recording.borrow_mut();
        r.nodes.push(Node {
            kind,
            operands: SmallVec::from_slice(operands),
            shape,
            layer,
            place,
        });
        Var {
            tape: self,
            node: Some(r.nodes.len() - 1),
        }
    }

    pub(super) fn fail(&self, error: GraphError) -> Var<'_, T> {
        self.recording.borrow_mut().error.get_or_insert(error);
        self.poison()
    }

    pub(super) fn poison(&self) -> Var<'_, T> {
        Var {
            tape: self,
            node: None,
        }
    }
}

/// The sum of two lengths, if a vector of so many numbers can exist.
pub(super) fn countable<T>(a: usize, b: usize) -> Option<usize> {
    let limit = isize::MAX as usize / size_of::<T>();
    a.checked_add(b).filter(|&total| total <= limit)
}

impl<T> Recording<T> {
    pub(super) fn current(&mut self) -> &mut Scope {
        self.scopes.last_mut().unwrap_or(&mut self.top)
    }
}
