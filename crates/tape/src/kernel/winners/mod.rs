//! A convolution seen at the winners of a max-pooling only.
//!
//! Where a convolution feeds a max-pooling, with a bias and a rectifier before or after it, every
//! derivative needs the convolution's output at one pixel per window and channel: the winner. With
//! off(p, o) the place in the padded image of the patch under the winner of window p in channel o,
//! and t running over kernel rows, kernel columns and input channels,
//!
//! | | | file |
//! |---|---|---|
//! | forward at winners, for both halves of jvp | y(p, o) += Σₜ x(off(p, o) + t) · w(o, t) | `dots` |
//! | adjoint in the weight | gw(o, t) += Σₚ g(p, o) · x(off(p, o) + t) | `gather` |
//! | its squares, for several g | out(o, t) += Σ_c (Σₚ g_c(p, o) · x(off(p, o) + t))² | `squares` |
//! | adjoint in the image | gx(off(p, o) + t) += g(p, o) · w(o, t) | `scatter` |
//!
//! Which pixel won differs from channel to channel, so vectors run along t: a patch is one or a few
//! contiguous runs of the padded image ([`Layout`]), and the weight is packed likewise, `[o][t]`, each
//! run filled up with zeros to whole cache lines. Where the rectifier is off, nothing is computed.
//!
//! Windows of 2×2 leave a quarter of the multiply-adds of the dense kernels, and nothing is
//! approximated.

mod choose;
mod dots;
mod gather;
mod layout;
mod lists;
mod scatter;
mod squares;

pub(crate) use layout::Layout;

use self::lists::Lists;
use self::squares::GatherSquares;
use super::geometry::ConvGeometry;
use super::pool::Windows;
use super::simd::compiled;
use crate::Scalar;
use crate::buffer::line_start;

/// A level-1 cache's worth of images, in bytes.
const NEAR: usize = 32 << 10;

/// A convolution, an optional rectifier and a max-pooling of known geometry.
#[derive(Clone, Debug)]
pub(crate) struct Winners {
    conv: ConvGeometry,
    windows: Windows,
    rectified: bool,
    layout: Layout,
    lists: Lists,
    /// Where in the padded image the patch under each entry of the lists begins; beyond the image
    /// for pixels of a window that don't exist.
    patches: Vec<u32>,
}

impl Winners {
    /// Meets the geometry of both, and whether the adjoint in the image will be wanted; `None` where winners only would gain nothing, or where indices
    /// would not fit.
    pub fn new<T: Scalar>(
        conv: &ConvGeometry,
        windows: &Windows,
        rectified: bool,
        image_adjoint: bool,
    ) -> Option<Winners> {
        let [across, down] = [conv.output[1], conv.output[0]];
        let positions = windows.positions();
        let pays = 2 * positions <= across * down && conv.groups == 1;
        if !pays || windows.image() != [down, across] {
            return None;
        }
        let layout = Layout::new::<T>(conv);
        let [height, width] = windows.window();
        // Windows that see a part of the image that the cache holds: two images are read at once,
        // x and its tangent.
        let parts = (2 * layout.len() * size_of::<T>()).div_ceil(NEAR);
        let part = positions.div_ceil(parts.clamp(1, positions));
        let groups = (0..positions)
            .step_by(part)
            .map(|p| p..(p + part).min(positions))
            .collect();
        let lists = Lists::new(positions, height * width, conv.cout, groups, image_adjoint)?;
        let mut patches = vec![u32::MAX; lists.entries()];
        for p in 0..positions {
            let (start, [rows, cols]) = (windows.start(p), windows.covered(p));
            for y in rows {
                for x in cols.clone() {
                    let [down, across] = [y as isize - start[0], x as isize - start[1]];
                    let candidate = down as usize * width + across as usize;
                    let at = layout.patch(y * conv.stride[0], x * conv.stride[1]);
                    patches[lists.entry(p, candidate)] = u32::try_from(at).ok()?;
                }
            }
        }
        Some(Winners {
            conv: conv.clone(),
            windows: windows.clone(),
            rectified,
            layout,
            lists,
            patches,
        })
    }

    /// How the weight is packed.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Where the patch under an entry of the lists begins, checked to lie within a laid-out image
    /// with all its runs.
    #[inline(always)]
    fn patch(&self, entry: u16) -> usize {
        let at = self.patches[entry as usize] as usize;
        assert!(at <= self.layout.last, "a winner lies outside of its image");
        at
    }

