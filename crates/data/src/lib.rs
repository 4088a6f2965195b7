//! Data sets for Osculant: reading them, checking them, preparing them.

pub mod idx;

mod dataset;
mod error;
mod preprocess;

pub use self::dataset::{Dataset, Split};
pub use self::error::DataError;
pub use self::preprocess::{Preprocess, PreprocessOptions};
