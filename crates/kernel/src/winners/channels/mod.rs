//! Vectors along output channels: each lane picks the pixel that won in its channel.
//!
//! | | | |
//! |---|---|---|
//! | forward at winners, for jvp | y(p, o) += Σₜ x(off(p, o) + t) · w(t, o) | `dots` |
//! | adjoint in the weight | gw(t, o) += Σₚ g(p, o) · x(off(p, o) + t) | `gather` |
//! | its squares, for several g | out(t, o) += Σ_c (Σₚ g_c(p, o) · x(off(p, o) + t))² | `squares` |
//!
//! The image is laid out as `[row][channel][column][row of the window]`, so that one vector of it
//! holds what a tap sees of all pixels of a window, if that is at most 16 numbers wide. A
//! permutation by the winners then hands every lane its own, and t can be any of the taps: for a
//! window and 16 channels a tap takes one permutation and one multiply-add, whether the rectifier
//! is on or off. Along a patch of 25 taps, which fill a vector and a half, the same takes three
//! times as long. (In `docs/decisions.md`: what was measured.)
//!
//! In f32 with AVX-512, whose permutation takes 16 lanes; other machines and f64 go by patches.

#[cfg(target_arch = "x86_64")]
#[doc(hidden)] // for the tests, which compare both
pub mod kernels;
#[doc(hidden)]
pub mod plain;

#[cfg(not(target_arch = "x86_64"))]
#[doc(hidden)]
pub use self::plain as kernels;
use super::choose::{NONE, Notes};
use super::{AtWinners, Images, Packing, Stage};
use crate::Scalar;
use crate::geometry::ConvGeometry;
use crate::simd::{Same, same};
use pulp::bytemuck::{cast_slice, cast_slice_mut};
use std::any::TypeId;

/// Lanes of a vector.
const LANES: usize = 16;

/// More taps than these are no short patch: along it, vectors are full.
const MOST_TAPS: usize = 128;

/// A stage by its output channels, in blocks of 16.
#[derive(Clone, Debug)]
pub struct Channels {
    stage: Stage,
    taps: Taps,
    lanes: Lanes,
    /// Rows of the image in a laid-out one, and the columns of each.
    rows: usize,
    cols: usize,
    /// Where in the laid-out image each window begins, and where each tap lies from there on. From
    /// any sum of two, a vector of it can be read.
    begins: Vec<usize>,
    offsets: Vec<usize>,
    len: usize,
}

impl AtWinners for Channels {
    type Packing = Taps;

    fn new<T: Scalar>(stage: Stage, active: bool) -> Option<Self> {
        let (conv, windows) = (&stage.conv, &stage.windows);
        let [height, width] = windows.window();
        let lanes = Lanes {
            positions: windows.positions(),
            channels: conv.cout,
            height,
            across: height.checked_mul(conv.stride[1])?,
        };
        let widest = lanes.across.checked_mul(width - 1)?.checked_add(height)?;
        let fits = widest <= LANES && stage.taps() <= MOST_TAPS && windows.start(0) == [0, 0];
        let single = TypeId::of::<T>() == TypeId::of::<f32>();
        if active || !fits || !single || !kernels::available() {
            return None;
        }
        let cols = conv.image[1] + conv.before[1] + conv.after[1];
        let row = cols * height;
        let at = |y: usize, c: usize, x: usize| (y * conv.cin + c) * row + x * height;
        let begins = (0..windows.positions()).map(|p| {
            let [y, x] = windows.start(p).map(|start| start as usize);
            at(y * conv.stride[0], 0, x * conv.stride[1])
        });
        let begins: Vec<usize> = begins.collect();
        let taps = Taps::new(conv);
        let offsets = taps.each().map(|[ky, c, kx]| {
            let [y, x] = [ky * conv.dilation[0], kx * conv.dilation[1]];
            at(y, c, x)
        });
        let offsets: Vec<usize> = offsets.collect();
        let last = begins.iter().max()? + offsets.iter().max()?;
        Some(Channels {
            rows: last / (conv.cin * row) + 1,
            cols,
            begins,
            offsets,
            len: (last + LANES).next_multiple_of(LANES),
            lanes,
            taps,
            stage,
        })
    }

    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn packing(&self) -> &Taps {
        &self.taps
    }

