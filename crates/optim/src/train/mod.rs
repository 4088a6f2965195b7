//! Trainers and their parts: damping, line search, curvature subsets.
//!
//! Each part works alone and can be replaced by one's own.

mod damping;
mod line_search;
mod newton_cg;
mod sampling;

pub use damping::{ConstantDamping, Damping, LevenbergMarquardt, Progress};
pub use line_search::{Armijo, LineSearch, Search};
pub use newton_cg::{Iteration, NewtonCg, Observer, Outcome, Report};
pub use sampling::{Cyclic, Everything, Fixed, Fresh, Given, Sampling, Size, Subset};
