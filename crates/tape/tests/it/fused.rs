//! Rewritten graphs against the same graphs as recorded: values, and all products.

use osculant_tape::linearize::{Budget, Options, Route, TileData};
use osculant_tape::ops::{Conv2d, MaxPool2d, Padding, conv2d, dense};
use osculant_tape::{Graph, Init, Random, Scalar, Var};
use proptest::prelude::*;
use std::sync::Arc;

const GLOROT: Init = Init::Glorot {
    fan_in: 10,
    fan_out: 10,
};

/// What one stage of a network looks like.
#[derive(Clone, Debug)]
struct Stage {
    kernel: [usize; 2],
    channels: usize,
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
    bias: bool,
    /// A rectifier before the pooling, after it, or none.
    relu: Option<bool>,
    pool: MaxPool2d,
}

fn stage() -> impl Strategy<Value = Stage> {
    let pool = (
        [1usize..=3, 2usize..=3],
        [1usize..=3, 1usize..=3],
        [0usize..=1, 0usize..=1],
        any::<bool>(),
    )
        .prop_map(|(window, stride, padding, ceil_mode)| MaxPool2d {
            window,
            stride,
            padding: [0, 1].map(|a| padding[a].min(window[a] / 2)),
            ceil_mode,
        });
    let padding = prop_oneof![
        Just(Padding::Valid),
        Just(Padding::Same),
        [0usize..3, 0usize..3, 0usize..3, 0usize..3].prop_map(|[top, bottom, left, right]| {
            Padding::Explicit {
                top,
                bottom,
                left,
                right,
            }
        })
    ];
    (
        [1usize..=3, 1usize..=4],
        prop_oneof![Just(1), Just(3), Just(5), Just(17)],
        [1usize..=2, 1usize..=2],
        [1usize..=2, 1usize..=2],
        padding,
        any::<bool>(),
        any::<Option<bool>>(),
        pool,
    )
        .prop_map(
            |(kernel, channels, stride, dilation, padding, bias, relu, pool)| Stage {
                kernel,
                channels,
                stride,
                dilation,
                padding,
                bias,
                relu,
                pool,
            },
        )
}

fn graph<T: Scalar>(image: [usize; 3], stages: &[Stage]) -> Option<Graph<T>> {
    Graph::new(|tape| {
        let mut x = tape.input(image);
        for (i, s) in stages.iter().enumerate() {
            let channels = x.shape().last();
            let shape = [s.kernel[0], s.kernel[1], channels, s.channels];
            let w = tape.param(&format!("weight{i}"), shape, GLOROT);
            let options = Conv2d {
                stride: s.stride,
                dilation: s.dilation,
                padding: s.padding,
                groups: 1,
            };
            x = conv2d(x, w, options);
            if s.bias {
                x = x + tape.param(&format!("bias{i}"), [s.channels], GLOROT);
            }
            x = match s.relu {
                None => x.max_pool2d(s.pool),
                Some(true) => x.relu().max_pool2d(s.pool),
                Some(false) => x.max_pool2d(s.pool).relu(),
            };
        }
        let x = x.flatten();
        let n = x.shape().size();
        dense(x, tape.param("dense", [n, 3], GLOROT))
    })
    .ok()
}

