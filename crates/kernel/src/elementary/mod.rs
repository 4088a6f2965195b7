//! Exponentials, logarithms and their relatives, written so that loops over them become vectors.
//!
//! Each function is plain arithmetic on one number: no branch, no table, no call. In a loop that
//! [`vectorized`](super::vectorized) compiles, the compiler therefore computes as many numbers at
//! once as a vector of this machine holds.
//!
//! No multiplication is fused with an addition, so all instruction sets round alike: a number has
//! the same bits wherever in a slice it stands, and on every machine.
//!
//! # Accuracy
//!
//! No larger error was found than these, in units in the last place;
//! `cargo test -p osculant-tape --lib elementary` holds the figures.
//!
//! | function | `f32` | `f64` |
//! |---|---|---|
//! | [`exp`] | 0.95 | 0.95 |
//! | [`exp_m1`] | 1.45 | 1.90 |
//! | [`tanh`] | 2.45 | 2.40 |
//! | [`logistic`] | 2.45 | 2.20 |
//! | [`ln`] | 1.05 | 0.85 |
//! | [`ln_1p`] | 1.60 | 1.40 |
//! | [`softplus`] | 1.85 | 1.60 |
//! | [`normal_distribution`] | 3.00 | 2.40 |
//! | [`normal_density`] | 1.45 | 1.50 |
//!
//! They hold for all arguments: where results are subnormal (in units of the smallest number),
//! overflow or saturate. NaN stays NaN; infinities and signed zeros get their limits.
//!
//! # Method
//!
//! eˣ = 2ᵏ(1 + q), where k is the integer nearest to x/ln 2 and q = e^r − 1 a polynomial in the
//! remainder r; ln(2ᵏ(1 + f)) = k ln 2 + 2 artanh(f/(2 + f)). The other functions follow from these
//! two with no difference that cancels, and Φ from one rational function besides.
//!
//! # References
//!
//! Tang, *Table-driven implementation of the exponential function in IEEE floating-point
//! arithmetic*, ACM TOMS 15(2), 1989 (the reduction, with ln 2 in two parts); Muller, *Elementary
//! Functions*, 3rd ed., 2016, chapter 11. The coefficients are our own.

mod format;

use crate::Scalar;
pub(crate) use format::Format;

/// eˣ.
#[inline(always)]
pub fn exp<T: Scalar>(x: T) -> T {
    let e = exponential(clamp(x, T::EXP_LEAST, T::EXP_MOST), T::zero());
    e.times(T::one())
}

/// eˣ − 1, without cancellation near 0.
#[inline(always)]
pub fn exp_m1<T: Scalar>(x: T) -> T {
    let e = exponential(clamp(x, -T::SATURATION, T::EXP_MOST), T::zero());
    // Half of it, since 2ᵏ itself may overflow.
    let s = T::power_of_two(e.shifted - T::one());
    let y = e.q * s + (s - T::HALF);
    // Subnormal numbers and −0 are their own values; halving would round them.
    if x.abs() < T::TINY { x } else { y + y }
}

/// tanh x = E/(E + 2) with E = e²ˣ − 1, for x ≥ 0; odd.
#[inline(always)]
pub fn tanh<T: Scalar>(x: T) -> T {
    let a = clamp(x.abs(), T::zero(), T::SATURATION);
    let e = exponential(a + a, T::zero());
    let s = T::power_of_two(e.shifted);
    let y = e.q * s + (s - T::one());
    (y / (y + T::TWO)).copysign(x)
}

/// The logistic function σ(x) = 1/(1 + e⁻ˣ), from an exponential that cannot overflow.
#[inline(always)]
pub fn logistic<T: Scalar>(x: T) -> T {
    let e = exp(-x.abs());
    let numerator = if x < T::zero() { e } else { T::one() };
    numerator / (T::one() + e)
}

/// The natural logarithm: −∞ at 0, NaN below.
#[inline(always)]
pub fn ln<T: Scalar>(x: T) -> T {
    let (m, k, _) = T::split(x);
    with_ends(x, logarithm(m - T::one(), k))
}

