//! Flat vectors: right, exact about order, the same on any number of threads.

use osculant_optim::vector;
use osculant_tape::Random;

fn on_threads<R: Send>(n: usize, f: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(n)
        .build()
        .unwrap();
    pool.install(f)
}

fn random(seed: u64, n: usize) -> Vec<f32> {
    let mut v = vec![0.0; n];
    Random::new(seed, 0).normal(1.0, &mut v);
    v
}

#[test]
fn inner_products_have_the_same_bits_on_any_number_of_threads() {
    // Around one chunk, the threshold of parallelism, and one round of chunk sums.
    let (chunk, round) = (vector::CHUNK, 64 * vector::CHUNK);
    for n in [
        1,
        7,
        chunk - 1,
        chunk + 1,
        vector::PARALLEL + 3,
        round,
        round + 1,
        2 * round + 5,
    ] {
        let (x, y) = (random(1, n), random(2, n));
        let one = on_threads(1, || vector::dot(&x, &y).unwrap());
        for threads in [2, 3, 16] {
            let many = on_threads(threads, || vector::dot(&x, &y).unwrap());
            assert_eq!(
                one.to_bits(),
                many.to_bits(),
                "{n} numbers, {threads} threads"
            );
        }
        let naive: f64 = x
            .iter()
            .zip(&y)
            .map(|(&x, &y)| f64::from(x) * f64::from(y))
            .sum();
        assert!(
            (one - naive).abs() <= 1e-12 * n as f64,
            "{n}: {one} {naive}"
        );
    }
}

#[test]
fn sums_are_accumulated_in_f64() {
    // In f32, 2²⁴ + 1 = 2²⁴.
    let mut x = vec![1.0f32; 10_001];
    x[0] = 4096.0;
    assert_eq!(vector::norm_squared(&x), 16_777_216.0 + 10_000.0);
}

#[test]
fn updates_equal_plain_loops_at_any_length() {
    for n in [0, 1, 100, vector::PARALLEL, vector::PARALLEL + 77] {
        let (x, y) = (random(3, n), random(4, n));
        let expect = |f: fn(f32, f32) -> f32| -> Vec<f32> {
            x.iter().zip(&y).map(|(&x, &y)| f(x, y)).collect()
        };
        let mut out = y.clone();
        vector::add_scaled(2.0, &x, &mut out).unwrap();
        assert_eq!(out, expect(|x, y| y + 2.0 * x));
        let mut out = y.clone();
        vector::scale_add(0.5, &x, &mut out).unwrap();
        assert_eq!(out, expect(|x, y| x + 0.5 * y));
        let mut out = y.clone();
        vector::subtract_from(&x, &mut out).unwrap();
        assert_eq!(out, expect(|x, y| x - y));
        let mut out = vec![f32::NAN; n];
        vector::combine(&x, 3.0, &y, &mut out).unwrap();
        assert_eq!(out, expect(|x, y| x + 3.0 * y));
        vector::scale(2.0, &mut out);
        assert_eq!(out, expect(|x, y| 2.0 * (x + 3.0 * y)));
        vector::copy(&x, &mut out).unwrap();
        assert_eq!(out, x);
    }
}

#[test]
fn lengths_that_disagree_are_errors() {
    let (x, mut y) = (vec![0.0f64; 3], vec![0.0f64; 2]);
    assert!(vector::dot(&x, &y).is_err());
    assert!(vector::add_scaled(1.0, &x, &mut y).is_err());
    assert!(vector::scale_add(1.0, &x, &mut y).is_err());
    assert!(vector::subtract_from(&x, &mut y).is_err());
    assert!(vector::copy(&x, &mut y).is_err());
    let mut out = vec![0.0; 3];
    assert!(vector::combine(&x, 1.0, &y, &mut out).is_err());
    assert!(vector::combine(&y, 1.0, &y.clone(), &mut out).is_err());
}

#[test]
fn what_is_not_finite_is_found() {
    let mut x = random(5, vector::PARALLEL + 10);
    assert!(vector::all_finite(&x));
    x[vector::PARALLEL + 9] = f32::INFINITY;
    assert!(!vector::all_finite(&x));
    assert!(vector::max_abs(&[1.0, f64::NAN, 2.0]).is_nan());
    assert_eq!(vector::max_abs(&[1.0, -3.0]), 3.0);
    assert!(vector::norm(&[f64::NAN]).is_nan());
}

#[test]
fn a_trial_point_has_no_subnormal_numbers() {
    let least = f32::MIN_POSITIVE;
    let x = [least, -least, least, f32::NAN, 1.0, -0.0];
    let y = [0.0, 0.0, -0.5 * least, 1.0, 1.0, 0.0];
    let mut out = [9.0; 6];
    vector::combine(&x, 1.0, &y, &mut out).unwrap();
    assert_eq!(out[..3], [least, -least, 0.0]);
    assert!(out[3].is_nan());
    assert_eq!(out[4..], [2.0, 0.0]);
}
