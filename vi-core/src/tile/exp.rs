//! Exponential and logarithm of slices, accurate to about one unit in the last place.

use super::simd::{Isa, vectorised};

vectorised! {
    /// `out[i] = exp(x[i])` for the shorter of the two lengths.
    ///
    /// Relative error below 3e-16 where the result is a normal number; smaller results are 0, `exp(−∞) = 0`, and
    /// results above `f64::MAX` are `+∞`. NaN stays NaN.
    pub fn exp(x: &[f64], out: &mut [f64]) = exp_slice;
}

vectorised! {
    /// `out[i] = log(x[i])` for the shorter of the two lengths.
    ///
    /// Relative error below 3e-16, subnormal arguments included. `log(0) = −∞`, `log(+∞) = +∞`; negative arguments and
    /// NaN give NaN.
    pub fn log(x: &[f64], out: &mut [f64]) = log_slice;
}

#[inline(always)]
pub(super) fn exp_slice<S: Isa>(isa: S, x: &[f64], out: &mut [f64]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = exp_one(isa, x);
    }
}

#[inline(always)]
pub(super) fn log_slice<S: Isa>(isa: S, x: &[f64], out: &mut [f64]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = log_one(isa, x);
    }
}

/// `ln 2` in two parts; the first ends in 21 zero bits, so that its product with an exponent is exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// The coefficients of `(eʳ − 1 − r − r²/2) / r³` on `|r| ≤ ½ ln 2`: its Taylor series economised in Chebyshev
/// polynomials, with error 2.5e-17 after multiplication by `r³`.
const EXP: [f64; 9] = [
    0.166_666_666_666_666_69,
    0.041_666_666_666_651_364,
    0.008_333_333_333_330_065,
    0.001_388_888_890_587_265_4,
    1.984_126_986_304_179_2e-4,
    2.480_153_640_688_647e-5,
    2.755_726_847_865_101_7e-6,
    2.761_379_659_052_023e-7,
    2.510_037_652_317_223_6e-8,
];

/// Adding 1.5 · 2⁵² leaves round(x / ln 2) in the low bits of the mantissa.
const SHIFT: f64 = 6_755_399_441_055_744.0;

/// What is below has no normal exponential.
const SMALLEST: f64 = -708.396_418_532_264_1;

