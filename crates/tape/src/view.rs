//! How an op sees its operands: a tile of examples, each a slice at a fixed stride.

use crate::Scalar;

/// An operand for all examples of a tile.
///
/// Example `i` lies at `i · stride`. A stride of 0 says that the operand is *shared*: a parameter,
/// a constant, or something computed from these alone.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    data: &'a [T],
    len: usize,
    stride: usize,
}

impl<'a, T> View<'a, T> {
    /// An operand that all examples share.
    #[inline]
    pub fn shared(data: &'a [T]) -> Self {
        View {
            data,
            len: data.len(),
            stride: 0,
        }
    }

    /// Examples of `len` numbers, one after the other.
    #[inline]
    pub fn tile(data: &'a [T], len: usize) -> Self {
        View {
            data,
            len,
            stride: len,
        }
    }

    /// Examples of `len` numbers at a stride of their own.
    #[inline]
    pub fn strided(data: &'a [T], len: usize, stride: usize) -> Self {
        View { data, len, stride }
    }

    /// The numbers of example `i`.
    #[inline]
    pub fn example(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..][..self.len]
    }

    /// How many numbers an example has.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether examples have no numbers.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The distance of two neighbouring examples; 0 if all share one.
    #[inline]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Whether all examples see the same numbers.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.stride == 0
    }

    /// Everything behind the view: the first example starts at 0.
    #[inline]
    pub fn data(&self) -> &'a [T] {
        self.data
    }

    /// The first `k` examples as one slice, where they lie without gaps.
    #[inline]
    pub fn contiguous(&self, k: usize) -> Option<&'a [T]> {
        (self.stride == self.len || k == 1).then(|| &self.data[..k * self.len])
    }
}

/// Where a rule adds the cotangent of an operand.
///
/// A stride of 0 sums over the examples of the tile; a stride of the operand's own length
/// receives one cotangent per example.
///
/// A [fresh](Slot::fresh) slot holds no cotangent yet. It clears itself before the first rule that
/// adds to it sees a number; one that [writes](Slot::write_all) over all of it saves both passes.
#[derive(Debug)]
pub struct Slot<'a, T> {
    data: &'a mut [T],
    len: usize,
    stride: usize,
    fresh: bool,
}

impl<'a, T: Scalar> Slot<'a, T> {
    /// A cotangent summed over the examples.
    #[inline]
    pub fn shared(data: &'a mut [T]) -> Self {
        Slot {
            len: data.len(),
            stride: 0,
            data,
            fresh: false,
        }
    }

    /// One cotangent of `len` numbers per example, one after the other.
    #[inline]
    pub fn tile(data: &'a mut [T], len: usize) -> Self {
        Slot {
            data,
            len,
            stride: len,
            fresh: false,
        }
    }

    /// The same, in which nothing that stands there is a cotangent, if `fresh` is true.
    #[inline]
    pub fn fresh(self, fresh: bool) -> Self {
        Slot { fresh, ..self }
    }

    /// Clears a fresh slot; whoever made one does so after the rule, which may not have touched it.
    #[inline]
    pub fn settle(&mut self) {
        if std::mem::take(&mut self.fresh) {
            self.data.fill(T::zero());
        }
    }

    /// As [`all`](Slot::all), and whether the cotangent is to be added to what stands there. If it
    /// is not, all of the numbers must be written, for the slot holds them to be cotangents from
    /// now on.
    #[inline]
    pub fn write_all(&mut self, k: usize) -> (&mut [T], bool) {
        let n = match self.stride {
            0 => self.len,
            _ => k * self.len,
        };
        if n < self.data.len() {
            self.settle();
        }
        let adds = !std::mem::take(&mut self.fresh);
        (&mut self.data[..n], adds)
    }

    /// Where example `i` adds its cotangent.
    #[inline]
    pub fn example(&mut self, i: usize) -> &mut [T] {
        self.settle();
        &mut self.data[i * self.stride..][..self.len]
    }

    /// The slots of `count` examples from `first` on.
    #[inline]
    pub fn part(&mut self, first: usize, count: usize) -> Slot<'_, T> {
        self.settle();
        let (start, n) = match self.stride {
            0 => (0, self.len),
            stride => (first * stride, count * stride),
        };
        Slot {
            data: &mut self.data[start..start + n],
            len: self.len,
            stride: self.stride,
            fresh: false,
        }
    }

    /// How many numbers an example has.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether examples have no numbers.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the examples are summed.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.stride == 0
    }

    /// Whether the first `k` examples follow each other without gaps, each with a cotangent of its
    /// own.
    #[inline]
    pub fn is_contiguous(&self, k: usize) -> bool {
        self.stride == self.len || k == 1
    }

    /// All of the first `k` examples as one slice; of a summed slot, the one sum.
    #[inline]
    pub fn all(&mut self, k: usize) -> &mut [T] {
        self.settle();
        self.write_all(k).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh<T: Scalar>(data: &mut [T]) -> Slot<'_, T> {
        Slot::tile(data, 2).fresh(true)
    }

    #[test]
    fn a_fresh_slot_is_cleared_once_and_before_it_is_added_to() {
        let mut data = [f64::NAN; 4];
        let mut slot = fresh(&mut data);
        slot.example(1)[0] += 3.0;
        slot.all(2)[1] += 4.0;
        slot.part(0, 1).example(0)[0] += 5.0;
        assert!(slot.write_all(2).1, "it holds cotangents by now");
        slot.settle();
        assert_eq!(data, [5.0, 4.0, 3.0, 0.0]);
    }

    #[test]
    fn all_of_a_fresh_slot_may_be_written_over() {
        let mut data = [f64::NAN; 4];
        let mut slot = fresh(&mut data);
        let (all, adds) = slot.write_all(2);
        assert!(!adds);
        all.fill(7.0);
        slot.example(1)[1] += 1.0;
        assert_eq!(data, [7.0, 7.0, 7.0, 8.0]);
    }

    #[test]
    fn a_part_of_a_fresh_slot_is_added_to() {
        let mut data = [f64::NAN; 4];
        let mut slot = fresh(&mut data);
        assert!(slot.write_all(1).1);
        assert_eq!(data, [0.0; 4]);
    }
}
