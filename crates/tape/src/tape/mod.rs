//! Recording: a [`Tape`] that notes every operation, and [`Var`], a handle that reads like a
//! number.

mod note;
mod var;

pub use self::var::Var;

use self::note::countable;
use crate::error::{GraphError, Place, Result};
use crate::op::{Op, Rules};
use crate::{Init, IntoShape, Scalar, Shape};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::panic::Location;
use std::sync::Arc;

/// What a node of the graph is.
#[derive(Clone, Debug)]
pub(crate) enum Kind<T> {
    /// A part of an example's input, from this position on.
    Input { offset: usize },
    /// A parameter or buffer, by its number.
    Param(usize),
    /// Numbers fixed at recording.
    Constant(Arc<[T]>),
    /// An operation on other nodes.
    Op {
        op: Arc<dyn Op<T>>,
        rules: Arc<dyn Rules<T>>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Node<T> {
    pub kind: Kind<T>,
    pub operands: SmallVec<[usize; 4]>,
    pub shape: Shape,
    /// The path of the layer that recorded it.
    pub layer: Arc<str>,
    pub place: Place,
}

/// Who changes a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The trainer: it is a part of θ.
    Trained,
    /// Nobody: its values stay as they are, and derivatives ignore it.
    Frozen,
    /// Never a trainer; saved with the model.
    Buffer,
}

#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub name: String,
    pub shape: Shape,
    pub init: Init,
    pub role: Role,
    pub place: Place,
}

/// A recording in progress. Networks hand one to the closure that describes them.
#[derive(Debug)]
pub struct Tape<T> {
    recording: RefCell<Recording<T>>,
}

#[derive(Debug)]
pub(crate) struct Recording<T> {
    pub nodes: Vec<Node<T>>,
    pub params: Vec<Declared>,
    pub input_size: usize,
    /// How many numbers all parameters and buffers have together.
    param_size: usize,
    /// How many numbers the outputs of all ops have together, for one example.
    value_size: usize,
    scopes: Vec<Scope>,
    top: Scope,
    error: Option<GraphError>,
}

#[derive(Debug)]
struct Scope {
    path: Arc<str>,
    place: Option<Place>,
    /// How many layers of each name this scope has numbered.
    counts: Vec<(String, usize)>,
}

impl<T: Scalar> Default for Tape<T> {
    fn default() -> Self {
        Tape::new()
    }
}

