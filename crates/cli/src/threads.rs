//! The threads that everything runs on.

use crate::error::CliError;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A pool of so many threads, or of as many as the machine has cores.
pub fn pool(threads: Option<usize>) -> Result<ThreadPool, CliError> {
    let builder = match threads {
        Some(threads) => ThreadPoolBuilder::new().num_threads(threads),
        None => ThreadPoolBuilder::new(),
    };
    builder.build().map_err(|error| CliError::Threads {
        threads: threads.map_or("the threads".into(), |n| format!("{n} threads")),
        reason: error.to_string(),
    })
}
