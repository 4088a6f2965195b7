//! Convolutions straight from the image: no patches are copied, the image is padded once.
//!
//! Each is one contraction (per group), in which patches overlap within the padded image:
//!
//! | | rows | terms of the sum | columns |
//! |---|---|---|---|
//! | forward | output pixels | ky, kx, input channels | output channels |
//! | adjoint in the weight | ky, kx, input channels | output pixels | output channels |
//! | adjoint in the image | image pixels | ky, kx, output channels | input channels |
//!
//! The last is a convolution of the padded cotangent with the flipped, transposed weight. With a
//! stride s > 1, an image pixel meets every s-th row and column of the kernel only: which ones
//! depends on its position modulo s, so pixels go by residues. Depthwise, channels are no terms,
//! and A is read lane by lane.

use super::contraction::{Contraction, Rows, Terms};
use super::gemm::{Mat, MatMut};
use super::geometry::ConvGeometry;
use super::transpose::transpose;
use crate::Scalar;

/// Channels as the loops see them: a depthwise convolution has one group, whose channels are lanes.
pub(super) struct Channels {
    pub(super) groups: usize,
    /// Input channels that a sum over channels runs over, and their columns in an adjoint.
    pub(super) cin: usize,
    /// Output channels likewise.
    pub(super) cout: usize,
    pub(super) lane_by_lane: bool,
}

impl Channels {
    pub(super) fn of(g: &ConvGeometry) -> Self {
        if g.is_depthwise() {
            Channels {
                groups: 1,
                cin: g.cin,
                cout: g.cout,
                lane_by_lane: true,
            }
        } else {
            Channels {
                groups: g.groups,
                cin: g.cin / g.groups,
                cout: g.cout / g.groups,
                lane_by_lane: false,
            }
        }
    }

    /// How many terms channels make, of `channels`.
    pub(super) fn terms(&self, channels: usize) -> usize {
        if self.lane_by_lane { 1 } else { channels }
    }
}

/// Whether the adjoint in the image has its direct form.
pub(super) fn has_image_adjoint(g: &ConvGeometry) -> bool {
    (0..2).all(|axis| g.stride[axis] == 1 || g.dilation[axis] == 1)
}

/// Numbers of the padded image; 0 if it needs no padding.
pub(super) fn image_scratch(g: &ConvGeometry) -> usize {
    match window(g) {
        window if window.is_whole(g.image) => 0,
        window => window.rows * window.cols * g.cin,
    }
}

/// Numbers of the flipped weight, then of the padded cotangent.
pub(super) fn cotangent_scratch(g: &ConvGeometry) -> [usize; 2] {
    let window = cotangent_window(g);
    let padded = if window.is_whole(g.output) {
        0
    } else {
        window.rows * window.cols * g.cout
    };
    [g.weight_len(), padded]
}

/// y += x ∗ w.
pub(super) fn forward<T: Scalar>(
    g: &ConvGeometry,
    x: &[T],
    w: &[T],
    scratch: &mut [T],
    y: &mut [T],
) {
    let (channels, window) = (Channels::of(g), window(g));
    let x = window.of(x, g.image, g.cin, scratch);
    let pitch = window.cols * g.cin;
    let terms = channels.terms(channels.cin);
    for group in 0..channels.groups {
        Contraction {
            rows: Rows {
                count: [1, g.output[0], g.output[1]],
                a: [0, g.stride[0] * pitch, g.stride[1] * g.cin],
            },
            terms: Terms {
                count: [g.kernel[0], g.kernel[1], terms],
                a: [g.dilation[0] * pitch, g.dilation[1] * g.cin, 1],
                b: [g.kernel[1] * terms * g.cout, terms * g.cout, g.cout],
            },
            cols: channels.cout,
            a: &x[group * channels.cin..],
            b: &w[group * channels.cout..],
            c: &mut y[group * channels.cout..],
            c_row: g.cout,
            lane_by_lane: channels.lane_by_lane,
        }
        .dispatch();
    }
}

