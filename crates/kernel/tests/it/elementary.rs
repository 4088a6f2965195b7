//! Accuracy in units in the last place, and the same bits in every instruction set.

use osculant_kernel::elementary::{
    exp, exp_m1, ln, ln_1p, logistic, normal_density, normal_distribution, softplus, tanh,
};
use osculant_kernel::{InstructionSet, Scalar, vectorized};

/// 1/√(2π).
const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

/// The functions, with the largest errors that the module's documentation states.
macro_rules! functions {
    ($($name:ident $f32:literal $f64:literal,)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        const MOST_F32: &[f64] = &[$($f32),*];
        const MOST_F64: &[f64] = &[$($f64),*];

        /// Applies function number `f` to every number, in one loop.
        #[inline(always)]
        fn apply<T: Scalar>(f: usize, x: &mut [T]) {
            let mut number = 0..;
            $(if Some(f) == number.next() {
                return x.iter_mut().for_each(#[inline(always)] |x| *x = $name(*x));
            })*
        }
    };
}

functions! {
    exp 0.95 0.95,
    exp_m1 1.45 1.90,
    tanh 2.45 2.40,
    logistic 2.45 2.20,
    ln 1.05 0.85,
    ln_1p 1.60 1.40,
    softplus 1.85 1.60,
    normal_distribution 3.00 2.40,
    normal_density 1.45 1.50,
}

/// f(x) in f64 by the standard library and `libm`; for f32 arguments, exact enough to judge by.
fn reference(f: usize, x: f64) -> f64 {
    match NAMES[f] {
        "exp" => x.exp(),
        "exp_m1" => x.exp_m1(),
        "tanh" => x.tanh(),
        "logistic" if x < 0.0 => x.exp() / (1.0 + x.exp()),
        "logistic" => 1.0 / (1.0 + (-x).exp()),
        "ln" => x.ln(),
        "ln_1p" => x.ln_1p(),
        "softplus" => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        "normal_distribution" => 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
        "normal_density" => FRAC_1_SQRT_2PI * (-0.5 * x * x).exp(),
        name => panic!("{name} has no reference"),
    }
}

/// The size of a unit in the last place of numbers like x, for a format with p digits after the
/// first and least exponent `least`.
fn unit(x: f64, p: i32, least: i32) -> f64 {
    let exponent = (x.abs().to_bits() >> 52) as i32 - 1023;
    // Not `powi`, which takes the reciprocal of what overflows.
    2f64.powf(f64::from(exponent.max(least) - p))
}

/// The distance of an f32 from what it should be, in units.
fn error_f32(y: f32, want: f64) -> f64 {
    if f64::from(y) == want || y == want as f32 && !y.is_finite() || y.is_nan() && want.is_nan() {
        return 0.0;
    }
    let error = (f64::from(y) - want).abs() / unit(want, 23, -126);
    if error.is_nan() { f64::INFINITY } else { error }
}

#[test]
fn f32_is_accurate_over_all_bit_patterns() {
    // A prime step: the patterns tried have every exponent, and all kinds of digits.
    let all: Vec<f32> = (0..=u32::MAX).step_by(2503).map(f32::from_bits).collect();
    for (f, (name, &most)) in NAMES.iter().zip(MOST_F32).enumerate() {
        let mut y = all.clone();
        apply(f, &mut y);
        for (&x, &y) in all.iter().zip(&y) {
            let error = error_f32(y, reference(f, f64::from(x)));
            assert!(error <= most, "{name}({x:e}) = {y:e} is {error} units off");
        }
    }
}

#[test]
fn f64_is_accurate_at_reference_values() {
    let mut tried = vec![0; NAMES.len()];
    let lines = include_str!("elementary_reference.txt").lines();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(' ').collect();
        let f = NAMES.iter().position(|name| *name == fields[0]).unwrap();
        let number = |i: usize| fields[i].parse::<f64>().unwrap();
        let (x, want, rest) = (number(1), number(2), number(3));
        let mut y = [x];
        apply(f, &mut y);
        let error = ((y[0] - want) / unit(want, 52, -1022) - rest).abs();
        let most = MOST_F64[f];
        assert!(error <= most, "{line}: {:e} is {error} units off", y[0]);
        tried[f] += 1;
    }
    assert!(tried.iter().all(|&n| n > 50), "{tried:?}");
}

/// Many numbers: over the range where a function varies, and small ones.
fn sweep() -> Vec<f64> {
    (0..300_000)
        .map(|i| {
            let u = (f64::from(i) * 0.618_033_988_749_895).fract() * 2.0 - 1.0;
            match i % 4 {
                0 => 750.0 * u,
                1 => 40.0 * u,
                2 => 2.0 * u,
                _ => u.signum() * 2f64.powf(-40.0 * u.abs()),
            }
        })
        .collect()
}

