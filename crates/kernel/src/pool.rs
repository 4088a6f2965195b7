//! Windows that slide over an image [height, width, channels], and what pools do with them.

use super::simd::{Compiled, compiled, same};
use crate::Scalar;
use pulp::NullaryFnOnce;
use std::ops::Range;

/// Where the windows of a pool lie on an image of fixed shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    image: [usize; 2],
    channels: usize,
    window: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    out: [usize; 2],
}

impl Windows {
    /// Meets an image `[height, width, channels]`; `ceil_mode` also places the windows that only
    /// partly fit at the far ends.
    ///
    /// # Errors
    /// A window or stride of 0, a padding of more than half the window (some window could be all
    /// padding), or a window that does not fit at all.
    pub fn new(
        [height, width, channels]: [usize; 3],
        window: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        ceil_mode: bool,
    ) -> Result<Windows, String> {
        let image = [height, width];
        let mut out = [0, 0];
        for a in 0..2 {
            out[a] =
                count(image[a], window[a], stride[a], padding[a], ceil_mode).map_err(|why| {
                    let axis = ["height", "width"][a];
                    format!("{axis} of [{height}, {width}, {channels}]: {why}")
                })?;
        }
        Ok(Windows {
            image,
            channels,
            window,
            stride,
            padding,
            out,
        })
    }

    /// The shape of the output, `[height, width, channels]`: one position per window.
    pub fn output_shape(&self) -> [usize; 3] {
        [self.out[0], self.out[1], self.channels]
    }

    /// How many windows there are.
    pub fn positions(&self) -> usize {
        self.out[0] * self.out[1]
    }

    /// Height and width of the image.
    pub fn image(&self) -> [usize; 2] {
        self.image
    }

    /// Height and width of a window.
    pub fn window(&self) -> [usize; 2] {
        self.window
    }

    /// The row and column where window `p` begins, negative in padding.
    pub fn start(&self, p: usize) -> [isize; 2] {
        let o = [p / self.out[1], p % self.out[1]];
        [0, 1].map(|a| (o[a] * self.stride[a]) as isize - self.padding[a] as isize)
    }

    /// The rows and the columns of the image that window `p` covers.
    pub fn covered(&self, p: usize) -> [Range<usize>; 2] {
        [
            self.covers(0, p / self.out[1]),
            self.covers(1, p % self.out[1]),
        ]
    }

    /// The rows (axis 0) or columns (axis 1) of the image that window `o` covers: at least one.
    fn covers(&self, axis: usize, o: usize) -> Range<usize> {
        let start = o * self.stride[axis];
        let end = start.saturating_add(self.window[axis]) - self.padding[axis];
        start.saturating_sub(self.padding[axis])..end.min(self.image[axis])
    }

    /// The length of window `o` along an axis, padding counted, but nothing beyond it.
    fn padded_len(&self, axis: usize, o: usize) -> usize {
        let start = o * self.stride[axis];
        let end = start.saturating_add(self.window[axis]);
        end.min(self.image[axis].saturating_add(2 * self.padding[axis])) - start
    }

    /// Calls `visit(o, rows, columns)` with the position of every window and what it covers.
    #[inline(always)]
    fn each(&self, mut visit: impl FnMut([usize; 2], Range<usize>, Range<usize>)) {
        for oy in 0..self.out[0] {
            for ox in 0..self.out[1] {
                visit([oy, ox], self.covers(0, oy), self.covers(1, ox));
            }
        }
    }

    /// The index of the maximum of every window and channel: the first in row-major order among
    /// equals, and the first NaN where there is one.
    pub fn winners<T: Scalar>(&self, x: &[T], winner: &mut [u32]) {
        let windows = self;
        if let Some(x) = same::<T, f32>(x) {
            Winners { windows, x, winner }.execute();
        } else if let Some(x) = same::<T, f64>(x) {
            Winners { windows, x, winner }.execute();
        }
    }

    #[inline(always)]
    fn write_winners<T: Scalar>(&self, x: &[T], winner: &mut [u32]) {
        let c = self.channels;
        for oy in 0..self.out[0] {
            for ox in 0..self.out[1] {
                let covers = [self.covers(0, oy), self.covers(1, ox)];
                let winner = &mut winner[(oy * self.out[1] + ox) * c..][..c];
                // Blocks of channels whose best values stay in registers.
                let (wide, rest) = winner.as_chunks_mut::<16>();
                let (narrow, single) = rest.as_chunks_mut::<4>();
                let mut channel = 0;
                for winner in wide {
                    self.winner(channel, &covers, x, winner);
                    channel += 16;
                }
                for winner in narrow {
                    self.winner(channel, &covers, x, winner);
                    channel += 4;
                }
                for winner in single {
                    self.winner(channel, &covers, x, std::array::from_mut(winner));
                    channel += 1;
                }
            }
        }
    }

