//! The convolutional layer.

use crate::refuse::refuse;
use crate::{Layer, Size2d, WeightInit};
use osculant_tape::ops::{self, Padding};
use osculant_tape::{Init, Scalar, Var};

/// A convolution of an image, with a bias for each output channel.
///
/// Without padding, with stride 1, dilation 1, one group and a bias unless told otherwise. The
/// weight begins as [`WeightInit::He`], the bias at zero.
///
/// # Shapes
/// `[h, w, in]` gives `[h', w', out]`, where with kernel k, stride s, dilation d and padding p
/// before and q after, h' = ⌊(h + p + q − (k − 1) d − 1)/s⌋ + 1; with [`same`](Conv2d::same)
/// padding h' = ⌈h/s⌉. Parameters, in this order: `weight` `[kh, kw, in/groups, out]`, `bias`
/// `[out]`.
///
/// # Formula
/// That of [`osculant_tape::ops::Conv2d`], plus the bias of channel o. The kernel is not flipped.
///
/// # Reference
/// LeCun, Bottou, Bengio and Haffner, *Proceedings of the IEEE* 86(11), 1998.
///
/// # Errors
/// An operand that is no image, groups that don't divide the channels, a kernel larger than the
/// padded image, a kernel, stride, dilation or number of channels of 0: noted, with the line of
/// the call.
///
/// # Example
/// ```
/// use osculant_layers::prelude::*;
///
/// let net = Network::<f32>::new([32, 32, 3], |x| {
///     let x = x.conv2d(16, 5).relu();
///     let x = x.layer(Conv2d::new(32, [3, 5]).same().stride(2)).relu();
///     x.layer(Conv2d::new(32, 3).pad(1).groups(32).no_bias()) // depthwise
/// })?;
/// assert_eq!(**net.output_shape(), [14, 14, 32]);
/// assert_eq!(*net.params().get("conv3.weight")?.shape(), [3, 3, 1, 32].into());
/// # Ok::<(), GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d {
    out: usize,
    kernel: Size2d,
    options: ops::Conv2d,
    bias: Option<Init>,
    weight: WeightInit,
}

/// A convolution that has its parameters: made by [`Conv2d::bind`].
#[derive(Clone, Debug)]
pub struct BoundConv2d<'t, T: Scalar> {
    options: ops::Conv2d,
    weight: Var<'t, T>,
    bias: Option<Var<'t, T>>,
}

impl Conv2d {
    /// A convolution with this many output channels and a kernel `[height, width]`, or one number
    /// for both.
    pub fn new(out: usize, kernel: impl Into<Size2d>) -> Self {
        Conv2d {
            out,
            kernel: kernel.into(),
            options: ops::Conv2d::default(),
            bias: Some(Init::Zeros),
            weight: WeightInit::default(),
        }
    }

    /// Zeros around the image, so that there are ⌈length/stride⌉ outputs along each axis.
    pub fn same(self) -> Self {
        self.padding(Padding::Same)
    }

    /// This many zeros on each side: above and below, left and right.
    pub fn pad(self, zeros: impl Into<Size2d>) -> Self {
        let Size2d([down, across]) = zeros.into();
        self.padding(Padding::Explicit {
            top: down,
            bottom: down,
            left: across,
            right: across,
        })
    }

