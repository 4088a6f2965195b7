//! Convolutions of random geometry.

use crate::in_each;
use crate::numbers::{assert_close, numbers};
use crate::twins::Conv;
use osculant_kernel::geometry::{ConvGeometry, same_padding};
use osculant_kernel::{Scalar, conv2d};
use proptest::prelude::*;

/// A scratch full of NaN: whoever reads what nobody wrote is found out.
fn dirty<T: Scalar>(n: usize) -> Vec<T> {
    vec![T::nan(); n]
}

fn check_conv<T: Scalar>(conv: &Conv, geometry: &ConvGeometry) {
    let output = geometry.output_shape();
    let x = numbers::<T>(geometry.image_len(), 1);
    let w = numbers::<T>(geometry.weight_len(), 2);
    let g = numbers::<T>(geometry.output_len(), 3);
    let scratch = || dirty::<T>(conv2d::scratch_len(geometry));
    let compare = |name: &str, got: &[T], before: &[T], want: &[f64], terms: usize| {
        for (i, ((&got, &before), want)) in got.iter().zip(before).zip(want).enumerate() {
            assert_close(got, before.to_f64() + want, terms, || {
                format!("{name} entry {i} of {conv:?}")
            });
        }
    };

    // What is already there stays, and the result is added to it.
    let mut y = g.clone();
    conv2d::forward(geometry, &x, &w, &mut scratch(), &mut y);
    let want = conv.forward(output, &x, &w);
    compare("forward", &y, &g, &want, geometry.weight_len());

    let mut gx = x.clone();
    conv2d::adjoint_image(geometry, &g, &w, &mut scratch(), &mut gx);
    let want = conv.adjoint_image(output, &g, &w);
    compare("image adjoint", &gx, &x, &want, geometry.weight_len());

    let mut gw = w.clone();
    conv2d::adjoint_weight(geometry, &x, &g, &mut scratch(), &mut gw);
    let want = conv.adjoint_weight(output, &x, &g);
    compare("weight adjoint", &gw, &w, &want, geometry.output_len());
}

/// Image height and width, channels, kernel, stride, dilation and padding within these bounds.
fn convs(size: usize, channels: usize, strided: bool) -> impl Strategy<Value = Conv> {
    let steps = if strided { 3usize } else { 1 };
    (
        [1..=size, 1..=size],
        [1..=channels, 1..=channels],
        1usize..=3,
        any::<bool>(),
        [1usize..=5, 1usize..=5],
        [1..=steps, 1..=steps],
        [1..=steps, 1..=steps],
        [0usize..4, 0usize..4, 0usize..4, 0usize..4],
    )
        .prop_map(
            move |([h, w], [cin, cout], groups, depthwise, [kh, kw], stride, dilation, padding)| {
                // Three geometries in four have one group when nothing else is strided.
                let groups = if strided { groups } else { 1 };
                let (cin, cout, groups) = if depthwise && strided {
                    (cin, cin * groups, cin)
                } else {
                    (cin * groups, cout * groups, groups)
                };
                Conv {
                    image: [h, w, cin],
                    weight: [kh, kw, cin / groups, cout],
                    stride,
                    dilation,
                    padding,
                    groups,
                }
            },
        )
}

fn geometry(conv: &Conv) -> Result<ConvGeometry, String> {
    ConvGeometry::new(
        conv.image,
        conv.weight,
        conv.stride,
        conv.dilation,
        conv.padding,
        conv.groups,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 10_000, ..Default::default() })]

    #[test]
    fn convolutions_of_any_geometry_are_right(conv in convs(9, 5, true)) {
        let geometry = geometry(&conv);
        prop_assume!(geometry.is_ok());
        in_each(|| check_conv::<f32>(&conv, geometry.as_ref().unwrap()));
        in_each(|| check_conv::<f64>(&conv, geometry.as_ref().unwrap()));
    }

    #[test]
    fn plain_convolutions_of_any_width_and_channel_count_are_right(conv in convs(20, 40, false)) {
        let geometry = geometry(&conv);
        prop_assume!(geometry.is_ok());
        in_each(|| check_conv::<f32>(&conv, geometry.as_ref().unwrap()));
        in_each(|| check_conv::<f64>(&conv, geometry.as_ref().unwrap()));
    }

    #[test]
    fn same_padding_gives_one_output_per_stride(
        n in 1usize..30, k in 1usize..8, s in 1usize..5, d in 1usize..4,
    ) {
        let [before, after] = same_padding(n, k, s, d).unwrap();
        prop_assert!(before <= after && after <= before + 1);
        let padding = [before, after, 0, 0];
        let geometry = ConvGeometry::new([n, 1, 1], [k, 1, 1, 1], [s, 1], [d, 1], padding, 1);
        // Where a stride leaps over what the kernel does not cover, no padding is needed.
        prop_assert_eq!(geometry.unwrap().output_shape(), [n.div_ceil(s), 1, 1]);
    }
}