/// `exp(x)` without branches, so that a loop over it vectorises.
#[inline(always)]
pub(super) fn exp_one<S: Isa>(isa: S, x: f64) -> f64 {
    const LARGEST: f64 = 709.782_712_893_384;

    let shifted = isa.scalar_fma(x, std::f64::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let r = isa.scalar_fma(n, -LN_2_LOW, isa.scalar_fma(n, -LN_2_HIGH, x));
    let mut tail = EXP[8];
    tail = isa.scalar_fma(tail, r, EXP[7]);
    tail = isa.scalar_fma(tail, r, EXP[6]);
    tail = isa.scalar_fma(tail, r, EXP[5]);
    tail = isa.scalar_fma(tail, r, EXP[4]);
    tail = isa.scalar_fma(tail, r, EXP[3]);
    tail = isa.scalar_fma(tail, r, EXP[2]);
    tail = isa.scalar_fma(tail, r, EXP[1]);
    tail = isa.scalar_fma(tail, r, EXP[0]);
    tail = isa.scalar_fma(tail, r, 0.5);
    let mantissa = 1.0 + isa.scalar_fma(tail, r * r, r);
    let scaled = f64::from_bits(mantissa.to_bits().wrapping_add(shifted.to_bits() << 52));

    let scaled = if x < SMALLEST { 0.0 } else { scaled };
    let scaled = if x > LARGEST { f64::INFINITY } else { scaled };
    if x.is_nan() { x } else { scaled }
}

/// `exp(x)` of packs of numbers that are not positive; NaN stays NaN.
#[inline(always)]
pub(super) fn exp_pack<S: Isa>(isa: S, x: S::Pack) -> S::Pack {
    let shift = isa.splat(SHIFT);
    let shifted = isa.fma(x, isa.splat(std::f64::consts::LOG2_E), shift);
    let n = isa.sub(shifted, shift);
    let r = isa.fma(n, isa.splat(-LN_2_HIGH), x);
    let r = isa.fma(n, isa.splat(-LN_2_LOW), r);
    // By pairs of terms, which need not wait for each other (Estrin).
    let square = isa.mul(r, r);
    let fourth = isa.mul(square, square);
    let first = isa.fma(isa.splat(EXP[0]), r, isa.splat(0.5));
    let second = isa.fma(isa.splat(EXP[2]), r, isa.splat(EXP[1]));
    let third = isa.fma(isa.splat(EXP[4]), r, isa.splat(EXP[3]));
    let fourths = isa.fma(isa.splat(EXP[6]), r, isa.splat(EXP[5]));
    let last = isa.fma(isa.splat(EXP[8]), r, isa.splat(EXP[7]));
    let low = isa.fma(second, square, first);
    let high = isa.fma(last, fourth, isa.fma(fourths, square, third));
    let tail = isa.fma(high, fourth, low);
    let mantissa = isa.add(isa.fma(tail, square, r), isa.splat(1.0));
    let value = isa.times_power(mantissa, shifted);
    let value = isa.zero_where_less(x, isa.splat(SMALLEST), value);
    // Neither less than nothing nor not: NaN.
    isa.select_less(x, isa.splat(0.5), value, x)
}

/// The same of several packs, which share the constants and do not wait for each other. Results below 2^−1021.5 are 0.
#[inline(always)]
pub(super) fn exp_packs<S: Isa, const N: usize>(isa: S, x: [S::Pack; N]) -> [S::Pack; N] {
    // Of exponents below it, a mantissa below 1 makes no normal number. What is asked of them need not be kept of x.
    const LOWEST: f64 = SHIFT - 1021.0;

    let (shift, one, half) = (isa.splat(SHIFT), isa.splat(1.0), isa.splat(0.5));
    let (high, low) = (isa.splat(-LN_2_HIGH), isa.splat(-LN_2_LOW));
    let (mut shifted, mut r, mut tail) = (x, x, x);
    for i in 0..N {
        shifted[i] = isa.fma(x[i], isa.splat(std::f64::consts::LOG2_E), shift);
        let n = isa.sub(shifted[i], shift);
        r[i] = isa.fma(n, low, isa.fma(n, high, x[i]));
        tail[i] = isa.splat(EXP[8]);
    }
    for c in (0..8).rev() {
        let coefficient = isa.splat(EXP[c]);
        for i in 0..N {
            tail[i] = isa.fma(tail[i], r[i], coefficient);
        }
    }
    for i in 0..N {
        tail[i] = isa.fma(tail[i], r[i], half);
        let mantissa = isa.add(isa.fma(tail[i], isa.mul(r[i], r[i]), r[i]), one);
        let value = isa.times_power(mantissa, shifted[i]);
        r[i] = isa.with_nan_of(shifted[i], isa.zero_where_less(shifted[i], isa.splat(LOWEST), value));
    }
    r
}

/// `log(x)` without branches; the polynomial is that of FreeBSD's `e_log.c`.
#[inline(always)]
pub(super) fn log_one<S: Isa>(isa: S, x: f64) -> f64 {
    const SCALE: f64 = 18_014_398_509_481_984.0; // 2⁵⁴ makes every subnormal number normal.
    const SQRT_HALF: u64 = 0x3fe6_a09e_0000_0000;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    const TWO_52: u64 = 0x4330_0000_0000_0000;

    let subnormal = x < f64::MIN_POSITIVE;
    let bits = (if subnormal { x * SCALE } else { x }).to_bits().wrapping_add(ONE - SQRT_HALF);
    // An integer below 2⁵² in the mantissa of 2⁵² converts to floating point by a subtraction.
    let biased = f64::from_bits(TWO_52 | (bits >> 52)) - 4_503_599_627_370_496.0;
    let exponent = biased - if subnormal { 1023.0 + 54.0 } else { 1023.0 };
    let f = f64::from_bits((bits & 0x000f_ffff_ffff_ffff).wrapping_add(SQRT_HALF)) - 1.0;

    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = isa.scalar_fma(w, 1.531_383_769_920_937_3e-1, 2.222_219_843_214_978_4e-1);
    let even = w * isa.scalar_fma(w, even, 3.999_999_999_940_942e-1);
    let odd = isa.scalar_fma(w, 1.479_819_860_511_658_6e-1, 1.818_357_216_161_805e-1);
    let odd = isa.scalar_fma(w, odd, 2.857_142_874_366_239e-1);
    let odd = z * isa.scalar_fma(w, odd, 6.666_666_666_666_735e-1);
    let half_square = 0.5 * f * f;
    let tail = isa.scalar_fma(s, half_square + (even + odd), exponent * LN_2_LOW);
    let value = isa.scalar_fma(exponent, LN_2_HIGH, f - (half_square - tail));

    let value = if x == 0.0 { f64::NEG_INFINITY } else { value };
    let value = if x < 0.0 { f64::NAN } else { value };
    if x < f64::INFINITY { value } else { x }
}
