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
//! All are contractions straight from the padded image, with two exceptions. A 1×1 convolution of
//! the bare image is a matrix product. And the adjoint in the image, where both stride and dilation
//! exceed 1 or where a group has few input channels, multiplies into a matrix of patches, a block
//! of output rows at a time, and adds these up.
//!
//! # Speed
//! GFLOP/s on one core of a Zen 5 with AVX-512, whose ceiling (the `gemm` crate on 1024³) is 247 in
//! f32 and 116 in f64; next to it the same layer by patches throughout, in f32. Measured by
//! `cargo bench -p osculant-tape --bench kernels -- conv`.
//!
//! | layer, f32 | forward | in the weight | in the image | by patches |
//! |---|---|---|---|---|
//! | 28×28×1, 5×5×32 | 231 | 245 | 60 (patches) | 76, 75, 60 |
//! | 14×14×32, 3×3×64 | 247 | 241 | 244 | 207, 207, 174 |
//! | 7×7×64, 3×3×64 | 244 | 242 | 243 | 201, 210, 146 |
//! | 32×32×3, 5×5×32 | 247 | 252 | 83 (patches) | 131, 126, 86 |
//! | 16×16×32, 3×3×64, stride 2 | 238 | 237 | 204 | 202, 206, 151 |

use super::gemm::{Mat, MatMut, gemm};
use super::geometry::ConvGeometry;
use super::{columns, direct, patches};
use crate::Scalar;

/// How many numbers of scratch the functions of this module need.
pub fn scratch_len(geometry: &ConvGeometry) -> usize {
    let image = if geometry.is_pointwise() {
        0
    } else {
        direct::image_scratch(geometry)
    };
    let cotangent = match Route::of_cotangent(geometry) {
        Route::Direct => direct::cotangent_scratch(geometry).iter().sum(),
        Route::Patches => patches::scratch_len(geometry),
    };
    image.max(cotangent)
}

/// How the adjoint in the image is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// Straight from the padded cotangent.
    Direct,
    /// Through a matrix of patches.
    Patches,
}

impl Route {
    /// For the adjoint in the image.
    ///
    /// Its columns are input channels. Straight from the cotangent, they fill vectors of 16 only in
    /// part if they are few, and every image pixel costs; through patches, columns are plenty and
    /// output pixels cost, but twice as much each.
    fn of_cotangent(g: &ConvGeometry) -> Self {
        let cin = g.cin / g.groups;
        let step = g.stride[0].saturating_mul(g.stride[1]);
        let pixels = (g.image[0] * g.image[1]).div_ceil(step);
        let direct = pixels.saturating_mul(cin.next_multiple_of(16));
        let patches = (g.output[0] * g.output[1]).saturating_mul(2 * cin);
        let narrow = direct > patches && !g.is_depthwise();
        match direct::has_image_adjoint(g) {
            true if g.kernel == [1, 1] || !narrow => Route::Direct,
            _ => Route::Patches,
        }
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
    if geometry.is_pointwise() {
        for group in Group::all(geometry) {
            gemm(group.pixels(x), group.weight(w), group.outputs_mut(y));
        }
    } else {
        direct::forward(geometry, x, w, scratch, y);
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
    if geometry.is_pointwise() {
        for group in Group::all(geometry) {
            let pixels = group.pixels(x).transposed();
            gemm(pixels, group.outputs(g), group.weight_mut(gw));
        }
    } else {
        direct::adjoint_weight(geometry, x, g, scratch, gw);
    }
}

/// Numbers of scratch for [`add_weight_squares`] of so many cotangents.
pub fn squares_scratch<T: Scalar>(geometry: &ConvGeometry, columns: usize) -> usize {
    columns::squares_scratch::<T>(geometry, columns)
}

/// out += Σ over cotangents of the squares of the adjoint of w ↦ x ∗ w, applied to each. `columns`
/// are how many cotangents there are, the first, and the distance of two.
///
/// # Panics
/// As indexing does, if a slice is shorter than `geometry` says.
pub fn add_weight_squares<T: Scalar>(
    geometry: &ConvGeometry,
    x: &[T],
    columns: (usize, &[T], usize),
    scratch: &mut [T],
    out: &mut [T],
) {
    columns::add_weight_squares(geometry, x, columns, scratch, out);
}

/// Whether the adjoint in the image reads the weight flipped.
pub fn flips(geometry: &ConvGeometry) -> bool {
    Route::of_cotangent(geometry) == Route::Direct
}

/// Writes the weight, flipped and transposed for the adjoint in the image.
///
/// # Panics
/// As indexing does, if a slice is shorter than `geometry` says.
pub fn flip<T: Scalar>(geometry: &ConvGeometry, w: &[T], flipped: &mut [T]) {
    direct::flip(geometry, w, flipped);
}

/// The adjoint of x ↦ x ∗ w, for as many images as share w: it is prepared once.
#[derive(Debug)]
pub struct ImageAdjoint<'a, T> {
    geometry: &'a ConvGeometry,
    /// As the route reads it: flipped and transposed, or as it is.
    weight: &'a [T],
    scratch: &'a mut [T],
}

impl<'a, T: Scalar> ImageAdjoint<'a, T> {
    /// Prepares the adjoint for the weight `w`.
    ///
    /// # Panics
    /// As indexing does, if a slice is shorter than `geometry` and [`scratch_len`] say.
    pub fn new(geometry: &'a ConvGeometry, w: &'a [T], scratch: &'a mut [T]) -> Self {
        if !flips(geometry) {
            return Self::flipped(geometry, w, scratch);
        }
        let (flipped, scratch) = scratch.split_at_mut(geometry.weight_len());
        flip(geometry, w, flipped);
        Self::flipped(geometry, flipped, scratch)
    }

