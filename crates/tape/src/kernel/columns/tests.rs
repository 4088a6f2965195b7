//! The kernels in every instruction set that this machine has, against plain loops.

use super::image::Image;
use super::sparse::{Channels, Runs};
use super::support::Support;
use crate::Scalar;
use crate::kernel::geometry::ConvGeometry;
use crate::kernel::simd::Lane;
use crate::kernel::tests::{Run, in_each};

/// Numbers from −1 to 1 that look random.
fn numbers<L: Lane>(n: usize, seed: usize) -> Vec<L> {
    let one = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f64 / 1001.0 - 1.0;
    (0..n).map(|i| Scalar::from_f64(one(i))).collect()
}

fn real<L: Scalar>(x: L) -> f64 {
    Scalar::to_f64(x)
}

fn close<L: Lane>(what: &str, found: &[L], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (i, (&found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (real(found) - expected).abs();
        assert!(
            error <= 1e3 * real(L::epsilon()) * (1.0 + expected.abs()),
            "{what}, number {i}: {found} instead of {expected}"
        );
    }
}

/// All columns of an image of 3×4 pixels and 48 channels, which are two or three vectors, or more.
fn image_in<L: Lane>(set: &impl Run, columns: usize) {
    let (cin, cout) = (48, 3);
    let padding = [1, 0, 0, 1];
    let geometry =
        ConvGeometry::new([3, 4, cin], [2, 3, cin, cout], [1; 2], [1; 2], padding, 1).unwrap();
    let [height, width, _] = geometry.output_shape();
    let (n, len) = (geometry.output_len(), geometry.image_len());
    let (apart, to_apart) = (n + 5, len + 3);
    let mut g = numbers::<L>(columns * apart, 1);
    for c in 0..columns {
        for at in (0..n).filter(|at| at % 3 == 0 || at % 5 == 1) {
            g[c * apart + at] = L::zero();
        }
    }
    let flipped = numbers::<L>(geometry.weight_len(), 2);
    let mut gx = numbers::<L>(columns * to_apart, 3);
    let mut expected: Vec<f64> = gx.iter().map(|&x| real(x)).collect();
    for (c, row, col, o) in (0..columns * n).map(|i| (i / n, i % n)).map(|(c, at)| {
        let pixel = at / cout;
        (c, pixel / width, pixel % width, at % cout)
    }) {
        let g = real(g[c * apart + (row * width + col) * cout + o]);
        for (ky, kx) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
            let (y, x) = (row + ky, col + kx);
            if !(1..4).contains(&y) || x >= 4 {
                continue;
            }
            for i in 0..cin {
                let w = real(flipped[(((1 - ky) * 3 + 2 - kx) * cout + o) * cin + i]);
                expected[c * to_apart + ((y - 1) * 4 + x) * cin + i] += g * w;
            }
        }
    }
    assert_eq!(height * width * cout, n);
    let mut room = vec![L::nan(); Support::room(&geometry)];
    let support = Support::of(&geometry, (columns, &g, apart), &mut room, |_, _| {});
    set.run(Image {
        geometry: &geometry,
        support: support.expect("a third of the numbers are 0"),
        columns,
        apart,
        to_apart,
        flipped: &flipped,
        g: &g,
        gx: &mut gx,
    });
    let what = format!("{columns} columns, {}, {}", L::NAME, set.name());
    close(&what, &gx, &expected);
}

/// Two channels' squares, of patches of two runs.
fn squares_in<L: Lane>(set: &impl Run, columns: usize) {
    let runs = Runs {
        count: [2, 1],
        stride: [70, 0],
        len: 64,
    };
    let (counts, begins) = ([3, 1], [0u32, 5, 9, 4, 0, 0]);
    let image = numbers::<L>(9 + 70 + 64, 1);
    let g = numbers::<L>(6 * columns, 2);
    let mut sums = numbers::<L>(2 * 128, 3);
    let mut expected: Vec<f64> = sums.iter().map(|&x| real(x)).collect();
    for (channel, &count) in counts.iter().enumerate() {
        for t in 0..128 {
            for c in 0..columns {
                let term = |i: usize| {
                    let at = begins[channel * 3 + i] as usize + t / 64 * 70 + t % 64;
                    real(image[at]) * real(g[(channel * 3 + i) * columns + c])
                };
                let sum: f64 = (0..count as usize).map(term).sum();
                expected[channel * 128 + t] += sum * sum;
            }
        }
    }
    set.run(Channels {
        runs,
        counts: &counts,
        begins: &begins,
        apart: [3, 3 * columns],
        columns,
        image: &image,
        g: &g,
        sums: &mut sums,
    });
    let what = format!("{columns} columns, {}, {}", L::NAME, set.name());
    close(&what, &sums, &expected);
}

#[test]
fn all_instruction_sets_agree() {
    for columns in (1..=11).chain([19]) {
        in_each!(image_in::<f32>(columns));
        in_each!(image_in::<f64>(columns));
        in_each!(squares_in::<f32>(columns));
        in_each!(squares_in::<f64>(columns));
    }
}
