//! Solvers of A d = b, with products of A alone.
//!
//! [`Cg`] is the method of conjugate gradients for symmetric positive definite operators;
//! [`Preconditioner`]s are operators too, [`Jacobi`] the one from a diagonal. Every solve is
//! bounded and says in a [`Stop`] why it ended.

mod cg;
mod eigenvalues;
mod jacobi;
mod stop;

pub use cg::{Cg, Iteration, Solution, Solve, Workspace};
pub use eigenvalues::symmetric_eigenvalues;
pub use jacobi::{Jacobi, Preconditioner};
pub use stop::Stop;
