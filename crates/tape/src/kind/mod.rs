//! The kinds of ops: say what an op *is*, and its four rules follow.
//!
//! | kind | the author writes | the rules follow by |
//! |---|---|---|
//! | [`Pointwise`] | f, its gradient and its Hessian in N scalars | chain rule |
//! | [`Linear`] | y = Σ Lⱼxⱼ: each Lⱼ and its transpose | L dx; Lᵀg; Lᵀdg |
//! | [`Bilinear`] | B(a, b) and its two adjoints | product rule |
//! | [`Selection`] | which input each output took | select; scatter; scatter dg |
//!
//! Each kind is a newtype around the author's struct, so that `Bilinear(Conv2d { … })` is an
//! [`Op`](crate::op::Op). An op that is none of these implements `Op` itself.

mod bilinear;
mod linear;
mod pointwise;
mod selection;

pub use bilinear::{Bilinear, BilinearMap, BilinearOp};
pub use linear::{Linear, LinearMap, LinearOp};
pub use pointwise::{Broadcast, Pointwise, PointwiseFn, Reads};
pub use selection::{NONE, Select, Selection, SelectionOp};
