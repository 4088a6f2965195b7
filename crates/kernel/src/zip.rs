//! Loops over several slices at once, in a form that the compiler turns into vectors.
//!
//! What is read for every step must be as long as the loop, or longer; a shorter slice panics, as an
//! index beyond its end does.

#![allow(unsafe_code)]

use super::reduce::sum;
use crate::Scalar;

/// Along a constant operand, this many steps are taken at once.
const BLOCK: usize = 32;

/// What a loop reads: a number for every step, or one for all.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a, T> {
    /// One for every step.
    Each(&'a [T]),
    /// One for all of them.
    All(T),
}

/// All that a loop reads.
///
/// The numbers in `b` reach the loop's body one by one: as an array, the compiler may take three of
/// them for a vector of its own, and then makes none of the loop.
#[derive(Clone, Copy, Debug)]
pub struct Reads<P, const A: usize> {
    /// What the body gets as an array.
    pub a: [P; A],
    /// What it gets one by one.
    pub b: [P; 3],
}

/// `[f(0), …, f(N − 1)]`, written out so that each call inlines with its number known.
#[inline(always)]
pub fn array<R: Copy, const N: usize>(mut f: impl FnMut(usize) -> R) -> [R; N] {
    if N == 0 {
        return std::array::from_fn(f);
    }
    let mut all = [f(0); N];
    if N > 1 {
        all[1] = f(1);
    }
    if N > 2 {
        all[2] = f(2);
    }
    for (j, x) in all.iter_mut().enumerate().skip(3) {
        *x = f(j);
    }
    all
}

/// Whether one of f(0), …, f(N − 1) holds, written out like [`array`].
#[inline(always)]
fn any<const N: usize>(f: impl Fn(usize) -> bool) -> bool {
    (N > 0 && f(0)) || (N > 1 && f(1)) || (N > 2 && f(2)) || (3..N).any(f)
}

/// Calls `f(out, a, b₀, b₁, b₂)` with number e of everything, for all e.
#[inline(always)]
pub fn zip_into<T: Scalar, const A: usize>(
    out: &mut [T],
    reads: Reads<Part<'_, T>, A>,
    f: impl Fn(&mut T, [T; A], T, T, T),
) {
    if let Some(reads) = reads.slices() {
        return zip_slices(out, reads, f);
    }
    let filled = reads.map(Part::fill);
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        zip_slices(out, reads.from(block * BLOCK, &filled), &f);
    }
}

/// The sum of `f(a, b₀, b₁, b₂)` over n steps, accumulated in f64.
#[inline(always)]
pub fn zip_sum<T: Scalar, const A: usize>(
    n: usize,
    reads: Reads<Part<'_, T>, A>,
    f: impl Fn([T; A], T, T, T) -> T,
) -> f64 {
    let filled = reads.map(Part::fill);
    let (mut values, mut total) = ([T::zero(); BLOCK], 0.0);
    for from in (0..n).step_by(BLOCK) {
        let values = &mut values[..BLOCK.min(n - from)];
        zip_slices(
            values,
            reads.from(from, &filled),
            #[inline(always)]
            |value, a, b0, b1, b2| *value = f(a, b0, b1, b2),
        );
        total += sum(values);
    }
    total
}

/// The loop itself. The slices may be longer than it is.
#[inline(always)]
fn zip_slices<T: Scalar, const A: usize>(
    out: &mut [T],
    reads: Reads<&[T], A>,
    f: impl Fn(&mut T, [T; A], T, T, T),
) {
    let n = out.len();
    let Reads { a, b } = reads.map(
        #[inline(always)]
        |x| &x[..n],
    );
    let [b0, b1, b2] = b;
    for (e, out) in out.iter_mut().enumerate() {
        // SAFETY (of this and of the next): e < n, since e counts the numbers of `out`, and every
        // slice was cut to n numbers above. (With checks, the longest bodies did not become
        // vectors.)
        let a = array(
            #[inline(always)]
            |j| unsafe { *a[j].get_unchecked(e) },
        );
        let (b0, b1, b2) = unsafe {
            (
                *b0.get_unchecked(e),
                *b1.get_unchecked(e),
                *b2.get_unchecked(e),
            )
        };
        f(out, a, b0, b1, b2);
    }
}

impl<P: Copy, const A: usize> Reads<P, A> {
    #[inline(always)]
    fn map<Q: Copy>(self, f: impl Fn(P) -> Q) -> Reads<Q, A> {
        Reads {
            a: array(
                #[inline(always)]
                |j| f(self.a[j]),
            ),
            b: array(
                #[inline(always)]
                |j| f(self.b[j]),
            ),
        }
    }
}

impl<'a, T: Scalar, const A: usize> Reads<Part<'a, T>, A> {
    /// All as slices, if none is a constant.
    #[inline(always)]
    fn slices(self) -> Option<Reads<&'a [T], A>> {
        let constant = any::<A>(
            #[inline(always)]
            |j| self.a[j].is_constant(),
        );
        if constant
            || any::<3>(
                #[inline(always)]
                |j| self.b[j].is_constant(),
            )
        {
            return None;
        }
        Some(self.map(
            #[inline(always)]
            |x| match x {
                Part::Each(x) => x,
                Part::All(_) => &[],
            },
        ))
    }

    /// What follows step `from`: of a constant, the block filled with it.
    #[inline(always)]
    fn from(self, from: usize, filled: &'a Reads<[T; BLOCK], A>) -> Reads<&'a [T], A> {
        Reads {
            a: array(
                #[inline(always)]
                |j| self.a[j].from(from, &filled.a[j]),
            ),
            b: array(
                #[inline(always)]
                |j| self.b[j].from(from, &filled.b[j]),
            ),
        }
    }
}

impl<'a, T: Scalar> Part<'a, T> {
    #[inline(always)]
    fn is_constant(self) -> bool {
        matches!(self, Part::All(_))
    }

    #[inline(always)]
    fn from(self, from: usize, filled: &'a [T; BLOCK]) -> &'a [T] {
        match self {
            Part::Each(x) => &x[from..],
            Part::All(_) => filled,
        }
    }

    /// A block of the constant.
    #[inline(always)]
    fn fill(self) -> [T; BLOCK] {
        match self {
            Part::Each(_) => [T::zero(); BLOCK],
            Part::All(x) => [x; BLOCK],
        }
    }
}
