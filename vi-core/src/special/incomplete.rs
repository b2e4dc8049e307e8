//! Logarithms of the regularised incomplete gamma and beta functions, both tails at once.
//!
//! Series and continued fractions (*Numerical Recipes* §6.2, §6.4) with prefactors from the Poisson kernel, which do not
//! cancel for large parameters. The work grows as the square root of the largest parameter; incomplete gamma functions
//! have an expansion for the largest, incomplete beta functions give NaN beyond about 1e10.

use super::gamma::{digamma, lgamma_1p, lgamma_bregman, log_poisson_kernel};
use super::normal::{inverse_mills, normal_log_cdf};
use super::{log1mexp, x_minus_log1p};

const EPSILON: f64 = 1e-17;
const MOST_TERMS: usize = 1_000_000;
/// Stands for a vanishing denominator in Lentz's recurrence.
const TINY: f64 = 1e-300;

/// (log P(a, x), log Q(a, x)): the lower and upper regularised incomplete gamma functions, for a > 0 and x ≥ 0.
///
/// ```text
/// P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt,   Q = 1 − P
/// ```
pub fn log_gamma_inc(a: f64, x: f64) -> (f64, f64) {
    if !(a > 0.0 && a.is_finite() && x >= 0.0) {
        return (f64::NAN, f64::NAN);
    }
    if x == 0.0 {
        return (f64::NEG_INFINITY, 0.0);
    }
    if x == f64::INFINITY {
        return (0.0, f64::NEG_INFINITY);
    }
    if a >= UNIFORM_FROM {
        return uniform_gamma_inc(a, x);
    }
    let log_kernel = log_poisson_kernel(a, x, x.ln());
    if a < 1.0 && x < 1.5 {
        return small_gamma_inc(a, x);
    }
    if x < a + 1.0 {
        let lower = log_kernel + lower_series(a, x).ln();
        (lower, log1mexp(lower.min(0.0)))
    } else {
        let upper = log_kernel + a.ln() + upper_fraction(a, x).ln();
        (log1mexp(upper.min(0.0)), upper)
    }
}

const UNIFORM_FROM: f64 = 1e10;

/// Both tails for large a, by the first terms of Temme's uniform expansion (1979); the next is of relative order a^(-3/2).
///
/// ```text
/// Q = Φ(−η√a) + φ(η√a)/√a (1/(λ−1) − 1/η + …),   λ = x/a,   ½η² = λ − 1 − log λ
/// ```
fn uniform_gamma_inc(a: f64, x: f64) -> (f64, f64) {
    let mu = (x - a) / a;
    let eta = (2.0 * x_minus_log1p(mu)).sqrt().copysign(mu);
    let z = eta * a.sqrt();
    let c = if eta.abs() < 1e-3 {
        -1.0 / 3.0 + eta * (1.0 / 12.0 - eta * (2.0 / 135.0))
    } else {
        1.0 / mu - 1.0 / eta
    };
    let shift = c / a.sqrt();
    let tail = |z: f64, shift: f64| normal_log_cdf(z) + (inverse_mills(z) * shift).ln_1p();
    (tail(z, -shift), tail(-z, shift))
}

/// 1 + x/(a+1) + x²/((a+1)(a+2)) + …
fn lower_series(a: f64, x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for n in 1..MOST_TERMS {
        term *= x / (a + n as f64);
        sum += term;
        if term < EPSILON * sum {
            break;
        }
    }
    sum
}

/// 1/(x+1−a − 1(1−a)/(x+3−a − 2(2−a)/(x+5−a − …)))
fn upper_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for n in 1..MOST_TERMS {
        let n = n as f64;
        let coefficient = n * (a - n);
        b += 2.0;
        d = 1.0 / away_from_zero(coefficient * d + b);
        c = away_from_zero(b + coefficient / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 2.0 * f64::EPSILON {
            break;
        }
    }
    h
}

/// Both tails for a < 1 and x < 1.5, where 1 − P cancels as a → 0.
///
/// ```text
/// P = xᵃ/Γ(1+a) (1 + S),   S = Σₙ≥₁ a (−x)ⁿ / ((a+n) n!),   Q = −expm1(log(xᵃ/Γ(1+a))) − xᵃ/Γ(1+a) S
/// ```
fn small_gamma_inc(a: f64, x: f64) -> (f64, f64) {
    let log_front = a * x.ln() - lgamma_1p(a);
    let mut power = 1.0;
    let mut sum = 0.0;
    for n in 1..60 {
        let n = n as f64;
        power *= -x / n;
        let term = a * power / (a + n);
        sum += term;
        if term.abs() < 1e-18 * sum.abs() {
            break;
        }
    }
    (log_front + sum.ln_1p(), (-log_front.exp_m1() - log_front.exp() * sum).ln())
}

