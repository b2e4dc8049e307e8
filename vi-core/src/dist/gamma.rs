//! The gamma distribution.
//!
//! ```text
//! p(x) = rateˢʰᵃᵖᵉ / Γ(shape) · xˢʰᵃᵖᵉ⁻¹ exp(−rate x)
//! ```
//!
//! Support: x ≥ 0 (the density at 0 is its limit: 0, rate or ∞ as shape is above, at or below 1).
//! Source: Johnson, Kotz & Balakrishnan, *Continuous Univariate Distributions* 1, ch. 17; evaluated as in Loader (2000).

use super::interval;
use super::is_positive;
use crate::special::{log_gamma_inc, log_integral, standard_gamma_entropy, standard_gamma_log_density};
use rand::{Rng, RngExt};
use rand_distr::Distribution;

/// Gamma with the given shape and rate.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gamma {
    /// The exponent of x, plus 1.
    pub shape: f64,
    /// The inverse of the scale.
    pub rate: f64,
}

impl Gamma {
    /// `Gamma(shape: a, rate: b)`, of mean a/b.
    pub fn shape_rate(shape: f64, rate: f64) -> Self {
        Self { shape, rate }
    }

    /// `Gamma(shape: a, scale: s)`, of mean a s.
    pub fn shape_scale(shape: f64, scale: f64) -> Self {
        Self { shape, rate: 1.0 / scale }
    }

    pub(crate) fn is_valid(&self) -> bool {
        is_positive(self.shape) && is_positive(self.rate)
    }

    /// shape log rate − log Γ(shape) + (shape − 1) log x − rate x; −∞ for x < 0.
    pub fn log_density(&self, x: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        if !(0.0..f64::INFINITY).contains(&x) {
            return f64::NEG_INFINITY;
        }
        self.rate.ln() + standard_gamma_log_density(self.shape, self.rate * x, self.rate.ln() + x.ln())
    }

    /// log P(lo ≤ X ≤ hi), by the incomplete gamma function.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let lo = if lo < 0.0 { 0.0 } else { lo };
        let tails = |x: f64| log_gamma_inc(self.shape, self.rate * x);
        interval::continuous(lo, hi, tails, |_| log_integral_over_log(lo, hi, |x| self.log_density(x)))
    }

    /// One draw; positive even where it would round to 0.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        (log_standard_gamma(self.shape, rng) - self.rate.ln()).exp().max(f64::MIN_POSITIVE)
    }

    /// E x = shape/rate.
    pub fn expectation(&self) -> f64 {
        if self.is_valid() { self.shape / self.rate } else { f64::NAN }
    }

    /// Var x = shape/rate².
    pub fn variance(&self) -> f64 {
        self.expectation() / self.rate
    }

    /// shape − log rate + log Γ(shape) + (1 − shape) ψ(shape).
    pub fn entropy(&self) -> f64 {
        if self.is_valid() { standard_gamma_entropy(self.shape) - self.rate.ln() } else { f64::NAN }
    }
}

/// log ∫ p(x) dx from lo to hi, with log x for coordinate: laws of the gamma kind are log-concave in it.
pub(super) fn log_integral_over_log(lo: f64, hi: f64, log_density: impl Fn(f64) -> f64) -> f64 {
    let width = ((hi - lo) / lo).ln_1p();
    let log_lo = lo.ln();
    log_integral(|t| log_density(lo * t.exp()) + log_lo + t, 0.0, width)
}

/// The logarithm of a draw from Gamma(shape, 1), which for a small shape may be far below the least double.
///
/// For shape < 1, x = y u^(1/shape) with y of shape + 1 and u uniform (Marsaglia & Tsang 2000).
pub(crate) fn log_standard_gamma<R: Rng + ?Sized>(shape: f64, rng: &mut R) -> f64 {
    let boost = shape < 1.0;
    match rand_distr::Gamma::new(if boost { shape + 1.0 } else { shape }, 1.0) {
        Ok(gamma) => {
            let log_y: f64 = f64::ln(gamma.sample(rng));
            if boost { log_y + (1.0 - rng.random::<f64>()).ln() / shape } else { log_y }
        }
        Err(_) => f64::NAN,
    }
}
