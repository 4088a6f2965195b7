//! Cache lines.

/// Bytes of a cache line, and of the widest vector.
pub const LINE: usize = 64;

/// How many numbers lie before the first that begins on a cache line; 0 where none does.
pub fn line_start<T>(numbers: &[T]) -> usize {
    // Where numbers are few, or not even aligned to a number, there is nothing to align.
    let start = numbers.as_ptr().align_offset(LINE);
    if start < numbers.len().min(LINE / size_of::<T>().max(1)) {
        start
    } else {
        0
    }
}
