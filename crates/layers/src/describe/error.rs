//! What can be wrong with a description, each message with the layer's position.

use osculant_tape::GraphError;

/// Everything that reading, writing or building a description can refuse.
///
/// A position reads like the path in the JSON, counted from 0: `layers[4].main[1]`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// Text that is no JSON, or lacks `input_shape` or `layers`.
    #[error("the description cannot be read: {message}")]
    Json {
        /// What is wrong, with line and column.
        message: String,
    },
    /// A layer that is written wrongly, or that cannot take what the layers before it give.
    #[error("{position}{}: {message}", named(.kind))]
    Layer {
        /// Where the layer stands.
        position: String,
        /// Its type, empty where that is not known.
        kind: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A shape of the input that no example can have.
    #[error("input_shape is {shape:?}; {message}")]
    Input {
        /// The shape.
        shape: Vec<usize>,
        /// What is wrong and what to do.
        message: String,
    },
    /// A name that stands for no network.
    #[error("no network is called `{name}`{reason}; there are: {known}")]
    UnknownName {
        /// The name.
        name: String,
        /// More of what is wrong with it, or nothing.
        reason: String,
        /// The names that exist.
        known: String,
    },
    /// A mistake of the graph that belongs to no layer.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

fn named(kind: &str) -> String {
    if kind.is_empty() {
        String::new()
    } else {
        format!(" ({kind})")
    }
}