/// All that a graph computes for `count` examples.
fn everything<T: Scalar>(graph: &Graph<T>, count: usize) -> Vec<Vec<f64>> {
    let (theta, n, m) = (graph.params().init(3), graph.params().len(), 3);
    let size = graph.input_size();
    let mut random = Random::new(5, 5);
    let mut draw = |len: usize| {
        let mut x = vec![0.0; len];
        random.normal(1.0, &mut x);
        x.into_iter().map(T::from_f64).collect::<Vec<T>>()
    };
    let (inputs, v, u) = (draw(count * size), draw(n), draw(count * m));
    let feed = |i: usize, out: &mut [T]| out.copy_from_slice(&inputs[i * size..][..size]);
    let examples: Vec<usize> = (0..count).collect();
    let mut all = Vec::new();
    let mut note = |x: &[T]| all.push(x.iter().map(|&x| Scalar::to_f64(x)).collect::<Vec<f64>>());

    let mut z = vec![T::zero(); count * m];
    graph.forward(&theta, &feed, &examples, &mut z).unwrap();
    note(&z);
    let lin = graph
        .linearize(&theta, &feed, &examples, Budget::default())
        .unwrap();
    let lin = Arc::new(lin);
    let mut out = vec![T::zero(); count * m];
    lin.jvp_into(&v, &mut out).unwrap();
    note(&out);
    let mut out = vec![T::zero(); n];
    lin.vjp_into(&u, &mut out).unwrap();
    note(&out);
    let two = T::from_f64(2.0);
    let b = |data: &TileData<'_, T>, dz: &[T], g: &mut [T]| {
        // Without derivatives, values are computed another way, to the same bits.
        let range = data.positions.start * m..data.positions.end * m;
        assert_eq!(
            data.outputs, &z[range],
            "outputs with and without derivatives"
        );
        for (g, &dz) in g.iter_mut().zip(dz) {
            *g = two * dz;
        }
        Ok(())
    };
    lin.product_into(&v, &b, &mut out).unwrap();
    note(&out);
    let cotangents = u.clone();
    let given = move |data: &TileData<'_, T>, g: Option<&mut [T]>| {
        if let Some(g) = g {
            g.copy_from_slice(&cotangents[data.positions.start * m..data.positions.end * m]);
        }
        Ok(0.0)
    };
    let mut each = vec![T::zero(); count * n];
    lin.per_example_into(&given, &mut each).unwrap();
    note(&each);
    // Three columns of four that there is room for, each a multiple of u.
    let columns = |data: &TileData<'_, T>, out: &mut [T]| {
        let u = &u[data.positions.start * m..data.positions.end * m];
        for (c, out) in out.chunks_exact_mut(u.len()).enumerate() {
            let times = T::from_f64(1.0 - c as f64);
            out.iter_mut().zip(u).for_each(|(out, &u)| *out = times * u);
        }
        Ok(3)
    };
    lin.squares_into(4, &columns, &mut out).unwrap();
    note(&out);
    let curved = lin.with_gradient(Box::new(given)).unwrap();
    curved.product_into(&v, &b, &mut out).unwrap();
    note(&out);
    all
}

fn compare<T: Scalar>(image: [usize; 3], stages: &[Stage], count: usize, tolerance: f64) {
    if let Some(fused) = graph::<T>(image, stages) {
        agree(&fused, count, tolerance);
    }
}