#[test]
fn a_tall_convolution_takes_several_blocks_of_patches() {
    let conv = Conv {
        image: [90, 31, 8],
        weight: [4, 3, 8, 5],
        stride: [1, 2],
        dilation: [2, 1],
        padding: [1, 0, 2, 3],
        groups: 1,
    };
    in_each(|| check_conv::<f32>(&conv, &geometry(&conv).unwrap()));
    in_each(|| check_conv::<f64>(&conv, &geometry(&conv).unwrap()));
}

#[test]
fn a_wide_convolution_copies_panels_of_its_weight() {
    // 630 terms on three axes (dilation keeps them apart), rows of the weight 920 bytes apart.
    let conv = Conv {
        image: [6, 13, 30],
        weight: [3, 7, 30, 230],
        stride: [1, 1],
        dilation: [1, 2],
        padding: [1, 1, 3, 3],
        groups: 1,
    };
    in_each(|| check_conv::<f32>(&conv, &geometry(&conv).unwrap()));
    in_each(|| check_conv::<f64>(&conv, &geometry(&conv).unwrap()));
}

#[test]
fn geometry_says_what_does_not_fit() {
    let conv = Conv {
        image: [5, 7, 4],
        weight: [3, 3, 4, 6],
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0; 4],
        groups: 1,
    };
    assert!(geometry(&conv).is_ok());
    let says = |conv: Conv, what: &str| {
        let message = geometry(&conv).unwrap_err();
        assert!(message.contains(what), "{message}");
    };
    says(
        Conv {
            stride: [1, 0],
            ..conv
        },
        "stride is [1, 0]",
    );
    says(
        Conv {
            dilation: [0, 1],
            ..conv
        },
        "dilation is [0, 1]",
    );
    says(Conv { groups: 0, ..conv }, "groups is 0");
    says(Conv { groups: 4, ..conv }, "4 groups");
    says(Conv { groups: 2, ..conv }, "third axis must be 2");
    says(
        Conv {
            weight: [3, 3, 3, 6],
            ..conv
        },
        "third axis must be 4",
    );
    says(
        Conv {
            dilation: [3, 1],
            ..conv
        },
        "covers 7 rows",
    );
    says(
        Conv {
            weight: [3, 8, 4, 6],
            ..conv
        },
        "8 columns",
    );
    says(
        Conv {
            image: [0, 7, 4],
            ..conv
        },
        "axis of length 0",
    );
    says(
        Conv {
            padding: [usize::MAX, 1, 0, 0],
            ..conv
        },
        "too many to count",
    );
    says(
        Conv {
            dilation: [usize::MAX, 1],
            ..conv
        },
        "too many to count",
    );
    says(
        Conv {
            padding: [1 << 40, 0, 1 << 40, 0],
            ..conv
        },
        "too large to count",
    );
}

