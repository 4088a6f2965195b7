//! Plain slices in, plain slices out: the arithmetic under the ops.
//!
//! Everything runs on one thread, but for the search for numbers that are not finite, alone or with
//! a copy. Nothing here knows a graph or a derivative.
//!
//! # Where things are
//!
//! | look in | for |
//! |---|---|
//! | [`Scalar`] | the two types of numbers |
//! | [`gemm`] | products of matrices, large and small |
//! | [`conv2d`], [`geometry`] | convolutions and their adjoints; their shapes, checked |
//! | [`pool`], [`winners`] | windows; convolutions only where a maximum is taken |
//! | [`elementary`] | exp, tanh and other elementary functions, in vectors |
//! | [`reduce`], [`zip`] | sums of vectors; functions of several, number by number |
//! | [`sensitivity`] | products with the kept S of each example |
//! | [`transpose`], [`outer_product`] | matrices turned; a gᵀ |
//! | [`first_not_finite`], [`copy_finite`] | the search for numbers that are not finite |
//! | [`vectorized`], [`InstructionSet`] | loops compiled for the machine's vectors; which these are |
//!
//! Inside: `simd.rs` is what kernels are written in, `block.rs` the innermost loops of products and
//! convolutions, `contraction.rs` and `small.rs` the loops around them, `direct.rs` and `patches.rs`
//! two ways to a convolution, `columns` that of several cotangents at once.

mod block;
mod columns;
#[doc(hidden)]
pub mod contraction;
pub mod conv2d;
mod direct;
pub mod elementary;
mod finite;
pub mod gemm;
pub mod geometry;
mod instruction_set;
mod line;
mod outer;
mod patches;
pub mod pool;
pub mod reduce;
mod scalar;
pub mod sensitivity;
mod simd;
mod small;
mod transpose;
pub mod winners;
pub mod zip;

pub use finite::{copy_finite, first_not_finite};
pub use instruction_set::InstructionSet;
pub use line::{LINE, line_start};
pub use outer::outer_product;
pub use scalar::Scalar;
pub use simd::vectorized;
pub use transpose::{add_transpose, transpose};
