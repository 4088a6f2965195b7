//! Convolutions whose every group has one input channel: direct loops over the channels.
//!
//! Output channel c·m + j, j = 0..m, sees input channel c alone, where m = cout/cin.

use super::geometry::ConvGeometry;
use crate::Scalar;
use pulp::Arch;

/// y += x ∗ w.
pub(super) fn forward<T: Scalar>(g: &ConvGeometry, x: &[T], w: &[T], y: &mut [T]) {
    let m = g.cout / g.cin;
    Arch::new().dispatch(|| {
        each_tap(g, |image, tap, output| {
            let (x, w) = (&x[image..][..g.cin], &w[tap..][..g.cout]);
            let y = &mut y[output..][..g.cout];
            if m == 1 {
                for ((y, &x), &w) in y.iter_mut().zip(x).zip(w) {
                    *y += x * w;
                }
            } else {
                for ((y, &x), w) in y.chunks_exact_mut(m).zip(x).zip(w.chunks_exact(m)) {
                    for (y, &w) in y.iter_mut().zip(w) {
                        *y += x * w;
                    }
                }
            }
        });
    });
}

/// gx += the adjoint in the image.
pub(super) fn adjoint_image<T: Scalar>(geometry: &ConvGeometry, g: &[T], w: &[T], gx: &mut [T]) {
    let (cin, cout) = (geometry.cin, geometry.cout);
    let m = cout / cin;
    Arch::new().dispatch(|| {
        each_tap(geometry, |image, tap, output| {
            let (g, w) = (&g[output..][..cout], &w[tap..][..cout]);
            let gx = &mut gx[image..][..cin];
            if m == 1 {
                for ((gx, &g), &w) in gx.iter_mut().zip(g).zip(w) {
                    *gx += g * w;
                }
            } else {
                for ((gx, g), w) in gx.iter_mut().zip(g.chunks_exact(m)).zip(w.chunks_exact(m)) {
                    for (&g, &w) in g.iter().zip(w) {
                        *gx += g * w;
                    }
                }
            }
        });
    });
}

/// gw += the adjoint in the weight.
pub(super) fn adjoint_weight<T: Scalar>(geometry: &ConvGeometry, x: &[T], g: &[T], gw: &mut [T]) {
    let (cin, cout) = (geometry.cin, geometry.cout);
    let m = cout / cin;
    Arch::new().dispatch(|| {
        each_tap(geometry, |image, tap, output| {
            let (x, g) = (&x[image..][..cin], &g[output..][..cout]);
            let gw = &mut gw[tap..][..cout];
            if m == 1 {
                for ((gw, &x), &g) in gw.iter_mut().zip(x).zip(g) {
                    *gw += x * g;
                }
            } else {
                for ((gw, &x), g) in gw.chunks_exact_mut(m).zip(x).zip(g.chunks_exact(m)) {
                    for (gw, &g) in gw.iter_mut().zip(g) {
                        *gw += x * g;
                    }
                }
            }
        });
    });
}

/// Calls `visit(pixel of the image, entry of the kernel, pixel of the output)`, each the position
/// of its first channel, for all that meet.
#[inline(always)]
fn each_tap(g: &ConvGeometry, mut visit: impl FnMut(usize, usize, usize)) {
    for ky in 0..g.kernel[0] {
        for y in g.outputs(0, ky) {
            let iy = g.seen(0, y, ky);
            for kx in 0..g.kernel[1] {
                for x in g.outputs(1, kx) {
                    visit(
                        (iy * g.image[1] + g.seen(1, x, kx)) * g.cin,
                        (ky * g.kernel[1] + kx) * g.cout,
                        (y * g.output[1] + x) * g.cout,
                    );
                }
            }
        }
    }
}
