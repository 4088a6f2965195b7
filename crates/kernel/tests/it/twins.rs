//! What the kernel tests share: exact numbers, and naive twins of the kernels.

use osculant_kernel::Scalar;

/// Small integers, of which sums are exact, in any order.
pub fn integers<T: Scalar>(n: usize) -> Vec<T> {
    (0..n)
        .map(|i| T::from_f64(((i * 7 + i / 5) % 11) as f64 - 5.0))
        .collect()
}

/// The options of a convolution as the twins see them.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    pub image: [usize; 3],
    pub weight: [usize; 4],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Top, bottom, left, right.
    pub padding: [usize; 4],
    pub groups: usize,
}

impl Conv {
    /// Calls `visit(number of the image, of the weight, of the output)` for every multiply-add,
    /// straight from the definition.
    fn each(&self, output: [usize; 3], mut visit: impl FnMut(usize, usize, usize)) {
        let ([h, w, cin], [kh, kw, taken, cout]) = (self.image, self.weight);
        for (y, x, o) in all(output) {
            let group = o / (cout / self.groups);
            for (ky, kx, c) in all([kh, kw, taken]) {
                let iy = (y * self.stride[0] + ky * self.dilation[0]).checked_sub(self.padding[0]);
                let ix = (x * self.stride[1] + kx * self.dilation[1]).checked_sub(self.padding[2]);
                if let (Some(iy), Some(ix)) = (iy, ix)
                    && iy < h
                    && ix < w
                {
                    visit(
                        (iy * w + ix) * cin + group * taken + c,
                        ((ky * kw + kx) * taken + c) * cout + o,
                        (y * output[1] + x) * cout + o,
                    );
                }
            }
        }
    }

    /// x ∗ w in f64.
    pub fn forward<T: Scalar>(&self, output: [usize; 3], x: &[T], w: &[T]) -> Vec<f64> {
        let mut y = vec![0.0; output.iter().product()];
        self.each(output, |i, j, o| y[o] += x[i].to_f64() * w[j].to_f64());
        y
    }

    /// The adjoint in the image, in f64.
    pub fn adjoint_image<T: Scalar>(&self, output: [usize; 3], g: &[T], w: &[T]) -> Vec<f64> {
        let mut gx = vec![0.0; self.image.iter().product()];
        self.each(output, |i, j, o| gx[i] += g[o].to_f64() * w[j].to_f64());
        gx
    }

    /// The adjoint in the weight, in f64.
    pub fn adjoint_weight<T: Scalar>(&self, output: [usize; 3], x: &[T], g: &[T]) -> Vec<f64> {
        let mut gw = vec![0.0; self.weight.iter().product()];
        self.each(output, |i, j, o| gw[j] += x[i].to_f64() * g[o].to_f64());
        gw
    }
}

fn all([a, b, c]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k))))
}
