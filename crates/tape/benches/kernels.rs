//! Speed of the kernels on one thread: products and convolutions in GFLOP/s (a multiply-add counts
//! as two), elementary functions and pointwise ops in nanoseconds per number.
//!
//! `cargo bench -p osculant-tape --bench kernels [part of a name]`. Other programs disturb: every
//! figure is the best of many repetitions.

use osculant_tape::kernel::elementary as el;
use osculant_tape::kernel::gemm::{Mat, MatMut, gemm, large, small};
use osculant_tape::kernel::geometry::ConvGeometry;
use osculant_tape::kernel::{conv2d, vectorized};
use osculant_tape::kind::{Bilinear, Linear, Pointwise};
use osculant_tape::op::{At, Op, SavedMut, SavedRef, Tile};
use osculant_tape::ops::{Add, Div, Gelu, LeakyRelu, Mul, Relu, Sigmoid, Silu, Softplus, Tanh};
use osculant_tape::{Scalar, Shape, Slot, View};
use std::f64::consts::FRAC_1_SQRT_2;
use std::time::{Duration, Instant};

fn main() {
    let only: Option<String> = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    let wanted = |name: &str| only.as_ref().is_none_or(|o| name.contains(o.as_str()));
    if wanted("ceiling") {
        println!("ceiling: 1024³ by the gemm crate");
        println!(
            "  f32 {:7.1}",
            product::<f32>(large, [1024; 3], false, false)
        );
        println!(
            "  f64 {:7.1}",
            product::<f64>(large, [1024; 3], false, false)
        );
    }
    if wanted("products") {
        products::<f32>();
        products::<f64>();
    }
    if wanted("conv") {
        convolutions::<f32>();
        convolutions::<f64>();
    }
    if wanted("elementary") {
        println!("elementary: ns per number of 4096, ours / libm");
        elementary::<f32>();
        elementary::<f64>();
    }
    if wanted("pointwise") {
        for shape in [[8, 8, 32], [1, 1, 10]] {
            println!("pointwise: ns per number of 16 × {shape:?}: forward, jvp, vjp, vjp_jvp");
            pointwise::<f32>(&shape);
            pointwise::<f64>(&shape);
        }
    }
}

macro_rules! elementary {
    ($T:ty: $($name:ident $libm:expr,)*) => {
        $({
            let x = numbers::<$T>(4096);
            let mut y = x.clone();
            let ours = nanoseconds(x.len(), || vectorized(
                #[inline(always)]
                || for (y, &x) in y.iter_mut().zip(std::hint::black_box(&x)) {
                    *y = el::$name(x);
                },
            ));
            let libm: fn($T) -> $T = $libm;
            let theirs = nanoseconds(x.len(), || {
                for (y, &x) in y.iter_mut().zip(std::hint::black_box(&x)) {
                    *y = libm(x);
                }
            });
            println!("  {:20} {} {ours:7.2} {theirs:7.2}", stringify!($name), <$T>::NAME);
        })*
    };
}

fn elementary<T: Scalar>() {
    elementary! {
        T:
        exp |x| x.exp(),
        exp_m1 |x| x.exp_m1(),
        tanh |x| x.tanh(),
        logistic |x| (T::one() + (-x).exp()).recip(),
        ln |x| x.ln(),
        ln_1p |x| x.ln_1p(),
        softplus |x| x.exp().ln_1p(),
        normal_distribution |x| T::from_f64(0.5 * libm::erfc(-x.to_f64() * FRAC_1_SQRT_2)),
        normal_density |x| (-x * x).exp(),
    }
}

fn pointwise<T: Scalar>(shape: &[usize]) {
    let one = Shape::new(shape);
    let (two, tail) = (
        [one.clone(), one.clone()],
        [one.clone(), Shape::new(&shape[2..])],
    );
    let single = [one.clone(), Shape::new(&[])];
    let x = std::slice::from_ref(&one);
    rules::<T>("relu", &Pointwise(Relu), x);
    rules::<T>("leaky_relu", &Pointwise(LeakyRelu { slope: 0.1 }), x);
    rules::<T>("tanh", &Pointwise(Tanh), x);
    rules::<T>("sigmoid", &Pointwise(Sigmoid), x);
    rules::<T>("silu", &Pointwise(Silu), x);
    rules::<T>("gelu", &Pointwise(Gelu), x);
    rules::<T>("softplus", &Pointwise(Softplus), x);
    rules::<T>("add", &Linear(Add), &two);
    rules::<T>("add [c]", &Linear(Add), &tail);
    rules::<T>("mul", &Bilinear(Mul), &two);
    rules::<T>("mul [c]", &Bilinear(Mul), &tail);
    rules::<T>("mul []", &Bilinear(Mul), &single);
    rules::<T>("div", &Pointwise(Div), &two);
    rules::<T>("div [c]", &Pointwise(Div), &tail);
    rules::<T>("div []", &Pointwise(Div), &single);
}

