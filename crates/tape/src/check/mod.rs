//! Public verification of ops.

mod cases;
pub mod draw;

pub use cases::{Cases, Domain, Drawn};
