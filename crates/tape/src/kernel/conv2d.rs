//! Convolutions of one image, channels last: forward and its two adjoints. All add.
//!
//! What a convolution computes for output pixel (y, x) and output channel o of group γ, with
//! strides s, dilations d and padding p (padding reads as 0):
//!
//! ```text
//! out[y, x, o] += Σ_{ky, kx, c} image[y·s + ky·d − p, x·s + kx·d − p, γ·cin/groups + c]
//!                               · weight[ky, kx, c, o]
//! ```
//!
//! No kernel is flipped: this is what neural networks call a convolution.
//!
//! # Routes
//! A 1×1 convolution is a matrix product. Depthwise ones are direct loops that vectorize over
//! channels. The others copy patches into the scratch, a block of output rows at a time, and
//! multiply.

use super::gemm::{Mat, MatMut, gemm};
use super::geometry::ConvGeometry;
use super::{depthwise, patches};
use crate::Scalar;

/// How many numbers of scratch the three functions need.
pub fn scratch_len(geometry: &ConvGeometry) -> usize {
    if geometry.is_pointwise() || geometry.is_depthwise() {
        0
    } else {
        patches::scratch_len(geometry)
    }
}

/// y += x ∗ w.
///
/// # Panics
/// As indexing does, if a slice is shorter than `geometry` says.
pub fn forward<T: Scalar>(
    geometry: &ConvGeometry,
    x: &[T],
    w: &[T],
    scratch: &mut [T],
    y: &mut [T],
) {
    if geometry.is_depthwise() {
        depthwise::forward(geometry, x, w, y);
    } else if geometry.is_pointwise() {
        for group in Group::all(geometry) {
            gemm(group.pixels(x), group.weight(w), group.outputs_mut(y));
        }
    } else {
        patches::forward(geometry, x, w, scratch, y);
    }
}

/// gx += the adjoint of x ↦ x ∗ w, applied to g.
///
/// # Panics
/// As indexing does, if a slice is shorter than `geometry` says.
pub fn adjoint_image<T: Scalar>(
    geometry: &ConvGeometry,
    g: &[T],
    w: &[T],
    scratch: &mut [T],
    gx: &mut [T],
) {
    if geometry.is_depthwise() {
        depthwise::adjoint_image(geometry, g, w, gx);
    } else if geometry.is_pointwise() {
        for group in Group::all(geometry) {
            gemm(
                group.outputs(g),
                group.weight(w).transposed(),
                group.pixels_mut(gx),
            );
        }
    } else {
        patches::adjoint_image(geometry, g, w, scratch, gx);
    }
}

/// gw += the adjoint of w ↦ x ∗ w, applied to g.
///
/// # Panics
/// As indexing does, if a slice is shorter than `geometry` says.
pub fn adjoint_weight<T: Scalar>(
    geometry: &ConvGeometry,
    x: &[T],
    g: &[T],
    scratch: &mut [T],
    gw: &mut [T],
) {
    if geometry.is_depthwise() {
        depthwise::adjoint_weight(geometry, x, g, gw);
    } else if geometry.is_pointwise() {
        for group in Group::all(geometry) {
            gemm(
                group.pixels(x).transposed(),
                group.outputs(g),
                group.weight_mut(gw),
            );
        }
    } else {
        patches::adjoint_weight(geometry, x, g, scratch, gw);
    }
}

/// One group's share of the channels, as matrices.
#[derive(Clone, Copy)]
pub(super) struct Group<'g> {
    geometry: &'g ConvGeometry,
    /// The first of its input channels, and how many.
    pub(super) cin: (usize, usize),
    /// The first of its output channels, and how many.
    pub(super) cout: (usize, usize),
}

impl<'g> Group<'g> {
    pub(super) fn all(geometry: &'g ConvGeometry) -> impl Iterator<Item = Group<'g>> {
        let (cin, cout) = (
            geometry.cin / geometry.groups,
            geometry.cout / geometry.groups,
        );
        (0..geometry.groups).map(move |i| Group {
            geometry,
            cin: (i * cin, cin),
            cout: (i * cout, cout),
        })
    }

    /// Numbers in a patch.
    pub(super) fn patch(&self) -> usize {
        self.geometry.kernel[0] * self.geometry.kernel[1] * self.cin.1
    }

    fn pixels<'a, T>(&self, x: &'a [T]) -> Mat<'a, T> {
        let g = self.geometry;
        Mat::strided(
            &x[self.cin.0..],
            g.image[0] * g.image[1],
            self.cin.1,
            g.cin,
            1,
        )
    }

    fn pixels_mut<'a, T>(&self, x: &'a mut [T]) -> MatMut<'a, T> {
        let g = self.geometry;
        MatMut::strided(
            &mut x[self.cin.0..],
            g.image[0] * g.image[1],
            self.cin.1,
            g.cin,
        )
    }

    /// The weight as a matrix: a row per entry of a patch.
    pub(super) fn weight<'a, T>(&self, w: &'a [T]) -> Mat<'a, T> {
        Mat::strided(
            &w[self.cout.0..],
            self.patch(),
            self.cout.1,
            self.geometry.cout,
            1,
        )
    }

    pub(super) fn weight_mut<'a, T>(&self, w: &'a mut [T]) -> MatMut<'a, T> {
        MatMut::strided(
            &mut w[self.cout.0..],
            self.patch(),
            self.cout.1,
            self.geometry.cout,
        )
    }

    fn outputs<'a, T>(&self, y: &'a [T]) -> Mat<'a, T> {
        self.output_rows(y, 0, self.geometry.output[0])
    }

    fn outputs_mut<'a, T>(&self, y: &'a mut [T]) -> MatMut<'a, T> {
        self.output_rows_mut(y, 0, self.geometry.output[0])
    }

    /// The output's pixels in `rows` rows from `first` on, as a matrix.
    pub(super) fn output_rows<'a, T>(&self, y: &'a [T], first: usize, rows: usize) -> Mat<'a, T> {
        let g = self.geometry;
        let start = first * g.output[1] * g.cout + self.cout.0;
        Mat::strided(&y[start..], rows * g.output[1], self.cout.1, g.cout, 1)
    }

    pub(super) fn output_rows_mut<'a, T>(
        &self,
        y: &'a mut [T],
        first: usize,
        rows: usize,
    ) -> MatMut<'a, T> {
        let g = self.geometry;
        let start = first * g.output[1] * g.cout + self.cout.0;
        MatMut::strided(&mut y[start..], rows * g.output[1], self.cout.1, g.cout)
    }
}