    /// Takes the weight as [`flip`] left it; or as it is, where the route [`flips`] none.
    pub fn flipped(geometry: &'a ConvGeometry, weight: &'a [T], scratch: &'a mut [T]) -> Self {
        ImageAdjoint {
            geometry,
            weight,
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
            Route::Direct => direct::adjoint_image(geometry, g, self.weight, self.scratch, gx),
            Route::Patches => patches::adjoint_image(geometry, g, self.weight, self.scratch, gx),
        }
    }

    /// Adds the adjoint applied to several cotangents of one image: how many, the first, and the
    /// distance of two; the first result, and the distance of two. `room` has [`columns_scratch`]
    /// numbers.
    ///
    /// `false`, and nothing is done, where [`add`](Self::add) of each is faster: unless many
    /// outputs are 0 in all of them.
    ///
    /// # Panics
    /// As indexing does, if a slice is shorter than the geometry says.
    pub fn add_columns(
        &self,
        cotangents: (usize, &[T], usize),
        room: &mut [T],
        to: (&mut [T], usize),
    ) -> bool {
        flips(self.geometry)
            && columns::adjoint_image(self.geometry, cotangents, self.weight, room, to)
    }

    /// Adds the adjoint applied to `columns` cotangents of each of k images: `g` and `gx` hold a
    /// tile of k for each, one after the other. `room` has [`columns_scratch`] numbers.
    ///
    /// # Panics
    /// As indexing does, if a slice is shorter than the geometry says.
    pub fn add_tile(
        &mut self,
        (k, columns): (usize, usize),
        g: &[T],
        room: &mut [T],
        gx: &mut [T],
    ) {
        let (n, len) = (self.geometry.output_len(), self.geometry.image_len());
        for i in 0..k {
            let (g, gx) = (&g[i * n..], &mut gx[i * len..]);
            if !self.add_columns((columns, g, k * n), room, (gx, k * len)) {
                for c in 0..columns {
                    self.add(&g[c * k * n..][..n], &mut gx[c * k * len..][..len]);
                }
            }
        }
    }
}

/// Numbers of room for [`ImageAdjoint::add_columns`], besides its scratch.
pub fn columns_scratch(geometry: &ConvGeometry) -> usize {
    columns::adjoint_scratch(geometry)
}

/// Whether [`ImageAdjoint::add_columns`] would do something for these cotangents.
///
/// # Panics
/// As indexing does, if a slice is shorter than the geometry says.
pub fn has_zeros<T: Scalar>(
    geometry: &ConvGeometry,
    cotangents: (usize, &[T], usize),
    room: &mut [T],
) -> bool {
    columns::has_zeros(geometry, cotangents, room)
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
        let g = self.geometry;
        MatMut::strided(
            &mut y[self.cout.0..],
            g.output[0] * g.output[1],
            self.cout.1,
            g.cout,
        )
    }

    /// The output's pixels in `rows` rows from `first` on, as a matrix.
    pub(super) fn output_rows<'a, T>(&self, y: &'a [T], first: usize, rows: usize) -> Mat<'a, T> {
        let g = self.geometry;
        let start = first * g.output[1] * g.cout + self.cout.0;
        Mat::strided(&y[start..], rows * g.output[1], self.cout.1, g.cout, 1)
    }
}
