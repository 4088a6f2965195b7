//! How an image lies, so that the patch under any output pixel is a few contiguous runs.
//!
//! Channels last and padded, the part of a patch in one kernel row is contiguous: kernel columns
//! and channels. Where that is short (a first layer with one or three channels), the rows that a
//! kernel covers are interleaved pixel by pixel instead: `[row][column][kernel row][channel]` holds
//! a whole patch in one run.

use crate::Scalar;
use crate::gemm::{Mat, MatMut};
use crate::geometry::{ConvGeometry, product};
use crate::transpose::transpose;
use crate::winners::Packing;
use std::ops::Range;

/// How many numbers a cache line holds: runs are made of these.
pub(super) const fn unit<T>() -> usize {
    64 / size_of::<T>()
}

/// Where the numbers of a padded image and of a packed weight lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    image: [usize; 2],
    cin: usize,
    cout: usize,
    before: [usize; 2],
    /// Rows as laid out, and the columns of each.
    rows: usize,
    cols: usize,
    /// Image rows that lie interleaved, and their distance.
    interleaved: usize,
    dilation: usize,
    /// Where each run begins, from the patch on.
    pub(super) runs: Vec<usize>,
    /// Numbers of a run, and the same in whole cache lines.
    run: usize,
    pub(super) run_padded: usize,
    /// Parts of the weight's rows `[kh, kw, in]` that are contiguous in a packed row: its rows, and
    /// where they go.
    pieces: Vec<(Range<usize>, usize)>,
    len: usize,
    /// Where the last patch can begin for all its runs, cache lines filled up, to lie within.
    pub(super) last: usize,
}

impl Layout {
    /// The layout, or `None` where it has more numbers than can be counted.
    pub fn new<T: Scalar>(g: &ConvGeometry) -> Option<Layout> {
        let unit = unit::<T>();
        let [kh, kw] = g.kernel;
        let cin = g.cin;
        let dense = g.dilation[1] == 1;
        let padded = [0, 1].map(|a| g.image[a] + g.before[a] + g.after[a]);
        // At most: every row of the image once for each row of the kernel, and every tap filled up.
        product(&[padded[0], padded[1], kh, cin, unit])?;
        product(&[kh, kw, cin, unit])?;
        let lines = |runs: usize, run: usize| runs * run.div_ceil(unit);
        let columns = if dense { (1, kw) } else { (kw, 1) };
        let by_row = lines(kh * columns.0, columns.1 * cin);
        let whole = lines(columns.0, columns.1 * kh * cin);
        let interleave = kh > 1 && whole <= by_row && columns.1 * cin < 4 * unit;
        let covered = if interleave { kh } else { 1 };
        let rows = padded[0] - (covered - 1) * g.dilation[0];
        let pixel = covered * cin;
        let pitch = padded[1] * pixel;
        let run = columns.1 * pixel;
        let run_padded = run.next_multiple_of(unit);
        let down = if interleave { 1 } else { kh };
        let mut runs = Vec::new();
        for ky in 0..down {
            for kx in 0..columns.0 {
                runs.push(ky * g.dilation[0] * pitch + kx * g.dilation[1] * pixel);
            }
        }
        let mut pieces = Vec::new();
        for ky in 0..kh {
            for kx in 0..kw {
                let from = (ky * kw + kx) * cin;
                let (down, within) = if interleave { (0, ky) } else { (ky, 0) };
                let (across, inner) = if dense { (0, kx) } else { (kx, 0) };
                let to = (down * columns.0 + across) * run_padded + inner * pixel + within * cin;
                pieces.push((from..from + cin, to));
            }
        }
        // Neighbours that stay neighbours are one piece.
        pieces.dedup_by(|next, last| {
            let joins = next.0.start == last.0.end && next.1 == last.1 + last.0.len();
            if joins {
                last.0.end = next.0.end;
            }
            joins
        });
        // The last run may reach beyond the last row by what fills its cache lines.
        let len = (rows * pitch + run_padded - run).next_multiple_of(unit);
        Some(Layout {
            last: len - runs.last().copied().unwrap_or(0) - run_padded,
            image: g.image,
            cin,
            cout: g.cout,
            before: g.before,
            rows,
            cols: padded[1],
            interleaved: covered,
            dilation: g.dilation[0],
            runs,
            run,
            run_padded,
            pieces,
            len,
        })
    }

