//! Sums, products and searches on plain vectors.

use crate::in_each;
use crate::numbers::{assert_close, numbers};
use osculant_kernel::reduce::{add_product, add_product_fold, add_scaled_fold, dot, sum};
use osculant_kernel::sensitivity::{add_products, transposed_products};
use osculant_kernel::{Scalar, copy_finite, first_not_finite, outer_product};

#[test]
fn a_shorter_operand_repeats() {
    let mut y = [1.0, 1.0, 1.0, 1.0];
    add_product(&[2.0, 3.0], &[1.0, 2.0, 3.0, 4.0], &mut y);
    assert_eq!(y, [3.0, 7.0, 7.0, 13.0]);
}

#[test]
fn a_shorter_cotangent_sums_its_repetitions() {
    let mut y = [1.0, 1.0];
    add_product_fold(&[1.0, 2.0, 3.0, 4.0], &[1.0, 1.0, 2.0, 2.0], &mut y);
    assert_eq!(y, [8.0, 11.0]);
    let mut y = [1.0];
    add_scaled_fold(2.0, &[1.0; 11], &mut y);
    assert_eq!(y, [23.0]);
}

#[test]
fn sums_accumulate_in_f64() {
    let x = [1e8f32, 1.0, -1e8, 1.0, 1e8, 1.0, -1e8, 1.0, 1.0];
    assert_eq!(sum(&x), 5.0);
    assert_eq!(dot(&x, &[1.0; 9]), 5.0);
}

#[test]
fn every_number_of_an_outer_product_is_a_product() {
    in_each(|| {
        let mut out = [9.0f32; 6];
        outer_product(&[2.0, -3.0], &[1.0, 0.5, 4.0], &mut out);
        assert_eq!(out, [2.0, 1.0, 8.0, -3.0, -1.5, -12.0]);
    });
}

#[test]
fn a_fault_is_found_wherever_it_stands() {
    in_each(check_faults);
}

fn check_faults() {
    // Around one part of 8,192 numbers, several, and more than one thread looks through.
    for n in [1, 5, 64, 100, 8195, 3 * 8192, 16 * 8192 + 70] {
        let mut x = vec![f32::MAX; n];
        assert_eq!(first_not_finite(&x), None);
        let mut copy = vec![0.0; n];
        assert_eq!(rayon::join(|| copy_finite(&x, &mut copy), || ()).0, None);
        assert_eq!(copy, x);
        for i in [0, n / 2, n - 1] {
            for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                x[i] = wrong;
                assert_eq!(first_not_finite(&x), Some(i));
                assert_eq!(copy_finite(&x, &mut vec![0.0; n]), Some(i));
                let in_pool = || (first_not_finite(&x), copy_finite(&x, &mut vec![0.0; n]));
                assert_eq!(rayon::join(in_pool, || ()).0, (Some(i), Some(i)));
            }
            x[i] = -0.0;
        }
        x[n - 1] = f32::NAN;
        x[n / 2] = f32::INFINITY;
        assert_eq!(first_not_finite(&x), Some(n / 2));
    }
}

/// Against plain loops, at lengths around whole vectors and blocks of rows.
fn check_sensitivities<T: Scalar>() {
    for (k, m, len) in [
        (1, 1, 1),
        (3, 1, 7),
        (2, 1, 100),
        (2, 3, 8),
        (3, 4, 16),
        (2, 5, 33),
        (1, 10, 129),
        (2, 13, 64),
    ] {
        let s = numbers::<T>(k * m * len, 1);
        let (dy, u) = (numbers::<T>(k * len, 2), numbers::<T>(k * m, 3));
        let (mut dz, mut g) = (numbers::<T>(k * m, 4), numbers::<T>(k * len, 5));
        let mut expected_dz: Vec<f64> = dz.iter().map(|&x| x.to_f64()).collect();
        let mut expected_g = vec![0.0; k * len];
        for i in 0..k {
            for j in 0..m {
                for t in 0..len {
                    let s = s[(i * m + j) * len + t].to_f64();
                    expected_dz[i * m + j] += s * dy[i * len + t].to_f64();
                    expected_g[i * len + t] += s * u[i * m + j].to_f64();
                }
            }
        }
        add_products((m, len), &s, &dy, &mut dz);
        transposed_products((m, len), &s, &u, &mut g);
        for (&x, &y) in dz.iter().zip(&expected_dz).chain(g.iter().zip(&expected_g)) {
            assert_close(x, y, m.max(len), || format!("{k}, {m}, {len}"));
        }
    }
}

#[test]
fn products_with_s_are_those_of_plain_loops() {
    in_each(check_sensitivities::<f32>);
    in_each(check_sensitivities::<f64>);
}
