//! The map of matrix products, which [`Dense`](super::Dense) and [`MatMul`](super::MatMul) share.

use crate::kernel::conv2d::{self, ImageAdjoint};
use crate::kernel::gemm::{Mat, MatMut, gemm};
use crate::kernel::geometry::ConvGeometry;
use crate::kernel::{outer_product, transpose, vectorized};
use crate::kind::BilinearMap;
use crate::op::{At, DeferredSum, SquareSum, Turned};
use crate::{Scalar, Shape, Slot, View};
use std::ops::Range;

/// The map for operands whose last two axes are `[k, n]` and whose output has this shape.
pub(super) fn product<T: Scalar>(
    a: &Shape,
    b: &Shape,
    [k, n]: [usize; 2],
    shape: Shape,
) -> Result<Box<dyn BilinearMap<T>>, String> {
    if a.contains(&0) || b.contains(&0) {
        return Err("an operand is empty; every axis needs at least length 1".into());
    }
    match (a.checked_size(), b.checked_size(), shape.checked_size()) {
        (Some(size), Some(_), Some(_)) => Ok(Box::new(Product {
            m: size / k,
            k,
            n,
            shape,
            pixel: (size == k && k.saturating_mul(n) >= LARGE)
                .then(|| ConvGeometry::new([1, 1, k], [1, 1, k, n], [1; 2], [1; 2], [0; 4], 1).ok())
                .flatten(),
        })),
        _ => Err("the product is too large to count".into()),
    }
}

/// An m×k matrix per example times a k×n one.
#[derive(Debug)]
struct Product {
    m: usize,
    k: usize,
    n: usize,
    shape: Shape,
    /// A row times a large b, as a convolution of one pixel.
    pixel: Option<ConvGeometry>,
}

/// Numbers of b from which on it pays to turn it once for all examples, and to look for zeros that
/// several cotangents share.
const LARGE: usize = 1 << 12;

impl Product {
    /// All rows of `count` examples as one matrix, where they lie at one stride.
    fn rows<'a, T>(&self, count: usize, x: View<'a, T>, cols: usize) -> Option<Mat<'a, T>> {
        if self.m == 1 {
            Some(Mat::strided(x.data(), count, cols, x.stride(), 1))
        } else {
            let data = x.contiguous(count)?;
            Some(Mat::new(data, count * self.m, cols))
        }
    }

    /// Adds to `gb`, rows of b from the number `start` on, aᵀg of so many examples; or writes it
    /// over what stands there.
    fn sum_rows<T: Scalar>(
        &self,
        count: usize,
        (a, g): (View<'_, T>, View<'_, T>),
        (start, gb): (usize, &mut [T]),
        adds: bool,
    ) {
        let Product { m, k, n, .. } = *self;
        // Rows first..first + height of b, that is columns of a.
        let (first, height) = (start / n, gb.len() / n);
        if height == 0 {
            return;
        }
        if let (Some(_), Some(g)) = (self.rows(count, a, k), self.rows(count, g, n)) {
            let stride = if m == 1 { a.stride() } else { k };
            let a = Mat::strided(&a.data()[first..], count * m, height, stride, 1);
            gemm(a.transposed(), g, MatMut::new(gb, height, n).adding(adds));
            return;
        }
        for i in 0..count {
            let a = Mat::strided(&a.example(i)[first..], m, height, k, 1);
            let g = Mat::new(g.example(i), m, n);
            let gb = MatMut::new(gb, height, n).adding(adds || i > 0);
            gemm(a.transposed(), g, gb);
        }
    }
}

impl<T: Scalar> BilinearMap<T> for Product {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn work(&self) -> usize {
        self.shape.size().saturating_mul(self.k)
    }

