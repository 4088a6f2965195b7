//! Plain slices in, plain slices out: the arithmetic under the ops. Single-threaded, but for the
//! search for numbers that are not finite.

mod block;
mod columns;
mod contraction;
pub mod conv2d;
mod direct;
pub mod elementary;
mod finite;
pub mod gemm;
pub mod geometry;
mod outer;
mod patches;
pub mod pool;
pub(crate) mod reduce;
pub(crate) mod sensitivity;
mod simd;
mod small;
#[cfg(test)]
mod tests;
mod transpose;
pub(crate) mod zip;

pub(crate) use finite::copy_finite;
pub use finite::first_not_finite;
pub(crate) use outer::outer_product;
pub use simd::vectorized;
pub(crate) use transpose::{add_transpose, transpose};
pub(crate) mod winners;
