//! The vector kernels in every instruction set that this machine has, against a plain loop.
//!
//! `tests/kernels.rs` compares whole products and convolutions with their twins, in the instruction
//! set that this machine prefers.

use super::contraction::{Contraction, Rows, Terms};
use super::gemm::{Mat, MatMut};
use super::simd::Lane;
use super::small::Small;
use proptest::prelude::*;
use pulp::{Scalar as OneLane, WithSimd};

/// Runs a kernel in one instruction set.
pub(super) trait Run {
    fn name(&self) -> &'static str;
    fn run<K: WithSimd>(&self, kernel: K);
}

pub(super) struct OneByOne;
impl Run for OneByOne {
    fn name(&self) -> &'static str {
        "scalar"
    }
    fn run<K: WithSimd>(&self, kernel: K) {
        kernel.with_simd(OneLane);
    }
}

macro_rules! instruction_set {
    ($name:ident) => {
        #[cfg(target_arch = "x86_64")]
        impl Run for pulp::x86::$name {
            fn name(&self) -> &'static str {
                stringify!($name)
            }
            fn run<K: WithSimd>(&self, kernel: K) {
                pulp::Simd::vectorize(*self, kernel);
            }
        }
    };
}
instruction_set!(V3);
instruction_set!(V4);

/// Calls a generic function with every instruction set that there is.
macro_rules! in_each {
    ($check:ident::<$t:ty>($($arg:expr),*)) => {
        $check::<$t>(&$crate::kernel::tests::OneByOne $(, $arg)*);
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(v3) = pulp::x86::V3::try_new() {
                $check::<$t>(&v3 $(, $arg)*);
            }
            if let Some(v4) = pulp::x86::V4::try_new() {
                $check::<$t>(&v4 $(, $arg)*);
            }
        }
    };
}

pub(super) use in_each;

fn numbers<L: Lane>(n: usize) -> Vec<L> {
    // Small integers: sums are exact, in any order.
    (0..n)
        .map(|i| L::from_f64(((i * 7 + i / 5) % 11) as f64 - 5.0))
        .collect()
}

/// Every position that nested axes reach, in order.
fn positions(count: [usize; 3], stride: [usize; 3]) -> Vec<usize> {
    let mut all = Vec::new();
    for i in 0..count[0] {
        for j in 0..count[1] {
            for k in 0..count[2] {
                all.push(i * stride[0] + j * stride[1] + k * stride[2]);
            }
        }
    }
    all
}

fn check_contraction<L: Lane>(set: &impl Run, rows: Rows, terms: Terms, cols: usize, lanes: bool) {
    let (row_at, a_at) = (
        positions(rows.count, rows.a),
        positions(terms.count, terms.a),
    );
    let b_at = positions(terms.count, terms.b);
    let most = |at: &[usize]| at.iter().max().copied().unwrap_or(0);
    let a = numbers::<L>(most(&row_at) + most(&a_at) + cols);
    let b = numbers::<L>(most(&b_at) + cols);
    let c_row = cols + 2;
    let mut c = numbers::<L>(row_at.len() * c_row);
    let mut want = c.clone();
    for (i, &row) in row_at.iter().enumerate() {
        for (&at, &b_at) in a_at.iter().zip(&b_at) {
            for j in 0..cols {
                want[i * c_row + j] += a[row + at + if lanes { j } else { 0 }] * b[b_at + j];
            }
        }
    }
    set.run(Contraction {
        rows,
        terms,
        cols,
        a: &a,
        b: &b,
        c: &mut c,
        c_row,
        lane_by_lane: lanes,
    });
    assert_eq!(
        c,
        want,
        "{} {}: {rows:?} {terms:?} {cols} {lanes}",
        set.name(),
        L::NAME
    );
}

