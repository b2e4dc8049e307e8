//! The inverse-gamma distribution: the law of 1/x for x ~ Gamma(shape, rate: scale).
//!
//! ```text
//! p(x) = scaleˢʰᵃᵖᵉ / Γ(shape) · x⁻ˢʰᵃᵖᵉ⁻¹ exp(−scale/x)
//! ```
//!
//! Support: x > 0. Source: Gelman et al., *Bayesian Data Analysis*, appendix A.

use super::gamma::{log_integral_over_log, log_standard_gamma};
use super::interval;
use super::is_positive;
use crate::special::{digamma, log_gamma_inc, standard_gamma_entropy, standard_gamma_log_density};
use rand::Rng;

/// Inverse-gamma with the given shape and scale.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InverseGamma {
    /// The shape of 1/x.
    pub shape: f64,
    /// The rate of 1/x.
    pub scale: f64,
}

impl InverseGamma {
    /// `InverseGamma(shape: a, scale: b)`, of mode b/(a+1).
    pub fn shape_scale(shape: f64, scale: f64) -> Self {
        Self { shape, scale }
    }

    pub(crate) fn is_valid(&self) -> bool {
        is_positive(self.shape) && is_positive(self.scale)
    }

    /// shape log scale − log Γ(shape) − (shape + 1) log x − scale/x; −∞ for x ≤ 0.
    pub fn log_density(&self, x: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        if !is_positive(x) {
            return f64::NEG_INFINITY;
        }
        let log_y = self.scale.ln() - x.ln();
        standard_gamma_log_density(self.shape, self.scale / x, log_y) + log_y - x.ln()
    }

    /// log P(lo ≤ X ≤ hi), by the incomplete gamma function of scale/x.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let lo = if lo < 0.0 { 0.0 } else { lo };
        let tails = |x: f64| {
            let (lower, upper) = log_gamma_inc(self.shape, self.scale / x);
            (upper, lower)
        };
        interval::continuous(lo, hi, tails, |_| log_integral_over_log(lo, hi, |x| self.log_density(x)))
    }

    /// One draw; finite even where it would overflow.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        (self.scale.ln() - log_standard_gamma(self.shape, rng)).exp().clamp(f64::MIN_POSITIVE, f64::MAX)
    }

    /// E x = scale/(shape − 1); ∞ for shape ≤ 1.
    pub fn expectation(&self) -> f64 {
        if !self.is_valid() {
            f64::NAN
        } else if self.shape > 1.0 {
            self.scale / (self.shape - 1.0)
        } else {
            f64::INFINITY
        }
    }

    /// Var x = scale²/((shape − 1)² (shape − 2)); ∞ for 1 < shape ≤ 2, NaN where the mean is infinite.
    pub fn variance(&self) -> f64 {
        if !self.is_valid() || self.shape <= 1.0 {
            f64::NAN
        } else if self.shape > 2.0 {
            self.expectation() * self.expectation() / (self.shape - 2.0)
        } else {
            f64::INFINITY
        }
    }

    /// shape + log scale + log Γ(shape) − (1 + shape) ψ(shape).
    pub fn entropy(&self) -> f64 {
        if self.is_valid() {
            standard_gamma_entropy(self.shape) - 2.0 * digamma(self.shape) + self.scale.ln()
        } else {
            f64::NAN
        }
    }
}