/// gw += the adjoint in the weight.
pub(super) fn adjoint_weight<T: Scalar>(
    geometry: &ConvGeometry,
    x: &[T],
    g: &[T],
    scratch: &mut [T],
    gw: &mut [T],
) {
    let (channels, window) = (Channels::of(geometry), window(geometry));
    let [kernel, output] = [geometry.kernel, geometry.output];
    let [stride, dilation] = [geometry.stride, geometry.dilation];
    let (cin, cout) = (geometry.cin, geometry.cout);
    let x = window.of(x, geometry.image, cin, scratch);
    let pitch = window.cols * cin;
    for group in 0..channels.groups {
        Contraction {
            rows: Rows {
                count: [kernel[0], kernel[1], channels.terms(channels.cin)],
                a: [dilation[0] * pitch, dilation[1] * cin, 1],
            },
            terms: Terms {
                count: [1, output[0], output[1]],
                a: [0, stride[0] * pitch, stride[1] * cin],
                b: [0, output[1] * cout, cout],
            },
            cols: channels.cout,
            a: &x[group * channels.cin..],
            b: &g[group * channels.cout..],
            c: &mut gw[group * channels.cout..],
            c_row: cout,
            lane_by_lane: channels.lane_by_lane,
        }
        .dispatch();
    }
}

/// gx += the adjoint in the image, with the weight flipped by [`flip`]. The geometry
/// [has one](has_image_adjoint).
pub(super) fn adjoint_image<T: Scalar>(
    geometry: &ConvGeometry,
    g: &[T],
    flipped: &[T],
    scratch: &mut [T],
    gx: &mut [T],
) {
    let (channels, window) = (Channels::of(geometry), cotangent_window(geometry));
    let (cin, cout, width) = (geometry.cin, geometry.cout, geometry.image[1]);
    let [stride, dilation] = [geometry.stride, geometry.dilation];
    let g = window.of(g, geometry.output, cout, scratch);
    let pitch = window.cols * cout;
    // The flipped weight is [groups, kh, kw, terms, columns].
    let tap = channels.terms(channels.cout) * channels.cin;
    let kernel = geometry.kernel[0] * geometry.kernel[1] * tap;
    let plain = stride == [1, 1];
    for group in 0..channels.groups {
        for down in Residue::all(geometry, 0) {
            for across in Residue::all(geometry, 1) {
                let weight = group * kernel + (down.tap * geometry.kernel[1] + across.tap) * tap;
                let terms = Terms {
                    count: [down.taps, across.taps, channels.terms(channels.cout)],
                    a: [dilation[0] * pitch, dilation[1] * cout, 1],
                    b: [
                        stride[0] * geometry.kernel[1] * tap,
                        stride[1] * tap,
                        channels.cin,
                    ],
                };
                // Without strides, all rows at once: blocks of pixels may cross their ends.
                let (calls, height) = if plain {
                    (1, down.count)
                } else {
                    (down.count, 1)
                };
                for call in 0..calls {
                    let from = (down.seen + call) * pitch + across.seen * cout;
                    let to = ((down.first + call * stride[0]) * width + across.first) * cin;
                    Contraction {
                        rows: Rows {
                            count: [1, height, across.count],
                            a: [0, pitch, cout],
                        },
                        terms,
                        cols: channels.cin,
                        a: &g[from + group * channels.cout..],
                        b: &flipped[weight..],
                        c: &mut gx[to + group * channels.cin..],
                        c_row: stride[1] * cin,
                        lane_by_lane: channels.lane_by_lane,
                    }
                    .dispatch();
                }
            }
        }
    }
}

/// Flips and transposes the weight: [kh, kw, in, out] by groups of out to
/// [groups, kh, kw, out, in], both kernel axes reversed.
pub(super) fn flip<T: Scalar>(g: &ConvGeometry, w: &[T], flipped: &mut [T]) {
    let channels = Channels::of(g);
    let taps = g.kernel[0] * g.kernel[1];
    if channels.lane_by_lane {
        let rows = w.chunks_exact(g.cout).rev();
        for (to, from) in flipped.chunks_exact_mut(g.cout).zip(rows) {
            to.copy_from_slice(from);
        }
        return;
    }
    let (cin, cout) = (channels.cin, channels.cout);
    for group in 0..channels.groups {
        for tap in 0..taps {
            let from = &w[tap * cin * g.cout + group * cout..];
            let to = &mut flipped[(group * taps + taps - 1 - tap) * cin * cout..];
            transpose(
                Mat::strided(from, cin, cout, g.cout, 1),
                MatMut::new(to, cout, cin),
            );
        }
    }
}

/// The part of an image's plane, extended by zeros, that a convolution sees.
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// The first row and column; negative within padding.
    start: [isize; 2],
    rows: usize,
    pub(super) cols: usize,
}

