//! Derivatives of log P(a ≤ X ≤ b), for the M-steps of truncated families.
//!
//! ```text
//! Z = ∫ₐᵇ f(x) dx      ∂ log Z/∂b = f(b)/Z      ∂ log Z/∂a = −f(a)/Z      ∂ log Z/∂θ = E[∂ log f/∂θ | a ≤ X ≤ b]
//! ```
//!
//! Counts have no derivative in their bounds; in θ the sum telescopes to the terms at its ends. Arguments are numbered as in
//! `log_…_interval`, from 0. Where no derivative is defined, NaN.

use super::quadrature::gauss_legendre;
use super::{digamma, interval, inverse_mills, normal_log_density, sigmoid, trigamma, x_minus_log1p};
use crate::dist::{Binomial, Gamma, NegativeBinomial, Poisson, StudentT};

/// φ(x) / (Φ(b) − Φ(a)) for an x in [a, b]; 0 at an open bound.
///
/// In the tails relative to the density at the nearer bound, so that neither the square nor the probability is rounded.
#[must_use]
pub fn normal_interval_slope(x: f64, a: f64, b: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    if b <= 0.0 {
        return normal_interval_slope(-x, -b, -a);
    }
    if a < 0.0 {
        return (normal_log_density(x) - interval::log_normal_interval(a, b)).exp();
    }
    let width = b - a;
    let drop = 0.5 * width * (a + b);
    let mass = if drop < 1.0 {
        gauss_legendre(|t| (-t * (a + 0.5 * t)).exp(), 0.0, width)
    } else if b == f64::INFINITY {
        1.0 / inverse_mills(-a)
    } else {
        1.0 / inverse_mills(-a) - (-drop).exp() / inverse_mills(-b)
    };
    (-0.5 * (x - a) * (x + a)).exp() / mass
}

/// f/Z and (log f)′ at the two bounds.
struct Ends {
    density: [f64; 2],
    score: [f64; 2],
}

impl Ends {
    fn new(
        bounds: [f64; 2],
        log_mass: f64,
        log_density: impl Fn(f64) -> f64,
        score: impl Fn(f64) -> f64,
    ) -> Ends {
        let density = bounds.map(|x| if x.is_infinite() { 0.0 } else { (log_density(x) - log_mass).exp() });
        Ends { density, score: bounds.map(score) }
    }

    /// ∂ log Z in one bound.
    fn slope(&self, end: usize) -> f64 {
        sign(end) * self.density[end]
    }

    fn curvature(&self, i: usize, j: usize) -> f64 {
        if i != j {
            return self.density[0] * self.density[1];
        }
        // A bound without density may have an infinite score.
        if self.density[i] == 0.0 {
            return 0.0;
        }
        self.slope(i) * (self.score[i] - self.slope(i))
    }

    /// ∂² log Z in a bound and a parameter whose score is `at` there and `mean` on average.
    fn cross(&self, end: usize, at: f64, mean: f64) -> f64 {
        if self.density[end] == 0.0 { 0.0 } else { self.slope(end) * (at - mean) }
    }
}

fn sign(end: usize) -> f64 {
    if end == 0 { -1.0 } else { 1.0 }
}

/// Mean and covariance of two statistics.
struct Moments {
    mean: [f64; 2],
    cov: [[f64; 2]; 2],
}

