//! Dense layers, matrix products and convolutions as ops: every way in which operands and
//! cotangents may be shared or differ per example gives the sums that the definition asks for.

use crate::numbers::{assert_close, numbers};
use osculant_tape::check::Cases;
use osculant_tape::kind::{BilinearMap, BilinearOp};
use osculant_tape::ops::{Conv2d, Dense, MatMul, Padding};
use osculant_tape::{Scalar, Shape, Slot, View};
use proptest::prelude::*;

/// Examples of one operand: shared, or each with its own numbers and a gap behind them.
struct Examples<T> {
    data: Vec<T>,
    len: usize,
    stride: usize,
}

impl<T: Scalar> Examples<T> {
    fn new(k: usize, len: usize, shared: bool, gap: usize, seed: u64) -> Self {
        let stride = if shared { 0 } else { len + gap };
        let n = if shared { len } else { k * stride };
        Examples {
            data: numbers(n, seed),
            len,
            stride,
        }
    }

    fn view(&self) -> View<'_, T> {
        View::strided(&self.data, self.len, self.stride)
    }
}

/// B(a, b), Bᵀ in a and Bᵀ in b for one example, as the sum over examples is made of.
fn single<T: Scalar>(map: &dyn BilinearMap<T>, a: &[T], b: &[T], g: &[T]) -> [Vec<T>; 3] {
    let mut scratch = vec![T::nan(); map.scratch(1)];
    let [mut y, mut ga, mut gb] = [g.len(), a.len(), b.len()].map(|n| vec![T::zero(); n]);
    let (va, vb) = (View::tile(a, a.len()), View::shared(b));
    map.apply(1, va, vb, &mut scratch, &mut y);
    map.adjoint_a(1, g, vb, &mut scratch, &mut Slot::shared(&mut ga));
    map.adjoint_b(1, va, g, &mut scratch, &mut Slot::shared(&mut gb));
    [y, ga, gb]
}

fn dot<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| a.to_f64() * b.to_f64())
        .sum()
}

fn check_op<T: Scalar, B: BilinearOp>(op: &B, shapes: &[Shape], k: usize, shared: [bool; 2]) {
    let map = op.resolve::<T>(&shapes[0], &shapes[1]).unwrap();
    let map = &*map;
    let n = map.shape().size();
    let terms = k * (shapes[0].size() + shapes[1].size() + n);
    let mut scratch = vec![T::nan(); map.scratch(k)];
    let a = Examples::<T>::new(k, shapes[0].size(), shared[0], 3, 1);
    let b = Examples::<T>::new(k, shapes[1].size(), shared[1], 2, 2);
    let g = numbers::<T>(k * n, 3);
    let close = |name: &str, got: &[T], want: &[f64]| {
        assert_eq!(got.len(), want.len());
        for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
            assert_close(got, want, terms, || {
                format!("{name} entry {i}, {op:?} of {shapes:?}, {k} examples, shared {shared:?}")
            });
        }
    };
    let singles: Vec<[Vec<T>; 3]> = (0..k)
        .map(|i| {
            single(
                map,
                a.view().example(i),
                b.view().example(i),
                &g[i * n..][..n],
            )
        })
        .collect();
    // The definition of an adjoint: ⟨g, B(a, b)⟩ = ⟨Bᵀg, a⟩ = ⟨Bᵀg, b⟩.
    for (i, [y, ga, gb]) in singles.iter().enumerate() {
        let want = dot(&g[i * n..][..n], y);
        for other in [dot(ga, a.view().example(i)), dot(gb, b.view().example(i))] {
            assert_close(T::from_f64(other), want, terms, || {
                format!("adjoint, {op:?}")
            });
        }
    }

    let one = |j: usize| {
        singles
            .iter()
            .flat_map(move |s| s[j].iter().map(|&x| x.to_f64()))
    };
    let plus_one = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x + 1.0).collect::<Vec<_>>();
    let mut y = vec![T::one(); k * n];
    map.apply(k, a.view(), b.view(), &mut scratch, &mut y);
    close("output", &y, &plus_one(&mut one(0)));

    for (j, len) in [(1, a.len), (2, b.len)] {
        let mut adjoint = |slot: &mut Slot<'_, T>| match j {
            1 => map.adjoint_a(k, &g, b.view(), &mut scratch, slot),
            _ => map.adjoint_b(k, a.view(), &g, &mut scratch, slot),
        };
        let mut each = vec![T::one(); k * len];
        adjoint(&mut Slot::tile(&mut each, len));
        close("cotangent per example", &each, &plus_one(&mut one(j)));

        let mut sum = vec![T::one(); len];
        adjoint(&mut Slot::shared(&mut sum));
        let mut want = vec![1.0; len];
        for (i, x) in one(j).enumerate() {
            want[i % len] += x;
        }
        close("summed cotangent", &sum, &want);

        if let (2, Some((row, deferred))) = (j, map.deferred()) {
            // In ranges of a row each, from cotangents with gaps between examples.
            let gap = 5;
            let mut apart = vec![T::nan(); k * (n + gap)];
            for (to, from) in apart.chunks_mut(n + gap).zip(g.chunks(n)) {
                to[..n].copy_from_slice(from);
            }
            for view in [View::strided(&apart, n, n + gap), View::tile(&g, n)] {
                let mut sum = vec![T::one(); len];
                for (i, sum) in sum.chunks_mut(2 * row).enumerate() {
                    let start = i * 2 * row;
                    deferred.sum_range(k, a.view(), view, start..start + sum.len(), sum);
                }
                close("deferred cotangent", &sum, &want);
            }
        }
    }
}

