//! Special functions of one or two real arguments, accurate to a few units in the last place.
//!
//! Densities, log-partitions and entropies are built from these. Logarithms of probabilities are formed without passing
//! through the probability, so tails keep their relative accuracy. Nothing here panics: an argument outside a function's
//! domain gives NaN.

mod gamma;
mod incomplete;
mod interval;
#[expect(clippy::excessive_precision, reason = "constants keep the digits they are published with")]
mod normal;
mod quadrature;
mod quantile;
mod truncation;

pub use gamma::{
    digamma, inverse_digamma, lgamma, lgamma_1p, lgamma_bregman, lgamma_d, lgamma_half_step, log_beta,
    log_minus_digamma, log_poisson_kernel, standard_gamma_entropy, standard_gamma_log_density,
    stirling_error, tetragamma, trigamma,
};
pub use incomplete::{log_beta_inc, log_gamma_inc};
pub use interval::{
    log_beta_interval, log_binomial_interval, log_cauchy_interval, log_gamma_interval, log_inside,
    log_laplace_interval, log_negative_binomial_interval, log_normal_interval, log_poisson_interval,
    log_student_interval,
};
pub use libm::{erf, erfc};
pub use normal::{HALF_LN_2PI, inverse_mills, normal_log_cdf, normal_log_density, normal_quantile};
pub use quadrature::{gauss_legendre, log_integral};
pub use quantile::{beta_quantile, gamma_quantile, log_tails, normal_quantile_of, student_quantile};
pub use truncation::{
    beta_interval_curvature, beta_interval_slope, binomial_interval_curvature, binomial_interval_slope,
    cauchy_interval_curvature, cauchy_interval_slope, gamma_interval_curvature, gamma_interval_slope,
    laplace_interval_curvature, laplace_interval_slope, negative_binomial_interval_curvature,
    negative_binomial_interval_slope, normal_interval_slope, poisson_interval_curvature,
    poisson_interval_slope, student_interval_curvature, student_interval_slope,
};

use std::f64::consts::LN_2;

/// log(1 − e^x) for x ≤ 0 (Mächler 2012): `expm1` near 0, `log1p` below −log 2.
///
/// −∞ at 0; NaN for x > 0.
pub fn log1mexp(x: f64) -> f64 {
    if x > -LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// log(1 + e^x), the softplus: without overflow, and with full relative accuracy where it is small.
pub fn log1pexp(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// log(eᵃ + eᵇ); −∞ stands for zero.
pub fn log_add_exp(a: f64, b: f64) -> f64 {
    if a == b {
        return a + LN_2;
    }
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    high + (low - high).exp().ln_1p()
}

/// log(eᵃ − eᵇ) for a ≥ b: −∞ where they are equal, NaN where a < b.
pub fn log_diff_exp(a: f64, b: f64) -> f64 {
    if b == f64::NEG_INFINITY {
        a
    } else if a == b {
        f64::NEG_INFINITY
    } else {
        a + log1mexp(b - a)
    }
}

/// log Σₖ exp(`x[k]`); −∞ for no terms.
pub fn log_sum_exp(x: &[f64]) -> f64 {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max.is_infinite() || x.iter().any(|v| v.is_nan()) {
        return if x.iter().any(|v| v.is_nan()) { f64::NAN } else { max };
    }
    max + x.iter().map(|v| (v - max).exp()).sum::<f64>().ln()
}

/// log cosh x: x²/2 near 0 without cancellation, |x| − log 2 far out without overflow.
pub fn log_cosh(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        let half = (0.5 * x).sinh();
        (2.0 * half * half).ln_1p()
    } else {
        x + (-2.0 * x).exp().ln_1p() - LN_2
    }
}

/// x − log(1 + x) ≥ 0, the error of the first-order logarithm, with full relative accuracy near 0.
///
/// With r = x/(2+x), log(1+x) = 2 artanh r, so that x − log(1+x) = r (x − 2r² (1/3 + r²/5 + r⁴/7 + …)).
pub fn x_minus_log1p(x: f64) -> f64 {
    if !(-0.4..0.7).contains(&x) {
        return if x == f64::INFINITY { x } else { x - x.ln_1p() };
    }
    let r = x / (2.0 + x);
    let r2 = r * r;
    let mut power = 1.0;
    let mut sum = 0.0;
    let mut odd = 3.0;
    while power > 1e-18 {
        sum += power / odd;
        power *= r2;
        odd += 2.0;
    }
    r * (x - 2.0 * r2 * sum)
}

/// log(1 + z²) without overflow of the square.
pub fn log1p_square(z: f64) -> f64 {
    let z = z.abs();
    if z > 1e9 { 2.0 * z.ln() } else { (z * z).ln_1p() }
}

/// x log(x/m) + m − x ≥ 0: the Poisson deviance (half of it), and the Kullback–Leibler divergence per count.
///
/// Zero at x = m, where the textbook form cancels; the limit m at x = 0. Source: Loader (2000), *Fast and accurate
/// computation of binomial probabilities*.
pub fn half_deviance(x: f64, m: f64) -> f64 {
    if x == 0.0 {
        return m;
    }
    let relative = (m - x) / x;
    if relative.abs() < 0.4 {
        return x * x_minus_log1p(relative);
    }
    let ratio = x / m;
    let log_ratio = if ratio.is_normal() { ratio.ln() } else { x.ln() - m.ln() };
    x * log_ratio + m - x
}

/// The logistic function 1/(1 + e⁻ˣ), accurate in both tails.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// c · l with 0 · (−∞) = 0: a count of nothing times the log of an impossible event.
#[inline]
#[must_use]
pub fn times(c: f64, l: f64) -> f64 {
    if c == 0.0 { 0.0 } else { c * l }
}