/// Moments of a law with log density g(u) + constant on [lo, hi], for a concave g that is greatest, and 0, at u = 0 ∈ [lo, hi].
fn moments(g: impl Fn(f64) -> f64, lo: f64, hi: f64, statistics: impl Fn(f64) -> [f64; 2]) -> Moments {
    const PANELS: usize = 8;
    let edges = [reach(&g, -1.0, -lo), reach(&g, 1.0, hi)];
    let integral = |f: &dyn Fn(f64) -> f64| -> f64 {
        let mut sum = 0.0;
        for (side, edge) in [(-1.0, edges[0]), (1.0, edges[1])] {
            for p in 0..PANELS {
                let (near, far) = (edge * p as f64 / PANELS as f64, edge * (p + 1) as f64 / PANELS as f64);
                sum += gauss_legendre(|u| g(side * u).exp() * f(side * u), near, far);
            }
        }
        sum
    };
    let mass = integral(&|_| 1.0);
    let mean = [0, 1].map(|i| integral(&|u| statistics(u)[i]) / mass);
    let cov = [0, 1].map(|i| {
        [0, 1].map(|j| {
            let product = |u: f64| {
                let t = statistics(u);
                (t[i] - mean[i]) * (t[j] - mean[j])
            };
            integral(&product) / mass
        })
    });
    Moments { mean, cov }
}

/// How far from the mode the density matters on one side, at most `limit`.
fn reach(g: &impl Fn(f64) -> f64, side: f64, limit: f64) -> f64 {
    const NEGLIGIBLE: f64 = -45.0;
    if limit.is_finite() && g(side * limit) > NEGLIGIBLE {
        return limit;
    }
    let mut far = 1.0;
    while far < limit && g(side * far) > NEGLIGIBLE && far < 1e300 {
        far *= 2.0;
    }
    let (mut near, mut far) = (0.0, far.min(limit));
    for _ in 0..40 {
        let middle = 0.5 * (near + far);
        if g(side * middle) > NEGLIGIBLE { near = middle } else { far = middle }
    }
    far
}

/// Moments of log X − log x₀ under Gamma(shape, 1) on [a, b], and log x₀.
fn gamma_moments(shape: f64, a: f64, b: f64) -> (Moments, f64) {
    let (low, high) = (a.ln(), b.ln());
    let mode = shape.ln().clamp(low, high);
    let x0 = mode.exp();
    let g = move |u: f64| {
        let e = u.exp_m1();
        if u.abs() > 1.0 { shape * u - x0 * e } else { -shape * x_minus_log1p(e) - (x0 - shape) * e }
    };
    (moments(g, low - mode, high - mode, |u| [u, 0.0]), mode)
}

fn gamma_ends(shape: f64, a: f64, b: f64) -> Ends {
    let law = Gamma::shape_rate(shape, 1.0);
    Ends::new([a, b], law.log_interval(a, b), |x| law.log_density(x), |x| (shape - 1.0) / x - 1.0)
}

/// ∂ log P(a ≤ X ≤ b) of Gamma(shape, rate: 1), in argument `i` of (shape, a, b).
#[must_use]
pub fn gamma_interval_slope(i: usize, shape: f64, a: f64, b: f64) -> f64 {
    match i {
        0 => {
            let (m, at) = gamma_moments(shape, a, b);
            m.mean[0] + at - digamma(shape)
        }
        1 | 2 => gamma_ends(shape, a, b).slope(i - 1),
        _ => f64::NAN,
    }
}

/// ∂² log P(a ≤ X ≤ b) of Gamma(shape, rate: 1), in arguments `i` and `j` of (shape, a, b).
#[must_use]
pub fn gamma_interval_curvature(i: usize, j: usize, shape: f64, a: f64, b: f64) -> f64 {
    match (i.min(j), i.max(j)) {
        (0, 0) => gamma_moments(shape, a, b).0.cov[0][0] - trigamma(shape),
        (0, end @ 1..=2) => {
            let (m, at) = gamma_moments(shape, a, b);
            gamma_ends(shape, a, b).cross(end - 1, [a, b][end - 1].ln(), m.mean[0] + at)
        }
        (i @ 1..=2, j @ 1..=2) => gamma_ends(shape, a, b).curvature(i - 1, j - 1),
        _ => f64::NAN,
    }
}

