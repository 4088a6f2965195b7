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
//! A 1×1 convolution is a matrix product. Others are contractions straight from the padded image.
//! The exception is the adjoint in the image where both stride and dilation exceed 1, or where a
//! group has fewer input channels than make a vector worthwhile: it multiplies into a matrix of
//! patches, a block of output rows at a time, and adds these up.

use super::gemm::{Mat, MatMut, gemm};
use super::geometry::ConvGeometry;
use super::{direct, patches};
use crate::Scalar;

/// How many numbers of scratch the functions of this module need.
pub fn scratch_len(geometry: &ConvGeometry) -> usize {
    let image = match Route::of_image(geometry) {
        Route::Product => 0,
        _ => direct::image_scratch(geometry),
    };
    let cotangent = match Route::of_cotangent(geometry) {
        Route::Product => 0,
        Route::Direct => direct::cotangent_scratch(geometry).iter().sum(),
        Route::Patches => patches::scratch_len(geometry),
    };
    image.max(cotangent)
}

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// As a matrix product.
    Product,
    /// Straight from the padded image.
    Direct,
    /// Through a matrix of patches.
    Patches,
}

impl Route {
    /// For forward and the adjoint in the weight.
    fn of_image(g: &ConvGeometry) -> Self {
        if g.is_pointwise() {
            Route::Product
        } else {
            Route::Direct
        }
    }

    /// For the adjoint in the image. Its columns are input channels.
    fn of_cotangent(g: &ConvGeometry) -> Self {
        let narrow = g.cin / g.groups < NARROW && !g.is_depthwise();
        if g.is_pointwise() {
            Route::Product
        } else if narrow || !direct::has_image_adjoint(g) {
            Route::Patches
        } else {
            Route::Direct
        }
    }
}

/// With fewer columns than this, lanes of a vector stay empty: patches are faster.
const NARROW: usize = 4;

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
    match Route::of_image(geometry) {
        Route::Product => {
            for group in Group::all(geometry) {
                gemm(group.pixels(x), group.weight(w), group.outputs_mut(y));
            }
        }
        _ => direct::forward(geometry, x, w, scratch, y),
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
    match Route::of_image(geometry) {
        Route::Product => {
            for group in Group::all(geometry) {
                let pixels = group.pixels(x).transposed();
                gemm(pixels, group.outputs(g), group.weight_mut(gw));
            }
        }
        _ => direct::adjoint_weight(geometry, x, g, scratch, gw),
    }
}

/// The adjoint of x ↦ x ∗ w, for as many images as share w: it is prepared once.
#[derive(Debug)]
pub struct ImageAdjoint<'a, T> {
    geometry: &'a ConvGeometry,
    w: &'a [T],
    /// The weight flipped and transposed, on the direct route.
    flipped: &'a [T],
    scratch: &'a mut [T],
}

impl<'a, T: Scalar> ImageAdjoint<'a, T> {
    /// Prepares the adjoint for the weight `w`.
    ///
    /// # Panics
    /// As indexing does, if a slice is shorter than `geometry` and [`scratch_len`] say.
    pub fn new(geometry: &'a ConvGeometry, w: &'a [T], scratch: &'a mut [T]) -> Self {
        let flipped = match Route::of_cotangent(geometry) {
            Route::Direct => geometry.weight_len(),
            _ => 0,
        };
        let (flipped, scratch) = scratch.split_at_mut(flipped);
        if !flipped.is_empty() {
            direct::flip(geometry, w, flipped);
        }
        ImageAdjoint {
            geometry,
            w,
            flipped,
            scratch,
        }
    }

    /// gx += the adjoint applied to g.
    ///
    /// # Panics
    /// As indexing does, if a slice is shorter than the geometry says.
    pub fn add(&mut self, g: &[T], gx: &mut [T]) {
        let geometry = self.geometry;
        match Route::of_cotangent(geometry) {
            Route::Product => {
                for group in Group::all(geometry) {
                    let weight = group.weight(self.w).transposed();
                    gemm(group.outputs(g), weight, group.pixels_mut(gx));
                }
            }
            Route::Direct => direct::adjoint_image(geometry, g, self.flipped, self.scratch, gx),
            Route::Patches => patches::adjoint_image(geometry, g, self.w, self.scratch, gx),
        }
    }
}

/// gx += the adjoint of x ↦ x ∗ w, applied to g, for one image.
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
    ImageAdjoint::new(geometry, w, scratch).add(g, gx);
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