/// The four rules of an op on a tile of 16 examples; the second operand is shared where it is the
/// smaller one.
fn rules<T: Scalar>(name: &str, op: &dyn Op<T>, shapes: &[Shape]) {
    let rules = match op.resolve(shapes) {
        Ok(rules) => rules,
        Err(message) => panic!("{name}: {message}"),
    };
    let k = 16;
    let n = rules.shape().size();
    let saved = || SavedMut {
        reals: &mut [],
        indices: &mut [],
    };
    let kept = SavedRef {
        reals: &[],
        indices: &[],
    };
    let tile = Tile {
        len: k,
        ..Tile::default()
    };
    let shared = |s: &Shape| s.size() < n;
    let data: Vec<Vec<T>> = shapes
        .iter()
        .map(|s| numbers(if shared(s) { s.size() } else { k * n }))
        .collect();
    let x: Vec<View<'_, T>> = shapes
        .iter()
        .zip(&data)
        .map(|(s, x)| {
            if shared(s) {
                View::shared(x)
            } else {
                View::tile(x, n)
            }
        })
        .collect();
    let some: Vec<_> = x.iter().copied().map(Some).collect();
    let (g, mut y, mut dy) = (
        numbers::<T>(k * n),
        numbers::<T>(k * n),
        numbers::<T>(k * n),
    );
    let forward = nanoseconds(k * n, || rules.forward(tile, &x, saved(), &mut [], &mut y));
    let at = At {
        tile,
        x: &some,
        y: Some(&y),
        saved: kept,
    };
    let jvp = nanoseconds(k * n, || rules.jvp(&at, &some, &mut [], &mut dy));
    let mut sums: Vec<Vec<T>> = data.iter().map(|x| vec![T::zero(); x.len()]).collect();
    let mut slots: Vec<_> = shapes
        .iter()
        .zip(&mut sums)
        .map(|(s, gx)| {
            if shared(s) {
                Some(Slot::shared(gx))
            } else {
                Some(Slot::tile(gx, n))
            }
        })
        .collect();
    let vjp = nanoseconds(k * n, || rules.vjp(&at, &g, &mut [], &mut slots));
    let both = nanoseconds(k * n, || {
        rules.vjp_jvp(&at, &some, &g, Some(&g), &mut [], &mut slots);
    });
    println!(
        "  {name:12} {} {forward:7.3} {jvp:7.3} {vjp:7.3} {both:7.3}",
        T::NAME
    );
}

/// How long `f`, which computes `n` numbers, takes for each.
fn nanoseconds(n: usize, f: impl FnMut()) -> f64 {
    2.0 / rate(n, f)
}