/// (log I(a, b; x), log(1 − I)): the regularised incomplete beta function and its complement, for a, b > 0.
///
/// `y` is 1 − x, given apart so that neither end loses digits.
///
/// ```text
/// I(a, b; x) = 1/B(a, b) ∫₀ˣ tᵃ⁻¹ (1−t)ᵇ⁻¹ dt
/// ```
pub fn log_beta_inc(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    let valid = a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite() && x >= 0.0 && y >= 0.0;
    if !valid {
        return (f64::NAN, f64::NAN);
    }
    if x == 0.0 {
        return (f64::NEG_INFINITY, 0.0);
    }
    if y == 0.0 {
        return (0.0, f64::NEG_INFINITY);
    }
    if a < 1.0 && x.max(b * x) < 0.7 {
        small_beta_inc(a, b, x)
    } else if b < 1.0 && y.max(a * y) < 0.7 {
        let (upper, lower) = small_beta_inc(b, a, y);
        (lower, upper)
    } else if x <= (a + 1.0) / (a + b + 2.0) {
        beta_tail_and_rest(a, b, x, y)
    } else {
        let (upper, lower) = beta_tail_and_rest(b, a, y, x);
        (lower, upper)
    }
}

/// Both tails for a < 1 and small x and bx, where 1 − I cancels as a → 0.
///
/// ```text
/// I = xᵃ/(a B(a, b)) (1 + S),   S = Σₙ≥₁ a (1−b)ₙ xⁿ / ((a+n) n!),   1 − I as for the gamma function
/// ```
fn small_beta_inc(a: f64, b: f64, x: f64) -> (f64, f64) {
    // log(a B(a, b)) = log Γ(1+a) − (log Γ(a+b) − log Γ(b)), the difference by its tangent and the rest.
    let log_front = a * (x.ln() + digamma(b)) + lgamma_bregman(a + b, b) - lgamma_1p(a);
    let mut power = 1.0;
    let mut sum = 0.0;
    for n in 1..200 {
        let n = n as f64;
        power *= (n - b) * x / n;
        let term = a * power / (a + n);
        sum += term;
        if term.abs() < 1e-18 * sum.abs() {
            break;
        }
    }
    let upper = -log_front.exp_m1() - log_front.exp() * sum;
    ((log_front + sum.ln_1p()).min(0.0), upper.ln().min(0.0))
}

/// log(xᵃ yᵇ Γ(a+b+1) / (Γ(a+1) Γ(b+1))), without cancellation between large parameters.
pub(super) fn log_beta_kernel(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let sum = a + b;
    log_poisson_kernel(a, sum * x, sum.ln() + x.ln()) + log_poisson_kernel(b, sum * y, sum.ln() + y.ln())
        - log_poisson_kernel(sum, sum, sum.ln())
}

fn beta_tail_and_rest(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    let log_kernel = log_beta_kernel(a, b, x, y);
    // xᵃyᵇ / (a B(a, b)); the front of the other tail is xᵃyᵇ / (b B(a, b)).
    let front = |of: f64, other: f64| {
        log_kernel + (other / of.max(other) / (1.0 + of.min(other) / of.max(other))).ln()
    };
    let tail = match beta_fraction(a, b, x, y) {
        Some(fraction) => (front(a, b) + fraction.ln()).min(0.0),
        None => return (f64::NAN, f64::NAN),
    };
    // Close to 1 it is the complement that keeps its digits, as its own continued fraction.
    let rest = if tail > -0.1 { beta_fraction(b, a, y, x) } else { None };
    match rest.map(|fraction| front(b, a) + fraction.ln()) {
        Some(rest) => (log1mexp(rest.min(0.0)), rest),
        None => (tail, log1mexp(tail)),
    }
}

/// The continued fraction of I(a, b; x) a B(a, b) / (xᵃyᵇ); `None` if it has not converged.
fn beta_fraction(a: f64, b: f64, x: f64, y: f64) -> Option<f64> {
    let sum = a + b;
    let mut c = 1.0;
    // 1 − (a+b)x/(a+1), from y where x is close to 1.
    let first = if x > 0.5 { (1.0 - b + sum * y) / (a + 1.0) } else { 1.0 - sum * x / (a + 1.0) };
    let mut d = 1.0 / away_from_zero(first);
    let mut h = d;
    for m in 1..MOST_TERMS {
        let m = m as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (sum + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        h *= d * c;
        if (d * c - 1.0).abs() < 2.0 * f64::EPSILON {
            return (h > 0.0).then_some(h);
        }
    }
    None
}

fn away_from_zero(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}
