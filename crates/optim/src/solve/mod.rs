//! Solvers of A d = b and the spectrum of A, with products of A alone.
//!
//! [`Cg`] is the method of conjugate gradients for symmetric positive definite operators;
//! [`Inverse`] makes an operator of its solves. [`Preconditioner`]s are operators too, [`Jacobi`]
//! the one from a diagonal. Every solve is bounded and says in a [`Stop`] why it ended; what is
//! good enough is a [`Stopping`] rule's to say: [`Residual`], [`RelativeProgress`] or
//! [`NashSofer`]. [`Lanczos`] makes a small matrix of a large one, [`SpectrumEstimator`] the
//! density of its eigenvalues.

mod cg;
mod eigenvalues;
mod inverse;
mod kept;
mod lanczos;
mod preconditioner;
mod spectrum;
mod stop;
mod stopping;

pub use cg::{Cg, CgIteration, CgObserver, Solution, Solve, Workspace};
pub use eigenvalues::symmetric_eigenvalues;
pub use inverse::Inverse;
pub use kept::{Kept, KeptIterate};
pub use lanczos::{Lanczos, Ritz, Tridiagonal};
pub use preconditioner::{Jacobi, Preconditioner};
pub use spectrum::{Estimate, Spectrum, SpectrumEstimator};
pub use stop::Stop;
pub use stopping::{CgStart, NashSofer, RelativeProgress, Residual, Stopping};