    /// Numbers in a pooled output.
    pub fn output_len(&self) -> usize {
        self.lists.positions * self.lists.channels
    }

    /// Indices that [`choose`](Self::choose) keeps.
    pub fn saved_len(&self) -> usize {
        self.lists.len()
    }

    /// Lays an image out: what derivatives read of it.
    pub fn lay_out<T: Scalar>(&self, image: &[T], laid: &mut [T]) {
        self.layout.spread(image, laid);
    }

    /// Numbers of scratch for a tile of `k` images: as many laid-out ones as are used at once.
    pub fn scratch_len<T>(&self, k: usize) -> usize {
        self.at_once::<T>(k) * self.layout.len() + layout::unit::<T>()
    }

    /// How many images of `k` the cache holds; at least one.
    fn at_once<T>(&self, k: usize) -> usize {
        (NEAR / (self.layout.len() * size_of::<T>())).clamp(1, k.max(1))
    }

    /// Multiply-adds of one pass over the winners of one image.
    pub fn work(&self) -> usize {
        self.output_len() * self.layout.taps()
    }

    /// Given the convolution's output, adds the bias, pools, rectifies, and notes the winners.
    pub fn choose<T: Scalar>(
        &self,
        outputs: &[T],
        bias: Option<&[T]>,
        saved: &mut [u32],
        y: &mut [T],
    ) {
        choose::choose(self, outputs, bias, saved, y);
    }

    /// Given the convolution's output, adds the bias, pools and rectifies.
    pub fn values<T: Scalar>(&self, outputs: &[T], bias: Option<&[T]>, y: &mut [T]) {
        choose::values(self, outputs, bias, y);
    }

