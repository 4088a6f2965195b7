//! What can go wrong with a graph, each message with its place and a way out.

use crate::Shape;
use std::fmt;
use std::panic::Location;

/// The source line that an error points at: the user's, not one inside the framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub(crate) &'static Location<'static>);

impl Place {
    /// The line that calls this: for errors of functions that are themselves `#[track_caller]`.
    #[track_caller]
    pub fn caller() -> Self {
        Place(Location::caller())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.file(), self.0.line())
    }
}

/// Everything that recording, linearizing or evaluating a graph can refuse.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// An op met shapes or options that it has no meaning for.
    #[error("{place}: {op}{} of {}: {message}", in_layer(.layer), list(.shapes))]
    Op {
        /// The op's name.
        op: &'static str,
        /// The path of the layer, empty outside layers.
        layer: String,
        /// The line that recorded it.
        place: Place,
        /// The operands' shapes.
        shapes: Vec<Shape>,
        /// What is wrong and what to do.
        message: String,
    },
    /// A layer, an input or a parameter was asked for something impossible.
    #[error("{place}: {what}: {message}")]
    Invalid {
        /// What was asked for.
        what: String,
        /// The line that asked.
        place: Place,
        /// What is wrong and what to do.
        message: String,
    },
    /// Two parameters of one name.
    #[error(
        "two parameters are named `{name}`: the first at {first}, the second at {second}; give one \
         of them, or the scope around it, another name"
    )]
    DuplicateName {
        /// The name.
        name: String,
        /// Where it was used first.
        first: Place,
        /// Where it was used again.
        second: Place,
    },
    /// A variable of one tape was used on another.
    #[error(
        "{place}: {op} mixes variables of two tapes; record everything inside one closure, and \
         don't carry a `Var` out of it"
    )]
    ForeignVar {
        /// The op's name.
        op: &'static str,
        /// The line that recorded it.
        place: Place,
    },
    /// A vector of the wrong length.
    #[error("{what} has {found} numbers where {expected} are expected ({hint})")]
    Length {
        /// Which vector.
        what: String,
        /// Its length.
        found: usize,
        /// What it should be.
        expected: usize,
        /// Where the expected length comes from.
        hint: String,
    },
    /// NaN or infinity in something handed in.
    #[error("{what} is {value} at index {index}; every number must be finite")]
    NotFinite {
        /// Which vector.
        what: String,
        /// The first index at which it is not finite.
        index: usize,
        /// What stands there.
        value: f64,
    },
    /// NaN or infinity that arose inside the graph.
    #[error(
        "the {what} of {op}{} (recorded at {place}) is {value}{}; its operands were finite, so it \
         arises here: check the scale of the inputs and parameters, or the domain of the op",
        in_layer(.layer), for_example(.example)
    )]
    Arose {
        /// `value`, `tangent` or `cotangent`.
        what: &'static str,
        /// The op's name.
        op: &'static str,
        /// The path of the layer, empty outside layers.
        layer: String,
        /// The line that recorded it.
        place: Place,
        /// The number of the first example where it happens; `None` if it depends on parameters
        /// alone.
        example: Option<usize>,
        /// NaN or an infinity.
        value: f64,
    },
    /// A parameter name that the graph does not have.
    #[error("no parameter is named `{name}`; there are: {known}")]
    NoSuchParameter {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// More memory asked for than allowed.
    #[error("{what} takes {bytes} bytes, more than the {limit} allowed; {hint}")]
    Memory {
        /// What would take it.
        what: String,
        /// How much.
        bytes: usize,
        /// The limit.
        limit: usize,
        /// What to do instead.
        hint: String,
    },
}

impl GraphError {
    /// What is wrong, without the place: for descriptions, whose lines are not Rust's.
    pub fn reason(&self) -> String {
        match self {
            GraphError::Op {
                op,
                shapes,
                message,
                ..
            } => format!("{op} of {}: {message}", list(shapes)),
            GraphError::Invalid { what, message, .. } => format!("{what}: {message}"),
            other => other.to_string(),
        }
    }
}

fn in_layer(layer: &str) -> String {
    if layer.is_empty() {
        String::new()
    } else {
        format!(" in layer `{layer}`")
    }
}

fn for_example(example: &Option<usize>) -> String {
    match example {
        Some(example) => format!(" for example {example}"),
        None => " for all examples".into(),
    }
}

fn list(shapes: &[Shape]) -> String {
    shapes
        .iter()
        .map(Shape::to_string)
        .collect::<Vec<_>>()
        .join(" and ")
}

/// The result of everything that takes a graph.
pub type Result<T, E = GraphError> = std::result::Result<T, E>;
