//! Cache lines.

/// Bytes of a cache line, and of the widest vector.
pub const LINE: usize = 64;

/// How many numbers lie before the first that begins on a cache line.
pub fn line_start<T>(numbers: &[T]) -> usize {
    // An allocator that is not even aligned to a number leaves nothing to align, nor do no numbers.
    let start = numbers.as_ptr().align_offset(LINE);
    if start < numbers.len().min(LINE / size_of::<T>()) {
        start
    } else {
        0
    }
}
