//! The parts of trainers: damping, line search, curvature subsets.
//!
//! Each works alone and can be replaced by one's own.

mod damping;
mod line_search;
mod sampling;

pub use damping::{ConstantDamping, Damping, LevenbergMarquardt, Progress};
pub use line_search::{Armijo, LineSearch, Search};
pub use sampling::{Cyclic, Everything, Fixed, Fresh, Given, Sampling, Size, Subset};
