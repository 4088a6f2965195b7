//! Pooling by means.

use crate::kernel::pool::Windows;
use crate::kind::{Linear, LinearMap, LinearOp};
use crate::{Scalar, Shape, Slot, Var, View};

/// The mean of every window of an image, channel by channel.
///
/// `AvgPool2d::from(2)` or just `2` is a square window that moves by its own length;
/// `AvgPool2d::new(3).stride(2).padding(1).ceil().exclude_pad()` says more, and a struct literal
/// says all.
///
/// # Shapes
/// As for [`MaxPool2d`](super::MaxPool2d).
///
/// # Formula
/// The sum of what the window covers, divided by its size. As in PyTorch, padding counts as
/// zeros unless `count_include_pad` is false, and what a window of ceil mode holds beyond the
/// padding never counts.
///
/// # Errors
/// As for [`MaxPool2d`](super::MaxPool2d).
///
/// # Example
/// ```
/// use osculant_tape::{Tape, ops::AvgPool2d};
/// let tape = Tape::<f32>::new();
/// let x = tape.input([7, 7, 3]);
/// assert_eq!(*x.avg_pool2d(2).shape(), [3, 3, 3]);
/// assert_eq!(*x.avg_pool2d(AvgPool2d::new(3).stride(2).padding(1)).shape(), [4, 4, 3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvgPool2d {
    /// Height and width of the window.
    pub window: [usize; 2],
    /// How far it moves down and to the right.
    pub stride: [usize; 2],
    /// Rows of zeros above and below, and columns of zeros left and right.
    pub padding: [usize; 2],
    /// Whether windows that only partly fit at the far ends count.
    pub ceil_mode: bool,
    /// Whether a mean counts the zeros of the padding.
    pub count_include_pad: bool,
}

impl AvgPool2d {
    /// A square window that moves by its own length, without padding.
    pub fn new(window: usize) -> Self {
        AvgPool2d::from(window)
    }

    /// Moves by `stride` in both directions.
    pub fn stride(self, stride: usize) -> Self {
        AvgPool2d {
            stride: [stride; 2],
            ..self
        }
    }

    /// Adds `padding` rows and columns of zeros at all four sides.
    pub fn padding(self, padding: usize) -> Self {
        AvgPool2d {
            padding: [padding; 2],
            ..self
        }
    }

    /// Counts the windows that only partly fit.
    pub fn ceil(self) -> Self {
        AvgPool2d {
            ceil_mode: true,
            ..self
        }
    }

    /// Divides by how many numbers of the image a window covers.
    pub fn exclude_pad(self) -> Self {
        AvgPool2d {
            count_include_pad: false,
            ..self
        }
    }
}

impl From<usize> for AvgPool2d {
    fn from(window: usize) -> Self {
        AvgPool2d::from([window; 2])
    }
}

impl From<[usize; 2]> for AvgPool2d {
    fn from(window: [usize; 2]) -> Self {
        AvgPool2d {
            window,
            stride: window,
            padding: [0, 0],
            ceil_mode: false,
            count_include_pad: true,
        }
    }
}

impl LinearOp for AvgPool2d {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn resolve<T: Scalar>(&self, x: &[Shape]) -> Result<Box<dyn LinearMap<T>>, String> {
        let &AvgPool2d {
            window,
            stride,
            padding,
            ceil_mode,
            count_include_pad,
        } = self;
        let [x] = x else {
            return Err(format!("it takes one operand, not {}", x.len()));
        };
        let windows = Windows::new(x.image()?, window, stride, padding, ceil_mode)?;
        Ok(Box::new(Means {
            shape: Shape::from(windows.output_shape()),
            windows,
            count_include_pad,
        }))
    }
}

impl<'t, T: Scalar> Var<'t, T> {
    /// The mean of every window of an image; see [`AvgPool2d`].
    #[track_caller]
    pub fn avg_pool2d(self, pool: impl Into<AvgPool2d>) -> Var<'t, T> {
        self.apply(Linear(pool.into()))
    }
}

#[derive(Debug)]
struct Means {
    windows: Windows,
    shape: Shape,
    count_include_pad: bool,
}

impl<T: Scalar> LinearMap<T> for Means {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn apply(&self, _: usize, k: usize, x: View<'_, T>, y: &mut [T]) {
        let n = self.shape.size();
        for i in 0..k {
            let y = &mut y[i * n..][..n];
            self.windows
                .add_means(self.count_include_pad, x.example(i), y);
        }
    }

    fn adjoint(&self, _: usize, k: usize, g: &[T], gx: &mut Slot<'_, T>) {
        let n = self.shape.size();
        for i in 0..k {
            let g = &g[i * n..][..n];
            self.windows
                .add_means_adjoint(self.count_include_pad, g, gx.example(i));
        }
    }
}

#[cfg(feature = "check")]
impl crate::check::Cases for AvgPool2d {
    fn cases() -> crate::check::Drawn<Self> {
        use proptest::prelude::*;
        (crate::check::draw::windows(), any::<bool>())
            .prop_map(|(w, count_include_pad)| {
                let pool = AvgPool2d {
                    window: w.window,
                    stride: w.stride,
                    padding: w.padding,
                    ceil_mode: w.ceil_mode,
                    count_include_pad,
                };
                (pool, vec![w.image])
            })
            .boxed()
    }
}
