//! Windows are counted as PyTorch counts them.

use super::*;

fn windows(x: [usize; 3], w: usize, s: usize, p: usize, ceil: bool) -> Windows {
    Windows::new(&[x.into()], [w, w], [s, s], [p, p], ceil).unwrap()
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

/// The same rule, written as plainly as possible.
fn naive(p: &Windows, x: &[f64], winner: &mut [u32]) {
    let c = p.channels;
    for oy in 0..p.out[0] {
        for ox in 0..p.out[1] {
            for ch in 0..c {
                let mut best: Option<usize> = None;
                for wy in 0..p.window[0] {
                    for wx in 0..p.window[1] {
                        let row = (oy * p.stride[0] + wy).wrapping_sub(p.padding[0]);
                        let column = (ox * p.stride[1] + wx).wrapping_sub(p.padding[1]);
                        if row >= p.image[0] || column >= p.image[1] {
                            continue;
                        }
                        let here = (row * p.image[1] + column) * c + ch;
                        best = Some(match best {
                            None => here,
                            Some(b) if x[b].is_nan() => b,
                            Some(_) if x[here].is_nan() => here,
                            Some(b) if x[here] > x[b] => here,
                            Some(b) => b,
                        });
                    }
                }
                winner[(oy * p.out[1] + ox) * c + ch] = best.unwrap() as u32;
            }
        }
    }
}

#[test]
fn winners_agree_with_the_plain_rule() {
    let mut random = crate::Random::new(1, 0);
    for (c, w, s, p, ceil) in [
        (1, 2, 2, 0, false),
        (3, 3, 2, 1, true),
        (21, 3, 2, 0, true),
        (40, 2, 1, 1, false),
    ] {
        let windows = windows([7, 6, c], w, s, p, ceil);
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
        let x: Vec<f64> = (0..42 * c).map(|_| values[random.below(7)]).collect();
        let mut fast = vec![0; windows.out().size()];
        let mut plain = fast.clone();
        windows.winners(&x, &mut fast);
        naive(&windows, &x, &mut plain);
        assert_eq!(fast, plain);
    }
}

#[test]
fn a_mean_counts_padding_but_nothing_beyond() {
    // 3 numbers, window 2, stride 2, padding 1: [pad x0] [x1 x2]
    let x = [2.0, 4.0, 6.0];
    let one = |window, padding, ceil| {
        let shape = Shape::from([1, 3, 1]);
        Windows::new(&[shape], [1, window], [1, 2], [0, padding], ceil).unwrap()
    };
    let mean = |w: &Windows, count| {
        let mut y = vec![0.0; w.out().size()];
        w.add_means(count, &x, &mut y);
        y
    };
    assert_eq!(mean(&one(2, 1, false), true), [1.0, 5.0]);
    assert_eq!(mean(&one(2, 1, false), false), [2.0, 5.0]);
    // In ceil mode the last window holds x2 and a place beyond the image, which counts never.
    assert_eq!(mean(&one(2, 0, true), true), [3.0, 6.0]);
}