type Product<T> = fn(Mat<'_, T>, Mat<'_, T>, MatMut<'_, T>);

/// The best rate of `f`, which does `work` multiply-adds.
fn rate(work: usize, mut f: impl FnMut()) -> f64 {
    // Batches of about 20 µs, so that reading the clock costs nothing.
    let start = Instant::now();
    f();
    let once = start.elapsed().max(Duration::from_nanos(20));
    let batch = (20_000 / once.as_nanos()).max(1) as usize;
    let mut best = f64::INFINITY;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(60) {
        let start = Instant::now();
        for _ in 0..batch {
            f();
        }
        best = best.min(start.elapsed().as_secs_f64() / batch as f64);
    }
    2.0 * work as f64 / best * 1e-9
}

fn numbers<T: Scalar>(n: usize) -> Vec<T> {
    (0..n)
        .map(|i| T::from_f64((i % 17) as f64 / 16.0 - 0.5))
        .collect()
}

fn product<T: Scalar>(f: Product<T>, [m, k, n]: [usize; 3], ta: bool, tb: bool) -> f64 {
    let (a, b) = (numbers::<T>(m * k), numbers::<T>(k * n));
    let mut c = numbers::<T>(m * n);
    let view = |x, rows, cols, flip| {
        if flip {
            Mat::new(x, cols, rows).transposed()
        } else {
            Mat::new(x, rows, cols)
        }
    };
    rate(m * k * n, || {
        f(
            view(&a, m, k, ta),
            view(&b, k, n, tb),
            MatMut::new(&mut c, m, n),
        );
    })
}

fn products<T: Scalar>() {
    println!(
        "products {}: m×k×n, then A·B, Aᵀ·B, A·Bᵀ, each ours / gemm crate / picked",
        T::NAME
    );
    for shape in [
        [1, 16, 16],
        [1, 128, 10],
        [1, 784, 512],
        [4, 784, 512],
        [8, 8, 8],
        [16, 16, 16],
        [16, 128, 10],
        [16, 128, 64],
        [16, 576, 128],
        [16, 784, 512],
        [64, 784, 512],
        [24, 24, 24],
        [32, 32, 32],
        [64, 32, 8],
        [48, 48, 48],
        [64, 64, 64],
        [96, 96, 96],
        [128, 128, 128],
        [128, 16, 128],
        [128, 128, 10],
        [512, 16, 784],
        [784, 25, 32],
        [196, 288, 64],
        [192, 192, 192],
        [256, 256, 256],
        [384, 384, 384],
        [256, 784, 512],
        [784, 256, 512],
        [196, 2304, 256],
        [49, 4608, 512],
        [1024, 1024, 1024],
    ] {
        print!("  {:14}", format!("{}×{}×{}", shape[0], shape[1], shape[2]));
        for (ta, tb) in [(false, false), (true, false), (false, true)] {
            for f in [small::<T> as Product<T>, large, gemm] {
                print!(" {:6.1}", product(f, shape, ta, tb));
            }
            print!("  |");
        }
        println!();
    }
}

fn convolutions<T: Scalar>() {
    println!(
        "convolutions {}: forward, adjoint in the weight, adjoint in the image (weight \
         prepared per image, per tile)",
        T::NAME
    );
    for (name, image, weight, options) in layers() {
        let (stride, dilation, padding, groups) = options;
        let g = match ConvGeometry::new(image, weight, stride, dilation, padding, groups) {
            Ok(g) => g,
            Err(message) => panic!("{name}: {message}"),
        };
        let (mut x, mut w) = (numbers::<T>(g.image_len()), numbers::<T>(g.weight_len()));
        let mut y = numbers::<T>(g.output_len());
        let mut scratch = vec![T::zero(); conv2d::scratch_len(&g)];
        let forward = rate(g.work(), || {
            conv2d::forward(&g, &x, &w, &mut scratch, &mut y)
        });
        let image = rate(g.work(), || {
            conv2d::adjoint_image(&g, &y, &w, &mut scratch, &mut x)
        });
        let prepared = {
            let mut adjoint = conv2d::ImageAdjoint::new(&g, &w, &mut scratch);
            rate(g.work(), || adjoint.add(&y, &mut x))
        };
        let weight = rate(g.work(), || {
            conv2d::adjoint_weight(&g, &x, &y, &mut scratch, &mut w)
        });
        println!("  {name:36} {forward:7.1} {weight:7.1} {image:7.1} {prepared:7.1}");
    }
}

type Options = ([usize; 2], [usize; 2], [usize; 4], usize);

fn layers() -> Vec<(&'static str, [usize; 3], [usize; 4], Options)> {
    let same = |k: usize| ([1, 1], [1, 1], [(k - 1) / 2, k / 2, (k - 1) / 2, k / 2], 1);
    vec![
        (
            "W2 28×28×1 5×5×32 same",
            [28, 28, 1],
            [5, 5, 1, 32],
            same(5),
        ),
        (
            "W2 14×14×32 3×3×64 same",
            [14, 14, 32],
            [3, 3, 32, 64],
            same(3),
        ),
        ("W2 7×7×64 3×3×64 same", [7, 7, 64], [3, 3, 64, 64], same(3)),
        (
            "W3 32×32×3 5×5×32 same",
            [32, 32, 3],
            [5, 5, 3, 32],
            same(5),
        ),
        (
            "W3 16×16×32 3×3×64 same",
            [16, 16, 32],
            [3, 3, 32, 64],
            same(3),
        ),
        (
            "W3 8×8×64 3×3×128 same",
            [8, 8, 64],
            [3, 3, 64, 128],
            same(3),
        ),
        (
            "28×28×3 5×5×32 valid",
            [28, 28, 3],
            [5, 5, 3, 32],
            ([1, 1], [1, 1], [0; 4], 1),
        ),
        (
            "13×11×24 3×3×40 same",
            [13, 11, 24],
            [3, 3, 24, 40],
            same(3),
        ),
        (
            "12×12×6 5×5×16 valid (LeNet)",
            [12, 12, 6],
            [5, 5, 6, 16],
            ([1, 1], [1, 1], [0; 4], 1),
        ),
        (
            "56×56×64 3×3×64 same",
            [56, 56, 64],
            [3, 3, 64, 64],
            same(3),
        ),
        (
            "14×14×256 3×3×256 same",
            [14, 14, 256],
            [3, 3, 256, 256],
            same(3),
        ),
        (
            "7×7×512 3×3×512 same",
            [7, 7, 512],
            [3, 3, 512, 512],
            same(3),
        ),
        (
            "14×14×1024 1×1×512",
            [14, 14, 1024],
            [1, 1, 1024, 512],
            same(1),
        ),
        (
            "32×32×16 3×3×16 same",
            [32, 32, 16],
            [3, 3, 16, 16],
            same(3),
        ),
        ("32×32×8 3×3×8 same", [32, 32, 8], [3, 3, 8, 8], same(3)),
        ("14×14×32 1×1×64", [14, 14, 32], [1, 1, 32, 64], same(1)),
        (
            "16×16×32 3×3×64 stride 2",
            [16, 16, 32],
            [3, 3, 32, 64],
            ([2, 2], [1, 1], [1; 4], 1),
        ),
        (
            "16×16×64 3×3×64 depthwise",
            [16, 16, 64],
            [3, 3, 1, 64],
            ([1, 1], [1, 1], [1; 4], 64),
        ),
    ]
}
