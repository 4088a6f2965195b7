//! Plain slices in, plain slices out: the arithmetic under the ops. Single-threaded throughout.

pub mod conv2d;
mod depthwise;
pub mod gemm;
pub mod geometry;
mod patches;
pub mod pool;
pub(crate) mod reduce;
mod simd;
mod small;