    /// Numbers of a laid-out image, in whole cache lines.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Numbers of one packed row.
    pub fn row_len(&self) -> usize {
        self.runs.len() * self.run_padded
    }

    /// Where the patch begins whose first pixel is (y, x) of the padded image.
    pub(super) fn patch(&self, y: usize, x: usize) -> usize {
        (y * self.cols + x) * self.interleaved * self.cin
    }

    /// Calls `each(at, row)` for every row of the image: it stands at `at` and every
    /// `interleaved · cin` numbers after, a pixel at a time.
    #[inline(always)]
    fn each_row(&self, mut each: impl FnMut(usize, usize)) {
        let pixel = self.interleaved * self.cin;
        for row in 0..self.image[0] {
            for within in 0..self.interleaved {
                let Some(y) = (row + self.before[0]).checked_sub(within * self.dilation) else {
                    continue;
                };
                if y < self.rows {
                    let at = (y * self.cols + self.before[1]) * pixel + within * self.cin;
                    each(at, row);
                }
            }
        }
    }

    /// Lays an image out, with zeros around it.
    pub(super) fn spread<T: Scalar>(&self, image: &[T], laid: &mut [T]) {
        let (width, pixel) = (self.image[1] * self.cin, self.interleaved * self.cin);
        laid.fill(T::zero());
        self.each_row(|at, row| {
            let from = &image[row * width..][..width];
            if pixel == self.cin {
                laid[at..][..width].copy_from_slice(from);
            } else {
                // Channel by channel: copies of a few numbers each would become calls.
                for c in 0..self.cin {
                    let to = laid[at + c..].iter_mut().step_by(pixel);
                    for (to, &from) in to.zip(from[c..].iter().step_by(self.cin)) {
                        *to = from;
                    }
                }
            }
        });
    }

    /// The adjoint of [`spread`](Self::spread): image += its part of what is laid out.
    pub(super) fn collect<T: Scalar>(&self, laid: &[T], image: &mut [T]) {
        let (width, pixel) = (self.image[1] * self.cin, self.interleaved * self.cin);
        self.each_row(|at, row| {
            let to = &mut image[row * width..][..width];
            if pixel == self.cin {
                for (to, &from) in to.iter_mut().zip(&laid[at..]) {
                    *to += from;
                }
            } else {
                let from = laid[at..].chunks(pixel);
                for (to, from) in to.chunks_exact_mut(self.cin).zip(from) {
                    for (to, &from) in to.iter_mut().zip(from) {
                        *to += from;
                    }
                }
            }
        });
    }
}

impl Packing for Layout {
    fn packed_len(&self) -> usize {
        self.cout * self.row_len()
    }

    /// A row per output channel, in runs, with zeros between them.
    fn pack<T: Scalar>(&self, weight: &[T], packed: &mut [T]) {
        let row = self.row_len();
        if self.run != self.run_padded {
            packed.fill(T::zero());
        }
        for (rows, to) in &self.pieces {
            let from = &weight[rows.start * self.cout..];
            let from = Mat::new(from, rows.len(), self.cout);
            transpose(
                from,
                MatMut::strided(&mut packed[*to..], self.cout, rows.len(), row),
            );
        }
    }

    fn unpack<T: Scalar>(&self, packed: &[T], weight: &mut [T]) {
        let row = self.row_len();
        for (rows, at) in &self.pieces {
            for (i, to) in weight[rows.start * self.cout..rows.end * self.cout]
                .chunks_exact_mut(self.cout)
                .enumerate()
            {
                for (to, from) in to.iter_mut().zip(packed[at + i..].iter().step_by(row)) {
                    *to += *from;
                }
            }
        }
    }
}
