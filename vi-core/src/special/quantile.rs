//! Inverses of the incomplete gamma and beta functions: quantiles.
//!
//! A probability p is given as (log p, log(1 − p)), so that both ends keep their digits. The smaller of the two is matched. With log x
//! (for the beta function log(x/(1−x))) for coordinate the densities are log-concave, so both tails are (Prékopa 1973), and Newton's
//! method for the logarithm of a tail converges from any start: after the first step it approaches from one side. The bracket
//! guards against rounding and overflow alone.

use super::gamma::{lgamma_1p, log_beta, log_poisson_kernel, trigamma};
use super::incomplete::{log_beta_inc, log_beta_kernel, log_gamma_inc};
use super::{digamma, normal_quantile, sigmoid};

const MOST_STEPS: usize = 200;
/// Convergence is quadratic: what a step of this length leaves is below rounding.
const LAST_STEP: f64 = 1e-10;

/// (log p, log(1 − p)), as the inverses here take a probability.
///
/// NaN unless 0 ≤ p ≤ 1.
pub fn log_tails(p: f64) -> (f64, f64) {
    if (0.0..=1.0).contains(&p) { (p.ln(), (-p).ln_1p()) } else { (f64::NAN, f64::NAN) }
}

/// z with Φ(z) = p, from (log p, log(1 − p)).
pub fn normal_quantile_of(tails: (f64, f64)) -> f64 {
    let (log_p, log_q) = tails;
    if log_p < log_q { normal_quantile(log_p.exp()) } else { -normal_quantile(log_q.exp()) }
}

/// x with P(a, x) = p, the quantile of Gamma(shape: a, rate: 1), from (log p, log(1 − p)).
///
/// About 1e-13 relative, times |p/(x p'(x))| where that is above 1; 0 where x is below the least double. NaN for an invalid a or p.
///
/// ```
/// use vi_core::special::{gamma_quantile, log_tails};
///
/// // The median of an exponential law.
/// assert!((gamma_quantile(1.0, log_tails(0.5)) - 2f64.ln()).abs() < 1e-15);
/// ```
pub fn gamma_quantile(a: f64, tails: (f64, f64)) -> f64 {
    let (log_p, log_q) = tails;
    if !(a > 0.0 && a.is_finite()) || log_p.is_nan() || log_q.is_nan() {
        return f64::NAN;
    }
    if log_p == f64::NEG_INFINITY {
        return 0.0;
    }
    if log_q == f64::NEG_INFINITY {
        return f64::INFINITY;
    }
    let lower = log_p < log_q;
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut x = gamma_start(a, tails);
    for _ in 0..MOST_STEPS {
        if x == 0.0 {
            return x;
        }
        let (log_lower, log_upper) = log_gamma_inc(a, x);
        let (gap, tail) = if lower { (log_lower - log_p, log_lower) } else { (log_q - log_upper, log_upper) };
        if gap == 0.0 || gap.is_nan() {
            break;
        }
        if gap < 0.0 {
            low = x;
        } else {
            high = x;
        }
        let slope = (log_poisson_kernel(a, x, x.ln()) + a.ln() - tail).exp();
        let step = -gap / slope;
        let newton = x * step.exp();
        if step.abs() < LAST_STEP {
            return newton;
        }
        // Before there is a bound, a step to the right may be far too long.
        let next = if high == f64::INFINITY && newton > 4.0 * x {
            4.0 * x
        } else if newton > low && newton < high {
            newton
        } else if low == 0.0 {
            0.25 * x
        } else {
            low + 0.5 * (high - low)
        };
        x = next;
    }
    x
}

/// xᵃ/Γ(a+1) for the lower tail where x is small, and Wilson & Hilferty's cube (1931) elsewhere.
fn gamma_start(a: f64, tails: (f64, f64)) -> f64 {
    let small = ((tails.0 + lgamma_1p(a)) / a).exp();
    if small < 0.1 {
        return small;
    }
    let z = rough_normal_quantile(tails);
    let root = 1.0 - 1.0 / (9.0 * a) + z / (3.0 * a.sqrt());
    if root > 0.1 { a * root.powi(3) } else { small.min(a + 1.0) }
}

/// Φ⁻¹, also where p is below the least double.
fn rough_normal_quantile((log_p, log_q): (f64, f64)) -> f64 {
    let (tail, sign) = if log_p < log_q { (log_p, 1.0) } else { (log_q, -1.0) };
    sign * if tail < -300.0 { -(-2.0 * tail).sqrt() } else { normal_quantile(tail.exp()) }
}