/// Moments of (log X − log x₀, log(1−X) − log(1−x₀)) under Beta(p, q) on [a, b], and (log x₀, log(1−x₀)).
fn beta_moments(p: f64, q: f64, a: f64, b: f64) -> (Moments, [f64; 2]) {
    let logit = |x: f64| x.ln() - (-x).ln_1p();
    let (low, high) = (logit(a), logit(b));
    let mode = (p / q).ln().clamp(low, high);
    let (x0, y0) = (sigmoid(mode), sigmoid(-mode));
    // log(x₀ eᵘ + 1 − x₀)
    let norm = move |u: f64| {
        if u > 30.0 { u + (x0 + y0 * (-u).exp()).ln() } else { (x0 * u.exp_m1()).ln_1p() }
    };
    let m = moments(|u| p * u - (p + q) * norm(u), low - mode, high - mode, |u| [u - norm(u), -norm(u)]);
    (m, [x0.ln(), y0.ln()])
}

fn beta_ends(p: f64, q: f64, a: f64, b: f64) -> Ends {
    let law = crate::dist::Beta::a_b(p, q);
    Ends::new(
        [a, b],
        law.log_interval(a, b),
        |x| law.log_density(x),
        |x| (p - 1.0) / x - (q - 1.0) / (1.0 - x),
    )
}

/// ∂ log P(a ≤ X ≤ b) of Beta(p, q), in argument `i` of (p, q, a, b).
#[must_use]
pub fn beta_interval_slope(i: usize, p: f64, q: f64, a: f64, b: f64) -> f64 {
    match i {
        0 | 1 => {
            let (m, at) = beta_moments(p, q, a, b);
            m.mean[i] + at[i] - digamma([p, q][i]) + digamma(p + q)
        }
        2 | 3 => beta_ends(p, q, a, b).slope(i - 2),
        _ => f64::NAN,
    }
}

/// ∂² log P(a ≤ X ≤ b) of Beta(p, q), in arguments `i` and `j` of (p, q, a, b).
#[must_use]
pub fn beta_interval_curvature(i: usize, j: usize, p: f64, q: f64, a: f64, b: f64) -> f64 {
    match (i.min(j), i.max(j)) {
        (i @ 0..=1, j @ 0..=1) => {
            let own = if i == j { trigamma([p, q][i]) } else { 0.0 };
            beta_moments(p, q, a, b).0.cov[i][j] - own + trigamma(p + q)
        }
        (i @ 0..=1, end @ 2..=3) => {
            let (m, at) = beta_moments(p, q, a, b);
            let x = [a, b][end - 2];
            let statistic = if i == 0 { x.ln() } else { (-x).ln_1p() };
            beta_ends(p, q, a, b).cross(end - 2, statistic, m.mean[i] + at[i])
        }
        (i @ 2..=3, j @ 2..=3) => beta_ends(p, q, a, b).curvature(i - 2, j - 2),
        _ => f64::NAN,
    }
}

fn student_ends(dof: f64, a: f64, b: f64) -> Ends {
    let law = StudentT::mean_scale_dof(0.0, 1.0, dof);
    let score = |x: f64| -(dof + 1.0) * x / (dof + x * x);
    Ends::new([a, b], law.log_interval(a, b), |x| law.log_density(x), score)
}

/// ∂ log P(a ≤ T ≤ b) of Student's t, in argument `i` of (dof, a, b); none in dof.
#[must_use]
pub fn student_interval_slope(i: usize, dof: f64, a: f64, b: f64) -> f64 {
    if (1..=2).contains(&i) { student_ends(dof, a, b).slope(i - 1) } else { f64::NAN }
}

/// ∂² log P(a ≤ T ≤ b) of Student's t, in arguments `i` and `j` of (dof, a, b); none in dof.
#[must_use]
pub fn student_interval_curvature(i: usize, j: usize, dof: f64, a: f64, b: f64) -> f64 {
    let ends = (1..=2).contains(&i) && (1..=2).contains(&j);
    if ends { student_ends(dof, a, b).curvature(i - 1, j - 1) } else { f64::NAN }
}