/// ln(1 + x), without cancellation near 0: −∞ at −1, NaN below.
#[inline(always)]
pub fn ln_1p<T: Scalar>(x: T) -> T {
    let u = T::one() + x;
    // What rounding took from the sum: exact, in the order of the sizes.
    let lost = if x < T::one() {
        x - (u - T::one())
    } else {
        T::one() - (u - x)
    };
    // 1 + x = u + lost = 2ᵏ(1 + f).
    let (m, k, down) = T::split(u);
    let f = m - T::one();
    let f = if x < T::HUGE { f + lost * down } else { f };
    let f = if k == T::zero() { x } else { f };
    let y = with_ends(u, logarithm(f, k));
    // −0 is its own value.
    if x.abs() < T::TINY { x } else { y }
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), which neither overflows nor loses digits.
#[inline(always)]
pub fn softplus<T: Scalar>(x: T) -> T {
    let e = exp(-x.abs());
    // 1 + e = 2ᵏ(1 + f) with k = 1 from √2 on.
    let upper = e > T::SQRT_HALF + T::SQRT_HALF - T::one();
    let f = if upper { T::HALF * (e - T::one()) } else { e };
    let k = if upper { T::one() } else { T::zero() };
    let linear = if x > T::zero() { x } else { T::zero() };
    linear + logarithm(f, k)
}

/// The normal distribution function Φ(x) = ½ erfc(−x/√2), without cancellation where it is small.
#[inline(always)]
pub fn normal_distribution<T: Scalar>(x: T) -> T {
    let a = clamp(x.abs(), T::zero(), T::NORMAL_MOST);
    // Mills' ratio: Φ(−a) = e^(−a²/2) M(a), where M varies slowly.
    let mills = (T::MILLS_MEAN + T::mills_rest(a)) / (a + T::MILLS_POLE);
    let tail = gaussian(a).times(mills);
    if x > T::zero() { T::one() - tail } else { tail }
}

/// The normal density φ(x) = e^(−x²/2)/√(2π).
#[inline(always)]
pub fn normal_density<T: Scalar>(x: T) -> T {
    let a = clamp(x.abs(), T::zero(), T::NORMAL_MOST);
    gaussian(a).times(T::FRAC_1_SQRT_2PI)
}

/// An exponential: 2ᵏ(1 + q).
struct Exponential<T> {
    q: T,
    /// k + [`Format::SHIFT`].
    shifted: T,
}

impl<T: Format> Exponential<T> {
    /// Its product with a number of at most 1.
    #[inline(always)]
    fn times(self, c: T) -> T {
        // In two steps, of which only the second can leave the range of normal numbers.
        let (a, b) = T::two_powers_of_two(self.shifted);
        (c + c * self.q) * a * b
    }
}

/// e^(high + low), where `low` is small against `high`.
#[inline(always)]
fn exponential<T: Format>(high: T, low: T) -> Exponential<T> {
    let shifted = (high + low) * T::FRAC_1_LN_2 + T::SHIFT;
    let k = shifted - T::SHIFT;
    // The first difference is exact.
    let r = (high - k * T::LN_2_HIGH) - (k * T::LN_2_LOW - low);
    let q = r + r * r * (T::HALF + r * T::exp_rest(r));
    Exponential { q, shifted }
}

/// e^(−a²/2). The square's rounding error would be multiplied by a²: it is taken along.
#[inline(always)]
fn gaussian<T: Format>(a: T) -> Exponential<T> {
    let head = T::head(a);
    let high = -T::HALF * (head * head);
    exponential(high, -T::HALF * ((a - head) * (a + head)))
}

/// ln(2ᵏ(1 + f)) for √½ ≤ 1 + f < √2: with s = f/(2 + f), ln(1 + f) = 2 artanh s =
/// f − f²/2 + s(f²/2 + 2 artanh s − 2s), where f is exact and the rest is small.
#[inline(always)]
fn logarithm<T: Format>(f: T, k: T) -> T {
    let s = f / (T::TWO + f);
    let z = s * s;
    let h = T::HALF * f * f;
    let r = z * T::artanh_rest(z);
    k * T::LN_2_HIGH - ((h - (s * (h + r) + k * T::LN_2_LOW)) - f)
}

/// `ln_u`, but for the arguments u that are no positive finite numbers.
#[inline(always)]
fn with_ends<T: Format>(u: T, ln_u: T) -> T {
    if u > T::zero() {
        if u < T::infinity() { ln_u } else { u }
    } else if u == T::zero() {
        T::neg_infinity()
    } else {
        T::nan()
    }
}

/// x within bounds; NaN stays.
#[inline(always)]
fn clamp<T: Format>(x: T, least: T, most: T) -> T {
    let x = if x < least { least } else { x };
    if x > most { most } else { x }
}
