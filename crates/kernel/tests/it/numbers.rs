//! Numbers and tolerances of the tests against naive twins, here and in `osculant-tape`.

use osculant_kernel::{InstructionSet, Scalar};

/// Numbers between −1 and 1 that look random and are always the same.
pub fn numbers<T: Scalar>(n: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            // Knuth's MMIX generator; its upper bits.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            T::from_f64((state >> 33) as f64 / (1u64 << 30) as f64 - 1.0)
        })
        .collect()
}

/// Rounding allows a sum of `terms` products of numbers up to 1 an error of `terms · ε`.
pub fn assert_close<T: Scalar>(got: T, want: f64, terms: usize, entry: impl Fn() -> String) {
    let allowed = (terms + 2) as f64 * T::epsilon().to_f64();
    let error = (got.to_f64() - want).abs();
    assert!(
        error <= allowed,
        "{} ({}, {}): {got} instead of {want}, off by {error:e}, allowed {allowed:e}",
        entry(),
        T::NAME,
        InstructionSet::current().name()
    );
}
