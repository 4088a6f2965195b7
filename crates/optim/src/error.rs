//! What can go wrong with losses, data, operators and solvers, each message with a way out.

use crate::solve::Stop;
use osculant_tape::kernel::first_not_finite;
use osculant_tape::{GraphError, Scalar};

/// Everything that this crate can refuse.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// The graph of the network refused.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A loss cannot be applied to an output of this shape.
    #[error("the {loss} loss has no meaning for an output of shape {shape:?}: {message}")]
    Output {
        /// The loss's name.
        loss: String,
        /// The output's shape.
        shape: Vec<usize>,
        /// What is wrong and what to do.
        message: String,
    },
    /// A class label beyond the number of classes.
    #[error(
        "the {loss} loss met label {label}, but there are {classes} classes, numbered 0 to {}; \
         renumber the labels, or give the network more outputs", .classes.saturating_sub(1)
    )]
    Label {
        /// The loss's name.
        loss: String,
        /// The label.
        label: u32,
        /// How many outputs the network has.
        classes: usize,
    },
    /// A target that the loss has no meaning for.
    #[error("the {loss} loss cannot take this target: {message}")]
    Target {
        /// The loss's name.
        loss: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// An error that belongs to one example.
    #[error("example {example}: {source}")]
    Example {
        /// The number of the example, from 0.
        example: usize,
        /// What is wrong with it.
        source: Box<OptimError>,
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
    /// An error that belongs to one position of a sequence or an image.
    #[error("position {position}: {source}")]
    Position {
        /// The number of the position, in row-major order.
        position: usize,
        /// What is wrong there.
        source: Box<OptimError>,
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
    /// An option outside its range, or a combination that has no meaning.
    #[error("{what} is {value}: {message}")]
    Invalid {
        /// Which option.
        what: String,
        /// What was given.
        value: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// A curvature matrix B that has no real factor S with B = SSᵀ.
    #[error(
        "the curvature of the {loss} loss is not positive semidefinite for example {example}: \
         {message}; it has no factor S with B = SSᵀ: use products B·v instead, or a convex loss"
    )]
    NotPositiveSemidefinite {
        /// The loss's name.
        loss: String,
        /// The number of the example.
        example: usize,
        /// The entry that shows it.
        message: String,
    },
    /// A product with an inverse, whose solve ended before it was accurate.
    #[error(
        "the solve of a product with an inverse ended after {iterations} iterations with ‖r‖ = \
         {residual_norm:e}, above the {bound:e} that was asked for: {}",
        advice(stop)
    )]
    Unsolved {
        /// How many iterations were made.
        iterations: usize,
        /// ‖r‖ at the end.
        residual_norm: f64,
        /// κ‖b‖, which it was to reach.
        bound: f64,
        /// Why it ended.
        stop: Stop,
    },
    /// A verification failed.
    #[error("{what} failed its check: {claim}\n{table}")]
    Check {
        /// What was verified.
        what: String,
        /// The claim that does not hold, and where.
        claim: String,
        /// The offending entries: analytic, numeric, relative error.
        table: String,
    },
}

impl OptimError {
    /// The same error, with the number of the example that it belongs to.
    pub fn of_example(self, example: usize) -> Self {
        OptimError::Example {
            example,
            source: Box::new(self),
        }
    }

    /// Whether it says that a number is NaN or infinite, handed in or computed.
    pub(crate) fn is_not_finite(&self) -> bool {
        matches!(
            self,
            OptimError::NotFinite { .. }
                | OptimError::Graph(GraphError::NotFinite { .. } | GraphError::Arose { .. })
                | OptimError::Unsolved {
                    stop: Stop::NonFinite,
                    ..
                }
        )
    }

    pub(crate) fn invalid(what: &str, value: impl ToString, message: &str) -> Self {
        OptimError::Invalid {
            what: what.into(),
            value: value.to_string(),
            message: message.into(),
        }
    }
}

/// What to do where a solve ended for this reason.
fn advice(stop: &Stop) -> String {
    match stop {
        Stop::MaxIterations => "allow more, raise the tolerance, or precondition".into(),
        Stop::Converged => "rounding allows no less; raise the tolerance, or compute in f64".into(),
        other => other.to_string(),
    }
}

/// The result of everything in this crate that can be refused.
pub type Result<T, E = OptimError> = std::result::Result<T, E>;

/// Refuses a vector whose length is not `expected`.
pub(crate) fn expect_length(what: &str, found: usize, expected: usize, hint: &str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(OptimError::Length {
        what: what.into(),
        found,
        expected,
        hint: hint.into(),
    })
}

/// Refuses NaN and infinities, naming the first.
pub(crate) fn expect_finite<T: Scalar>(what: &str, v: &[T]) -> Result<()> {
    match first_not_finite(v) {
        None => Ok(()),
        Some(index) => Err(OptimError::NotFinite {
            what: what.into(),
            index,
            value: v[index].to_f64(),
        }),
    }
}
