//! Log densities as textbooks print them, written without a look at the crate that is tested.

use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

/// log Γ(x) for x > 0, by Stirling's series above 15 and the recurrence below.
#[must_use]
pub fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 15.0 {
        shift -= x.ln();
        x += 1.0;
    }
    let i = 1.0 / (x * x);
    let series = (1.0 / 12.0
        + i * (-1.0 / 360.0
            + i * (1.0 / 1260.0 + i * (-1.0 / 1680.0 + i * (1.0 / 1188.0 - i * 691.0 / 360_360.0)))))
        / x;
    shift + (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series
}

/// log Σ exp
#[must_use]
pub fn log_sum_exp(x: &[f64]) -> f64 {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY { top } else { top + x.iter().map(|v| (v - top).exp()).sum::<f64>().ln() }
}

/// Normal with a variance.
#[must_use]
pub fn normal(x: f64, mean: f64, var: f64) -> f64 {
    -0.5 * (2.0 * PI * var).ln() - (x - mean).powi(2) / (2.0 * var)
}

/// Multivariate Normal with a covariance, by its inverse and its determinant.
///
/// # Panics
/// If the covariance is singular.
#[must_use]
pub fn mv_normal(x: &[f64], mean: &DVector<f64>, cov: &DMatrix<f64>) -> f64 {
    let d = DVector::from_column_slice(x) - mean;
    let inverse = cov.clone().try_inverse().expect("a covariance can be inverted");
    -0.5 * ((2.0 * PI).ln() * x.len() as f64 + cov.determinant().ln() + (d.transpose() * inverse * &d)[0])
}

/// Gamma with a rate.
#[must_use]
pub fn gamma(x: f64, shape: f64, rate: f64) -> f64 {
    shape * rate.ln() - ln_gamma(shape) + (shape - 1.0) * x.ln() - rate * x
}

/// Inverse Gamma with a scale.
#[must_use]
pub fn inverse_gamma(x: f64, shape: f64, scale: f64) -> f64 {
    shape * scale.ln() - ln_gamma(shape) - (shape + 1.0) * x.ln() - scale / x
}

/// Beta.
#[must_use]
pub fn beta(x: f64, a: f64, b: f64) -> f64 {
    ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + (a - 1.0) * x.ln() + (b - 1.0) * (1.0 - x).ln()
}

/// Dirichlet.
#[must_use]
pub fn dirichlet(x: &[f64], a: &[f64]) -> f64 {
    ln_gamma(a.iter().sum()) + x.iter().zip(a).map(|(x, a)| (a - 1.0) * x.ln() - ln_gamma(*a)).sum::<f64>()
}

/// Poisson.
#[must_use]
pub fn poisson(y: u64, rate: f64) -> f64 {
    y as f64 * rate.ln() - rate - ln_gamma(y as f64 + 1.0)
}

/// Binomial.
#[must_use]
pub fn binomial(y: u64, n: u64, p: f64) -> f64 {
    let (y, n) = (y as f64, n as f64);
    ln_gamma(n + 1.0) - ln_gamma(y + 1.0) - ln_gamma(n - y + 1.0) + y * p.ln() + (n - y) * (1.0 - p).ln()
}

/// Number of failures before the first success.
#[must_use]
pub fn geometric(y: u64, p: f64) -> f64 {
    p.ln() + y as f64 * (1.0 - p).ln()
}

/// Multinomial of all the counts given.
#[must_use]
pub fn multinomial(y: &[u64], p: &[f64]) -> f64 {
    let n: u64 = y.iter().sum();
    ln_gamma(n as f64 + 1.0)
        + y.iter().zip(p).map(|(y, p)| *y as f64 * p.ln() - ln_gamma(*y as f64 + 1.0)).sum::<f64>()
}

/// Negative binomial with variance mean + mean² / dispersion.
#[must_use]
pub fn negative_binomial(y: u64, mean: f64, dispersion: f64) -> f64 {
    let (y, r) = (y as f64, dispersion);
    ln_gamma(y + r) - ln_gamma(r) - ln_gamma(y + 1.0)
        + r * (r / (r + mean)).ln()
        + y * (mean / (r + mean)).ln()
}

