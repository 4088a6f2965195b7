//! Osculant's side of the comparison: it loads a workload from a folder, computes results that
//! the driver compares with those of other libraries, and times itself when it is asked to.
//!
//! One request per line on standard input, one answer per line on standard output, both JSON; see
//! `protocol.rs`. `osculant-compare --threads 2` sets the size of the thread pool.

mod cell;
mod files;
mod memory;
mod networks;
mod protocol;
mod timing;

use std::error::Error;
use std::io::{BufRead, Write};

/// Any error, on its way into an answer.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let threads = match &arguments[..] {
        [flag, threads] if flag == "--threads" => threads.parse()?,
        [] => 0,
        _ => return Err("osculant-compare [--threads N]".into()),
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    let mut worker = protocol::Worker::default();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = match worker.answer(&line?) {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(()),
            Err(fault) => serde_json::json!({ "error": fault.to_string() }),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
