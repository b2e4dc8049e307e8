//! The standard normal distribution: log Φ, Φ⁻¹ and the inverse Mills ratio.

use libm::erfc;
use std::f64::consts::FRAC_1_SQRT_2;

/// ½ log 2π.
pub const HALF_LN_2PI: f64 = 0.918938533204672741780329736405617640;

/// log φ(z) = −½z² − ½ log 2π.
pub fn normal_log_density(z: f64) -> f64 {
    -0.5 * z * z - HALF_LN_2PI
}

/// log Φ(z), with full relative accuracy in both tails.
pub fn normal_log_cdf(z: f64) -> f64 {
    if z == f64::NEG_INFINITY {
        z
    } else if z < -3.0 {
        normal_log_density(z) - inverse_mills(z).ln()
    } else if z < 0.0 {
        (0.5 * erfc(-z * FRAC_1_SQRT_2)).ln()
    } else {
        (-upper_tail(z)).ln_1p()
    }
}

/// φ(z), with full relative accuracy in the tails: the rounding of z² is kept apart.
fn density(z: f64) -> f64 {
    // A multiple of 1/16 has an exact square for any z whose density is not 0.
    let coarse = (16.0 * z).round() / 16.0;
    if coarse.abs() > 40.0 {
        return 0.0;
    }
    const INVERSE_ROOT_2PI: f64 = 0.398942280401432677939946059934381868;
    INVERSE_ROOT_2PI * (-0.5 * coarse * coarse).exp() * (-0.5 * (z - coarse) * (z + coarse)).exp()
}

/// 1 − Φ(z) for z ≥ 0.
fn upper_tail(z: f64) -> f64 {
    if z > 2.5 { density(z) / inverse_mills(-z) } else { 0.5 * erfc(z * FRAC_1_SQRT_2) }
}

/// The inverse Mills ratio φ(z)/Φ(z) = d log Φ(z)/dz, the mean of a standard normal that is kept above −z.
///
/// Below −2.5 by the continued fraction x + 1/(x + 2/(x + 3/(x + …))), x = −z, whose length for double accuracy falls as
/// 1/x² (Abramowitz & Stegun 26.2.14); it contains the asymptotic series −z + 1/(−z) − ….
pub fn inverse_mills(z: f64) -> f64 {
    if z == f64::NEG_INFINITY {
        return f64::INFINITY;
    }
    if z < -2.5 {
        let x = -z;
        let length = (20.0 + 500.0 / (x * x)) as usize;
        let mut tail = x;
        for k in (1..=length).rev() {
            tail = x + k as f64 / tail;
        }
        return tail;
    }
    let below = if z < 0.0 { 0.5 * erfc(-z * FRAC_1_SQRT_2) } else { 1.0 - upper_tail(z) };
    density(z) / below
}

/// Φ⁻¹(p) for 0 ≤ p ≤ 1; ∓∞ at the ends, NaN outside.
///
/// Source: Wichura (1988), algorithm AS 241, PPND16.
pub fn normal_quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(0.180625 - q * q, &CENTRE);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = (-tail.ln()).sqrt();
    let z = if r <= 5.0 { ratio(r - 1.6, &MIDDLE) } else { ratio(r - 5.0, &FAR) };
    z.copysign(q)
}

/// Numerator and denominator, highest power first.
type Rational = ([f64; 8], [f64; 8]);

fn ratio(r: f64, (numerator, denominator): &Rational) -> f64 {
    let horner = |c: &[f64; 8]| c.iter().fold(0.0, |sum, &c| sum * r + c);
    horner(numerator) / horner(denominator)
}

const CENTRE: Rational = (
    [
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.387132872796366608,
    ],
    [
        5226.495278852854561,
        28729.085735721942674,
        39307.89580009271061,
        21213.794301586595867,
        5394.1960214247511077,
        687.1870074920579083,
        42.313330701600911252,
        1.0,
    ],
);

const MIDDLE: Rational = (
    [
        7.7454501427834140764e-4,
        0.0227238449892691845833,
        0.24178072517745061177,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ],
    [
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        0.0151986665636164571966,
        0.14810397642748007459,
        0.68976733498510000455,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ],
);

const FAR: Rational = (
    [
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        0.0012426609473880784386,
        0.026532189526576123093,
        0.29656057182850489123,
        1.7848265399172913358,
        5.4637849111641143699,
        6.6579046435011037772,
    ],
    [
        2.04426310338993978564e-15,
        1.4215117583164458887e-7,
        1.8463183175100546818e-5,
        7.868691311456132591e-4,
        0.0148753612908506148525,
        0.13692988092273580531,
        0.59983220655588793769,
        1.0,
    ],
);