/// Whether a graph computes what it computes as recorded.
fn agree<T: Scalar>(fused: &Graph<T>, count: usize, tolerance: f64) {
    let others = [
        ("as recorded", fused.unfused()),
        ("every pixel", fused.every_pixel()),
    ];
    let names = [
        "forward",
        "jvp",
        "vjp",
        "G v",
        "per example",
        "squares",
        "H v",
    ];
    let fused = everything(fused, count);
    for (which, other) in others {
        let other = everything(&other, count);
        for (name, (a, b)) in names.iter().zip(fused.iter().zip(&other)) {
            let scale = b.iter().fold(1.0f64, |m, x| m.max(x.abs()));
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                assert!(
                    (a - b).abs() <= tolerance * scale,
                    "{name} {i}: fused {a}, {which} {b} (of {scale})"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn fused_graphs_compute_what_was_recorded(
        size in [6usize..=13, 6usize..=13],
        channels in prop_oneof![Just(1usize), Just(3), Just(16)],
        stages in proptest::collection::vec(stage(), 1..=2),
        count in 1usize..=5,
    ) {
        let image = [size[0], size[1], channels];
        compare::<f64>(image, &stages, count, 1e-12);
        // Winners between nearly equal numbers must not differ, so f32 is compared loosely only
        // where rounding is alike: values are the same to the bit.
        compare::<f32>(image, &stages, count, 1e-4);
    }
}

/// A network of products with biases, in all places where one may stand.
fn biased<T: Scalar>(positions: usize, width: usize, bias_first: bool) -> Graph<T> {
    let graph = Graph::new(|tape| {
        let param = |name: &str, shape: &[usize]| tape.param(name, shape, GLOROT);
        let x = tape.input([positions, 4, 2]);
        let x = conv2d(x, param("conv", &[1, 3, 2, width]), Conv2d::default());
        let x = (x + param("conv.bias", &[width])).tanh();
        let y = dense(x, param("square", &[width, width]));
        let bias = param("square.bias", &[width]);
        let y = if bias_first { bias + y } else { y + bias };
        // Read twice, so that it stays as recorded.
        let z = dense(y, param("twice", &[width, 5]));
        let z = (z + param("twice.bias", &[5])) * z;
        let z = z.flatten();
        let n = z.shape().size();
        dense(z, param("head", &[n, 3])) + param("head.bias", &[3])
    });
    graph.unwrap()
}

proptest! {
    #[test]
    fn a_product_with_its_bias_computes_what_was_recorded(
        positions in 1usize..=3,
        width in prop_oneof![Just(1usize), Just(4), Just(9), Just(33)],
        bias_first: bool,
        count in 1usize..=70,
    ) {
        let graph = biased::<f64>(positions, width, bias_first);
        agree(&graph, count, 1e-12);
        let graph = biased::<f32>(positions, width, bias_first);
        agree(&graph, count, 1e-4);
    }
}

/// x plus a bias.
fn add<'t, T: Scalar>(x: Var<'t, T>, name: &str) -> Var<'t, T> {
    x + x.tape().param(name, [x.shape().last()], GLOROT)
}

/// A residual network without pooling: convolutions whose weight is flipped once for all examples,
/// among them grouped and depthwise ones, one whose weight is computed, and one weight used twice.
fn residual<T: Scalar>(stride: usize, [h, w]: [usize; 2], bias: bool) -> Graph<T> {
    let graph = Graph::new(|tape| {
        let param = |name: &str, shape: &[usize]| tape.param(name, shape, GLOROT);
        let conv = |x, weight, stride: usize, groups: usize| {
            let options = Conv2d {
                stride: [stride, 1],
                padding: Padding::Same,
                groups,
                ..Conv2d::default()
            };
            conv2d(x, weight, options)
        };
        let add = |x, name| if bias { add(x, name) } else { x };
        let x = conv(tape.input([h, w, 3]), param("stem", &[3, 3, 3, 16]), 1, 1);
        let x = add(x, "stem.bias").tanh();
        let twice = param("twice", &[3, 3, 16, 16]);
        let y = add(conv(x, twice, 1, 1), "a.bias").tanh();
        let y = conv(y, twice, 1, 1) + x;
        let y = conv(y, param("computed", &[3, 2, 16, 32]).tanh(), stride, 1);
        let short = conv(x, param("short", &[1, 1, 16, 32]), stride, 1);
        let y = (y + add(short, "short.bias")).tanh();
        let y = conv(y, param("grouped", &[3, 3, 16, 34]), 1, 2);
        let y = add(y, "grouped.bias").tanh();
        let y = conv(y, param("depthwise", &[3, 3, 1, 34]), 1, 34);
        let y = add(y, "depthwise.bias").tanh();
        dense(y.global_avg_pool(), param("head", &[34, 3]))
    });
    graph.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn weights_flipped_once_give_the_same_bits(
        stride in 1usize..=3,
        size in [3usize..=7, 3usize..=7],
        count in 1usize..=20,
        frozen in any::<Option<bool>>(),
    ) {
        let mut graph = residual::<f32>(stride, size, false);
        if let Some(twice) = frozen {
            let theta = graph.params().init(3);
            graph.freeze(&theta, if twice { "twice" } else { "short" }).unwrap();
        }
        agree(&graph, count, 0.0);
        agree(&residual::<f64>(stride, size, true), count, 1e-12);
    }
}

/// Wide dense layers behind others, so that their weights are transposed once for all examples:
/// among them one that is used twice, one that is computed, one with its transpose, and one that a
/// rectifier follows.
fn deep<T: Scalar>(positions: Option<usize>) -> Graph<T> {
    let graph = Graph::new(|tape| {
        let param = |name: &str, shape: [usize; 2]| tape.param(name, shape, GLOROT);
        let x = match positions {
            Some(positions) => tape.input([positions, 30]),
            None => tape.input([30]),
        };
        let x = add(dense(x, param("narrow", [30, 70])), "narrow.bias").tanh();
        let twice = param("twice", [70, 70]);
        let x = add(dense(x, twice), "a.bias").relu();
        let x = dense(x, twice).relu();
        let x = add(dense(x, param("computed", [70, 80]).tanh()), "b.bias").tanh();
        // A weight and its transpose, both turned.
        let tied = param("tied", [80, 75]);
        let x = dense(dense(x, tied).tanh(), tied.transpose()).tanh();
        dense(x.flatten(), param("head", [80 * positions.unwrap_or(1), 3]))
    });
    graph.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn weights_transposed_once_agree(
        positions in prop_oneof![Just(None), (1usize..=3).prop_map(Some)],
        count in 1usize..=80,
        frozen in any::<Option<bool>>(),
    ) {
        let mut graph = deep::<f64>(positions);
        if let Some(twice) = frozen {
            let theta = graph.params().init(3);
            graph.freeze(&theta, if twice { "twice" } else { "computed" }).unwrap();
        }
        agree(&graph, count, 1e-12);
        agree(&deep::<f32>(positions), count, 1e-4);
    }
}

#[test]
fn turned_weights_agree_on_every_route() {
    on_every_route(&residual::<f64>(2, [6, 5], false), 0.0);
    on_every_route(&deep::<f64>(None), 1e-12);
    on_every_route(&deep::<f64>(Some(2)), 1e-12);
}

/// Compares a block of products and a Hessian product with those of the graph as recorded.
fn on_every_route(fused: &Graph<f64>, tolerance: f64) {
    let plain = fused.unfused();
    let (theta, n) = (fused.params().init(3), fused.params().len());
    let feed = |i: usize, x: &mut [f64]| Random::new(7, i as u64).normal(1.0, x);
    let examples: Vec<usize> = (0..21).collect();
    let mut v = vec![0.0; 3 * n];
    Random::new(8, 0).normal(1.0, &mut v);
    let b = |_: &TileData<'_, f64>, dz: &[f64], g: &mut [f64]| {
        g.copy_from_slice(dz);
        Ok(())
    };
    let ones = |_: &TileData<'_, f64>, g: Option<&mut [f64]>| {
        g.into_iter().for_each(|g| g.fill(1.0));
        Ok(0.0)
    };
    for route in [Route::Sweep, Route::Stored] {
        for budget in [Budget::default(), Budget(0)] {
            if route == Route::Stored && budget.0 == 0 {
                continue; // it has nowhere to store
            }
            let products = |graph: &Graph<f64>| {
                let options = Options {
                    route,
                    budget,
                    ..Options::default()
                };
                let lin = graph.linearize(&theta, &feed, &examples, options).unwrap();
                let lin = Arc::new(lin);
                let mut out = vec![0.0; 4 * n];
                let (block, hessian) = out.split_at_mut(3 * n);
                lin.product_block_into(3, &v, &b, block).unwrap();
                let curved = lin.with_gradient(Box::new(ones)).unwrap();
                curved.product_into(&v[..n], &b, hessian).unwrap();
                out
            };
            let (fused, plain) = (products(fused), products(&plain));
            let scale = plain.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            for (i, (a, b)) in fused.iter().zip(&plain).enumerate() {
                assert!(
                    (a - b).abs() <= tolerance * scale,
                    "{route:?}, {budget:?}, number {i}: {a}, as recorded {b} (of {scale})"
                );
            }
        }
    }
}

