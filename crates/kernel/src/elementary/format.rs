//! What the elementary functions know of a floating-point format: its bits, and the coefficients
//! that reach its precision.

/// A binary floating-point format.
///
/// The coefficients are our own: least maximum relative error over the interval named (Lawson's
/// weights), found in 60 digits and rounded.
pub trait Format: num_traits::Float + 'static {
    /// 1.5 · 2^p, p bits after the point: adding it rounds a small number to an integer k, which
    /// then stands in the lowest bits of the sum.
    const SHIFT: Self;
    /// 1/2.
    const HALF: Self;
    /// 2.
    const TWO: Self;
    /// The base-2 logarithm of e.
    const FRAC_1_LN_2: Self;
    /// The leading bits of ln 2, so few that k times them is exact for every exponent k.
    const LN_2_HIGH: Self;
    /// The rest of ln 2.
    const LN_2_LOW: Self;
    /// Below this, eˣ is 0.
    const EXP_LEAST: Self;
    /// Above this, eˣ overflows.
    const EXP_MOST: Self;
    /// From here on 1 + eˣ rounds to eˣ, and 1 + e⁻ˣ to 1.
    const SATURATION: Self;
    /// Below this in size, f(x) = x + O(x²) rounds to x.
    const TINY: Self;
    /// Above this, 1 + x rounds to x.
    const HUGE: Self;
    /// Beyond it, Φ(−x) rounds to 0.
    const NORMAL_MOST: Self;
    /// √½.
    const SQRT_HALF: Self;
    /// 1/√(2π).
    const FRAC_1_SQRT_2PI: Self;
    /// 0.8125.
    const MILLS_POLE: Self;
    /// 0.4375.
    const MILLS_MEAN: Self;

    /// (eʳ − 1 − r − r²/2)/r³ for |r| ≤ ½ ln 2.
    fn exp_rest(r: Self) -> Self;
    /// (2 artanh s − 2s)/s³ in z = s², for |s| ≤ (√2 − 1)/(√2 + 1).
    fn artanh_rest(z: Self) -> Self;
    /// (a + 0.8125) e^(a²/2) Φ(−a) − 0.4375 for 0 ≤ a ≤ [`NORMAL_MOST`](Self::NORMAL_MOST). It is
    /// below 0.05 in size: its rounding errors count for little in the sum with 0.4375.
    fn mills_rest(a: Self) -> Self;

    /// 2ᵏ, from k + [`SHIFT`](Self::SHIFT), for the exponents k of normal numbers.
    fn power_of_two(shifted: Self) -> Self;
    /// Two factors of 2ᵏ, from k + [`SHIFT`](Self::SHIFT), for every k that
    /// [`EXP_LEAST`](Self::EXP_LEAST) and [`EXP_MOST`](Self::EXP_MOST) allow: 2ᵏ itself may be no
    /// normal number.
    fn two_powers_of_two(shifted: Self) -> (Self, Self);
    /// (m, k, 2⁻ᵏ) with x = 2ᵏ m and √½ ≤ m < √2 for finite x > 0. The third is right up to
    /// [`HUGE`](Self::HUGE).
    fn split(x: Self) -> (Self, Self, Self);
    /// The upper half of the digits: its square is exact.
    fn head(x: Self) -> Self;
}

/// Σ cᵢxⁱ, lowest power first; even and odd powers apart, which makes two chains of operations that
/// do not wait for each other. Written out, since a loop over numbers becomes vectors only if there
/// is no loop in it.
macro_rules! polynomial {
    ($x:ident: $($c:literal),* $(,)?) => {
        polynomial!(@ $x [] [] $($c)*)
    };
    (@ $x:ident [$($even:literal)*] [$($odd:literal)*] $c:literal $d:literal $($rest:literal)*) => {
        polynomial!(@ $x [$($even)* $c] [$($odd)* $d] $($rest)*)
    };
    (@ $x:ident [$($even:literal)*] [$($odd:literal)*] $($last:literal)?) => {{
        let square = $x * $x;
        horner!(square $($even)* $($last)?) + $x * horner!(square $($odd)*)
    }};
}

/// Σ cᵢxⁱ, one multiplication and one addition after the other.
macro_rules! horner {
    ($x:ident $c:literal) => { $c };
    ($x:ident $c:literal $($rest:literal)+) => { horner!($x $($rest)+) * $x + $c };
}

