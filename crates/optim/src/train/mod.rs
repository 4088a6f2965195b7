//! Trainers and their parts: damping, line search, curvature subsets; first-order rules to compare
//! with, on the same objective.
//!
//! Each part works alone and can be replaced by one's own.

mod adam;
mod batches;
mod damping;
mod first_order;
mod line_search;
mod newton_cg;
mod observe;
mod record;
mod report;
mod sampling;
mod schedule;
mod sgd;
mod smd;
mod state;
mod step_rule;

pub use adam::Adam;
pub use batches::Batches;
pub use damping::{ConstantDamping, Damping, LevenbergMarquardt, Progress};
pub use first_order::FirstOrder;
pub use line_search::{Armijo, LineSearch, Search};
pub use newton_cg::NewtonCg;
pub use observe::{Moment, Observer, Start};
pub use record::{Epoch, Iteration};
pub use report::{Outcome, Report};
pub use sampling::{Cyclic, Everything, Fixed, Fresh, Given, Sampling, Size, Subset};
pub use schedule::Schedule;
pub use sgd::Sgd;
pub use smd::Smd;
pub use state::State;
pub use step_rule::{Step, StepRule};