fn check_small<L: Lane>(set: &impl Run, [m, k, n]: [usize; 3], ta: bool, tb: bool) {
    let (a, b) = (numbers::<L>(m * k), numbers::<L>(k * n));
    let mut c = numbers::<L>(m * n);
    let mut product = vec![L::zero(); m * n];
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
    let at = |x: &Mat<'_, L>, i, j| x.data()[i * x.row_stride() + j * x.col_stride()];
    for i in 0..m {
        for j in 0..n {
            for l in 0..k {
                product[i * n + j] += at(&a, i, l) * at(&b, l, j);
            }
        }
    }
    let case = format!("{} {}: {m}×{k}×{n} {ta} {tb}", set.name(), L::NAME);
    let sum: Vec<L> = c.iter().zip(&product).map(|(&c, &p)| c + p).collect();
    let view = MatMut::new(&mut c, m, n);
    set.run(Small { a, b, c: view });
    assert_eq!(c, sum, "{case}, added");
    c.fill(L::nan());
    let view = MatMut::new(&mut c, m, n).adding(false);
    set.run(Small { a, b, c: view });
    assert_eq!(c, product, "{case}, written over");
}

fn axes(longest: usize) -> impl Strategy<Value = [usize; 3]> {
    [1..=2usize, 1..=3usize, 1..=longest]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn contractions_agree_in_every_instruction_set(
        row_count in axes(9), row_stride: [u8; 3],
        term_count in axes(9), a_stride: [u8; 3], b_stride: [u8; 3],
        cols in 1usize..150, lanes: bool, nested: bool,
    ) {
        let small = |stride: [u8; 3]| stride.map(|s| usize::from(s % 40));
        let rows = Rows { count: row_count, a: small(row_stride) };
        let mut terms = Terms { count: term_count, a: small(a_stride), b: small(b_stride) };
        if nested {
            // Axes that continue each other and merge.
            let [_, n1, n2] = term_count;
            let nest = |s: [usize; 3]| [n1 * n2 * s[2], n2 * s[2], s[2]];
            (terms.a, terms.b) = (nest(terms.a), nest(terms.b));
        }
        in_each!(check_contraction::<f32>(rows, terms, cols, lanes));
        in_each!(check_contraction::<f64>(rows, terms, cols, lanes));
    }

    #[test]
    fn small_products_agree_in_every_instruction_set(
        shape in [1usize..40, 1usize..150, 1usize..70], ta: bool, tb: bool,
    ) {
        in_each!(check_small::<f32>(shape, ta, tb));
        in_each!(check_small::<f64>(shape, ta, tb));
    }
}

#[test]
fn a_turned_factor_is_read_where_it_lies_in_every_instruction_set() {
    // Several panels of A and of the result along every axis, the last ones cut.
    for shape in [[16, 200, 300], [33, 301, 500], [70, 520, 1300]] {
        for ta in [false, true] {
            in_each!(check_small::<f32>(shape, ta, true));
            in_each!(check_small::<f64>(shape, ta, true));
        }
    }
}

#[test]
fn a_product_in_parts_is_written_over_once_in_every_instruction_set() {
    // 720 kB of B and more, copied a part at a time.
    for shape in [[30, 300, 600], [64, 1100, 170]] {
        in_each!(check_small::<f32>(shape, true, false));
        in_each!(check_small::<f64>(shape, false, false));
    }
}

#[test]
fn panels_are_copied_in_every_instruction_set() {
    // Terms reach over 600 kB of B; the parts end within each of the axes.
    let rows = Rows {
        count: [1, 5, 6],
        a: [0, 50, 1],
    };
    for (count, a) in [
        ([1, 1, 300], [0, 0, 3]),
        ([2, 3, 50], [7, 90, 2]),
        ([2, 40, 4], [11, 5, 1]),
    ] {
        let row = 600_000 / (4 * count.iter().product::<usize>());
        let b = [count[1] * count[2] * row + 1, count[2] * row + 3, row];
        let terms = Terms { count, a, b };
        for cols in [5, 16, 35, 70] {
            in_each!(check_contraction::<f32>(rows, terms, cols, false));
            in_each!(check_contraction::<f64>(rows, terms, cols, false));
        }
    }
}
