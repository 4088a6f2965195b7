//! Losses, data, curvature operators, solvers and the parts of trainers.
//!
//! Whatever knows a target or a step lives here; derivatives of graphs live in
//! [`osculant_tape`], parameters in `osculant_layers`. Where to look:
//!
//! | module | holds |
//! |---|---|
//! | [`loss`] | the [`Loss`](loss::Loss) trait, one file per loss, the adaptors |
//! | [`examples`] | the [`Examples`](examples::Examples) trait, data sets in memory |
//! | [`operator`] | [`LinearOperator`](operator::LinearOperator): sums, shifts, dense matrices |
//! | [`solve`] | [`Cg`](solve::Cg), preconditioners, [eigenvalue densities](solve::SpectrumEstimator) |
//! | [`train`] | trainers, with damping, line search, curvature subsets; first-order ones |
//! | `check` | verification of one's own losses (feature `check`, which brings proptest) |
//! | [`metrics`] | accuracy, R², root mean squared error |
//! | [`vector`] | arithmetic on flat vectors, the same bits on any number of threads |
//!
//! How long each product takes on three small networks: `cargo bench -p osculant-optim --bench
//! sweeps`, with a part of a name behind `--` if not all is wanted, such as `conv/f32`.

#[cfg(feature = "check")]
pub mod check;
mod error;
pub mod examples;
pub mod loss;
pub mod metrics;
mod objective;
pub mod operator;
pub mod solve;
pub mod train;
pub mod vector;

pub use error::{OptimError, Result};
pub use objective::{Model, Objective};
pub use osculant_tape::linearize::Route;