macro_rules! format {
    ($t:ident, $bits:ident, $mantissa:expr, $half:expr, $($coefficients:item)*) => {
        impl Format for $t {
            const SHIFT: $t = (3u64 << ($mantissa - 1)) as $t;
            const HALF: $t = 0.5;
            const TWO: $t = 2.0;
            const FRAC_1_LN_2: $t = std::$t::consts::LOG2_E;
            const SQRT_HALF: $t = std::$t::consts::FRAC_1_SQRT_2;
            const FRAC_1_SQRT_2PI: $t = 0.398_942_280_401_432_7_f64 as $t;
            const MILLS_POLE: $t = 0.8125;
            const MILLS_MEAN: $t = 0.4375;
            $($coefficients)*

            // All arithmetic on bits wraps: for NaN it yields any number, which NaN then absorbs.
            #[inline(always)]
            fn power_of_two(shifted: $t) -> $t {
                const BIAS: $bits = $t::MAX_EXP as $bits - 1;
                $t::from_bits(shifted.to_bits().wrapping_add(BIAS) << $mantissa)
            }

            #[inline(always)]
            fn two_powers_of_two(shifted: $t) -> ($t, $t) {
                const BIAS: $bits = $t::MAX_EXP as $bits - 1;
                let k = shifted
                    .to_bits()
                    .wrapping_sub(<$t as Format>::SHIFT.to_bits())
                    .wrapping_add(2 * BIAS);
                let half = k >> 1;
                (
                    $t::from_bits(half << $mantissa),
                    $t::from_bits(k.wrapping_sub(half) << $mantissa),
                )
            }

            #[inline(always)]
            fn split(x: $t) -> ($t, $t, $t) {
                const BIAS: $bits = $t::MAX_EXP as $bits - 1;
                const UNIT: $bits = 1 << $mantissa;
                // 2^p, whose lowest bits then count units, and 2^(p + 2) for subnormal numbers.
                const COUNT: $t = UNIT as $t;
                const LIFT: $t = 4.0 * COUNT;
                let subnormal = x < $t::MIN_POSITIVE;
                let lifted = if subnormal { x * LIFT } else { x };
                let root = <$t as Format>::SQRT_HALF.to_bits();
                let bits = lifted.to_bits().wrapping_add((BIAS << $mantissa) - root);
                let exponent = bits >> $mantissa;
                let m = $t::from_bits((bits & (UNIT - 1)).wrapping_add(root));
                let down = $t::from_bits((2 * BIAS).wrapping_sub(exponent) << $mantissa);
                let k = $t::from_bits(exponent | COUNT.to_bits()) - (COUNT + BIAS as $t);
                let lift = ($mantissa + 2) as $t;
                (m, if subnormal { k - lift } else { k }, down)
            }

            #[inline(always)]
            fn head(x: $t) -> $t {
                $t::from_bits(x.to_bits() & (!0 << $half))
            }
        }
    };
}

format! {
    f32, u32, 23, 12,
    // 15 bits.
    const LN_2_HIGH: f32 = 0.69314575;
    const LN_2_LOW: f32 = 1.4286068e-6;
    const EXP_LEAST: f32 = -104.0;
    const EXP_MOST: f32 = 89.0;
    const SATURATION: f32 = 20.0;
    const TINY: f32 = 1e-20;
    const HUGE: f32 = 1e15;
    const NORMAL_MOST: f32 = 15.0;
    #[inline(always)]
    fn exp_rest(r: f32) -> f32 {
        polynomial!(r: 0.16666666, 0.04166648, 0.008333424, 0.0013933381, 0.00019821487)
    }
    #[inline(always)]
    fn artanh_rest(z: f32) -> f32 {
        polynomial!(z: 0.6666667, 0.3997753, 0.29872143)
    }
    #[inline(always)]
    fn mills_rest(a: f32) -> f32 {
        polynomial!(a: -3.0024014, 11.862771, 5.8918595, 1.0512364, -0.055671748, -0.038553428)
            / polynomial!(a: 96.07685, 161.06332, 115.81784, 45.286808, 9.844486, 1.0)
    }
}

format! {
    f64, u64, 52, 27,
    // 32 bits.
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const EXP_LEAST: f64 = -746.0;
    const EXP_MOST: f64 = 710.0;
    const SATURATION: f64 = 40.0;
    const TINY: f64 = 1e-200;
    const HUGE: f64 = 1e30;
    const NORMAL_MOST: f64 = 40.0;
    #[inline(always)]
    fn exp_rest(r: f64) -> f64 {
        polynomial!(r:
            0.16666666666666677,
            0.041666666666666574,
            0.008333333333321962,
            0.0013888888888944112,
            0.00019841269885504336,
            2.4801587195766042e-05,
            2.755724467304256e-06,
            2.755738853141942e-07,
            2.510892057891693e-08,
            2.087866186150831e-09,
        )
    }
    #[inline(always)]
    fn artanh_rest(z: f64) -> f64 {
        polynomial!(z:
            0.6666666666666735,
            0.39999999999413227,
            0.28571428742766763,
            0.2222219852684787,
            0.18183567139984994,
            0.1531396824234948,
            0.14796873844381495,
        )
    }
    #[inline(always)]
    fn mills_rest(a: f64) -> f64 {
        polynomial!(a:
            -55180.45833328727,
            175065.63511182085,
            260950.02171333725,
            166837.56934703595,
            63449.08987665626,
            15308.695200899418,
            2157.1403817800197,
            71.67861142391445,
            -38.12386205642462,
            -8.653420007533652,
            -0.8742878562283899,
            -0.038557719598484655,
        )
            / polynomial!(a:
                1765774.6666651927,
                4334797.866008027,
                4979063.195044683,
                3539404.7501613256,
                1734214.5535121388,
                616691.4069188201,
                162950.1791109467,
                32125.34707985926,
                4655.024007345245,
                475.3711138121452,
                31.08141434483854,
                1.0,
            )
    }
}