#[test]
fn large_weights_and_frozen_biases_agree() {
    let graph = Graph::<f64>::new(|tape| {
        let x = dense(tape.input([130]), tape.param("wide", [130, 140], GLOROT));
        let x = (x + tape.param("wide.bias", [140], GLOROT)).relu();
        let x = dense(x, tape.param("head", [140, 3], GLOROT));
        x + tape.param("head.bias", [3], GLOROT)
    });
    let mut graph = graph.unwrap();
    agree(&graph, 300, 1e-12);
    let theta = graph.params().init(3);
    graph.freeze(&theta, "wide.bias").unwrap();
    agree(&graph, 70, 1e-12);
}

#[test]
fn a_large_batch_of_real_sizes_agrees() {
    let stage = |kernel, channels| Stage {
        kernel: [kernel; 2],
        channels,
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::Same,
        bias: true,
        relu: Some(true),
        pool: MaxPool2d::new(2),
    };
    let stages = [stage(5, 32), stage(3, 64), stage(3, 64)];
    compare::<f64>([28, 28, 1], &stages, 40, 1e-12);
    compare::<f32>([28, 28, 1], &stages, 40, 1e-4);
    let mut ceil = stage(3, 48);
    ceil.pool = MaxPool2d::new(3).stride(2).ceil();
    compare::<f64>([15, 14, 3], &[ceil.clone(), ceil.clone()], 21, 1e-12);
    compare::<f32>([15, 14, 3], &[ceil.clone(), ceil], 21, 1e-4);
}