fn laplace_ends(a: f64, b: f64) -> Ends {
    let log_density = |x: f64| -x.abs() - std::f64::consts::LN_2;
    Ends::new([a, b], interval::log_laplace_interval(a, b), log_density, |x| -x.signum())
}

/// ∂ log P(a ≤ X ≤ b) of Laplace(0, 1), in argument `i` of (a, b).
#[must_use]
pub fn laplace_interval_slope(i: usize, a: f64, b: f64) -> f64 {
    if i < 2 { laplace_ends(a, b).slope(i) } else { f64::NAN }
}

/// ∂² log P(a ≤ X ≤ b) of Laplace(0, 1), in arguments `i` and `j` of (a, b).
#[must_use]
pub fn laplace_interval_curvature(i: usize, j: usize, a: f64, b: f64) -> f64 {
    if i.max(j) < 2 { laplace_ends(a, b).curvature(i, j) } else { f64::NAN }
}

fn cauchy_ends(a: f64, b: f64) -> Ends {
    let log_density = |x: f64| -std::f64::consts::PI.ln() - super::log1p_square(x);
    Ends::new([a, b], interval::log_cauchy_interval(a, b), log_density, |x| -2.0 * x / (1.0 + x * x))
}

/// ∂ log P(a ≤ X ≤ b) of Cauchy(0, 1), in argument `i` of (a, b).
#[must_use]
pub fn cauchy_interval_slope(i: usize, a: f64, b: f64) -> f64 {
    if i < 2 { cauchy_ends(a, b).slope(i) } else { f64::NAN }
}

/// ∂² log P(a ≤ X ≤ b) of Cauchy(0, 1), in arguments `i` and `j` of (a, b).
#[must_use]
pub fn cauchy_interval_curvature(i: usize, j: usize, a: f64, b: f64) -> f64 {
    if i.max(j) < 2 { cauchy_ends(a, b).curvature(i, j) } else { f64::NAN }
}

/// The greatest count below the interval and the greatest within it, if there are such, with the sign of what they add to ∂ log Z.
fn count_ends(a: f64, b: f64) -> impl Iterator<Item = (f64, f64)> {
    let below = a.max(0.0).ceil() - 1.0;
    let greatest = b.floor();
    [(1.0, below), (-1.0, greatest)].into_iter().filter(|(_, k)| *k >= 0.0 && k.is_finite())
}

/// (∂, ∂²) of log Z, where ∂P(Y ≤ k)/∂θ = −term(k) Z and (log term)′ + (log Z)′ = score(k).
fn telescoped(a: f64, b: f64, term: impl Fn(f64) -> f64, score: impl Fn(f64) -> f64) -> (f64, f64) {
    let slope: f64 = count_ends(a, b).map(|(s, k)| s * term(k)).sum();
    let curvature = count_ends(a, b)
        .map(|(s, k)| {
            let t = term(k);
            if t == 0.0 { 0.0 } else { s * t * (score(k) - slope) }
        })
        .sum();
    (slope, curvature)
}

fn poisson_interval(rate: f64, a: f64, b: f64) -> (f64, f64) {
    let law = Poisson::rate(rate);
    let log_mass = law.log_interval(a, b);
    telescoped(a, b, |k| (law.log_density(k as u64) - log_mass).exp(), |k| k / rate - 1.0)
}

/// ∂ log P(a ≤ Y ≤ b) of Poisson(rate), in argument `i` of (rate, a, b); none in the bounds.
#[must_use]
pub fn poisson_interval_slope(i: usize, rate: f64, a: f64, b: f64) -> f64 {
    if i == 0 { poisson_interval(rate, a, b).0 } else { f64::NAN }
}

/// ∂² log P(a ≤ Y ≤ b) of Poisson(rate), in arguments `i` and `j` of (rate, a, b); none in the bounds.
#[must_use]
pub fn poisson_interval_curvature(i: usize, j: usize, rate: f64, a: f64, b: f64) -> f64 {
    if (i, j) == (0, 0) { poisson_interval(rate, a, b).1 } else { f64::NAN }
}