    /// The winners of one window in `N` channels from `channel` on.
    #[inline(always)]
    fn winner<T: Scalar, const N: usize>(
        &self,
        channel: usize,
        [rows, columns]: &[Range<usize>; 2],
        x: &[T],
        winner: &mut [u32; N],
    ) {
        let index =
            |row: usize, column: usize| (row * self.image[1] + column) * self.channels + channel;
        let first = index(rows.start, columns.start);
        let mut best = [T::zero(); N];
        best.copy_from_slice(&x[first..][..N]);
        let mut position = [first as u32; N];
        for row in rows.clone() {
            for column in columns.clone() {
                let here = index(row, column);
                let x = &x[here..][..N];
                for n in 0..N {
                    // A larger number wins, and the first NaN.
                    let wins = (x[n] > best[n]) | (x[n].is_nan() & !best[n].is_nan());
                    best[n] = if wins { x[n] } else { best[n] };
                    position[n] = if wins { here as u32 } else { position[n] };
                }
            }
        }
        for n in 0..N {
            winner[n] = position[n] + n as u32;
        }
    }

    /// One over how many numbers the mean of a window divides by.
    fn share<T: Scalar>(&self, o: [usize; 2], covered: usize, count_padding: bool) -> T {
        // Padding alone may be more than can be counted.
        let count = if count_padding {
            self.padded_len(0, o[0]) as f64 * self.padded_len(1, o[1]) as f64
        } else {
            covered as f64
        };
        T::from_f64(1.0 / count)
    }

    /// y += the mean of every window.
    pub fn add_means<T: Scalar>(&self, count_padding: bool, x: &[T], y: &mut [T]) {
        let c = self.channels;
        self.each(|o, rows, columns| {
            let share = self.share(o, rows.len() * columns.len(), count_padding);
            let y = &mut y[(o[0] * self.out[1] + o[1]) * c..][..c];
            for row in rows {
                let start = (row * self.image[1] + columns.start) * c;
                for x in x[start..][..columns.len() * c].chunks(c.max(1)) {
                    super::reduce::add_scaled(share, x, y);
                }
            }
        });
    }

    /// gx += the transpose of [`add_means`](Self::add_means).
    pub fn add_means_adjoint<T: Scalar>(&self, count_padding: bool, g: &[T], gx: &mut [T]) {
        let c = self.channels;
        self.each(|o, rows, columns| {
            let share = self.share(o, rows.len() * columns.len(), count_padding);
            let g = &g[(o[0] * self.out[1] + o[1]) * c..][..c];
            for row in rows {
                let start = (row * self.image[1] + columns.start) * c;
                for gx in gx[start..][..columns.len() * c].chunks_mut(c.max(1)) {
                    super::reduce::add_scaled(share, g, gx);
                }
            }
        });
    }
}

compiled!(Winners);

/// [`Windows::winners`], compiled for each instruction set.
struct Winners<'a, T> {
    windows: &'a Windows,
    x: &'a [T],
    winner: &'a mut [u32],
}

impl<T: Scalar> NullaryFnOnce for Winners<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.windows.write_winners(self.x, self.winner);
    }
}

/// How many windows fit along an axis of `n` numbers.
fn count(
    n: usize,
    window: usize,
    stride: usize,
    padding: usize,
    ceil: bool,
) -> Result<usize, String> {
    if window == 0 || stride == 0 {
        return Err(format!(
            "a window of {window} with stride {stride}; both must be at least 1"
        ));
    }
    if padding > window / 2 {
        return Err(format!(
            "a padding of {padding} is more than half the window of {window}"
        ));
    }
    let padded = n.saturating_add(2 * padding);
    let too_long = || {
        format!(
            "a window of {window} does not fit into {n} numbers with a padding of {padding} at \
             each end"
        )
    };
    let room = match padded.checked_sub(window) {
        Some(room) => room,
        None if ceil && window - padded < stride => 0,
        None => return Err(too_long()),
    };
    if !ceil {
        return Ok(room / stride + 1);
    }
    let count = room.div_ceil(stride) + 1;
    // A window must start inside the image or the padding before it.
    let beyond = (count - 1).saturating_mul(stride) >= n.saturating_add(padding);
    Ok(count - usize::from(beyond))
}
