//! Plain slices in, plain slices out: the arithmetic under the ops. Single-threaded throughout.

pub mod pool;
pub(crate) mod reduce;
