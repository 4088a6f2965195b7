//! Max-pooling.

use crate::kernel::pool::Windows;
use crate::kind::{Select, Selection, SelectionOp};
use crate::{Scalar, Shape, Var};

/// The maximum of every window of an image, channel by channel.
///
/// `MaxPool2d::from(2)` or just `2` is a square window that moves by its own length;
/// `MaxPool2d::new(3).stride(2).padding(1).ceil()` says more, and a struct literal says all.
///
/// # Shapes
/// `[h, w, c]` gives `[h', w', c]`, where with window k, stride s and padding p
///
/// ```text
/// h' = ⌊(h + 2p − k) / s⌋ + 1
/// ```
///
/// In ceil mode ⌈·⌉ takes the place of ⌊·⌋, but a window that would start beyond the image and
/// the padding before it is left out (PyTorch's rule).
///
/// # Formula
/// Padding counts as −∞ and never wins. Among equals the first in row-major order of the window
/// wins, in value and in all derivatives. NaN wins over every number.
///
/// # Errors
/// A shape that is no image; a window or stride of 0; a padding of more than half the window; a
/// window that does not fit.
///
/// # Example
/// ```
/// use osculant_tape::{Tape, ops::MaxPool2d};
/// let tape = Tape::<f32>::new();
/// let x = tape.input([7, 7, 3]);
/// assert_eq!(*x.max_pool2d(2).shape(), [3, 3, 3]);
/// assert_eq!(*x.max_pool2d(MaxPool2d::new(2).ceil()).shape(), [4, 4, 3]);
/// assert_eq!(*x.max_pool2d(MaxPool2d::new(3).stride(2).padding(1)).shape(), [4, 4, 3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2d {
    /// Height and width of the window.
    pub window: [usize; 2],
    /// How far it moves down and to the right.
    pub stride: [usize; 2],
    /// Rows added above and below, and columns added left and right.
    pub padding: [usize; 2],
    /// Whether windows that only partly fit at the far ends count.
    pub ceil_mode: bool,
}

impl MaxPool2d {
    /// A square window that moves by its own length, without padding.
    pub fn new(window: usize) -> Self {
        MaxPool2d::from(window)
    }

    /// Moves by `stride` in both directions.
    pub fn stride(self, stride: usize) -> Self {
        MaxPool2d {
            stride: [stride; 2],
            ..self
        }
    }

    /// Adds `padding` rows and columns at all four sides.
    pub fn padding(self, padding: usize) -> Self {
        MaxPool2d {
            padding: [padding; 2],
            ..self
        }
    }

    /// Counts the windows that only partly fit.
    pub fn ceil(self) -> Self {
        MaxPool2d {
            ceil_mode: true,
            ..self
        }
    }
}

impl From<usize> for MaxPool2d {
    fn from(window: usize) -> Self {
        MaxPool2d::from([window; 2])
    }
}

impl From<[usize; 2]> for MaxPool2d {
    fn from(window: [usize; 2]) -> Self {
        MaxPool2d {
            window,
            stride: window,
            padding: [0, 0],
            ceil_mode: false,
        }
    }
}

impl SelectionOp for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn resolve<T: Scalar>(&self, x: &Shape) -> Result<Box<dyn Select<T>>, String> {
        let windows = self.windows(x)?;
        let shape = Shape::from(windows.output_shape());
        Ok(Box::new(Maxima { windows, shape }))
    }
}

impl MaxPool2d {
    /// Meets the shape of the image.
    pub(crate) fn windows(&self, x: &Shape) -> Result<Windows, String> {
        let &MaxPool2d {
            window,
            stride,
            padding,
            ceil_mode,
        } = self;
        Windows::new(x.image()?, window, stride, padding, ceil_mode)
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The maximum of every window of an image; see [`MaxPool2d`].
    #[track_caller]
    pub fn max_pool2d(self, pool: impl Into<MaxPool2d>) -> Var<'t, T> {
        self.apply(Selection(pool.into()))
    }
}

#[derive(Debug)]
struct Maxima {
    windows: Windows,
    shape: Shape,
}

impl<T: Scalar> Select<T> for Maxima {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn choose(&self, x: &[T], winner: &mut [u32]) {
        self.windows.winners(x, winner);
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for MaxPool2d {
    fn cases() -> crate::check::Drawn<Self> {
        use proptest::prelude::*;
        crate::check::draw::windows()
            .prop_map(|w| {
                let pool = MaxPool2d {
                    window: w.window,
                    stride: w.stride,
                    padding: w.padding,
                    ceil_mode: w.ceil_mode,
                };
                (pool, vec![w.image])
            })
            .boxed()
    }

    fn domain(&self, _: usize) -> crate::check::Domain {
        crate::check::Domain::Distinct
    }
}
