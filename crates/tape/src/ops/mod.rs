//! One file per op, and the registry.

mod conv2d;
mod dense;

pub use conv2d::{Conv2d, Padding, conv2d};
pub use dense::{Dense, MatMul, dense, matmul};
