//! Reverse-mode graphs with the R-operator.

#[cfg(feature = "check")]
pub mod check;
mod error;
mod init;
pub mod kernel;
pub mod kind;
pub mod op;
pub mod ops;
mod scalar;
mod shape;
mod tape;
mod view;

pub use error::{GraphError, Place, Result};
pub use init::{Init, Random};
pub use scalar::Scalar;
pub use shape::{IntoShape, Shape};
pub use tape::{Tape, Var};
pub use view::{Slot, View};
