//! Vectors that products borrow and give back, so that steady loops allocate nothing.

use crate::error::Result;
use osculant_tape::Scalar;
use std::sync::{Mutex, PoisonError};

/// As many vectors as there ever were products at the same time.
#[derive(Debug, Default)]
pub(super) struct Scratch<T>(Mutex<Vec<Vec<T>>>);

impl<T: Scalar> Scratch<T> {
    pub(super) fn new() -> Self {
        Scratch(Mutex::new(Vec::new()))
    }

    /// Calls `f` with a vector of `len` numbers that hold anything.
    pub(super) fn with(&self, len: usize, f: impl FnOnce(&mut [T]) -> Result<()>) -> Result<()> {
        // A panic elsewhere while the lock was held leaves a list of vectors, still good.
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut v = spare.unwrap_or_default();
        v.resize(len, T::zero());
        let result = f(&mut v);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(v);
        result
    }
}
