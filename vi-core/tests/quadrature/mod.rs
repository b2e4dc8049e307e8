//! Double-exponential quadrature (Takahasi & Mori 1974), written for the tests: nothing of it is in the crate.

use std::f64::consts::FRAC_PI_2;

/// Nodes and weights of ∫ f(x) dx over the reals.
pub fn line(step: f64) -> Vec<(f64, f64)> {
    nodes(step, 5.0, |t| {
        let inner = FRAC_PI_2 * t.sinh();
        (inner.sinh(), FRAC_PI_2 * t.cosh() * inner.cosh())
    })
}

/// Nodes and weights of ∫ f(x) dx over x > 0.
pub fn half_line(step: f64) -> Vec<(f64, f64)> {
    nodes(step, 5.5, |t| {
        let x = (FRAC_PI_2 * t.sinh()).exp();
        (x, FRAC_PI_2 * t.cosh() * x)
    })
}

/// Nodes and weights of ∫ f(x) dx over 0 < x < 1.
pub fn unit(step: f64) -> Vec<(f64, f64)> {
    nodes(step, 4.5, |t| {
        let e = (-2.0 * FRAC_PI_2 * t.sinh()).exp();
        let x = 1.0 / (1.0 + e);
        (x, 2.0 * FRAC_PI_2 * t.cosh() * x * (e * x))
    })
}

fn nodes(step: f64, end: f64, map: impl Fn(f64) -> (f64, f64)) -> Vec<(f64, f64)> {
    let half = (end / step) as i32;
    (-half..=half)
        .map(|i| map(step * f64::from(i)))
        .map(|(x, w)| (x, step * w))
        .filter(|(x, w)| x.is_finite() && w.is_finite() && *w > 0.0)
        .collect()
}

/// Σ w exp(log p(x)) f(x, log p(x)), leaving out what has no weight.
pub fn expect<X: Copy>(nodes: &[(X, f64)], log_p: impl Fn(X) -> f64, f: impl Fn(X, f64) -> f64) -> f64 {
    nodes
        .iter()
        .map(|&(x, w)| {
            let log_p = log_p(x);
            let p = w * log_p.exp();
            if p > 0.0 && p.is_finite() { p * f(x, log_p) } else { 0.0 }
        })
        .sum()
}
