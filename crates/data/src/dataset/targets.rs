//! What examples are to be answered with: a class, real numbers, or nothing.

use std::collections::BTreeMap;
use std::fmt::Debug;

/// What the examples of a data set are to be answered with.
pub trait Targets: Clone + Debug + PartialEq + sealed::Sealed {
    #[doc(hidden)]
    fn count(&self) -> usize;
    #[doc(hidden)]
    fn pick(&self, examples: &[usize]) -> Self;
    #[doc(hidden)]
    fn keep_first(&mut self, count: usize);
    /// The examples of each class, or all in one group where there are none.
    #[doc(hidden)]
    fn groups(&self) -> Vec<Vec<usize>> {
        vec![(0..self.count()).collect()]
    }
}

mod sealed {
    pub trait Sealed {}
}

/// Labels: the class of each example.
#[derive(Debug, Clone, PartialEq)]
pub struct Classes {
    pub(super) labels: Vec<u32>,
    pub(super) classes: usize,
}

/// Real targets: as many numbers for each example.
#[derive(Debug, Clone, PartialEq)]
pub struct Reals {
    pub(super) values: Vec<f32>,
    pub(super) each: usize,
}

/// No targets: inputs to be predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct Unlabelled {
    pub(super) count: usize,
}

impl sealed::Sealed for Classes {}
impl Targets for Classes {
    fn count(&self) -> usize {
        self.labels.len()
    }
    fn pick(&self, examples: &[usize]) -> Self {
        Classes {
            labels: rows(&self.labels, 1, examples),
            classes: self.classes,
        }
    }
    fn keep_first(&mut self, count: usize) {
        self.labels.truncate(count);
    }
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (i, &label) in self.labels.iter().enumerate() {
            groups.entry(label).or_default().push(i);
        }
        groups.into_values().collect()
    }
}

impl sealed::Sealed for Reals {}
impl Targets for Reals {
    fn count(&self) -> usize {
        self.values.len() / self.each
    }
    fn pick(&self, examples: &[usize]) -> Self {
        Reals {
            values: rows(&self.values, self.each, examples),
            each: self.each,
        }
    }
    fn keep_first(&mut self, count: usize) {
        self.values.truncate(count.saturating_mul(self.each));
    }
}

impl sealed::Sealed for Unlabelled {}
impl Targets for Unlabelled {
    fn count(&self) -> usize {
        self.count
    }
    fn pick(&self, examples: &[usize]) -> Self {
        let count = examples.iter().filter(|&&i| i < self.count).count();
        Unlabelled { count }
    }
    fn keep_first(&mut self, count: usize) {
        self.count = self.count.min(count);
    }
}

/// The rows of these numbers, in this order.
pub(super) fn rows<V: Copy>(values: &[V], each: usize, examples: &[usize]) -> Vec<V> {
    let mut picked = Vec::with_capacity(examples.len() * each);
    for &i in examples {
        picked.extend_from_slice(&values[i * each..(i + 1) * each]);
    }
    picked
}
