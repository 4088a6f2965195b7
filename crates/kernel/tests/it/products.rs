//! Products of matrices of random shapes and strides.

use crate::in_each;
use crate::numbers::{assert_close, numbers};
use crate::twins::integers;
use osculant_kernel::gemm::{Mat, MatMut, gemm, large, small};
use osculant_kernel::{InstructionSet, Scalar};
use proptest::prelude::*;

type Product<T> = fn(Mat<'_, T>, Mat<'_, T>, MatMut<'_, T>);

/// m, k, n; which factors are transposed; gaps between the rows of A, B and C.
fn products() -> impl Strategy<Value = ([usize; 3], [bool; 2], [usize; 3])> {
    let size = || prop_oneof![4 => 1usize..20, 2 => 1usize..80, 1 => Just(0)];
    (
        [size(), size(), size()],
        any::<[bool; 2]>(),
        [0usize..3, 0usize..3, 0usize..3],
    )
}

fn check_product<T: Scalar>(
    product: Product<T>,
    [m, k, n]: [usize; 3],
    [ta, tb]: [bool; 2],
    gaps: [usize; 3],
) {
    // A factor is stored as it is or transposed, its rows `gap` numbers apart.
    let factor = |rows: usize, cols: usize, flip: bool, gap: usize, seed: u64| {
        let (down, across) = if flip { (cols, rows) } else { (rows, cols) };
        let stride = across + gap;
        (numbers::<T>(down * stride, seed), stride)
    };
    let (a, a_stride) = factor(m, k, ta, gaps[0], 1);
    let (b, b_stride) = factor(k, n, tb, gaps[1], 2);
    let c_stride = n + gaps[2];
    let before = numbers::<T>(m * c_stride, 3);

    let view = |data, rows, cols, stride, flip| {
        if flip {
            Mat::strided(data, cols, rows, stride, 1).transposed()
        } else {
            Mat::strided(data, rows, cols, stride, 1)
        }
    };
    let (va, vb) = (view(&a, m, k, a_stride, ta), view(&b, k, n, b_stride, tb));
    let mut added = before.clone();
    product(va, vb, MatMut::strided(&mut added, m, n, c_stride));
    // Written over what nobody may read; what lies between rows stays.
    let mut over = before.clone();
    over.chunks_mut(c_stride.max(1))
        .for_each(|row| row[..n].fill(T::nan()));
    let room = MatMut::strided(&mut over, m, n, c_stride);
    product(va, vb, room.adding(false));

    let at = |x: &[T], i: usize, j: usize, stride: usize, flip: bool| {
        x[if flip { j * stride + i } else { i * stride + j }].to_f64()
    };
    for i in 0..m {
        for j in 0..c_stride {
            let (place, was) = (i * c_stride + j, before[i * c_stride + j].to_f64());
            let sum: f64 = (0..k)
                .filter(|_| j < n)
                .map(|l| at(&a, i, l, a_stride, ta) * at(&b, l, j, b_stride, tb))
                .sum();
            let entry = |how: &str| format!("entry {i}, {j}, {how}");
            assert_close(added[place], was + sum, k, || entry("added"));
            let want = if j < n { sum } else { was };
            assert_close(over[place], want, k, || entry("written over"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn small_products_are_right_for_any_strides((shape, flips, gaps) in products()) {
        in_each(|| check_product::<f32>(small, shape, flips, gaps));
        in_each(|| check_product::<f64>(small, shape, flips, gaps));
    }

    #[test]
    fn large_products_are_right_for_any_strides((shape, flips, gaps) in products()) {
        check_product::<f32>(large, shape, flips, gaps);
        check_product::<f64>(large, shape, flips, gaps);
    }

    #[test]
    fn products_are_right_whichever_kernel_is_picked((shape, flips, gaps) in products()) {
        in_each(|| check_product::<f32>(gemm, shape, flips, gaps));
        in_each(|| check_product::<f64>(gemm, shape, flips, gaps));
    }
}

#[test]
fn a_deep_transposed_product_takes_several_panels() {
    in_each(|| check_product::<f32>(small, [9, 700, 40], [false, true], [1, 0, 2]));
    in_each(|| check_product::<f64>(small, [9, 700, 40], [true, true], [1, 0, 2]));
}

#[test]
fn a_deep_product_copies_panels_whose_rows_lie_far_apart() {
    in_each(|| check_product::<f32>(small, [30, 300, 40], [false, false], [1, 500, 2]));
    in_each(|| check_product::<f64>(small, [25, 300, 45], [true, false], [0, 500, 0]));
}

/// A small product of integers, exactly.
fn check_small<T: Scalar>([m, k, n]: [usize; 3], ta: bool, tb: bool) {
    let (a, b) = (integers::<T>(m * k), integers::<T>(k * n));
    let mut c = integers::<T>(m * n);
    let mut product = vec![T::zero(); m * n];
    let a = if ta {
        Mat::new(&a, k, m).transposed()
    } else {
        Mat::new(&a, m, k)
    };
    let b = if tb {
        Mat::new(&b, n, k).transposed()
    } else {
        Mat::new(&b, k, n)
    };
    let at = |x: &Mat<'_, T>, i, j| x.data()[i * x.row_stride() + j * x.col_stride()];
    for i in 0..m {
        for j in 0..n {
            for l in 0..k {
                product[i * n + j] += at(&a, i, l) * at(&b, l, j);
            }
        }
    }
    let case = format!(
        "{} {}: {m}×{k}×{n} {ta} {tb}",
        InstructionSet::current().name(),
        T::NAME
    );
    let sum: Vec<T> = c.iter().zip(&product).map(|(&c, &p)| c + p).collect();
    let view = MatMut::new(&mut c, m, n);
    small(a, b, view);
    assert_eq!(c, sum, "{case}, added");
    c.fill(T::nan());
    let view = MatMut::new(&mut c, m, n).adding(false);
    small(a, b, view);
    assert_eq!(c, product, "{case}, written over");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn small_products_agree_in_every_instruction_set(
        shape in [1usize..40, 1usize..150, 1usize..70], ta: bool, tb: bool,
    ) {
        in_each(|| check_small::<f32>(shape, ta, tb));
        in_each(|| check_small::<f64>(shape, ta, tb));
    }
}

#[test]
fn a_turned_factor_is_read_where_it_lies_in_every_instruction_set() {
    // Several panels of A and of the result along every axis, the last ones cut.
    for shape in [[16, 200, 300], [33, 301, 500], [70, 520, 1300]] {
        for ta in [false, true] {
            in_each(|| check_small::<f32>(shape, ta, true));
            in_each(|| check_small::<f64>(shape, ta, true));
        }
    }
}

#[test]
fn a_product_in_parts_is_written_over_once_in_every_instruction_set() {
    // 720 kB of B and more, copied a part at a time.
    for shape in [[30, 300, 600], [64, 1100, 170]] {
        in_each(|| check_small::<f32>(shape, true, false));
        in_each(|| check_small::<f64>(shape, false, false));
    }
}
