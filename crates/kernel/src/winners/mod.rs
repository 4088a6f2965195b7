//! A convolution seen at the winners of a max-pooling only.
//!
//! Where a convolution feeds a max-pooling, with a bias and a rectifier before or after it, every
//! derivative needs the convolution's output at one pixel per window and channel: the winner.
//! Windows of 2×2 leave a quarter of the multiply-adds of the dense kernels, and nothing is
//! approximated.
//!
//! Which pixel won differs from channel to channel. So with off(p, o) the place of the patch under
//! the winner of window p in channel o, and t running over kernel rows, kernel columns and input
//! channels, y(p, o) = Σₜ x(off(p, o) + t) · w(o, t) is no matrix product. Two kinds of kernels
//! compute it and its adjoints:
//!
//! | vectors run along | for | folder |
//! |---|---|---|
//! | the taps t of a patch | any layer | `patches` |
//! | output channels o, each lane picking its own pixel | a first layer, whose patches are short | `channels` |

#[doc(hidden)]
pub mod channels;
mod choose;
mod patches;

pub use channels::Channels;
pub use patches::Patches;

use super::geometry::ConvGeometry;
use super::pool::Windows;
use crate::Scalar;
use choose::Notes;
use std::fmt::Debug;

/// A convolution, an optional rectifier and a max-pooling of known geometry.
#[derive(Clone, Debug)]
pub struct Stage {
    conv: ConvGeometry,
    windows: Windows,
    rectified: bool,
}

impl Stage {
    /// Meets the geometry of both; `None` where winners only would gain nothing.
    pub fn new(conv: &ConvGeometry, windows: &Windows, rectified: bool) -> Option<Stage> {
        let [down, across] = conv.output;
        let pays = 2 * windows.positions() <= across * down && conv.groups == 1;
        (pays && windows.image() == conv.output).then(|| Stage {
            conv: conv.clone(),
            windows: windows.clone(),
            rectified,
        })
    }

    /// The convolution.
    pub fn conv(&self) -> &ConvGeometry {
        &self.conv
    }

    fn channels(&self) -> usize {
        self.conv.cout
    }

    /// Numbers of the weight per output channel.
    fn taps(&self) -> usize {
        self.conv.kernel[0] * self.conv.kernel[1] * self.conv.cin
    }

    /// Numbers in a pooled output.
    pub fn output_len(&self) -> usize {
        self.windows.positions() * self.channels()
    }

    /// Multiply-adds of one pass over the winners of one image.
    pub fn work(&self) -> usize {
        self.output_len() * self.taps()
    }

    /// Given the convolution's output, adds the bias, pools and rectifies.
    pub fn values<T: Scalar>(&self, outputs: &[T], bias: Option<&[T]>, y: &mut [T]) {
        choose::values(self, outputs, bias, y);
    }
}

/// How a weight `[kh, kw, in, out]` lies for the kernels.
pub trait Packing: Clone + Debug + Send + Sync + 'static {
    /// Numbers of a packed weight.
    fn packed_len(&self) -> usize;
    /// Packs a weight; numbers that stand for none are 0.
    fn pack<T: Scalar>(&self, weight: &[T], packed: &mut [T]);
    /// The adjoint of [`pack`](Self::pack): weight += what is packed.
    fn unpack<T: Scalar>(&self, packed: &[T], weight: &mut [T]);
}

/// Kernels that compute at winners.
///
/// Images are laid out, and weights packed, as a kind of kernels wants them; `saved` are the
/// winners that [`choose`](Self::choose) noted, image after image.
pub trait AtWinners: Clone + Debug + Send + Sync + 'static {
    /// How weights are packed.
    type Packing: Packing;

    /// Prepares for a stage whose images have derivatives (`active`) or don't; `None` where these
    /// kernels are not for it.
    fn new<T: Scalar>(stage: Stage, active: bool) -> Option<Self>;
    /// What is computed.
    fn stage(&self) -> &Stage;
    /// How weights are packed.
    fn packing(&self) -> &Self::Packing;
    /// How winners are noted.
    fn notes(&self) -> Notes<'_>;
    /// Numbers of a laid-out image.
    fn laid_len(&self) -> usize;
    /// Lays an image out.
    fn lay_out<T: Scalar>(&self, image: &[T], laid: &mut [T]);
    /// Numbers of scratch for a tile of `k` images.
    fn scratch_len<T>(&self, k: usize) -> usize;
    /// Numbers of scratch for [`add_weight_squares`](Self::add_weight_squares) of so many
    /// cotangents.
    fn squares_scratch(&self, columns: usize) -> usize;

    /// y += x ∗ dw + dx ∗ w + db at the winners, for `k` images. Weights are packed; x is laid out,
    /// and dx, which an active stage has, is not.
    #[allow(clippy::too_many_arguments)] // each is one of the formula's
    fn jvp<T: Scalar>(
        &self,
        k: usize,
        saved: &[u32],
        x_dw: Option<(&[T], &[T])>,
        dx_w: Option<(Images<'_, T>, &[T])>,
        db: Option<&[T]>,
        scratch: &mut [T],
        y: &mut [T],
    );
    /// gw += the adjoint in the packed weight, and gb += that in the bias, from laid-out images.
    fn adjoint_weight<T: Scalar>(
        &self,
        saved: &[u32],
        laid: &[T],
        g: &[T],
        gw: &mut [T],
        gb: Option<&mut [T]>,
    );
    /// gb += the adjoint in the bias, for one image.
    fn adjoint_bias<T: Scalar>(&self, saved: &[u32], g: &[T], gb: &mut [T]);
    /// gw += the adjoint in the packed weight from `k` images that are not laid out: tangents of an
    /// active stage.
    fn adjoint_weight_of<T: Scalar>(
        &self,
        images: (usize, Images<'_, T>),
        saved: &[u32],
        g: &[T],
        scratch: &mut [T],
        gw: &mut [T],
    );
    /// gx += the adjoint in the image, for one image of an active stage.
    fn adjoint_image<T: Scalar>(
        &self,
        saved: &[u32],
        terms: [Option<(&[T], &[T])>; 2],
        scratch: &mut [T],
        gx: &mut [T],
    );
    /// out += the squares of the adjoint in the packed weight, for one laid-out image and `columns`
    /// cotangents, `apart` numbers from one to the next.
    fn add_weight_squares<T: Scalar>(
        &self,
        saved: &[u32],
        laid: &[T],
        cotangents: (usize, &[T], usize),
        room: &mut [T],
        out: &mut [T],
    );
    /// out += the squares of the adjoint in the bias, likewise.
    fn add_bias_squares<T: Scalar>(
        &self,
        saved: &[u32],
        cotangents: (usize, &[T], usize),
        out: &mut [T],
    );

    /// Indices that [`choose`](Self::choose) notes per image.
    fn saved_len(&self) -> usize {
        self.notes().len()
    }

    /// Given the convolution's output, adds the bias, pools, rectifies, and notes the winners.
    fn choose<T: Scalar>(&self, outputs: &[T], bias: Option<&[T]>, saved: &mut [u32], y: &mut [T]) {
        choose::choose(self.stage(), self.notes(), outputs, bias, saved, y);
    }
}

/// How much of what is left to do next, in even parts of at most `most`.
pub(super) fn part(left: usize, most: usize) -> usize {
    left.div_ceil(left.div_ceil(most))
}

/// The images of a tile.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a, T> {
    /// Their numbers, from the first image on.
    pub data: &'a [T],
    /// The distance of two images.
    pub stride: usize,
}

impl<'a, T> Images<'a, T> {
    fn image(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..]
    }
}
