//! Numbers that begin on a cache line.

use crate::Scalar;
use crate::kernel::{LINE, line_start};
use std::ops::{Deref, DerefMut};

/// A growing row of numbers whose first one lies on a cache line, so that no aligned vector of it
/// straddles two.
#[derive(Debug, Default)]
pub(crate) struct Buffer<T> {
    storage: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Scalar> Buffer<T> {
    /// Makes it at least `len` numbers long; allocates only to grow. New numbers are 0.
    pub fn grow(&mut self, len: usize) {
        if self.len >= len {
            return;
        }
        let mut storage = vec![T::zero(); len + LINE / size_of::<T>()];
        let start = line_start(&storage);
        storage[start..][..self.len].copy_from_slice(self);
        *self = Buffer {
            storage,
            start,
            len,
        };
    }

    /// `x`, if it begins on a cache line, or else a copy that does.
    pub fn aligned<'a>(&'a mut self, x: &'a [T]) -> &'a [T] {
        if (x.as_ptr() as usize).is_multiple_of(LINE) {
            return x;
        }
        self.grow(x.len());
        let copy = &mut self[..x.len()];
        copy.copy_from_slice(x);
        copy
    }
}

impl<T: Clone> Clone for Buffer<T> {
    // A copied vector begins elsewhere, and so must its numbers.
    fn clone(&self) -> Self {
        let mut storage = self.storage.clone();
        let start = line_start(&storage);
        storage[start..][..self.len].clone_from_slice(self);
        Buffer {
            storage,
            start,
            len: self.len,
        }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.storage[self.start..][..self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..][..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_begins_on_a_cache_line_and_keeps_its_numbers() {
        let mut buffer = Buffer::<f32>::default();
        for len in [1, 3, 1000, 100_000] {
            buffer.grow(len);
            assert_eq!(buffer.len(), len);
            assert_eq!(buffer.as_ptr() as usize % LINE, 0);
            buffer[len - 1] = len as f32;
        }
        let mut copy = buffer.clone();
        assert_eq!(copy.as_ptr() as usize % LINE, 0);
        for len in [1, 3, 1000, 100_000] {
            assert_eq!(copy[len - 1], len as f32);
        }
        buffer.grow(10);
        assert_eq!(buffer.len(), 100_000, "it never shrinks");
        let given = copy.aligned(&buffer[..50]).as_ptr();
        assert_eq!(given, buffer.as_ptr(), "what is aligned stays where it is");
        let given = copy.aligned(&buffer[1..50]);
        assert_eq!(given, &buffer[1..50]);
        assert_eq!(given.as_ptr() as usize % LINE, 0);
        assert!(Buffer::<f32>::default().clone().is_empty());
    }
}
