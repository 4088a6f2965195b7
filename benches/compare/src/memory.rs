//! Peak memory of this process, as Linux counts it.

use crate::Fault;

/// Sets the peak back to what is resident now, and returns that: bytes.
pub(crate) fn reset_peak() -> Result<u64, Fault> {
    std::fs::write("/proc/self/clear_refs", "5")?;
    status("VmRSS:")
}

/// The most bytes that were resident at once since the last reset.
pub(crate) fn peak() -> Result<u64, Fault> {
    status("VmHWM:")
}

fn status(name: &str) -> Result<u64, Fault> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix(name));
    let number = line.and_then(|l| l.trim().strip_suffix("kB"));
    let kilobytes: u64 = number.ok_or("no such line in status")?.trim().parse()?;
    Ok(kilobytes * 1024)
}