#[test]
fn f64_is_near_the_standard_library() {
    let all = sweep();
    for (f, (name, &most)) in NAMES.iter().zip(MOST_F64).enumerate() {
        let mut y = all.clone();
        apply(f, &mut y);
        for (&x, &y) in all.iter().zip(&y) {
            let want = reference(f, x);
            // The reference itself: 1 to 3 units, and for the normal ones the rounding of its
            // argument, which x² multiplies.
            let theirs = match *name {
                "normal_distribution" | "normal_density" => 4.0 + 2.0 * x * x,
                _ => 3.0,
            };
            let error = (y - want).abs() / unit(want, 52, -1022);
            let same = y == want || y.is_nan() && want.is_nan();
            let near = same || error <= most + theirs;
            assert!(near, "{name}({x:e}) = {y:e}, not {want:e}");
        }
    }
}

/// f(x) as bits, so that NaN equals NaN and 0 is not −0.
fn bits<T: Scalar>(x: &[T]) -> Vec<u64> {
    let canonical = |x: &T| {
        if x.is_nan() {
            f64::NAN
        } else {
            Scalar::to_f64(*x)
        }
    };
    x.iter().map(|x| canonical(x).to_bits()).collect()
}

/// Applies a function in vectors.
fn in_vectors<T: Scalar>(f: usize, x: &mut [T]) {
    vectorized(
        #[inline(always)]
        || apply(f, x),
    );
}

/// In one instruction set, in a slice of any length, the bits are those of a lone number.
fn check_bits<T: Scalar>(set: InstructionSet, x: &[T], f: usize) {
    let alone: Vec<T> = x
        .iter()
        .map(|&x| {
            let mut y = [x];
            apply(f, &mut y);
            y[0]
        })
        .collect();
    let (alone, mut start) = (bits(&alone), 0);
    for length in (0..80).chain([x.len()]) {
        let end = (start + length).min(x.len());
        let mut y = x[start..end].to_vec();
        set.on_this_thread(|| in_vectors(f, &mut y)).unwrap();
        let (found, name) = (bits(&y), NAMES[f]);
        assert!(found == alone[start..end], "{name} in {}", set.name());
        start = if start + length < x.len() { end } else { 0 };
    }
    let mut y = x.to_vec();
    set.on_this_thread(|| in_vectors(f, &mut y)).unwrap();
    assert!(bits(&y) == alone, "{} in {}", NAMES[f], set.name());
}

#[test]
fn bits_depend_on_no_instruction_set_length_or_place() {
    let special = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        5e-324,
        -1e-310,
        1e300,
    ];
    let x: Vec<f64> = special
        .into_iter()
        .chain(sweep().into_iter().step_by(29))
        .collect();
    let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    for f in 0..NAMES.len() {
        for set in InstructionSet::available() {
            check_bits::<f32>(set, &single, f);
            check_bits::<f64>(set, &x, f);
        }
    }
}

/// What each function does to a list of special numbers.
fn check_special<T: Scalar>() {
    let (inf, nan, peak) = (f64::INFINITY, f64::NAN, FRAC_1_SQRT_2PI);
    let x = [0.0, -0.0, inf, -inf, nan, 1e30, -1e30];
    for (name, want) in [
        ("exp", [1.0, 1.0, inf, 0.0, nan, inf, 0.0]),
        ("exp_m1", [0.0, -0.0, inf, -1.0, nan, inf, -1.0]),
        ("tanh", [0.0, -0.0, 1.0, -1.0, nan, 1.0, -1.0]),
        ("logistic", [0.5, 0.5, 1.0, 0.0, nan, 1.0, 0.0]),
        (
            "softplus",
            [f64::ln(2.0), f64::ln(2.0), inf, 0.0, nan, 1e30, 0.0],
        ),
        ("ln", [-inf, -inf, inf, nan, nan, f64::ln(1e30), nan]),
        ("ln_1p", [0.0, -0.0, inf, nan, nan, f64::ln(1e30), nan]),
        ("normal_distribution", [0.5, 0.5, 1.0, 0.0, nan, 1.0, 0.0]),
        ("normal_density", [peak, peak, 0.0, 0.0, nan, 0.0, 0.0]),
    ] {
        let f = NAMES.iter().position(|n| *n == name).unwrap();
        let mut y = x.map(T::from_f64);
        apply(f, &mut y);
        assert_eq!(
            bits(&y),
            bits(&want.map(T::from_f64)),
            "{name} in {}",
            T::NAME
        );
    }
    let mut y = [T::one(), -T::one()];
    apply(NAMES.iter().position(|n| *n == "ln").unwrap(), &mut y[..1]);
    apply(
        NAMES.iter().position(|n| *n == "ln_1p").unwrap(),
        &mut y[1..],
    );
    assert_eq!(y, [T::zero(), T::neg_infinity()]);
}

#[test]
fn infinities_zeros_and_nan_get_their_limits() {
    check_special::<f32>();
    check_special::<f64>();
}
