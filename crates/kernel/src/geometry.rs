//! The geometry of a two-dimensional convolution: sizes in, sizes out, checked once.

use std::ops::Range;

/// Everything that a convolution kernel must know of shapes and options.
///
/// Channels last: the image is `[h, w, cin]`, the weight `[kh, kw, cin/groups, cout]`, the output
/// `[oh, ow, cout]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    pub(crate) image: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) output: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Padding before the first row and the first column.
    pub(crate) before: [usize; 2],
    /// Padding after the last row and the last column.
    pub(crate) after: [usize; 2],
    pub(crate) groups: usize,
    pub(crate) cin: usize,
    pub(crate) cout: usize,
}

impl ConvGeometry {
    /// The geometry for an image `[h, w, c]`, a weight `[kh, kw, c/groups, out]`, strides and
    /// dilations `[down, across]`, and padding `[top, bottom, left, right]`.
    ///
    /// # Errors
    /// What does not fit, with the numbers, and what to do about it.
    ///
    /// # Example
    /// ```
    /// use osculant_kernel::geometry::ConvGeometry;
    ///
    /// let g = ConvGeometry::new([5, 7, 2], [3, 3, 2, 4], [2, 1], [1, 1], [1; 4], 1)?;
    /// assert_eq!(g.output_shape(), [3, 7, 4]);
    /// # Ok::<(), String>(())
    /// ```
    pub fn new(
        image: [usize; 3],
        weight: [usize; 4],
        stride: [usize; 2],
        dilation: [usize; 2],
        padding: [usize; 4],
        groups: usize,
    ) -> Result<Self, String> {
        let [h, w, cin] = image;
        let [kh, kw, taken, cout] = weight;
        let [top, bottom, left, right] = padding;
        if image.contains(&0) || weight.contains(&0) {
            return Err(format!(
                "image {image:?} or weight {weight:?} has an axis of length 0; every axis needs \
                 at least 1"
            ));
        }
        for (name, values) in [("stride", stride), ("dilation", dilation)] {
            if values.contains(&0) {
                return Err(format!("{name} is {values:?}; both must be at least 1"));
            }
        }
        check_channels(cin, taken, cout, groups)?;
        let rows = axis("rows", h, kh, stride[0], dilation[0], top, bottom)?;
        let cols = axis("columns", w, kw, stride[1], dilation[1], left, right)?;
        // The largest of all: a row of patches for every pixel of the output, and padded images and
        // cotangents. Kernels that lay numbers out in larger rooms count those themselves.
        let patches = [rows, cols, kh, kw, cin.max(cout)];
        let padded = [h + top + bottom, w + left + right, cin.max(cout)];
        let weight_size = [kh, kw, taken, cout];
        if product(&patches).is_none()
            || product(&padded).is_none()
            || product(&weight_size).is_none()
        {
            return Err(format!(
                "image {image:?}, weight {weight:?} and padding {padding:?} make a convolution \
                 too large to count"
            ));
        }
        // A stride that is never taken, and a dilation between no two taps, may be any number,
        // which kernels would multiply with.
        let taken_stride = |i: usize| match [rows, cols][i] {
            1 => stride[i].min(padded[i]),
            _ => stride[i],
        };
        let taken_dilation = |i: usize| if weight[i] == 1 { 1 } else { dilation[i] };
        Ok(ConvGeometry {
            image: [h, w],
            kernel: [kh, kw],
            output: [rows, cols],
            stride: [taken_stride(0), taken_stride(1)],
            dilation: [taken_dilation(0), taken_dilation(1)],
            before: [top, left],
            after: [bottom, right],
            groups,
            cin,
            cout,
        })
    }

    /// `[h, w, cin]`.
    pub fn image_shape(&self) -> [usize; 3] {
        [self.image[0], self.image[1], self.cin]
    }

    /// `[kh, kw, cin/groups, cout]`.
    pub fn weight_shape(&self) -> [usize; 4] {
        [
            self.kernel[0],
            self.kernel[1],
            self.cin / self.groups,
            self.cout,
        ]
    }

    /// `[oh, ow, cout]`.
    pub fn output_shape(&self) -> [usize; 3] {
        [self.output[0], self.output[1], self.cout]
    }

    /// Numbers in an image.
    pub fn image_len(&self) -> usize {
        self.image_shape().iter().product()
    }

