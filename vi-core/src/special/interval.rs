//! Log probabilities of intervals, for truncation.

use crate::dist;

/// log(Φ(b) − Φ(a))
#[must_use]
pub fn log_normal_interval(a: f64, b: f64) -> f64 {
    dist::Normal::mean_sd(0.0, 1.0).log_interval(a, b)
}

/// 0 for a ≤ x ≤ b, −∞ elsewhere
#[must_use]
pub fn log_inside(x: f64, a: f64, b: f64) -> f64 {
    if x >= a && x <= b { 0.0 } else { f64::NEG_INFINITY }
}

/// log P(a ≤ X ≤ b) of Gamma(shape, rate: 1)
#[must_use]
pub fn log_gamma_interval(shape: f64, a: f64, b: f64) -> f64 {
    dist::Gamma::shape_rate(shape, 1.0).log_interval(a, b)
}

/// log P(a ≤ X ≤ b) of Beta(p, q)
#[must_use]
pub fn log_beta_interval(p: f64, q: f64, a: f64, b: f64) -> f64 {
    dist::Beta::a_b(p, q).log_interval(a, b)
}

/// log P(a ≤ Y ≤ b) of Poisson(rate)
#[must_use]
pub fn log_poisson_interval(rate: f64, a: f64, b: f64) -> f64 {
    dist::Poisson::rate(rate).log_interval(a, b)
}

/// log P(a ≤ Y ≤ b) of Binomial(n, p)
#[must_use]
pub fn log_binomial_interval(n: f64, p: f64, a: f64, b: f64) -> f64 {
    dist::Binomial::n_p(n as u64, p).log_interval(a, b)
}

/// log P(a ≤ Y ≤ b) of NegativeBinomial(mean, dispersion)
#[must_use]
pub fn log_negative_binomial_interval(mean: f64, dispersion: f64, a: f64, b: f64) -> f64 {
    dist::NegativeBinomial::mean_dispersion(mean, dispersion).log_interval(a, b)
}

/// log P(a ≤ T ≤ b) of Student's t
#[must_use]
pub fn log_student_interval(dof: f64, a: f64, b: f64) -> f64 {
    dist::StudentT::mean_scale_dof(0.0, 1.0, dof).log_interval(a, b)
}

/// log P(a ≤ X ≤ b) of Laplace(0, 1)
#[must_use]
pub fn log_laplace_interval(a: f64, b: f64) -> f64 {
    dist::Laplace::mean_scale(0.0, 1.0).log_interval(a, b)
}

/// log P(a ≤ X ≤ b) of Cauchy(0, 1)
#[must_use]
pub fn log_cauchy_interval(a: f64, b: f64) -> f64 {
    dist::Cauchy::mean_scale(0.0, 1.0).log_interval(a, b)
}
