//! The exponential distribution.
//!
//! ```text
//! p(x) = rate exp(−rate x)
//! ```
//!
//! Support: x ≥ 0. Source: Johnson, Kotz & Balakrishnan, *Continuous Univariate Distributions* 1, ch. 19.

use super::is_positive;
use crate::special::log1mexp;
use rand::Rng;
use rand_distr::{Distribution, Exp1};

/// Exponential with the given rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    /// The inverse of the mean.
    pub rate: f64,
}

impl Exponential {
    /// `Exponential(rate: r)`.
    pub fn rate(rate: f64) -> Self {
        Self { rate }
    }

    /// `Exponential(mean: m)`.
    pub fn mean(mean: f64) -> Self {
        Self { rate: 1.0 / mean }
    }

    /// log rate − rate x; −∞ for x < 0.
    pub fn log_density(&self, x: f64) -> f64 {
        if !is_positive(self.rate) {
            return f64::NAN;
        }
        if x >= 0.0 { self.rate.ln() - self.rate * x } else { f64::NEG_INFINITY }
    }

    /// log P(lo ≤ X ≤ hi) = −rate lo + log(1 − exp(−rate (hi − lo))).
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !is_positive(self.rate) || lo.is_nan() || hi.is_nan() {
            return f64::NAN;
        }
        let lo = lo.max(0.0);
        if lo < hi { -self.rate * lo + log1mexp(-self.rate * (hi - lo)) } else { f64::NEG_INFINITY }
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        if !is_positive(self.rate) {
            return f64::NAN;
        }
        let unit: f64 = Exp1.sample(rng);
        unit / self.rate
    }

    /// E x = 1/rate.
    pub fn expectation(&self) -> f64 {
        if is_positive(self.rate) { 1.0 / self.rate } else { f64::NAN }
    }

    /// Var x = 1/rate².
    pub fn variance(&self) -> f64 {
        self.expectation() * self.expectation()
    }

    /// 1 − log rate.
    pub fn entropy(&self) -> f64 {
        if is_positive(self.rate) { 1.0 - self.rate.ln() } else { f64::NAN }
    }
}
