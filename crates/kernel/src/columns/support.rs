//! Where cotangents are not all 0.

#![allow(unsafe_code)]

use super::Columns;
use crate::Scalar;
use crate::geometry::ConvGeometry;
use crate::vectorized;
use std::ops::Range;

/// Numbers that are looked through at a time, about.
const PIECE: usize = 1024;

/// So many whole pixels.
fn piece(g: &ConvGeometry) -> usize {
    (PIECE / g.cout).max(1) * g.cout
}

/// The outputs at which any of several cotangents is not 0, pixel after pixel.
///
/// Entries are smaller than the number of outputs, and ends than that of entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Support<'a> {
    /// Where each pixel's entries end.
    ends: &'a [u32],
    entries: &'a [u32],
}

impl<'a> Support<'a> {
    /// Numbers of scratch.
    pub fn room(g: &ConvGeometry) -> usize {
        2 * piece(g) + g.output[0] * g.output[1] + g.output_len()
    }

    /// The support, if at most ¾ of all outputs are in it: else dense sums are faster. `visit` sees
    /// pixels as soon as they are listed, while the cache holds their cotangents, and what is
    /// listed by then.
    pub fn of<T: Scalar>(
        geometry: &ConvGeometry,
        (columns, g, apart): Columns<'_, T>,
        room: &'a mut [T],
        mut visit: impl FnMut(Range<usize>, Support<'_>),
    ) -> Option<Self> {
        let (n, cout) = (geometry.output_len(), geometry.cout);
        let piece = piece(geometry);
        let (sums, lists) = room.split_at_mut(piece);
        let (flags, lists) = lists.split_at_mut(piece);
        let flags = indices(flags);
        let (ends, entries) = indices(lists).split_at_mut(n / cout);
        let most = n - n / 4;
        let mut count = 0;
        for start in (0..n).step_by(piece) {
            let sums = &mut sums[..piece.min(n - start)];
            vectorized(
                #[inline(always)]
                || {
                    sums.fill(T::zero());
                    for c in 0..columns {
                        for (sum, g) in sums.iter_mut().zip(&g[c * apart + start..]) {
                            *sum += g.abs();
                        }
                    }
                    for (flag, &sum) in flags.iter_mut().zip(&*sums) {
                        *flag = u32::from(sum != T::zero());
                    }
                },
            );
            // Which numbers are 0 is as good as random: no branches. What is noted in vain is
            // overwritten by the next entry.
            let mut at = start as u32;
            let pixels = start / cout..(start + sums.len()) / cout;
            let flags = flags[..sums.len()].chunks_exact(cout);
            for (flags, end) in flags.zip(&mut ends[pixels.clone()]) {
                for &flag in flags {
                    entries[count] = at;
                    count += flag as usize;
                    at += 1;
                }
                *end = count as u32;
            }
            if count > most {
                return None;
            }
            let (ends, entries) = (&*ends, &entries[..count]);
            visit(pixels, Support { ends, entries });
        }
        let entries = &entries[..count];
        Some(Support { ends, entries })
    }

    /// The entries of pixels `first..end`.
    #[inline(always)]
    pub fn pixels(&self, first: usize, end: usize) -> &'a [u32] {
        let start = |pixel: usize| match pixel {
            0 => 0,
            pixel => self.ends[pixel - 1] as usize,
        };
        &self.entries[start(first)..start(end)]
    }
}

/// Scratch as indices; there are at least as many.
pub(super) fn indices<T: Scalar>(scratch: &mut [T]) -> &mut [u32] {
    const { assert!(size_of::<T>() >= size_of::<u32>()) };
    const { assert!(align_of::<T>() >= align_of::<u32>()) };
    let n = size_of_val(scratch) / size_of::<u32>();
    // SAFETY: the same bytes, borrowed mutably and passed on whole; every bit pattern is an index,
    // and every one that will be left is a number, since scalars are floating-point numbers.
    unsafe { std::slice::from_raw_parts_mut(scratch.as_mut_ptr().cast(), n) }
}
