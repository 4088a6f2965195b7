//! What rules may state besides derivatives, where there is a faster way than one tile after the
//! other.

use super::At;
use crate::{Scalar, Slot, View};
use std::fmt::Debug;
use std::ops::Range;

/// The sum of squares of [`Rules::squares`](super::Rules::squares).
pub trait SquareSum<T>: Debug + Send + Sync {
    /// Numbers of workspace for a tile of `k` examples and so many columns.
    fn scratch(&self, k: usize, columns: usize) -> usize;

    /// Adds Σ over examples and columns of ((∂y/∂xⱼ)ᵀ g)², entry by entry, to `out`, which is as
    /// long as operand `j`. `g` holds a tile for each column, one after the other.
    fn add(
        &self,
        j: usize,
        at: &At<'_, T>,
        columns: usize,
        g: &[T],
        scratch: &mut [T],
        out: &mut [T],
    );
}

/// A shared operand `b` whose cotangent is bilinear in the other operand `a` and the output's
/// cotangent, so that one task per range of `b` can sum it over all examples of a round.
#[derive(Debug)]
pub struct Deferred<'a, T> {
    /// The operand whose values the sum reads.
    pub a: usize,
    /// The shared operand whose cotangent is summed.
    pub b: usize,
    /// Ranges of `b` are cut at multiples of this many numbers.
    pub row: usize,
    /// The sum itself.
    pub sum: &'a dyn DeferredSum<T>,
}

/// The summing rule of [`Deferred`].
pub trait DeferredSum<T>: Debug + Send + Sync {
    /// Whether `b` gets from each example the outer product a gᵀ of its numbers and the
    /// cotangent's, row-major: then its square is the outer product of their squares.
    fn is_outer(&self) -> bool {
        false
    }

    /// Overwrites `gb`, which stands for the numbers `range` of the operand, with the cotangents
    /// from `k` examples.
    fn write_range(
        &self,
        k: usize,
        a: View<'_, T>,
        g: View<'_, T>,
        range: Range<usize>,
        gb: &mut [T],
    ) where
        T: Scalar,
    {
        gb.fill(T::zero());
        self.sum_range(k, a, g, range, gb);
    }

    /// Adds to `gb`, which stands for the numbers `range` of the operand, the cotangents from `k`
    /// examples.
    fn sum_range(
        &self,
        k: usize,
        a: View<'_, T>,
        g: View<'_, T>,
        range: Range<usize>,
        gb: &mut [T],
    );
}

/// The adjoint in the first operand a of a bilinear op, from the second, b, *turned*: in the order
/// in which the adjoint reads it, transposed or flipped.
///
/// Where all examples share b, it is turned once per θ, and its tangent once per v, instead of once
/// per tile.
pub trait Turned<T: Scalar>: Debug + Send + Sync {
    /// Writes b turned: the same numbers, each in another place.
    fn turn(&self, b: &[T], turned: &mut [T]);

    /// ga += B(·, b)ᵀ g for `k` examples. `scratch` is that of the rules.
    fn adjoint(&self, k: usize, g: &[T], turned: &[T], scratch: &mut [T], ga: &mut Slot<'_, T>);

    /// Numbers of workspace for [`adjoint_columns`](Turned::adjoint_columns).
    fn columns_scratch(&self, k: usize, columns: usize) -> usize;

    /// The same for several cotangents of the same `k` examples: `g` and `ga`, which is not shared,
    /// hold a tile for each, one after the other. They share work where all are 0 at the same
    /// numbers.
    fn adjoint_columns(
        &self,
        k: usize,
        columns: usize,
        g: &[T],
        turned: &[T],
        scratch: &mut [T],
        ga: &mut Slot<'_, T>,
    );
}