    fn notes(&self) -> Notes<'_> {
        Notes::Lanes(&self.lanes)
    }

    fn laid_len(&self) -> usize {
        self.len
    }

    fn lay_out<T: Scalar>(&self, image: &[T], laid: &mut [T]) {
        let conv = &self.stage.conv;
        let (cin, width, height) = (conv.cin, conv.image[1], self.lanes.height);
        laid.fill(T::zero());
        for y in 0..self.rows {
            for within in 0..height {
                let padded = y + within * conv.stride[0];
                let Some(row) = padded
                    .checked_sub(conv.before[0])
                    .filter(|&r| r < conv.image[0])
                else {
                    continue;
                };
                let from = &image[row * width * cin..][..width * cin];
                for c in 0..cin {
                    let at = ((y * cin + c) * self.cols + conv.before[1]) * height + within;
                    // The columns that no window sees may lie beyond the end.
                    let to = laid.get_mut(at..).unwrap_or_default();
                    let to = to.iter_mut().step_by(height);
                    for (to, &from) in to.zip(from[c..].iter().step_by(cin)) {
                        *to = from;
                    }
                }
            }
        }
    }

    fn scratch_len<T>(&self, _: usize) -> usize {
        0
    }

    fn squares_scratch(&self, _: usize) -> usize {
        0
    }

    fn jvp<T: Scalar>(
        &self,
        k: usize,
        saved: &[u32],
        x_dw: Option<(&[T], &[T])>,
        _: Option<(Images<'_, T>, &[T])>,
        db: Option<&[T]>,
        _: &mut [T],
        mut y: &mut [T],
    ) {
        let Some(y) = (&mut y).same() else { return };
        let x_dw = x_dw.and_then(|(laid, dw)| Some((same(laid)?, same(dw)?)));
        kernels::dots(self, k, saved, x_dw, db.and_then(same), y);
    }

    fn adjoint_weight<T: Scalar>(
        &self,
        saved: &[u32],
        laid: &[T],
        g: &[T],
        mut gw: &mut [T],
        gb: Option<&mut [T]>,
    ) {
        if let (Some(laid), Some(g), Some(gw)) = (same(laid), same(g), (&mut gw).same()) {
            kernels::gather(self, saved, laid, g, gw);
        }
        if let Some(gb) = gb {
            self.adjoint_bias(saved, g, gb);
        }
    }

    fn adjoint_bias<T: Scalar>(&self, saved: &[u32], g: &[T], mut gb: &mut [T]) {
        if let (Some(g), Some(gb)) = (same(g), (&mut gb).same()) {
            kernels::bias(self, saved, g, gb);
        }
    }

    fn adjoint_weight_of<T: Scalar>(
        &self,
        _: (usize, Images<'_, T>),
        _: &[u32],
        _: &[T],
        _: &mut [T],
        _: &mut [T],
    ) {
        unreachable!("the stage's images have no derivatives");
    }

    fn adjoint_image<T: Scalar>(
        &self,
        _: &[u32],
        _: [Option<(&[T], &[T])>; 2],
        _: &mut [T],
        _: &mut [T],
    ) {
        unreachable!("the stage's images have no derivatives");
    }

    fn add_weight_squares<T: Scalar>(
        &self,
        saved: &[u32],
        laid: &[T],
        (columns, g, apart): (usize, &[T], usize),
        _: &mut [T],
        mut out: &mut [T],
    ) {
        if let (Some(laid), Some(g), Some(out)) = (same(laid), same(g), (&mut out).same()) {
            kernels::squares(self, saved, laid, (columns, g, apart), out);
        }
    }

    fn add_bias_squares<T: Scalar>(
        &self,
        saved: &[u32],
        (columns, g, apart): (usize, &[T], usize),
        mut out: &mut [T],
    ) {
        if let (Some(g), Some(out)) = (same(g), (&mut out).same()) {
            kernels::bias_squares(self, saved, (columns, g, apart), out);
        }
    }
}

/// The winners of an image: for each window and channel, the lane of the vector under the window
/// that holds the winner; a byte each, channels filled up to whole blocks.
#[derive(Clone, Debug)]
pub struct Lanes {
    positions: usize,
    channels: usize,
    /// Rows of a window: those of one column lie side by side.
    height: usize,
    /// Lanes from one column of a window to the next.
    across: usize,
}

/// No lane: the rectifier is off.
const OFF: u8 = NONE as u8;

impl Lanes {
    /// Bytes of a window.
    fn window_len(&self) -> usize {
        self.channels.next_multiple_of(LANES)
    }

    /// Indices that hold the bytes.
    fn bytes_len(&self) -> usize {
        self.positions * self.window_len() / 4
    }

    /// Indices that are kept: the bytes, and room for one window's winners.
    pub(super) fn len(&self) -> usize {
        self.bytes_len() + self.channels
    }

    /// Room for the winners of one window.
    #[inline(always)]
    pub(super) fn room<'a>(&self, saved: &'a mut [u32]) -> &'a mut [u32] {
        &mut saved[self.bytes_len()..][..self.channels]
    }

    /// The lane of a pixel of a window.
    #[inline(always)]
    pub(super) fn candidate(&self, down: usize, across: usize) -> usize {
        across * self.across + down
    }

    /// Notes the winners of window `p`.
    #[inline(always)]
    pub(super) fn note(&self, p: usize, saved: &mut [u32]) {
        let (notes, room) = saved.split_at_mut(self.bytes_len());
        let notes =
            &mut cast_slice_mut::<u32, u8>(notes)[p * self.window_len()..][..self.window_len()];
        notes[self.channels..].fill(OFF);
        for (note, &lane) in notes.iter_mut().zip(&room[..self.channels]) {
            *note = lane as u8;
        }
    }

    /// The winners of an image as kernels read them.
    fn noted<'a>(&self, saved: &'a [u32]) -> &'a [u8] {
        cast_slice(&saved[..self.bytes_len()])
    }
}