    /// y += x ∗ dw + dx ∗ w + db at the winners, for `k` images. Weights are packed; x is laid out,
    /// and dx is not.
    #[allow(clippy::too_many_arguments)] // each is one of the formula's
    pub fn jvp<T: Scalar>(
        &self,
        k: usize,
        saved: &[u32],
        x_dw: Option<(&[T], &[T])>,
        dx_w: Option<(Images<'_, T>, &[T])>,
        db: Option<&[T]>,
        scratch: &mut [T],
        y: &mut [T],
    ) {
        let (len, m, kept) = (self.layout.len(), self.output_len(), self.saved_len());
        let room = &mut aligned(scratch)[..len];
        for i in 0..k {
            if let Some((images, _)) = dx_w {
                self.layout.spread(images.image(i), room);
            }
            let dots = Dots {
                stage: self,
                lists: &saved[i * kept..][..kept],
                pairs: [
                    x_dw.map(|(laid, dw)| (&laid[i * len..][..len], dw)),
                    dx_w.map(|(_, w)| (&*room, w)),
                ],
                bias: db,
                y: &mut y[i * m..][..m],
            };
            dots.dispatch();
        }
    }

    /// gw += the adjoint in the packed weight, and gb += that in the bias, from laid-out images.
    pub fn adjoint_weight<T: Scalar>(
        &self,
        saved: &[u32],
        laid: &[T],
        g: &[T],
        gw: &mut [T],
        mut gb: Option<&mut [T]>,
    ) {
        let (len, m, kept) = (self.layout.len(), self.output_len(), self.saved_len());
        let most = self.at_once::<T>(laid.len() / len);
        let parts = laid.chunks(most * len).zip(g.chunks(most * m));
        for ((images, g), lists) in parts.zip(saved.chunks(most * kept)) {
            Gather {
                stage: self,
                lists,
                images,
                g,
                gw: &mut *gw,
                gb: gb.as_deref_mut(),
            }
            .dispatch();
        }
    }

    /// The same from `k` images that are not laid out.
    pub fn adjoint_weight_of<T: Scalar>(
        &self,
        (k, images): (usize, Images<'_, T>),
        saved: &[u32],
        g: &[T],
        scratch: &mut [T],
        gw: &mut [T],
    ) {
        let (len, m, kept) = (self.layout.len(), self.output_len(), self.saved_len());
        let scratch = aligned(scratch);
        let most = self.at_once::<T>(k);
        for first in (0..k).step_by(most) {
            let n = most.min(k - first);
            let laid = &mut scratch[..n * len];
            for (i, laid) in laid.chunks_exact_mut(len).enumerate() {
                self.layout.spread(images.image(first + i), laid);
            }
            let (saved, g) = (&saved[first * kept..][..n * kept], &g[first * m..][..n * m]);
            self.adjoint_weight(saved, laid, g, gw, None);
        }
    }

    /// Numbers of scratch for [`add_weight_squares`](Self::add_weight_squares) of so many cotangents.
    pub fn squares_scratch(&self, columns: usize) -> usize {
        self.lists.positions * columns
    }

    /// out += the squares of the adjoint in the packed weight, for one laid-out image and `columns`
    /// cotangents, `apart` numbers from one to the next.
    pub fn add_weight_squares<T: Scalar>(
        &self,
        saved: &[u32],
        laid: &[T],
        (columns, g, apart): (usize, &[T], usize),
        room: &mut [T],
        out: &mut [T],
    ) {
        GatherSquares {
            stage: self,
            lists: saved,
            image: laid,
            columns,
            g,
            apart,
            room,
            out,
        }
        .dispatch();
    }

    /// out += the squares of the adjoint in the bias, likewise.
    pub fn add_bias_squares<T: Scalar>(
        &self,
        saved: &[u32],
        (columns, g, apart): (usize, &[T], usize),
        out: &mut [T],
    ) {
        for (channel, out) in out.iter_mut().enumerate() {
            let entries = self.lists.whole_channel(saved, channel);
            for c in 0..columns {
                let g = &g[c * apart..];
                let one = |&e: &u16| g[self.lists.position(e) * self.lists.channels + channel];
                let sum = entries.iter().map(one).fold(T::zero(), |a, b| a + b);
                *out += sum * sum;
            }
        }
    }

    /// gb += the adjoint in the bias.
    pub fn adjoint_bias<T: Scalar>(&self, saved: &[u32], g: &[T], gb: &mut [T]) {
        for (c, gb) in gb.iter_mut().enumerate() {
            for &entry in self.lists.whole_channel(saved, c) {
                *gb += g[self.lists.position(entry) * self.lists.channels + c];
            }
        }
    }

    /// gx += the adjoint in the image, for one image.
    pub fn adjoint_image<T: Scalar>(
        &self,
        saved: &[u32],
        terms: [Option<(&[T], &[T])>; 2],
        scratch: &mut [T],
        gx: &mut [T],
    ) {
        let laid = &mut aligned(scratch)[..self.layout.len()];
        laid.fill(T::zero());
        for (g, w) in terms.into_iter().flatten() {
            Scatter {
                stage: self,
                lists: saved,
                g,
                w,
                gx: &mut *laid,
            }
            .dispatch();
        }
        self.layout.collect(laid, gx);
    }
}

/// The images of a tile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Images<'a, T> {
    /// The first image, and the distance of two.
    pub(crate) data: &'a [T],
    pub(crate) stride: usize,
}

impl<'a, T> Images<'a, T> {
    fn image(&self, i: usize) -> &'a [T] {
        &self.data[i * self.stride..]
    }
}

/// Scratch from the first cache line on.
fn aligned<T>(scratch: &mut [T]) -> &mut [T] {
    let start = line_start(scratch);
    &mut scratch[start..]
}

/// y += Σ over pairs of images and packed weights, at one image's winners.
pub(super) struct Dots<'a, L> {
    stage: &'a Winners,
    lists: &'a [u32],
    pairs: [Option<(&'a [L], &'a [L])>; 2],
    bias: Option<&'a [L]>,
    y: &'a mut [L],
}

/// gw and gb += the adjoints, from several laid-out images.
pub(super) struct Gather<'a, L> {
    stage: &'a Winners,
    lists: &'a [u32],
    images: &'a [L],
    g: &'a [L],
    gw: &'a mut [L],
    gb: Option<&'a mut [L]>,
}

/// gx += the adjoint, into one laid-out image.
pub(super) struct Scatter<'a, L> {
    stage: &'a Winners,
    lists: &'a [u32],
    g: &'a [L],
    w: &'a [L],
    gx: &'a mut [L],
}

compiled! {
    Dots { stage, lists; pairs, bias, y }
    Gather { stage, lists; images, g, gw, gb }
    Scatter { stage, lists; g, w, gx }
}