    fn apply(&self, count: usize, a: View<'_, T>, b: View<'_, T>, _: &mut [T], y: &mut [T]) {
        let Product { m, k, n, .. } = *self;
        if b.is_shared()
            && let Some(rows) = self.rows(count, a, k)
        {
            let y = MatMut::new(y, count * m, n);
            gemm(rows, Mat::new(b.example(0), k, n), y);
            return;
        }
        for (i, y) in y.chunks_exact_mut(m * n).take(count).enumerate() {
            let (a, b) = (Mat::new(a.example(i), m, k), Mat::new(b.example(i), k, n));
            gemm(a, b, MatMut::new(y, m, n));
        }
    }

    // ga = g bᵀ
    fn adjoint_a(&self, count: usize, g: &[T], b: View<'_, T>, _: &mut [T], ga: &mut Slot<'_, T>) {
        let Product { m, k, n, .. } = *self;
        if b.is_shared() && (count == 1 || !ga.is_shared()) {
            let b = Mat::new(b.example(0), k, n).transposed();
            let rows = count * m;
            let (ga, adds) = ga.write_all(count);
            let ga = MatMut::new(ga, rows, k).adding(adds);
            gemm(Mat::new(g, rows, n), b, ga);
            return;
        }
        for (i, g) in g.chunks_exact(m * n).take(count).enumerate() {
            let b = Mat::new(b.example(i), k, n).transposed();
            gemm(Mat::new(g, m, n), b, MatMut::new(ga.example(i), m, k));
        }
    }

    // gb = aᵀ g
    fn adjoint_b(&self, count: usize, a: View<'_, T>, g: &[T], _: &mut [T], gb: &mut Slot<'_, T>) {
        let Product { m, k, n, .. } = *self;
        if gb.is_shared()
            && let Some(rows) = self.rows(count, a, k)
        {
            let gb = MatMut::new(gb.all(count), k, n);
            gemm(rows.transposed(), Mat::new(g, count * m, n), gb);
            return;
        }
        for (i, g) in g.chunks_exact(m * n).take(count).enumerate() {
            let a = Mat::new(a.example(i), m, k).transposed();
            gemm(a, Mat::new(g, m, n), MatMut::new(gb.example(i), k, n));
        }
    }

    fn deferred(&self) -> Option<(usize, &dyn DeferredSum<T>)> {
        Some((self.n, self))
    }

    fn squares(&self) -> Option<&dyn SquareSum<T>> {
        if self.m == 1 { Some(self) } else { None }
    }

    fn turned(&self) -> Option<&dyn Turned<T>> {
        (self.k.saturating_mul(self.n) >= LARGE).then_some(self)
    }
}

// ga = g bᵀ, from bᵀ.
impl<T: Scalar> Turned<T> for Product {
    fn turn(&self, b: &[T], turned: &mut [T]) {
        let Product { k, n, .. } = *self;
        transpose(Mat::new(b, k, n), MatMut::new(turned, n, k));
    }

    fn adjoint(&self, count: usize, g: &[T], turned: &[T], _: &mut [T], ga: &mut Slot<'_, T>) {
        let Product { m, k, n, .. } = *self;
        let turned = Mat::new(turned, n, k);
        if count == 1 || !ga.is_shared() {
            let rows = count * m;
            let (ga, adds) = ga.write_all(count);
            let ga = MatMut::new(ga, rows, k).adding(adds);
            return gemm(Mat::new(g, rows, n), turned, ga);
        }
        for (i, g) in g.chunks_exact(m * n).take(count).enumerate() {
            gemm(Mat::new(g, m, n), turned, MatMut::new(ga.example(i), m, k));
        }
    }

    fn columns_scratch(&self, _: usize, _: usize) -> usize {
        let of = |pixel| conv2d::scratch_len(pixel) + conv2d::columns_scratch(pixel);
        self.pixel.as_ref().map_or(0, of)
    }

