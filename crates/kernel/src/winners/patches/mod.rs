//! Vectors along the taps of a patch.
//!
//! | | | file |
//! |---|---|---|
//! | forward at winners, for both halves of jvp | y(p, o) += Σₜ x(off(p, o) + t) · w(o, t) | `dots` |
//! | adjoint in the weight | gw(o, t) += Σₚ g(p, o) · x(off(p, o) + t) | `gather` |
//! | its squares, for several g | out(o, t) += Σ_c (Σₚ g_c(p, o) · x(off(p, o) + t))² | `squares` |
//! | adjoint in the image | gx(off(p, o) + t) += g(p, o) · w(o, t) | `scatter` |
//!
//! A patch is one or a few contiguous runs of the padded image ([`Layout`]), and the weight is
//! packed likewise, `[o][t]`, each run filled up with zeros to whole cache lines. Where the
//! rectifier is off, nothing is computed.

mod dots;
mod gather;
mod layout;
mod lists;
mod scatter;
mod squares;

use self::layout::Layout;
pub(super) use self::lists::Lists;
use self::squares::GatherSquares;
use super::choose::Notes;
use super::{AtWinners, Images, Stage};
use crate::Scalar;
use crate::line::line_start;
use crate::simd::compiled;

/// A level-1 cache's worth of images, in bytes.
const NEAR: usize = 32 << 10;

/// A stage by its patches, and where they lie.
#[derive(Clone, Debug)]
pub struct Patches {
    stage: Stage,
    layout: Layout,
    lists: Lists,
    /// Where in the padded image the patch under each entry of the lists begins; beyond the image
    /// for pixels of a window that don't exist.
    begins: Vec<u32>,
}

impl Patches {
    /// Where the patch under an entry of the lists begins, checked to lie within a laid-out image
    /// with all its runs.
    #[inline(always)]
    fn patch(&self, entry: u16) -> usize {
        let at = self.begins[entry as usize] as usize;
        assert!(at <= self.layout.last, "a winner lies outside of its image");
        at
    }

    fn output_len(&self) -> usize {
        self.stage.output_len()
    }

    /// How many images of `k` the cache holds; at least one.
    fn at_once<T>(&self, k: usize) -> usize {
        (NEAR / (self.layout.len() * size_of::<T>())).clamp(1, k.max(1))
    }
}

impl AtWinners for Patches {
    type Packing = Layout;

    fn new<T: Scalar>(stage: Stage, active: bool) -> Option<Patches> {
        let (conv, windows) = (&stage.conv, &stage.windows);
        let positions = windows.positions();
        let layout = Layout::new::<T>(conv)?;
        // Windows that see a part of the image that the cache holds: two images are read at once,
        // x and its tangent.
        let parts = (2 * layout.len() * size_of::<T>()).div_ceil(NEAR);
        let part = positions.div_ceil(parts.clamp(1, positions));
        let lists = Lists::new(positions, windows.window(), conv.cout, part, active)?;
        let mut begins = vec![u32::MAX; lists.entries()];
        for p in 0..positions {
            let (start, [rows, cols]) = (windows.start(p), windows.covered(p));
            for y in rows {
                for x in cols.clone() {
                    let [down, across] = [y as isize - start[0], x as isize - start[1]];
                    let candidate = lists.candidate(down as usize, across as usize);
                    let at = layout.patch(y * conv.stride[0], x * conv.stride[1]);
                    begins[lists.entry(p, candidate)] = u32::try_from(at).ok()?;
                }
            }
        }
        Some(Patches {
            stage,
            layout,
            lists,
            begins,
        })
    }

    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn packing(&self) -> &Layout {
        &self.layout
    }

    fn notes(&self) -> Notes<'_> {
        Notes::Lists(&self.lists)
    }

    fn laid_len(&self) -> usize {
        self.layout.len()
    }

    fn lay_out<T: Scalar>(&self, image: &[T], laid: &mut [T]) {
        self.layout.spread(image, laid);
    }

    /// As many laid-out images as are used at once.
    fn scratch_len<T>(&self, k: usize) -> usize {
        self.at_once::<T>(k) * self.layout.len() + layout::unit::<T>()
    }

    fn jvp<T: Scalar>(
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
                patches: self,
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

    fn adjoint_weight<T: Scalar>(
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
                patches: self,
                lists,
                images,
                g,
                gw: &mut *gw,
                gb: gb.as_deref_mut(),
            }
            .dispatch();
        }
    }

    fn adjoint_weight_of<T: Scalar>(
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

    fn squares_scratch(&self, columns: usize) -> usize {
        self.lists.positions * columns
    }

    fn add_weight_squares<T: Scalar>(
        &self,
        saved: &[u32],
        laid: &[T],
        (columns, g, apart): (usize, &[T], usize),
        room: &mut [T],
        out: &mut [T],
    ) {
        GatherSquares {
            patches: self,
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

    fn add_bias_squares<T: Scalar>(
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

    fn adjoint_bias<T: Scalar>(&self, saved: &[u32], g: &[T], gb: &mut [T]) {
        for (c, gb) in gb.iter_mut().enumerate() {
            for &entry in self.lists.whole_channel(saved, c) {
                *gb += g[self.lists.position(entry) * self.lists.channels + c];
            }
        }
    }

    fn adjoint_image<T: Scalar>(
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
                patches: self,
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

/// Scratch from the first cache line on.
fn aligned<T>(scratch: &mut [T]) -> &mut [T] {
    let start = line_start(scratch);
    &mut scratch[start..]
}

/// y += Σ over pairs of images and packed weights, at one image's winners.
pub(super) struct Dots<'a, L> {
    patches: &'a Patches,
    lists: &'a [u32],
    pairs: [Option<(&'a [L], &'a [L])>; 2],
    bias: Option<&'a [L]>,
    y: &'a mut [L],
}

/// gw and gb += the adjoints, from several laid-out images.
pub(super) struct Gather<'a, L> {
    patches: &'a Patches,
    lists: &'a [u32],
    images: &'a [L],
    g: &'a [L],
    gw: &'a mut [L],
    gb: Option<&'a mut [L]>,
}

/// gx += the adjoint, into one laid-out image.
pub(super) struct Scatter<'a, L> {
    patches: &'a Patches,
    lists: &'a [u32],
    g: &'a [L],
    w: &'a [L],
    gx: &'a mut [L],
}

compiled! {
    Dots { patches, lists; pairs, bias, y }
    Gather { patches, lists; images, g, gw, gb }
    Scatter { patches, lists; g, w, gx }
}
