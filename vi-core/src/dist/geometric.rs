//! The geometric distribution: the number of failures before the first success.
//!
//! ```text
//! p(k) = p (1 − p)ᵏ
//! ```
//!
//! Support: k = 0, 1, … (not the number of trials, which starts at 1). Source: Johnson, Kemp & Kotz, *Univariate Discrete
//! Distributions*, ch. 5.

use super::bernoulli::surprise;
use super::count;
use crate::special::log1mexp;
use rand::{Rng, RngExt};

/// Failures before the first success of probability p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometric {
    /// The probability of success, in (0, 1].
    pub p: f64,
}

impl Geometric {
    /// `Geometric(p)`, 0 < p ≤ 1.
    pub fn p(p: f64) -> Self {
        Self { p }
    }

    fn is_valid(&self) -> bool {
        self.p > 0.0 && self.p <= 1.0
    }

    /// log p + k log(1 − p).
    pub fn log_density(&self, k: u64) -> f64 {
        if self.is_valid() { self.p.ln() + self.log_at_least(k as f64) } else { f64::NAN }
    }

    /// log P(X ≥ k) = k log(1 − p).
    fn log_at_least(&self, k: f64) -> f64 {
        if k == 0.0 { 0.0 } else { k * (-self.p).ln_1p() }
    }

    /// log P(lo ≤ X ≤ hi), in closed form.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() || lo.is_nan() || hi.is_nan() {
            return f64::NAN;
        }
        match count::bounds(lo, hi) {
            None => f64::NEG_INFINITY,
            Some((least, None)) => self.log_at_least(least as f64),
            Some((least, Some(greatest))) => {
                let counts = (greatest - least) as f64 + 1.0;
                self.log_at_least(least as f64) + log1mexp(self.log_at_least(counts))
            }
        }
    }

    /// One draw, by inversion.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> u64 {
        let log_u = (1.0 - rng.random::<f64>()).ln();
        if self.is_valid() { (log_u / (-self.p).ln_1p()) as u64 } else { 0 }
    }

    /// E k = (1 − p)/p.
    pub fn expectation(&self) -> f64 {
        if self.is_valid() { (1.0 - self.p) / self.p } else { f64::NAN }
    }

    /// Var k = (1 − p)/p².
    pub fn variance(&self) -> f64 {
        self.expectation() / self.p
    }

    /// −log p − (1 − p)/p · log(1 − p).
    pub fn entropy(&self) -> f64 {
        if self.is_valid() { surprise((-self.p).ln_1p()) / self.p - self.p.ln() } else { f64::NAN }
    }
}