/// Student's t.
#[must_use]
pub fn student_t(x: f64, dof: f64, mean: f64, scale: f64) -> f64 {
    let z = (x - mean) / scale;
    ln_gamma((dof + 1.0) / 2.0)
        - ln_gamma(dof / 2.0)
        - 0.5 * (dof * PI).ln()
        - scale.ln()
        - (dof + 1.0) / 2.0 * (1.0 + z * z / dof).ln()
}

/// log Γ_D(a), the multivariate gamma function.
#[must_use]
pub fn ln_multigamma(a: f64, d: usize) -> f64 {
    let d_f = d as f64;
    d_f * (d_f - 1.0) / 4.0 * PI.ln() + (0..d).map(|j| ln_gamma(a - j as f64 / 2.0)).sum::<f64>()
}

/// Wishart with mean dof · scale.
///
/// # Panics
/// If the scale is singular.
#[must_use]
pub fn wishart(x: &DMatrix<f64>, dof: f64, scale: &DMatrix<f64>) -> f64 {
    let d = x.nrows() as f64;
    let inverse = scale.clone().try_inverse().expect("a scale can be inverted");
    (dof - d - 1.0) / 2.0 * x.determinant().ln()
        - 0.5 * (inverse * x).trace()
        - dof * d / 2.0 * 2f64.ln()
        - dof / 2.0 * scale.determinant().ln()
        - ln_multigamma(dof / 2.0, x.nrows())
}

/// Inverse Wishart with mode scale / (dof + D + 1).
///
/// # Panics
/// If the matrix is singular.
#[must_use]
pub fn inverse_wishart(x: &DMatrix<f64>, dof: f64, scale: &DMatrix<f64>) -> f64 {
    let d = x.nrows() as f64;
    let inverse = x.clone().try_inverse().expect("a covariance can be inverted");
    dof / 2.0 * scale.determinant().ln()
        - dof * d / 2.0 * 2f64.ln()
        - ln_multigamma(dof / 2.0, x.nrows())
        - (dof + d + 1.0) / 2.0 * x.determinant().ln()
        - 0.5 * (scale * inverse).trace()
}

/// Student's t over vectors; the scale matrix is not the covariance.
///
/// # Panics
/// If the scale is singular.
#[must_use]
pub fn mv_student_t(x: &[f64], dof: f64, mean: &DVector<f64>, scale: &DMatrix<f64>) -> f64 {
    let (d, z) = (x.len() as f64, DVector::from_column_slice(x) - mean);
    let inverse = scale.clone().try_inverse().expect("a scale can be inverted");
    let form = (z.transpose() * inverse * &z)[0];
    ln_gamma((dof + d) / 2.0)
        - ln_gamma(dof / 2.0)
        - 0.5 * (d * (dof * PI).ln() + scale.determinant().ln() + (dof + d) * (1.0 + form / dof).ln())
}

/// ψ(x) = d log Γ(x) / dx for x > 0, by its asymptotic series above 15 and the recurrence below.
#[must_use]
pub fn digamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 15.0 {
        shift -= 1.0 / x;
        x += 1.0;
    }
    let i = 1.0 / (x * x);
    let series =
        i * (1.0 / 12.0 - i * (1.0 / 120.0 - i * (1.0 / 252.0 - i * (1.0 / 240.0 - i * (1.0 / 132.0)))));
    shift + x.ln() - 0.5 / x - series
}

/// log ∫ exp f over an interval outside of which nothing is left, by the trapezoidal rule: it converges faster than any power of the
/// step where f falls off at both ends.
#[must_use]
pub fn log_integral(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let steps = 4000;
    let h = (high - low) / f64::from(steps);
    let values: Vec<f64> = (0..=steps).map(|i| f(low + h * f64::from(i))).collect();
    log_sum_exp(&values) + h.ln()
}
