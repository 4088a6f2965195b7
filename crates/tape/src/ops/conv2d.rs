//! Convolution of an image with a weight.

use crate::kernel::conv2d::{self as kernel, ImageAdjoint};
use crate::kernel::geometry::{ConvGeometry, same_padding};
use crate::kind::{Bilinear, BilinearMap, BilinearOp};
use crate::op::{At, SquareSum, Turned};
use crate::{Scalar, Shape, Slot, Var, View};

/// How far the image is extended by zeros before a window slides over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Not at all: the window stays within the image.
    #[default]
    Valid,
    /// So that there are ⌈length/stride⌉ outputs along each axis. An odd pixel goes to the end.
    Same,
    /// By this many pixels on each side.
    Explicit {
        /// Rows above the first.
        top: usize,
        /// Rows below the last.
        bottom: usize,
        /// Columns before the first.
        left: usize,
        /// Columns after the last.
        right: usize,
    },
}

/// The options of a convolution; by default stride 1, dilation 1, one group and no padding.
///
/// # Shapes
/// Image `[h, w, c]`, weight `[kh, kw, c/groups, out]`, output `[oh, ow, out]` with
/// oh = ⌊(h + top + bottom − (kh−1)·dilation − 1)/stride⌋ + 1 and ow likewise. Either operand may
/// be shared by all examples or differ from one to the next.
///
/// # Formula
/// With strides s, dilations d and padding p, and γ the group of output channel o,
///
/// ```text
/// out[y, x, o] = Σ_{ky, kx, i} image[y·s + ky·d − p, x·s + kx·d − p, γ·c/groups + i]
///                              · weight[ky, kx, i, o]
/// ```
///
/// where the image is 0 outside. The kernel is not flipped. A depthwise convolution has as many
/// groups as the image has channels.
///
/// # Reference
/// LeCun, Bottou, Bengio and Haffner, *Proceedings of the IEEE* 86(11), 1998. Dilation: Yu and
/// Koltun, ICLR 2016. Groups: Krizhevsky, Sutskever and Hinton, NIPS 2012.
///
/// # Errors
/// A mistake is noted on the tape with both shapes: channels that don't match, groups that don't
/// divide them, a stride, dilation or number of groups of 0, a kernel larger than the padded image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Steps of the window: down, across.
    pub stride: [usize; 2],
    /// Distance of neighbouring kernel entries in the image: down, across.
    pub dilation: [usize; 2],
    /// Into how many groups of channels the convolution falls apart.
    pub groups: usize,
    /// How the image is extended.
    pub padding: Padding,
}

impl Default for Conv2d {
    fn default() -> Self {
        Conv2d {
            stride: [1, 1],
            dilation: [1, 1],
            groups: 1,
            padding: Padding::Valid,
        }
    }
}

/// The convolution of the image `x` with `weight`; see [`Conv2d`].
///
/// # Example
/// ```
/// use osculant_tape::ops::{Conv2d, Padding, conv2d};
/// use osculant_tape::{Init, Tape};
///
/// let tape = Tape::<f32>::new();
/// let image = tape.input([28, 28, 3]);
/// let weight = tape.param("weight", [5, 5, 3, 16], Init::Zeros);
/// let options = Conv2d { padding: Padding::Same, stride: [2, 2], ..Conv2d::default() };
/// assert_eq!(*conv2d(image, weight, options).shape(), [14, 14, 16]);
/// ```
#[track_caller]
pub fn conv2d<'t, T: Scalar>(x: Var<'t, T>, weight: Var<'t, T>, options: Conv2d) -> Var<'t, T> {
    x.apply2(weight, Bilinear(options))
}

impl BilinearOp for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn resolve<T: Scalar>(&self, a: &Shape, b: &Shape) -> Result<Box<dyn BilinearMap<T>>, String> {
        let geometry = self.geometry(a, b)?;
        Ok(Box::new(Conv2dMap {
            shape: Shape::new(&geometry.output_shape()),
            geometry,
        }))
    }
}

impl Conv2d {
    /// Meets the shapes of the image and of the weight.
    pub(crate) fn geometry(&self, a: &Shape, b: &Shape) -> Result<ConvGeometry, String> {
        let Conv2d {
            stride,
            dilation,
            groups,
            padding,
        } = *self;
        let &[h, w, c] = &a[..] else {
            return Err(format!(
                "the image {a} has {} axes; it needs three, [height, width, channels]",
                a.len()
            ));
        };
        let &[kh, kw, taken, out] = &b[..] else {
            return Err(format!(
                "the weight {b} has {} axes; it needs four, [height, width, in, out]",
                b.len()
            ));
        };
        let padding = match padding {
            Padding::Valid => [0; 4],
            Padding::Same => {
                let down = same_padding(h, kh, stride[0], dilation[0]);
                let across = same_padding(w, kw, stride[1], dilation[1]);
                match (down, across) {
                    (Some([top, bottom]), Some([left, right])) => [top, bottom, left, right],
                    // A stride of 0, or more than can be counted: the geometry says which.
                    _ => [0; 4],
                }
            }
            Padding::Explicit {
                top,
                bottom,
                left,
                right,
            } => [top, bottom, left, right],
        };
        ConvGeometry::new(
            [h, w, c],
            [kh, kw, taken, out],
            stride,
            dilation,
            padding,
            groups,
        )
    }
}

/// A convolution that has met its shapes.
#[derive(Debug)]
struct Conv2dMap {
    geometry: ConvGeometry,
    shape: Shape,
}

impl<T: Scalar> BilinearMap<T> for Conv2dMap {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn work(&self) -> usize {
        self.geometry.work()
    }

