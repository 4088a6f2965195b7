//! Contractions over nested axes.

use crate::in_each;
use crate::twins::integers;
use osculant_kernel::contraction::{Contraction, Rows, Terms};
use osculant_kernel::{InstructionSet, Scalar};
use proptest::prelude::*;

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

fn check_contraction<T: Scalar>(rows: Rows, terms: Terms, cols: usize, lanes: bool) {
    let (row_at, a_at) = (
        positions(rows.count, rows.a),
        positions(terms.count, terms.a),
    );
    let b_at = positions(terms.count, terms.b);
    let most = |at: &[usize]| at.iter().max().copied().unwrap_or(0);
    let a = integers::<T>(most(&row_at) + most(&a_at) + cols);
    let b = integers::<T>(most(&b_at) + cols);
    let c_row = cols + 2;
    let mut c = integers::<T>(row_at.len() * c_row);
    let mut want = c.clone();
    for (i, &row) in row_at.iter().enumerate() {
        for (&at, &b_at) in a_at.iter().zip(&b_at) {
            for j in 0..cols {
                want[i * c_row + j] += a[row + at + if lanes { j } else { 0 }] * b[b_at + j];
            }
        }
    }
    Contraction {
        rows,
        terms,
        cols,
        a: &a,
        b: &b,
        c: &mut c,
        c_row,
        lane_by_lane: lanes,
    }
    .dispatch();
    assert_eq!(
        c,
        want,
        "{} {}: {rows:?} {terms:?} {cols} {lanes}",
        InstructionSet::current().name(),
        T::NAME
    );
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
        in_each(|| check_contraction::<f32>(rows, terms, cols, lanes));
        in_each(|| check_contraction::<f64>(rows, terms, cols, lanes));
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
            in_each(|| check_contraction::<f32>(rows, terms, cols, false));
            in_each(|| check_contraction::<f64>(rows, terms, cols, false));
        }
    }
}
