//! The threads that everything runs on.

use crate::error::CliError;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// More threads than any machine has cores.
const MOST: usize = 1024;

/// A pool of so many threads, or of as many as the machine has cores.
pub fn pool(threads: Option<usize>) -> Result<ThreadPool, CliError> {
    if let Some(threads) = threads.filter(|&threads| threads > MOST) {
        return Err(CliError::Threads {
            threads: format!("{threads} threads"),
            reason: format!("at most {MOST} make sense; give as many as the machine has cores"),
        });
    }
    let builder = match threads {
        Some(threads) => ThreadPoolBuilder::new().num_threads(threads),
        None => ThreadPoolBuilder::new(),
    };
    builder.build().map_err(|error| CliError::Threads {
        threads: threads.map_or("the threads".into(), |n| format!("{n} threads")),
        reason: error.to_string(),
    })
}
