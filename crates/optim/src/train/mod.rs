//! Trainers and their parts: damping, line search, curvature subsets.
//!
//! Each part works alone and can be replaced by one's own.

mod damping;
mod line_search;
mod newton_cg;
mod observe;
mod record;
mod report;
mod sampling;
mod state;

pub use damping::{ConstantDamping, Damping, LevenbergMarquardt, Progress};
pub use line_search::{Armijo, LineSearch, Search};
pub use newton_cg::NewtonCg;
pub use observe::{Moment, Observer, Start};
pub use record::{Epoch, Iteration};
pub use report::{Outcome, Report};
pub use sampling::{Cyclic, Everything, Fixed, Fresh, Given, Sampling, Size, Subset};
pub use state::State;