/// (x, 1 − x) with I(a, b; x) = p, the quantile of Beta(a, b), from (log p, log(1 − p)).
///
/// About 1e-13 relative in both, times |p/(x(1−x) p'(x))| where that is above 1; NaN for invalid arguments and beyond about 1e10.
///
/// ```
/// use vi_core::special::{beta_quantile, log_tails};
///
/// // I(2, 1; x) = x².
/// let (x, y) = beta_quantile(2.0, 1.0, log_tails(0.25));
/// assert!((x - 0.5).abs() < 1e-15 && (y - 0.5).abs() < 1e-15);
/// ```
pub fn beta_quantile(a: f64, b: f64, tails: (f64, f64)) -> (f64, f64) {
    let (log_p, log_q) = tails;
    let valid = a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite();
    if !valid || log_p.is_nan() || log_q.is_nan() {
        return (f64::NAN, f64::NAN);
    }
    if log_p == f64::NEG_INFINITY {
        return (0.0, 1.0);
    }
    if log_q == f64::NEG_INFINITY {
        return (1.0, 0.0);
    }
    let lower = log_p < log_q;
    // Logits known to lie on either side.
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let (mut x, mut y) = beta_start(a, b, tails);
    for _ in 0..MOST_STEPS {
        if x == 0.0 || y == 0.0 {
            break;
        }
        let (log_lower, log_upper) = log_beta_inc(a, b, x, y);
        let (gap, tail) = if lower { (log_lower - log_p, log_lower) } else { (log_q - log_upper, log_upper) };
        if gap.is_nan() {
            return (f64::NAN, f64::NAN);
        }
        if gap == 0.0 {
            break;
        }
        let t = x.ln() - y.ln();
        if gap < 0.0 {
            low = t;
        } else {
            high = t;
        }
        let log_density = log_beta_kernel(a, b, x, y) + (a.min(b) / (1.0 + a.min(b) / a.max(b))).ln();
        let step = -gap / (log_density - tail).exp();
        let newton = t + step;
        if step.abs() < LAST_STEP {
            return shifted(x, y, step);
        }
        let unbounded = step.abs() > 2.0 && if step > 0.0 { high } else { low }.is_infinite();
        let wanders = unbounded && (step > 0.0) != lower;
        if !wanders && newton > low && newton < high {
            (x, y) = shifted(x, y, step);
        } else {
            let next = if high == f64::INFINITY {
                t + 2.0
            } else if low == f64::NEG_INFINITY {
                t - 2.0
            } else {
                low + 0.5 * (high - low)
            };
            (x, y) = (sigmoid(next), sigmoid(-next));
        }
    }
    (x, y)
}

/// The pair whose logit is larger by `step`, to the last digits of both.
fn shifted(x: f64, y: f64, step: f64) -> (f64, f64) {
    if step > 0.0 {
        let (y, x) = shifted(y, x, -step);
        return (x, y);
    }
    let shrunk = x * step.exp();
    let norm = shrunk + y;
    (shrunk / norm, y / norm)
}

/// The leading term of the tail where it is small, and elsewhere the normal law with the logit's two moments.
fn beta_start(a: f64, b: f64, (log_p, log_q): (f64, f64)) -> (f64, f64) {
    let log_norm = log_beta(a, b);
    let x = ((log_p + a.ln() + log_norm) / a).exp();
    if x * (1.0 + b) < 0.1 {
        return (x, 1.0 - x);
    }
    let y = ((log_q + b.ln() + log_norm) / b).exp();
    if y * (1.0 + a) < 0.1 {
        return (1.0 - y, y);
    }
    let z = rough_normal_quantile((log_p, log_q));
    let logit = digamma(a) - digamma(b) + z * (trigamma(a) + trigamma(b)).sqrt();
    let logit = logit.clamp(-600.0, 600.0);
    (sigmoid(logit), sigmoid(-logit))
}

/// t with P(T ≤ t) = p for Student's t with `dof` degrees of freedom, from (log p, log(1 − p)).
///
/// By the quantile x of Beta(½ dof, ½) at 2p: t = −√(dof (1−x)/x) below the median. NaN for an invalid dof or p.
pub fn student_quantile(dof: f64, tails: (f64, f64)) -> f64 {
    let (log_p, log_q) = tails;
    if !(dof > 0.0 && dof.is_finite()) || log_p.is_nan() || log_q.is_nan() {
        return f64::NAN;
    }
    let (tail, sign) = if log_p < log_q { (log_p, -1.0) } else { (log_q, 1.0) };
    if tail == f64::NEG_INFINITY {
        return sign * f64::INFINITY;
    }
    if dof > NEARLY_NORMAL {
        return nearly_normal_quantile(dof, normal_quantile_of(tails));
    }
    let half = 0.5 * dof;
    let twice = tail + std::f64::consts::LN_2;
    let rest = super::log1mexp(twice.min(0.0));
    let (x, y) = beta_quantile(half, 0.5, (twice, rest));
    if x > 1e-290 {
        return sign * (dof * y / x).sqrt();
    }
    // I(½dof, ½; x) by its leading term, for an x that is below the least double.
    let log_x = (twice + half.ln() + log_beta(half, 0.5)) / half;
    sign * (0.5 * (dof.ln() - log_x)).exp()
}

const NEARLY_NORMAL: f64 = 1e8;

/// The expansion of Cornish & Fisher in 1/dof to its second order (Abramowitz & Stegun 26.7.5).
fn nearly_normal_quantile(dof: f64, z: f64) -> f64 {
    let square = z * z;
    let first = z * (square + 1.0) / 4.0;
    let second = z * (3.0 + square * (16.0 + square * 5.0)) / 96.0;
    z + (first + second / dof) / dof
}
