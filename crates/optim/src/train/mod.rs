//! Trainers and their parts; first-order rules to compare with, on the same objective.
//!
//! Each part works alone and can be replaced by one's own:
//!
//! | part of [`NewtonCg`] | those that are here |
//! |---|---|
//! | [`Damping`] | [`LevenbergMarquardt`], [`Nielsen`], [`ConstantDamping`] |
//! | [`Globalization`] | [`Armijo`], [`TrustRegion`], [`StepRejection`] |
//! | [`Sampling`] | [`Cyclic`], [`Fixed`], [`Fresh`], [`Everything`], [`Given`] |
//! | [`Stopping`](crate::solve::Stopping) of CG | [`Residual`](crate::solve::Residual), [`RelativeProgress`](crate::solve::RelativeProgress), [`NashSofer`](crate::solve::NashSofer) |
//! | [`CgIterate`] | [`LastIterate`], [`BacktrackedIterate`] |
//! | [`WarmStart`] | |
//! | [`Preconditioning`] | [`Unpreconditioned`], [`CurvatureDiagonal`], [`EmpiricalFisher`] |
//!
//! | part of [`FirstOrder`] | those that are here |
//! |---|---|
//! | [`StepRule`] | [`Sgd`], [`Adam`], [`Smd`] |
//! | [`Schedule`] of the learning rate | constant, stepwise, cosine, inverse; with a warm-up |
//! | [`Batches`] | a new shuffle in every epoch |
//!
//! Both tell an [`Observer`] what they do, such as [`KeepBest`], can go on from a [`State`] and end
//! with a [`Report`].

mod adam;
mod batches;
mod cg_iterate;
mod damping;
mod first_order;
mod globalization;
mod keep_best;
mod newton_cg;
mod observe;
mod preconditioning;
mod record;
mod report;
mod sampling;
mod schedule;
mod sgd;
mod smd;
mod state;
mod step_rule;
mod warm_start;

pub use adam::Adam;
pub use batches::Batches;
pub use cg_iterate::{BacktrackedIterate, CgIterate, LastIterate};
pub use damping::{ConstantDamping, Damping, LevenbergMarquardt, Nielsen, Progress};
pub use first_order::FirstOrder;
pub use globalization::{Armijo, Direction, Globalization, Search, StepRejection, TrustRegion};
pub use keep_best::{Best, KeepBest};
pub use newton_cg::NewtonCg;
pub use observe::{Moment, Observer, Start};
pub use preconditioning::{
    CurvatureDiagonal, Diagonals, EmpiricalFisher, Preconditioning, Unpreconditioned,
};
pub use record::{Epoch, Iteration};
pub use report::{Outcome, Report};
pub use sampling::{Cyclic, Everything, Fixed, Fresh, Given, Sampling, Size, Subset};
pub use schedule::Schedule;
pub use sgd::Sgd;
pub use smd::Smd;
pub use state::State;
pub use step_rule::{Step, StepRule};
pub use warm_start::WarmStart;

use crate::error::{OptimError, Result};

/// Refuses a bound on ‖∇f‖ without meaning.
fn expect_tolerance(tolerance: f64) -> Result<()> {
    if tolerance >= 0.0 && tolerance.is_finite() {
        return Ok(());
    }
    let message = "it must be finite and not negative; 0 is for none";
    Err(OptimError::invalid(
        "the gradient tolerance",
        tolerance,
        message,
    ))
}