fn binomial_interval(n: f64, p: f64, a: f64, b: f64) -> (f64, f64) {
    let law = Binomial::n_p(n as u64, p);
    let log_mass = law.log_interval(a, b);
    let q = 1.0 - p;
    let term = |k: f64| {
        if k >= n { 0.0 } else { (n - k) * (law.log_density(k as u64) - log_mass).exp() / q }
    };
    telescoped(a, b, term, |k| k / p - (n - k - 1.0) / q)
}

/// ∂ log P(a ≤ Y ≤ b) of Binomial(n, p), in argument `i` of (n, p, a, b); only in p.
#[must_use]
pub fn binomial_interval_slope(i: usize, n: f64, p: f64, a: f64, b: f64) -> f64 {
    if i == 1 { binomial_interval(n, p, a, b).0 } else { f64::NAN }
}

/// ∂² log P(a ≤ Y ≤ b) of Binomial(n, p), in arguments `i` and `j` of (n, p, a, b); only in p.
#[must_use]
pub fn binomial_interval_curvature(i: usize, j: usize, n: f64, p: f64, a: f64, b: f64) -> f64 {
    if (i, j) == (1, 1) { binomial_interval(n, p, a, b).1 } else { f64::NAN }
}

/// (∂, ∂²) of log Z of NegativeBinomial(m, r): slopes in m and r, curvatures (mm, mr, rr).
///
/// In m the sum telescopes. In r the scores are added up, over the interval where it is finite and over what lies below it elsewhere.
fn negative_binomial_interval(m: f64, r: f64, a: f64, b: f64) -> ([f64; 2], [f64; 3]) {
    let law = NegativeBinomial::mean_dispersion(m, r);
    let log_mass = law.log_interval(a, b);
    let share = |k: f64| (law.log_density(k as u64) - log_mass).exp();
    let total = r + m;
    let (slope, curvature) =
        telescoped(a, b, |k| (r + k) / total * share(k), |k| k / m - (r + k + 1.0) / total);
    let least = a.max(0.0).ceil();
    let greatest = b.floor();
    let (sign, from, to) =
        if greatest.is_finite() { (1.0, least, greatest) } else { (-1.0, 0.0, least - 1.0) };
    let (mut first, mut square, mut mixed) = (0.0, 0.0, 0.0);
    let mut k = from;
    while k <= to {
        let h = sign * share(k);
        let in_m = k / m - (r + k) / total;
        let in_r = digamma(k + r) - digamma(r) + (r / total).ln() + 1.0 - (r + k) / total;
        first += h * in_r;
        let second = trigamma(k + r) - trigamma(r) + 1.0 / r - 2.0 / total + (r + k) / (total * total);
        square += h * (in_r * in_r + second);
        mixed += h * (in_r * in_m - 1.0 / total + (r + k) / (total * total));
        k += 1.0;
    }
    ([slope, first], [curvature, mixed - slope * first, square - first * first])
}

/// ∂ log P(a ≤ Y ≤ b) of NegativeBinomial(mean, dispersion), in argument `i` of (mean, dispersion, a, b); none in the bounds.
#[must_use]
pub fn negative_binomial_interval_slope(i: usize, mean: f64, dispersion: f64, a: f64, b: f64) -> f64 {
    if i < 2 { negative_binomial_interval(mean, dispersion, a, b).0[i] } else { f64::NAN }
}

/// ∂² log P(a ≤ Y ≤ b) of NegativeBinomial(mean, dispersion), in arguments `i` and `j` of (mean, dispersion, a, b); none in the
/// bounds.
#[must_use]
pub fn negative_binomial_interval_curvature(
    i: usize,
    j: usize,
    mean: f64,
    dispersion: f64,
    a: f64,
    b: f64,
) -> f64 {
    if i.max(j) < 2 { negative_binomial_interval(mean, dispersion, a, b).1[i + j] } else { f64::NAN }
}
