//! Repeated timing.

use crate::Fault;
use std::time::Instant;

/// A sample lasts at least this many seconds: in shorter ones what counts is how fast caches fill
/// and sleeping cores wake, and a library that computes many results in one call would seem faster.
const SHORTEST: f64 = 0.1;

/// A call of so many seconds need not be timed beforehand to know that one fills a sample.
const LONG: f64 = 0.1;

/// Seconds per result, for each of `repeats` samples, after one run that is not counted. A call
/// of `f` gives `per` results; as many calls make a sample as fill [`SHORTEST`].
pub(crate) fn sample(
    repeats: usize,
    per: usize,
    mut f: impl FnMut() -> Result<(), Fault>,
) -> Result<Vec<f64>, Fault> {
    let mut seconds = |calls: usize| -> Result<f64, Fault> {
        let start = Instant::now();
        for _ in 0..calls {
            f()?;
        }
        Ok(start.elapsed().as_secs_f64() / calls as f64)
    };
    let mut calls = 1;
    if seconds(1)? < LONG {
        let once = seconds(1)?;
        calls = (SHORTEST / once).ceil().clamp(1.0, 1e4) as usize;
    }
    (0..repeats)
        .map(|_| Ok(seconds(calls)? / per as f64))
        .collect()
}
