//! Reverse-mode graphs with the R-operator: the part of Osculant that knows derivatives.
//!
//! A graph is recorded once, for one example, and replayed on any number of them. Four sweeps over
//! it give every product that curvature methods need.
//!
//! # Where things are
//!
//! | look in | for |
//! |---|---|
//! | [`Function`] | derivatives of a plain function in a few lines |
//! | [`Tape`], [`Var`] | recording: shapes, parameters, scopes, mistakes with their source line |
//! | [`ops`] | one file per op, and the registry |
//! | [`kind`] | how an op's four rules follow from what it is |
//! | [`op`] | the contract of an op, for those that are of no kind |
//! | [`Graph`], [`Params`], [`Theta`] | a finished graph, and its flat vector θ |
//! | [`linearize`] | a graph at a θ: J v, Jᵀu, JᵀBJ v, products with the Hessian |
//! | [`kernel`] | the arithmetic: plain slices in, plain slices out |
//! | `check` (feature `check`) | verification of any op, yours included |
//!
//! Inside: `plan/` decides where every value lives, `sweep/` holds the four sweeps, and
//! `rounds.rs` the one loop that sums over examples.

mod buffer;
#[cfg(feature = "check")]
pub mod check;
mod copy;
mod error;
mod function;
mod fuse;
mod graph;
mod init;
pub mod kernel {
    //! Plain slices in, plain slices out: the arithmetic under the ops, from the crate
    //! `osculant-kernel`.

    pub use osculant_kernel::{
        InstructionSet, conv2d, elementary, first_not_finite, gemm, geometry, pool, vectorized,
    };
    pub(crate) use osculant_kernel::{
        LINE, add_transpose, copy_finite, line_start, outer_product, reduce, sensitivity,
        transpose, winners, zip,
    };
}
pub mod kind;
pub mod linearize;
pub mod op;
pub mod ops;
mod params;
mod plan;
mod rounds;
mod shape;
mod shared;
mod sweep;
mod tape;
mod theta;
mod view;

pub use error::{GraphError, Place, Result};
pub use function::{Function, PointOf};
pub use graph::Graph;
pub use init::{Init, Random};
pub use osculant_kernel::Scalar;
pub use params::{Params, Slice};
pub use shape::{IntoShape, Shape};
pub use tape::{Tape, Var};
pub use theta::Theta;
pub use view::{Slot, View};
