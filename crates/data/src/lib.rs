//! Data sets for Osculant: reading them, checking them, preparing them.

mod dataset;
mod error;

pub use self::dataset::{Dataset, Split};
pub use self::error::DataError;