    /// Numbers in a weight.
    pub fn weight_len(&self) -> usize {
        self.weight_shape().iter().product()
    }

    /// Numbers in an output.
    pub fn output_len(&self) -> usize {
        self.output_shape().iter().product()
    }

    /// Multiply-adds for one image, those with padding counted.
    pub fn work(&self) -> usize {
        self.output[0]
            .saturating_mul(self.output[1])
            .saturating_mul(self.weight_len())
    }

    /// Whether every output pixel sees one image pixel, its own: a matrix product.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1]
            && self.stride == [1, 1]
            && self.before == [0, 0]
            && self.after == [0, 0]
    }

    /// Whether every group has one input channel and one output channel.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups == self.cin && self.groups == self.cout && self.groups > 1
    }

    /// Which outputs along `axis` see the image under kernel row (or column) `k`.
    pub(crate) fn outputs(&self, axis: usize, k: usize) -> Range<usize> {
        let offset = k * self.dilation[axis];
        let (pad, stride) = (self.before[axis], self.stride[axis]);
        let end = (self.image[axis] + pad)
            .saturating_sub(offset)
            .div_ceil(stride)
            .min(self.output[axis]);
        let start = pad.saturating_sub(offset).div_ceil(stride).min(end);
        start..end
    }

    /// Where along `axis` output `o`, which [`outputs`](Self::outputs) named, sees the image under
    /// kernel row (or column) `k`.
    pub(crate) fn seen(&self, axis: usize, o: usize, k: usize) -> usize {
        o * self.stride[axis] + k * self.dilation[axis] - self.before[axis]
    }
}

/// Padding that makes ⌈length/stride⌉ outputs: before and after; an odd one goes to the end.
///
/// `None` where it overflows, or where the stride is 0.
///
/// ```
/// use osculant_kernel::geometry::same_padding;
///
/// assert_eq!(same_padding(5, 4, 1, 1), Some([1, 2]));
/// ```
pub fn same_padding(
    length: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
) -> Option<[usize; 2]> {
    if stride == 0 {
        return None;
    }
    let outputs = length.div_ceil(stride);
    let extent = kernel
        .checked_sub(1)?
        .checked_mul(dilation)?
        .checked_add(1)?;
    let covered = outputs
        .checked_sub(1)?
        .checked_mul(stride)?
        .checked_add(extent)?;
    let total = covered.saturating_sub(length);
    Some([total / 2, total - total / 2])
}

fn check_channels(cin: usize, taken: usize, cout: usize, groups: usize) -> Result<(), String> {
    if groups == 0 {
        return Err("groups is 0; it must be at least 1".into());
    }
    if !cin.is_multiple_of(groups) || !cout.is_multiple_of(groups) {
        return Err(format!(
            "{groups} groups divide neither evenly: the image has {cin} channels and the weight \
             makes {cout}; both must be multiples of groups"
        ));
    }
    if taken != cin / groups {
        return Err(format!(
            "the image has {cin} channels, {} in each of {groups} group(s), and the weight takes \
             {taken}; the weight's third axis must be {}",
            cin / groups,
            cin / groups
        ));
    }
    Ok(())
}

/// How many outputs there are along one axis.
fn axis(
    name: &str,
    length: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    after: usize,
) -> Result<usize, String> {
    let extent = (kernel - 1)
        .checked_mul(dilation)
        .and_then(|n| n.checked_add(1));
    let padded = length
        .checked_add(before)
        .and_then(|n| n.checked_add(after));
    let (Some(extent), Some(padded)) = (extent, padded) else {
        return Err(format!(
            "{length} {name} padded by {before} and {after}, or {kernel} {name} of the kernel \
             with dilation {dilation}, are too many to count"
        ));
    };
    if extent > padded {
        return Err(format!(
            "the kernel covers {extent} {name} ({kernel} with dilation {dilation}), and the \
             image has {padded} with its padding; take a smaller kernel or dilation, or pad more"
        ));
    }
    Ok((padded - extent) / stride + 1)
}

/// The product, unless it is more than a slice can hold.
pub(crate) fn product(factors: &[usize]) -> Option<usize> {
    // Slices hold at most `isize::MAX` bytes.
    factors
        .iter()
        .try_fold(1usize, |n, &f| n.checked_mul(f))
        .filter(|&n| n <= isize::MAX as usize / 8)
}