/// Several cotangents of one image, of which `share` percent of the outputs are 0 in all.
fn check_columns<T: Scalar>(conv: &Conv, geometry: &ConvGeometry, columns: usize, share: usize) {
    let (output, n, len) = (
        geometry.output_shape(),
        geometry.output_len(),
        geometry.image_len(),
    );
    let (apart, to_apart) = (n + 3, len + 1);
    let mut g = numbers::<T>(columns * apart, 1);
    let chance = numbers::<f64>(n, 2);
    for (at, _) in chance
        .iter()
        .enumerate()
        .filter(|(_, x)| **x < share as f64 / 50.0 - 1.0)
    {
        (0..columns).for_each(|c| g[c * apart + at] = T::zero());
    }
    let x = numbers::<T>(len, 3);
    let weight = numbers::<T>(geometry.weight_len(), 4);
    let of = |c: usize| &g[c * apart..][..n];

    let mut squares = weight.clone();
    let room = &mut dirty::<T>(conv2d::squares_scratch::<T>(geometry, columns));
    conv2d::add_weight_squares(geometry, &x, (columns, &g, apart), room, &mut squares);
    let each: Vec<_> = (0..columns)
        .map(|c| conv.adjoint_weight(output, &x, of(c)))
        .collect();
    let pixels = output[0] * output[1];
    for (i, (&found, &before)) in squares.iter().zip(&weight).enumerate() {
        let sum: f64 = each.iter().map(|gw| gw[i] * gw[i]).sum();
        assert_close(
            found,
            before.to_f64() + sum,
            columns * pixels * pixels,
            || format!("square {i} of {columns} cotangents of {conv:?}"),
        );
    }

    let start = numbers::<T>(columns * to_apart, 5);
    let mut gx = start.clone();
    let scratch = &mut dirty::<T>(conv2d::scratch_len(geometry));
    let room = &mut dirty::<T>(conv2d::columns_scratch(geometry));
    let adjoint = conv2d::ImageAdjoint::new(geometry, &weight, scratch);
    let done = adjoint.add_columns((columns, &g, apart), room, (&mut gx, to_apart));
    for c in 0..columns {
        let want = conv.adjoint_image(output, of(c), &weight);
        for i in 0..to_apart {
            let before = start[c * to_apart + i].to_f64();
            let want = if done && i < len {
                before + want[i]
            } else {
                before
            };
            assert_close(gx[c * to_apart + i], want, geometry.weight_len(), || {
                format!("image adjoint {i} of cotangent {c} of {columns} of {conv:?}")
            });
        }
    }
    // Where patches are few, the adjoint goes through them, and leaves nothing out.
    let [h, w, cin] = conv.image;
    let direct = geometry.weight_shape()[..2] == [1, 1] || h * w <= 2 * pixels;
    let plain = conv.stride == [1, 1] && conv.dilation == [1, 1] && conv.groups == 1;
    let zeros = (0..n).filter(|at| (0..columns).all(|c| g[c * apart + at].is_zero()));
    let enough = 4 * zeros.count() >= n;
    let can = direct && plain && cin.is_multiple_of(16) && enough && columns > 1;
    assert!(done || !can, "zeros were not used: {conv:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_global_rejects: 10_000, ..Default::default() })]

    #[test]
    fn several_cotangents_with_zeros_in_common_are_right(
        conv in convs(7, 3, true),
        full in any::<bool>(),
        plain in any::<bool>(),
        columns in 1usize..=11,
        share in prop_oneof![Just(0usize), Just(30), Just(60), Just(100)],
    ) {
        let mut conv = conv;
        if full {
            // As many channels as fill vectors.
            conv.groups = 1;
            conv.image[2] *= 16;
            conv.weight[2] = conv.image[2];
        }
        if plain {
            (conv.stride, conv.dilation) = ([1, 1], [1, 1]);
        }
        let geometry = geometry(&conv);
        prop_assume!(geometry.is_ok());
        in_each(|| check_columns::<f32>(&conv, geometry.as_ref().unwrap(), columns, share));
        in_each(|| check_columns::<f64>(&conv, geometry.as_ref().unwrap(), columns, share));
    }
}

#[test]
fn squares_of_many_outputs_take_several_blocks_of_channels() {
    let conv = Conv {
        image: [40, 60, 16],
        weight: [2, 2, 16, 21],
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0; 4],
        groups: 1,
    };
    in_each(|| check_columns::<f64>(&conv, &geometry(&conv).unwrap(), 9, 60));
}

#[test]
fn many_cotangents_share_their_zeros_in_several_passes() {
    let conv = Conv {
        image: [3, 4, 48],
        weight: [2, 3, 48, 3],
        stride: [1, 1],
        dilation: [1, 1],
        padding: [1, 0, 0, 1],
        groups: 1,
    };
    for columns in [9, 10, 19] {
        in_each(|| check_columns::<f32>(&conv, &geometry(&conv).unwrap(), columns, 40));
        in_each(|| check_columns::<f64>(&conv, &geometry(&conv).unwrap(), columns, 40));
    }
}