    fn adjoint_columns(
        &self,
        count: usize,
        columns: usize,
        g: &[T],
        turned: &[T],
        scratch: &mut [T],
        ga: &mut Slot<'_, T>,
    ) {
        let Product { k, n, .. } = *self;
        let Some(pixel) = &self.pixel else {
            return self.adjoint(columns * count, g, turned, scratch, ga);
        };
        let (scratch, room) = scratch.split_at_mut(conv2d::scratch_len(pixel));
        // The first example tells whether there was a rectifier.
        if !conv2d::has_zeros(pixel, (columns, g, count * n), room) {
            return self.adjoint(columns * count, g, turned, scratch, ga);
        }
        let adjoint = ImageAdjoint::flipped(pixel, turned, scratch);
        let ga = ga.all(columns * count);
        for i in 0..count {
            let (g, ga) = (&g[i * n..], &mut ga[i * k..]);
            if !adjoint.add_columns((columns, g, count * n), room, (ga, count * k)) {
                let g = Mat::strided(g, columns, n, count * n, 1);
                let ga = MatMut::strided(ga, columns, k, count * k);
                gemm(g, Mat::new(turned, n, k), ga);
            }
        }
    }
}

/// Bytes of squares, and of their sum, that stay in a core's nearest cache.
const NEAR: usize = 16 << 10;

impl Product {
    /// How many examples' squares are made and summed at a time: as many as stay near; or all,
    /// where the sum does not, which each part would read and write again.
    fn squares_part<T>(&self, count: usize) -> usize {
        let bytes = |numbers: usize| numbers.saturating_mul(size_of::<T>());
        if bytes(self.k.saturating_mul(self.n)) > NEAR {
            return count;
        }
        let most = (NEAR / bytes(self.k + self.n)).max(1);
        count.div_ceil(count.div_ceil(most).max(1))
    }
}

// The square of an outer product is the outer product of squares: Σ (a gᵀ)² = (a²)ᵀ Σ g².
impl<T: Scalar> SquareSum<T> for Product {
    fn scratch(&self, count: usize, _: usize) -> usize {
        self.squares_part::<T>(count) * (self.k + self.n)
    }

    fn add(
        &self,
        _: usize,
        at: &At<'_, T>,
        columns: usize,
        g: &[T],
        scratch: &mut [T],
        out: &mut [T],
    ) {
        let (count, k, n) = (at.tile.len, self.k, self.n);
        let (a, part) = (at.input(0), self.squares_part::<T>(count).max(1));
        for first in (0..count).step_by(part) {
            let here = part.min(count - first);
            let (squares, sums) = scratch[..here * (k + n)].split_at_mut(here * k);
            vectorized(
                #[inline(always)]
                || {
                    match a.contiguous(count) {
                        Some(a) => square(&a[first * k..][..here * k], squares),
                        None => {
                            for (i, squares) in squares.chunks_exact_mut(k).enumerate() {
                                square(a.example(first + i), squares);
                            }
                        }
                    }
                    let columns = (0..columns).map(|c| &g[(c * count + first) * n..][..here * n]);
                    for (c, g) in columns.enumerate() {
                        match c {
                            0 => square(g, sums),
                            _ => sums.iter_mut().zip(g).for_each(|(x, &g)| *x += g * g),
                        }
                    }
                },
            );
            if columns > 0 {
                let squares = Mat::new(squares, here, k).transposed();
                gemm(squares, Mat::new(sums, here, n), MatMut::new(out, k, n));
            }
        }
    }
}

/// y = x², elementwise.
#[inline(always)]
fn square<T: Scalar>(x: &[T], y: &mut [T]) {
    y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * x);
}

impl<T: Scalar> DeferredSum<T> for Product {
    fn is_outer(&self) -> bool {
        self.m == 1
    }

    fn write_range(
        &self,
        count: usize,
        a: View<'_, T>,
        g: View<'_, T>,
        range: Range<usize>,
        gb: &mut [T],
    ) {
        if self.m == 1 && count == 1 {
            let rows = range.start / self.n..range.end / self.n;
            outer_product(&a.example(0)[rows], g.example(0), gb);
        } else {
            self.sum_rows(count, (a, g), (range.start, gb), false);
        }
    }

    fn sum_range(
        &self,
        count: usize,
        a: View<'_, T>,
        g: View<'_, T>,
        range: Range<usize>,
        gb: &mut [T],
    ) {
        self.sum_rows(count, (a, g), (range.start, gb), true);
    }
}