impl<T: Scalar> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        let top = Scope {
            path: "".into(),
            place: None,
            counts: Vec::new(),
        };
        Tape {
            recording: RefCell::new(Recording {
                nodes: Vec::new(),
                params: Vec::new(),
                input_size: 0,
                param_size: 0,
                value_size: 0,
                scopes: Vec::new(),
                top,
                error: None,
            }),
        }
    }

    /// An input of each example. Several inputs lie one after the other, in the order of these
    /// calls.
    #[track_caller]
    pub fn input(&self, shape: impl IntoShape) -> Var<'_, T> {
        let (shape, place) = (shape.into_shape(), self.place(Location::caller()));
        let Some(size) = self.sized(&shape, "an input", place) else {
            return self.poison();
        };
        let mut r = self.recording.borrow_mut();
        let offset = r.input_size;
        let Some(total) = countable::<T>(offset, size) else {
            drop(r);
            return self.too_many("an input", &shape, place);
        };
        r.input_size = total;
        drop(r);
        self.push(Kind::Input { offset }, &[], shape, place)
    }

    /// A trained parameter, named `name` within the current scope.
    #[track_caller]
    pub fn param(&self, name: &str, shape: impl IntoShape, init: Init) -> Var<'_, T> {
        self.declare(
            name,
            shape.into_shape(),
            init,
            Role::Trained,
            Location::caller(),
        )
    }

    /// Numbers that are saved with a model and never trained.
    #[track_caller]
    pub fn buffer(&self, name: &str, shape: impl IntoShape, init: Init) -> Var<'_, T> {
        self.declare(
            name,
            shape.into_shape(),
            init,
            Role::Buffer,
            Location::caller(),
        )
    }

    /// Numbers fixed once and for all, row-major.
    #[track_caller]
    pub fn constant(&self, shape: impl IntoShape, values: &[T]) -> Var<'_, T> {
        let (shape, place) = (shape.into_shape(), self.place(Location::caller()));
        let Some(size) = self.sized(&shape, "a constant", place) else {
            return self.poison();
        };
        let message = if size != values.len() {
            format!(
                "{shape} takes {size} numbers, and {} are given",
                values.len()
            )
        } else if let Some(i) = values.iter().position(|x| !x.is_finite()) {
            format!("number {i} is {}; every number must be finite", values[i])
        } else {
            return self.push(Kind::Constant(values.into()), &[], shape, place);
        };
        self.fail(GraphError::Invalid {
            what: "a constant".into(),
            place,
            message,
        })
    }

    /// Records an op on these operands: how every op enters a graph.
    #[track_caller]
    pub fn record<'t>(&'t self, op: impl Op<T>, operands: &[Var<'t, T>]) -> Var<'t, T> {
        let place = self.place(Location::caller());
        if operands.iter().any(|v| !std::ptr::eq(v.tape, self)) {
            return self.fail(GraphError::ForeignVar {
                op: op.name(),
                place,
            });
        }
        // An operand that is already wrong has been noted; going on would only bury the cause.
        let Some(ids) = operands.iter().map(|v| v.node).collect::<Option<Vec<_>>>() else {
            return self.poison();
        };
        let shapes: Vec<Shape> = {
            let r = self.recording.borrow();
            ids.iter().map(|&id| r.nodes[id].shape.clone()).collect()
        };
        let resolved = op
            .resolve(&shapes)
            .and_then(|rules| match rules.shape().checked_size() {
                Some(0) => Err(format!("its output would be empty: {}", rules.shape())),
                None => Err(format!(
                    "its output {} is too large to count",
                    rules.shape()
                )),
                Some(_) => Ok(rules),
            });
        match resolved {
            Ok(rules) => {
                let (shape, rules) = (rules.shape().clone(), Arc::from(rules));
                let value_size = self.recording.borrow().value_size;
                let Some(total) = countable::<T>(value_size, shape.size()) else {
                    return self.too_many(op.name(), &shape, place);
                };
                self.recording.borrow_mut().value_size = total;
                self.push(
                    Kind::Op {
                        op: Arc::new(op),
                        rules,
                    },
                    &ids,
                    shape,
                    place,
                )
            }
            Err(message) => {
                let (op, layer) = (op.name(), self.path().to_string());
                self.fail(GraphError::Op {
                    op,
                    layer,
                    place,
                    shapes,
                    message,
                })
            }
        }
    }

    /// Runs `f` inside the scope `name`: parameters declared there are called `name.…`.
    #[track_caller]
    pub fn scope<R>(&self, name: &str, f: impl FnOnce() -> R) -> R {
        self.enter(name.to_string(), Place(Location::caller()), f)
    }

    /// Runs `f` inside the scope in which `var` was recorded: a layer that is applied again goes by
    /// the name of its parameters.
    #[track_caller]
    pub fn scope_of<R>(&self, var: Var<'_, T>, f: impl FnOnce() -> R) -> R {
        let recorded = var.node.filter(|_| std::ptr::eq(var.tape, self));
        let recorded = recorded.and_then(|node| {
            let recording = self.recording.borrow();
            recording.nodes.get(node).map(|node| node.layer.clone())
        });
        // What is of another tape, or of a mistake, will be told by what `f` does with it.
        let path = recorded.unwrap_or_else(|| self.path());
        self.within(path, Place(Location::caller()), f)
    }

    /// Runs `f` inside a scope called `name1`, `name2`, …, counted within the current scope.
    #[track_caller]
    pub fn numbered_scope<R>(&self, name: &str, f: impl FnOnce() -> R) -> R {
        let number = {
            let mut r = self.recording.borrow_mut();
            let counts = &mut r.current().counts;
            match counts.iter_mut().find(|(n, _)| n == name) {
                Some((_, count)) => {
                    *count += 1;
                    *count
                }
                None => {
                    counts.push((name.to_string(), 1));
                    1
                }
            }
        };
        self.enter(format!("{name}{number}"), Place(Location::caller()), f)
    }

    /// Notes a mistake that a layer found in its own options; the first one noted is reported.
    #[track_caller]
    pub fn invalid(&self, what: impl Into<String>, message: impl Into<String>) -> Var<'_, T> {
        let place = self.place(Location::caller());
        self.fail(GraphError::Invalid {
            what: what.into(),
            place,
            message: message.into(),
        })
    }

    pub(crate) fn finish(self) -> Result<Recording<T>> {
        let mut recording = self.recording.into_inner();
        match recording.error.take() {
            Some(error) => Err(error),
            None => Ok(recording),
        }
    }

    /// The first mistake noted so far, for those who record on behalf of somebody else and can say
    /// more about it.
    pub fn mistake(&self) -> Option<GraphError> {
        self.recording.borrow().error.clone()
    }
}