    /// Any padding.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.options.padding = padding;
        self
    }

    /// How far the window moves: down, across.
    pub fn stride(mut self, stride: impl Into<Size2d>) -> Self {
        self.options.stride = stride.into().0;
        self
    }

    /// How far apart in the image neighbouring entries of the kernel are: down, across.
    pub fn dilation(mut self, dilation: impl Into<Size2d>) -> Self {
        self.options.dilation = dilation.into().0;
        self
    }

    /// Into how many groups of channels the convolution falls apart: as many as there are
    /// channels make it depthwise.
    pub fn groups(mut self, groups: usize) -> Self {
        self.options.groups = groups;
        self
    }

    /// Without a bias.
    pub fn no_bias(self) -> Self {
        Conv2d { bias: None, ..self }
    }

    /// The weight begins like this: an [`Init`], or a [`WeightInit`].
    pub fn init(self, weight: impl Into<WeightInit>) -> Self {
        Conv2d {
            weight: weight.into(),
            ..self
        }
    }

    /// With a bias that begins like this.
    pub fn bias_init(self, bias: Init) -> Self {
        Conv2d {
            bias: Some(bias),
            ..self
        }
    }

    /// Makes the parameters for images like `x`, to be used any number of times.
    ///
    /// # Example
    /// ```
    /// use osculant_layers::prelude::*;
    ///
    /// let net = Network::<f32>::build(|tape| {
    ///     let (left, right) = (tape.input([8, 8, 1]), tape.input([8, 8, 1]));
    ///     let eye = Conv2d::new(4, 3).bind(left);
    ///     (eye.apply(left) - eye.apply(right)).global_avg_pool()
    /// })?;
    /// assert_eq!(net.len(), 9 * 4 + 4);
    /// # Ok::<(), GraphError>(())
    /// ```
    #[track_caller]
    pub fn bind<'t, T: Scalar>(&self, x: Var<'t, T>) -> BoundConv2d<'t, T> {
        x.tape().numbered_scope("conv", || self.declare(x))
    }

    fn declare<'t, T: Scalar>(&self, x: Var<'t, T>) -> BoundConv2d<'t, T> {
        let Conv2d {
            out,
            kernel: Size2d([kh, kw]),
            ref options,
            bias,
            weight,
        } = *self;
        let without = |weight| BoundConv2d {
            options: options.clone(),
            weight,
            bias: None,
        };
        let Some(shape) = x.try_shape() else {
            return without(x);
        };
        let &[_, _, channels] = &shape[..] else {
            let message = format!(
                "it takes an image [height, width, channels], and x has {} axes; convolve before \
                 `flatten`, or `reshape` x to three axes",
                shape.len()
            );
            return without(refuse("conv2d", x, &[], message));
        };
        let groups = options.groups;
        if groups == 0 || !channels.is_multiple_of(groups) || !out.is_multiple_of(groups) {
            let message = format!(
                "it has {groups} groups, {channels} input channels and {out} output channels; \
                 groups must be at least 1 and divide both numbers of channels"
            );
            return without(refuse("conv2d", x, &[], message));
        }
        let taken = channels / groups;
        let area = kh.saturating_mul(kw);
        let fans = [taken, out / groups].map(|channels| area.saturating_mul(channels));
        let weight = weight.with_fans(fans[0], fans[1]);
        BoundConv2d {
            options: options.clone(),
            weight: x.param("weight", [kh, kw, taken, out], weight),
            bias: bias.map(|init| x.param("bias", out, init)),
        }
    }
}

impl<'t, T: Scalar> BoundConv2d<'t, T> {
    /// The convolution of `x`, with the parameters made by [`Conv2d::bind`].
    #[track_caller]
    pub fn apply(&self, x: Var<'t, T>) -> Var<'t, T> {
        x.tape().scope_of(self.weight, || self.compute(x))
    }

    /// The weight `[kh, kw, in/groups, out]`.
    pub fn weight(&self) -> Var<'t, T> {
        self.weight
    }

    /// The bias `[out]`, if there is one.
    pub fn bias(&self) -> Option<Var<'t, T>> {
        self.bias
    }

    fn compute(&self, x: Var<'t, T>) -> Var<'t, T> {
        let y = ops::conv2d(x, self.weight, self.options.clone());
        match self.bias {
            Some(bias) => y + bias,
            None => y,
        }
    }
}

impl<T: Scalar> Layer<T> for Conv2d {
    fn name(&self) -> &str {
        "conv"
    }

    fn forward<'t>(&self, x: Var<'t, T>) -> Var<'t, T> {
        self.declare(x).compute(x)
    }
}
