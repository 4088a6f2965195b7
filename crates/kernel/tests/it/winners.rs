//! The kernels along channels against plain loops.

use crate::numbers::numbers;
use osculant_kernel::geometry::ConvGeometry;
use osculant_kernel::pool::Windows;
use osculant_kernel::winners::channels::{kernels, plain};
use osculant_kernel::winners::{AtWinners, Channels, Packing, Patches, Stage};
use proptest::prelude::*;

/// A stage of random options, where these kernels are for it.
fn stage() -> impl Strategy<Value = Channels> {
    let pair = |range: std::ops::RangeInclusive<usize>| [range.clone(), range];
    let image = (pair(5..=14), 1usize..=3);
    let conv = (
        pair(1..=5),
        pair(1..=2),
        pair(1..=2),
        proptest::array::uniform4(0usize..3),
    );
    let pool = (pair(1..=4), pair(1..=3), any::<bool>());
    let channels = prop_oneof![Just(1usize), Just(15), Just(16), Just(17), Just(40)];
    (image, conv, pool, channels, any::<bool>()).prop_filter_map(
        "not for these kernels",
        |((image, cin), (kernel, stride, dilation, padding), pool, cout, rectified)| {
            let (image, weight) = ([image[0], image[1], cin], [kernel[0], kernel[1], cin, cout]);
            let conv = ConvGeometry::new(image, weight, stride, dilation, padding, 1).ok()?;
            let (window, apart, ceil) = pool;
            let windows = Windows::new(conv.output_shape(), window, apart, [0, 0], ceil).ok()?;
            Channels::new::<f32>(Stage::new(&conv, &windows, rectified)?, false)
        },
    )
}

#[test]
fn kernels_do_what_plain_loops_do() {
    if !kernels::available() {
        // Another machine goes by patches.
        return;
    }
    let config = ProptestConfig::with_cases(200);
    proptest!(config, |(k in stage(), count in 1usize..=3, columns in 1usize..=7)| {
        // Small integers: sums are exact, in any order.
        let mut seeds = 1..;
        let mut draw = |n: usize| -> Vec<f32> {
            let x = numbers::<f32>(n, seeds.next().unwrap());
            x.into_iter().map(|x| (4.0 * x).round()).collect()
        };
        let (conv, m, kept) = (k.stage().conv(), k.stage().output_len(), k.saved_len());
        let mut saved = vec![0; count * kept];
        let mut laid = vec![0.0; count * k.laid_len()];
        for (saved, laid) in saved.chunks_exact_mut(kept).zip(laid.chunks_exact_mut(k.laid_len())) {
            k.choose(&draw(conv.output_len()), None, saved, &mut vec![0.0; m]);
            k.lay_out(&draw(conv.image_len()), laid);
        }
        let (dw, db) = (draw(k.packing().packed_len()), draw(conv.weight_shape()[3]));
        let g = draw(count.max(columns) * m);

        for (x_dw, db) in [(Some((&*laid, &*dw)), Some(&*db)), (None, Some(&*db))] {
            let (mut y, mut want) = (g[..count * m].to_vec(), g[..count * m].to_vec());
            kernels::dots(&k, count, &saved, x_dw, db, &mut y);
            plain::dots(&k, count, &saved, x_dw, db, &mut want);
            prop_assert_eq!(y, want);
        }
        let (mut out, mut want) = (dw.clone(), dw.clone());
        kernels::gather(&k, &saved, &laid, &g[..count * m], &mut out);
        plain::gather(&k, &saved, &laid, &g[..count * m], &mut want);
        prop_assert_eq!(&out, &want);
        kernels::squares(&k, &saved, &laid, (columns, &g, m), &mut out);
        plain::squares(&k, &saved, &laid, (columns, &g, m), &mut want);
        prop_assert_eq!(out, want);
        let (mut out, mut want) = (db.clone(), db.clone());
        kernels::bias(&k, &saved, &g[..count * m], &mut out);
        plain::bias(&k, &saved, &g[..count * m], &mut want);
        prop_assert_eq!(&out, &want);
        kernels::bias_squares(&k, &saved, (columns, &g, m), &mut out);
        plain::bias_squares(&k, &saved, (columns, &g, m), &mut want);
        prop_assert_eq!(out, want);
    });
}

#[test]
fn a_layout_beyond_counting_is_refused() {
    // Rows that lie interleaved: 2²¹ times as many numbers as the padded image.
    let (tall, half) = (1 << 22, 1 << 21);
    let padding = [tall + half - 2, 0, half - 1, 0];
    let strides = [half, half / 2];
    let conv = ConvGeometry::new([1, 1, 1], [half, 1, 1, 1], strides, [1, 1], padding, 1).unwrap();
    let windows = Windows::new(conv.output_shape(), [1, 1], [2, 2], [0, 0], false).unwrap();
    let stage = Stage::new(&conv, &windows, true).expect("a stage");
    assert!(Patches::new::<f32>(stage, false).is_none());
}
