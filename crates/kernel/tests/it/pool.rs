//! Windows are counted as PyTorch counts them.

use crate::in_each;
use crate::numbers::numbers;
use osculant_kernel::pool::Windows;

/// How many windows there are along an axis.
fn count(n: usize, w: usize, s: usize, p: usize, ceil: bool) -> Result<usize, String> {
    Windows::new([n, 1, 1], [w, 1], [s, 1], [p, 0], ceil).map(|w| w.output_shape()[0])
}

#[test]
fn counts_follow_pytorch() {
    // (n, window, stride, padding) → floor, ceil; torch.nn.functional.max_pool1d
    for (n, w, s, p, floor, ceil) in [
        (7, 2, 2, 0, 3, 4),
        (8, 3, 2, 0, 3, 4),
        (8, 3, 2, 1, 4, 5),
        (5, 2, 3, 1, 2, 2),
        (3, 2, 2, 1, 2, 2),
        (6, 3, 4, 0, 1, 2),
        (5, 1, 3, 0, 2, 2),
    ] {
        assert_eq!(count(n, w, s, p, false), Ok(floor), "{n} {w} {s} {p}");
        assert_eq!(count(n, w, s, p, true), Ok(ceil), "{n} {w} {s} {p} ceil");
    }
    assert_eq!(count(1, 2, 2, 0, true), Ok(1));
    assert!(count(1, 2, 2, 0, false).is_err());
    assert!(count(1, 3, 2, 0, true).is_err());
}

#[test]
fn huge_options_are_refused_or_counted() {
    for n in [0, 1, 5, usize::MAX] {
        for w in [1, usize::MAX / 2, usize::MAX] {
            for s in [1, usize::MAX] {
                for p in [0, 1, w / 2, usize::MAX] {
                    for ceil in [false, true] {
                        let _ = count(n, w, s, p, ceil);
                    }
                }
            }
        }
    }
}

/// Options of a pool over an image of 7×6 pixels.
struct Pool {
    channels: usize,
    window: usize,
    stride: usize,
    padding: usize,
}

const IMAGE: [usize; 2] = [7, 6];

/// The winners, as plainly as possible.
fn naive(pool: &Pool, output: [usize; 3], x: &[f64]) -> Vec<u32> {
    let c = pool.channels;
    let mut winners = Vec::new();
    for (oy, ox) in (0..output[0]).flat_map(|y| (0..output[1]).map(move |x| (y, x))) {
        for channel in 0..c {
            let mut best: Option<usize> = None;
            for wy in 0..pool.window {
                for wx in 0..pool.window {
                    let row = (oy * pool.stride + wy).wrapping_sub(pool.padding);
                    let column = (ox * pool.stride + wx).wrapping_sub(pool.padding);
                    if row >= IMAGE[0] || column >= IMAGE[1] {
                        continue;
                    }
                    let here = (row * IMAGE[1] + column) * c + channel;
                    best = Some(match best {
                        None => here,
                        Some(b) if x[b].is_nan() => b,
                        Some(_) if x[here].is_nan() => here,
                        Some(b) if x[here] > x[b] => here,
                        Some(b) => b,
                    });
                }
            }
            winners.push(best.unwrap() as u32);
        }
    }
    winners
}

#[test]
fn winners_agree_with_the_plain_rule() {
    for (channels, window, stride, padding, ceil) in [
        (1, 2, 2, 0, false),
        (3, 3, 2, 1, true),
        (21, 3, 2, 0, true),
        (40, 2, 1, 1, false),
    ] {
        let pool = Pool {
            channels,
            window,
            stride,
            padding,
        };
        let shape = [IMAGE[0], IMAGE[1], channels];
        let windows = Windows::new(shape, [window; 2], [stride; 2], [padding; 2], ceil).unwrap();
        // Few different values, so that there are ties, NaN and infinities.
        let values = [
            0.0,
            -0.0,
            1.0,
            2.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        let draws = numbers::<f64>(IMAGE[0] * IMAGE[1] * channels, 1);
        let x = draws.iter().map(|u| values[((u + 1.0) * 3.5) as usize % 7]);
        let x: Vec<f64> = x.collect();
        let plain = naive(&pool, windows.output_shape(), &x);
        in_each(|| {
            let mut fast = vec![0; plain.len()];
            windows.winners(&x, &mut fast);
            assert_eq!(fast, plain);
            fast.fill(0);
            let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            windows.winners(&single, &mut fast);
            assert_eq!(fast, plain);
        });
    }
}

#[test]
fn a_mean_counts_padding_but_nothing_beyond() {
    // 3 numbers, window 2, stride 2, padding 1: [pad x0] [x1 x2]
    let x = [2.0, 4.0, 6.0];
    let one = |window, padding, ceil| {
        Windows::new([1, 3, 1], [1, window], [1, 2], [0, padding], ceil).unwrap()
    };
    let mean = |w: &Windows, count| {
        let mut y = vec![0.0; w.output_shape().iter().product()];
        w.add_means(count, &x, &mut y);
        y
    };
    assert_eq!(mean(&one(2, 1, false), true), [1.0, 5.0]);
    assert_eq!(mean(&one(2, 1, false), false), [2.0, 5.0]);
    // In ceil mode the last window holds x2 and a place beyond the image, which counts never.
    assert_eq!(mean(&one(2, 0, true), true), [3.0, 6.0]);
}