impl Window {
    fn is_whole(&self, size: [usize; 2]) -> bool {
        self.start == [0, 0] && [self.rows, self.cols] == size
    }

    /// The window of `x`, copied into the scratch unless it is `x` itself.
    pub(super) fn of<'a, T: Scalar>(
        &self,
        x: &'a [T],
        size: [usize; 2],
        channels: usize,
        scratch: &'a mut [T],
    ) -> &'a [T] {
        if self.is_whole(size) {
            return x;
        }
        let pitch = self.cols * channels;
        let padded = &mut scratch[..self.rows * pitch];
        // Columns left..right of the window are columns of x.
        let left = (-self.start[1]).clamp(0, self.cols as isize) as usize;
        let right = (size[1] as isize - self.start[1]).clamp(left as isize, self.cols as isize);
        let (left, right) = (left * channels, right as usize * channels);
        for (i, row) in padded.chunks_exact_mut(pitch.max(1)).enumerate() {
            let y = i as isize + self.start[0];
            if y < 0 || y >= size[0] as isize || left == right {
                row.fill(T::zero());
                continue;
            }
            let first = self.start[1].max(0) as usize;
            let from = (y as usize * size[1] + first) * channels;
            row[..left].fill(T::zero());
            row[left..right].copy_from_slice(&x[from..][..right - left]);
            row[right..].fill(T::zero());
        }
        padded
    }
}

/// What forward and the adjoint in the weight see of the image.
pub(super) fn window(g: &ConvGeometry) -> Window {
    let length = |axis: usize| {
        (g.output[axis] - 1) * g.stride[axis] + (g.kernel[axis] - 1) * g.dilation[axis] + 1
    };
    if g.before == [0, 0] && g.after == [0, 0] {
        // What a stride leaves over at the end does no harm.
        return Window {
            start: [0, 0],
            rows: g.image[0],
            cols: g.image[1],
        };
    }
    Window {
        start: [-(g.before[0] as isize), -(g.before[1] as isize)],
        rows: length(0),
        cols: length(1),
    }
}

/// What the adjoint in the image sees of the cotangent.
fn cotangent_window(g: &ConvGeometry) -> Window {
    let [(y, rows), (x, cols)] = [0, 1].map(|axis| {
        let (start, end) = cotangent_range(g, axis);
        (start, (end - start).max(0) as usize)
    });
    Window {
        start: [y, x],
        rows,
        cols,
    }
}

/// The outputs o along `axis` for which o·s + k·d − p is a pixel, for some k; outputs that don't
/// exist included.
fn cotangent_range(g: &ConvGeometry, axis: usize) -> (isize, isize) {
    let (stride, before) = (g.stride[axis] as isize, g.before[axis] as isize);
    let reach = ((g.kernel[axis] - 1) * g.dilation[axis]) as isize;
    let start = -(reach - before).div_euclid(stride);
    let end = (g.image[axis] as isize - 1 + before).div_euclid(stride) + 1;
    (start, end)
}

/// The pixels along one axis that lie a multiple of the stride apart, and the part of the kernel
/// that they meet.
struct Residue {
    /// The first pixel, and how many.
    first: usize,
    count: usize,
    /// The first row (or column) of the flipped kernel that they meet, and how many.
    tap: usize,
    taps: usize,
    /// Where in the cotangent's window the first pixel meets the first of these.
    seen: usize,
}

impl Residue {
    /// All residues whose pixels meet the kernel.
    fn all(g: &ConvGeometry, axis: usize) -> impl Iterator<Item = Residue> {
        let (image, kernel) = (g.image[axis], g.kernel[axis]);
        let (stride, before) = (g.stride[axis], g.before[axis]);
        let start = cotangent_range(g, axis).0;
        (0..stride.min(image)).filter_map(move |first| {
            // Pixel i meets kernel row k at output o with o·s + k·d = i + p. With s = 1 these are
            // all k; with d = 1 those that leave the same remainder as i + p, from `last` down.
            let remainder = (first + before) % stride;
            if remainder >= kernel {
                return None;
            }
            let taps = (kernel - 1 - remainder) / stride + 1;
            let last = remainder + (taps - 1) * stride;
            let output = (first + before) as isize - (last * g.dilation[axis]) as isize;
            Some(Residue {
                first,
                count: (image - first).div_ceil(stride),
                tap: kernel - 1 - last,
                taps,
                seen: (output.div_euclid(stride as isize) - start) as usize,
            })
        })
    }
}
