//! How an op sees its operands: a tile of examples, each a slice at a fixed stride.

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
#[derive(Debug)]
pub struct Slot<'a, T> {
    data: &'a mut [T],
    len: usize,
    stride: usize,
}

impl<'a, T> Slot<'a, T> {
    /// A cotangent summed over the examples.
    #[inline]
    pub fn shared(data: &'a mut [T]) -> Self {
        Slot {
            len: data.len(),
            stride: 0,
            data,
        }
    }

    /// One cotangent of `len` numbers per example, one after the other.
    #[inline]
    pub fn tile(data: &'a mut [T], len: usize) -> Self {
        Slot {
            data,
            len,
            stride: len,
        }
    }

    /// Where example `i` adds its cotangent.
    #[inline]
    pub fn example(&mut self, i: usize) -> &mut [T] {
        &mut self.data[i * self.stride..][..self.len]
    }

    /// The slots of `count` examples from `first` on.
    #[inline]
    pub fn part(&mut self, first: usize, count: usize) -> Slot<'_, T> {
        let (start, n) = match self.stride {
            0 => (0, self.len),
            stride => (first * stride, count * stride),
        };
        Slot {
            data: &mut self.data[start..start + n],
            len: self.len,
            stride: self.stride,
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
        let n = if self.stride == 0 {
            self.len
        } else {
            k * self.len
        };
        &mut self.data[..n]
    }
}