    fn scratch(&self, _: usize) -> usize {
        kernel::scratch_len(&self.geometry)
    }

    fn apply(&self, k: usize, a: View<'_, T>, b: View<'_, T>, scratch: &mut [T], y: &mut [T]) {
        let n = self.geometry.output_len();
        for (i, y) in y.chunks_exact_mut(n).take(k).enumerate() {
            kernel::forward(&self.geometry, a.example(i), b.example(i), scratch, y);
        }
    }

    fn adjoint_a(
        &self,
        k: usize,
        g: &[T],
        b: View<'_, T>,
        scratch: &mut [T],
        ga: &mut Slot<'_, T>,
    ) {
        let Conv2dMap { geometry, .. } = self;
        if b.is_shared() {
            let adjoint = ImageAdjoint::new(geometry, b.example(0), scratch);
            return self.add_adjoint(k, g, adjoint, ga);
        }
        for (i, g) in g.chunks_exact(geometry.output_len()).take(k).enumerate() {
            kernel::adjoint_image(geometry, g, b.example(i), scratch, ga.example(i));
        }
    }

    fn adjoint_b(
        &self,
        k: usize,
        a: View<'_, T>,
        g: &[T],
        scratch: &mut [T],
        gb: &mut Slot<'_, T>,
    ) {
        let n = self.geometry.output_len();
        for (i, g) in g.chunks_exact(n).take(k).enumerate() {
            kernel::adjoint_weight(&self.geometry, a.example(i), g, scratch, gb.example(i));
        }
    }

    fn squares(&self) -> Option<&dyn SquareSum<T>> {
        Some(self)
    }

    fn turned(&self) -> Option<&dyn Turned<T>> {
        kernel::flips(&self.geometry).then_some(self)
    }
}

impl Conv2dMap {
    /// Adds the adjoint in the images, of k cotangents.
    fn add_adjoint<T: Scalar>(
        &self,
        k: usize,
        g: &[T],
        mut adjoint: ImageAdjoint<'_, T>,
        ga: &mut Slot<'_, T>,
    ) {
        let examples = g.chunks_exact(self.geometry.output_len()).take(k);
        for (i, g) in examples.enumerate() {
            adjoint.add(g, ga.example(i));
        }
    }
}

// The weight flipped, with its channels transposed.
impl<T: Scalar> Turned<T> for Conv2dMap {
    fn turn(&self, b: &[T], turned: &mut [T]) {
        kernel::flip(&self.geometry, b, turned);
    }

    fn adjoint(&self, k: usize, g: &[T], turned: &[T], scratch: &mut [T], ga: &mut Slot<'_, T>) {
        let adjoint = ImageAdjoint::flipped(&self.geometry, turned, scratch);
        self.add_adjoint(k, g, adjoint, ga);
    }

    fn columns_scratch(&self, _: usize, _: usize) -> usize {
        kernel::scratch_len(&self.geometry) + kernel::columns_scratch(&self.geometry)
    }

    fn adjoint_columns(
        &self,
        k: usize,
        columns: usize,
        g: &[T],
        turned: &[T],
        scratch: &mut [T],
        ga: &mut Slot<'_, T>,
    ) {
        let (scratch, room) = scratch.split_at_mut(kernel::scratch_len(&self.geometry));
        let mut adjoint = ImageAdjoint::flipped(&self.geometry, turned, scratch);
        adjoint.add_tile((k, columns), g, room, ga.all(columns * k));
    }
}

impl<T: Scalar> SquareSum<T> for Conv2dMap {
    fn scratch(&self, _: usize, columns: usize) -> usize {
        kernel::squares_scratch::<T>(&self.geometry, columns)
    }

    fn add(
        &self,
        _: usize,
        at: &At<'_, T>,
        columns: usize,
        g: &[T],
        scratch: &mut [T],
        out: &mut [T],
    ) {
        let (a, apart) = (at.input(0), g.len() / columns.max(1));
        for i in 0..at.tile.len {
            let g = &g[i * self.geometry.output_len()..];
            let image = a.example(i);
            kernel::add_weight_squares(&self.geometry, image, (columns, g, apart), scratch, out);
        }
    }
}

#[cfg(feature = "check")]
mod cases {
    use super::*;
    use crate::check::Cases;
    use proptest::prelude::*;

    impl Cases for Conv2d {
        fn cases() -> BoxedStrategy<(Self, Vec<Shape>)> {
            let padding = prop_oneof![
                Just(Padding::Valid),
                Just(Padding::Same),
                [0usize..3, 0usize..3, 0usize..3, 0usize..3].prop_map(
                    |[top, bottom, left, right]| Padding::Explicit {
                        top,
                        bottom,
                        left,
                        right
                    }
                ),
            ];
            (
                [1usize..=3, 1usize..=3],
                [1usize..=2, 1usize..=2],
                1usize..=3,
                padding,
                [1usize..=3, 1usize..=3],
                [0usize..=4, 0usize..=4],
                [1usize..=2, 1usize..=3],
            )
                .prop_map(
                    |(stride, dilation, groups, padding, [kh, kw], larger, channels)| {
                        // The image is as large as the kernel at least, so that any padding fits.
                        let h = ((kh - 1) * dilation[0] + 1 + larger[0]).min(7);
                        let w = ((kw - 1) * dilation[1] + 1 + larger[1]).min(7);
                        let options = Conv2d {
                            stride,
                            dilation,
                            groups,
                            padding,
                        };
                        let image = Shape::new(&[h, w, channels[0] * groups]);
                        let weight = Shape::new(&[kh, kw, channels[0], channels[1] * groups]);
                        (options, vec![image, weight])
                    },
                )
                .boxed()
        }
    }
}