/// How a weight is packed: `[block of 16 output channels][tap][channel of the block]`, taps in the
/// order `[kernel row][input channel][kernel column]`.
#[derive(Clone, Debug)]
pub struct Taps {
    kernel: [usize; 2],
    cin: usize,
    cout: usize,
}

impl Taps {
    fn new(conv: &ConvGeometry) -> Self {
        Taps {
            kernel: conv.kernel,
            cin: conv.cin,
            cout: conv.cout,
        }
    }

    fn count(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.cin
    }

    /// Kernel row, input channel and kernel column of every tap.
    fn each(&self) -> impl Iterator<Item = [usize; 3]> {
        let [rows, cols] = self.kernel;
        let line =
            move |line: usize| (0..cols).map(move |kx| [line / self.cin, line % self.cin, kx]);
        (0..rows * self.cin).flat_map(line)
    }

    /// The rows of the weight `[kh, kw, in]` and of the packed one, of every tap and block: where
    /// both begin, and how many channels they have.
    fn rows(&self) -> impl Iterator<Item = [usize; 3]> {
        let blocks = (0..self.cout).step_by(LANES);
        blocks.flat_map(move |first| {
            self.each().enumerate().map(move |(tap, [ky, c, kx])| {
                let row = (ky * self.kernel[1] + kx) * self.cin + c;
                let packed = first * self.count() + tap * LANES;
                [
                    row * self.cout + first,
                    packed,
                    LANES.min(self.cout - first),
                ]
            })
        })
    }
}

impl Packing for Taps {
    fn packed_len(&self) -> usize {
        self.cout.next_multiple_of(LANES) * self.count()
    }

    fn pack<T: Scalar>(&self, weight: &[T], packed: &mut [T]) {
        packed.fill(T::zero());
        for [from, to, n] in self.rows() {
            packed[to..][..n].copy_from_slice(&weight[from..][..n]);
        }
    }

    fn unpack<T: Scalar>(&self, packed: &[T], weight: &mut [T]) {
        for [to, from, n] in self.rows() {
            for (to, &from) in weight[to..][..n].iter_mut().zip(&packed[from..]) {
                *to += from;
            }
        }
    }
}