fn check_both<B: BilinearOp>(op: &B, shapes: &[Shape], k: usize, shared: [bool; 2]) {
    check_op::<f32, B>(op, shapes, k, shared);
    check_op::<f64, B>(op, shapes, k, shared);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn dense_sums_over_examples((op, shapes) in Dense::cases(), k in 1usize..5, shared: [bool; 2]) {
        check_both(&op, &shapes, k, shared);
    }

    #[test]
    fn matmul_sums_over_examples((op, shapes) in MatMul::cases(), k in 1usize..5, shared: [bool; 2]) {
        check_both(&op, &shapes, k, shared);
    }

    #[test]
    fn conv2d_sums_over_examples((op, shapes) in Conv2d::cases(), k in 1usize..4, shared: [bool; 2]) {
        check_both(&op, &shapes, k, shared);
    }
}

#[test]
fn same_padding_puts_an_odd_pixel_at_the_end() {
    // One row of four pixels, a kernel of two, stride 1: one pixel of padding, on the right.
    let op = Conv2d {
        padding: Padding::Same,
        ..Conv2d::default()
    };
    let map = op
        .resolve::<f64>(&Shape::new(&[1, 4, 1]), &Shape::new(&[1, 2, 1, 1]))
        .unwrap();
    assert_eq!(**map.shape(), [1, 4, 1]);
    let mut y = [0.0; 4];
    let mut scratch = vec![0.0; map.scratch(1)];
    let (x, w) = ([1.0, 2.0, 3.0, 4.0], [10.0, 1.0]);
    map.apply(1, View::shared(&x), View::shared(&w), &mut scratch, &mut y);
    assert_eq!(y, [12.0, 23.0, 34.0, 40.0]);
}

#[test]
fn mistakes_are_explained() {
    let says = |result: Result<Box<dyn BilinearMap<f32>>, String>, what: &str| match result {
        Ok(map) => panic!("{map:?} should not resolve"),
        Err(message) => assert!(message.contains(what), "{message}"),
    };
    let shape = |axes: &[usize]| Shape::new(axes);
    says(
        Dense.resolve(&shape(&[4, 3]), &shape(&[5, 2])),
        "must be [3, 2]",
    );
    says(Dense.resolve(&shape(&[]), &shape(&[5, 2])), "single number");
    says(Dense.resolve(&shape(&[5]), &shape(&[5])), "it needs two");
    says(MatMul.resolve(&shape(&[4, 3]), &shape(&[5, 2])), "length 3");
    says(MatMul.resolve(&shape(&[3]), &shape(&[3])), "two matrices");
    says(
        MatMul.resolve(&shape(&[usize::MAX, 1]), &shape(&[1, usize::MAX])),
        "too large",
    );
    let conv = Conv2d::default();
    says(
        conv.resolve(&shape(&[5, 5]), &shape(&[3, 3, 1, 1])),
        "three",
    );
    says(conv.resolve(&shape(&[5, 5, 1]), &shape(&[3, 3, 1])), "four");
    let stride = Conv2d {
        stride: [0, 1],
        padding: Padding::Same,
        ..Conv2d::default()
    };
    says(
        stride.resolve(&shape(&[5, 5, 1]), &shape(&[3, 3, 1, 1])),
        "stride is [0, 1]",
    );
    let far = Conv2d {
        dilation: [usize::MAX, 1],
        padding: Padding::Same,
        ..Conv2d::default()
    };
    says(
        far.resolve(&shape(&[5, 5, 1]), &shape(&[3, 3, 1, 1])),
        "too many to count",
    );
}
