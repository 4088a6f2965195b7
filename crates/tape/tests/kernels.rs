//! The kernels against naive twins, over random shapes.

mod twins;

use osculant_tape::Scalar;
use osculant_tape::kernel::gemm::{Mat, MatMut, gemm, large, small};
use proptest::prelude::*;
use twins::{assert_close, numbers};

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
    let mut c = numbers::<T>(m * c_stride, 3);
    let before = c.clone();

    let view = |data, rows, cols, stride, flip| match flip {
        false => Mat::strided(data, rows, cols, stride, 1),
        true => Mat::strided(data, cols, rows, stride, 1).transposed(),
    };
    product(
        view(&a, m, k, a_stride, ta),
        view(&b, k, n, b_stride, tb),
        MatMut::strided(&mut c, m, n, c_stride),
    );

    let at = |x: &[T], i: usize, j: usize, stride: usize, flip: bool| {
        x[if flip { j * stride + i } else { i * stride + j }].to_f64()
    };
    for i in 0..m {
        for j in 0..c_stride {
            let sum: f64 = (0..k)
                .filter(|_| j < n)
                .map(|l| at(&a, i, l, a_stride, ta) * at(&b, l, j, b_stride, tb))
                .sum();
            let want = before[i * c_stride + j].to_f64() + sum;
            assert_close(c[i * c_stride + j], want, k, || format!("entry {i}, {j}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn small_products_are_right_for_any_strides((shape, flips, gaps) in products()) {
        check_product::<f32>(small, shape, flips, gaps);
        check_product::<f64>(small, shape, flips, gaps);
    }

    #[test]
    fn large_products_are_right_for_any_strides((shape, flips, gaps) in products()) {
        check_product::<f32>(large, shape, flips, gaps);
        check_product::<f64>(large, shape, flips, gaps);
    }

    #[test]
    fn products_are_right_whichever_kernel_is_picked((shape, flips, gaps) in products()) {
        check_product::<f32>(gemm, shape, flips, gaps);
        check_product::<f64>(gemm, shape, flips, gaps);
    }
}

#[test]
fn a_deep_transposed_product_takes_several_panels() {
    check_product::<f32>(small, [9, 700, 40], [false, true], [1, 0, 2]);
    check_product::<f64>(small, [9, 700, 40], [true, true], [1, 0, 2]);
}
