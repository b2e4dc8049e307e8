//! The beta distribution.
//!
//! ```text
//! p(x) = xᵃ⁻¹ (1 − x)ᵇ⁻¹ / B(a, b)
//! ```
//!
//! Support: 0 ≤ x ≤ 1 (the density at an end is its limit). Source: Johnson, Kotz & Balakrishnan, *Continuous
//! Univariate Distributions* 2, ch. 25.

use super::gamma::log_standard_gamma;
use super::interval;
use super::is_positive;
use crate::family::{ExponentialFamily, Improper};
use crate::special::{
    digamma, lgamma_bregman, log_beta, log_beta_inc, log_integral, sigmoid, standard_gamma_entropy,
    standard_gamma_log_density,
};
use rand::Rng;

/// Beta with exponents a − 1 of x and b − 1 of 1 − x.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Beta {
    /// The exponent of x, plus 1.
    pub a: f64,
    /// The exponent of 1 − x, plus 1.
    pub b: f64,
}

impl Beta {
    /// `Beta(a, b)`, of mean a/(a+b).
    pub fn a_b(a: f64, b: f64) -> Self {
        Self { a, b }
    }

    pub(crate) fn is_valid(&self) -> bool {
        is_positive(self.a) && is_positive(self.b)
    }

    /// (a − 1) log x + (b − 1) log(1 − x) − log B(a, b); −∞ outside [0, 1].
    pub fn log_density(&self, x: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        if !(0.0..=1.0).contains(&x) {
            return f64::NEG_INFINITY;
        }
        self.log_density_at(x, 1.0 - x)
    }

    /// With y = 1 − x: x is u/(u+v) for independent u ~ Gamma(a, 1) and v ~ Gamma(b, 1), so that
    /// p(x) = s Gamma(sx | a) Gamma(sy | b) / Gamma(s | s), s = a + b, which does not cancel for large a and b.
    fn log_density_at(&self, x: f64, y: f64) -> f64 {
        let s = self.a + self.b;
        let log_s = s.ln();
        let log_y = if x < 0.5 { (-x).ln_1p() } else { y.ln() };
        log_s
            + standard_gamma_log_density(self.a, s * x, log_s + x.ln())
            + standard_gamma_log_density(self.b, s * y, log_s + log_y)
            - standard_gamma_log_density(s, s, log_s)
    }

    /// log P(lo ≤ X ≤ hi), by the incomplete beta function.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let (lo, hi) = (if lo < 0.0 { 0.0 } else { lo }, if hi > 1.0 { 1.0 } else { hi });
        let tails = |x: f64| log_beta_inc(self.a, self.b, x, 1.0 - x);
        interval::continuous(lo, hi, tails, |_| {
            // The coordinate is logit x, in which the density is log-concave; dx = xy dt.
            let gap = hi - lo;
            let width = (gap / lo).ln_1p() - (-gap / (1.0 - lo)).ln_1p();
            let in_logit = |t: f64| {
                let norm = 1.0 + lo * t.exp_m1();
                let (x, y) = (lo * t.exp() / norm, (1.0 - lo) / norm);
                self.log_density_at(x, y) + x.ln() + y.ln()
            };
            log_integral(in_logit, 0.0, width)
        })
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let log_u = log_standard_gamma(self.a, rng);
        sigmoid(log_u - log_standard_gamma(self.b, rng))
    }

    /// E x = a/(a+b).
    pub fn expectation(&self) -> f64 {
        if self.is_valid() { self.a / (self.a + self.b) } else { f64::NAN }
    }

    /// Var x = ab/((a+b)² (a+b+1)).
    pub fn variance(&self) -> f64 {
        let sum = self.a + self.b;
        self.expectation() * (self.b / sum) / (sum + 1.0)
    }

    /// log B(a, b) − (a−1) ψ(a) − (b−1) ψ(b) + (a+b−2) ψ(a+b).
    pub fn entropy(&self) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let sum = self.a + self.b;
        standard_gamma_entropy(self.a) + standard_gamma_entropy(self.b)
            - standard_gamma_entropy(sum)
            - digamma(sum)
    }
}

/// The coefficients of the statistics {log x, log(1 − x)}: a − 1 and b − 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaNatural {
    /// a − 1, the coefficient of log x.
    pub log_x: f64,
    /// b − 1, the coefficient of log(1 − x).
    pub log_1mx: f64,
}

/// Expectations under a beta law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetaMoments {
    /// E log x = ψ(a) − ψ(a+b).
    pub log_x: f64,
    /// E log(1 − x) = ψ(b) − ψ(a+b).
    pub log_1mx: f64,
}

impl ExponentialFamily for Beta {
    type Natural = BetaNatural;
    type Moments = BetaMoments;
    type Value = f64;

    fn natural(&self) -> BetaNatural {
        BetaNatural { log_x: self.a - 1.0, log_1mx: self.b - 1.0 }
    }

    fn from_natural(eta: &BetaNatural) -> Result<Self, Improper> {
        let beta = Self { a: eta.log_x + 1.0, b: eta.log_1mx + 1.0 };
        if beta.is_valid() {
            Ok(beta)
        } else {
            Err(Improper::new(
                "Beta",
                format!("a = {} and b = {} must be positive and finite", beta.a, beta.b),
            ))
        }
    }

    fn log_partition(eta: &BetaNatural) -> Result<f64, Improper> {
        Self::from_natural(eta).map(|beta| log_beta(beta.a, beta.b))
    }

    fn moments(eta: &BetaNatural) -> Result<BetaMoments, Improper> {
        let Self { a, b } = Self::from_natural(eta)?;
        let sum = digamma(a + b);
        Ok(BetaMoments { log_x: digamma(a) - sum, log_1mx: digamma(b) - sum })
    }

    fn mode(eta: &BetaNatural) -> Result<f64, Improper> {
        let BetaNatural { log_x, log_1mx } = *eta;
        if log_x >= 0.0 && log_1mx >= 0.0 && is_positive(log_x + log_1mx) {
            Ok(log_x / (log_x + log_1mx))
        } else {
            let rule = format!("no single mode for exponents a − 1 = {log_x} and b − 1 = {log_1mx}");
            Err(Improper::new("Beta", rule))
        }
    }

    fn log_kernel(eta: &BetaNatural, x: &f64) -> f64 {
        if !(0.0..=1.0).contains(x) {
            return f64::NEG_INFINITY;
        }
        times_log(eta.log_x, x.ln()) + times_log(eta.log_1mx, (-x).ln_1p())
    }

    fn natural_entropy(eta: &BetaNatural) -> Result<f64, Improper> {
        Self::from_natural(eta).map(|beta| beta.entropy())
    }

    fn kl(q: &BetaNatural, p: &BetaNatural) -> Result<f64, Improper> {
        let (q, p) = (Self::from_natural(q)?, Self::from_natural(p)?);
        Ok(lgamma_bregman(p.a, q.a) + lgamma_bregman(p.b, q.b) - lgamma_bregman(p.a + p.b, q.a + q.b))
    }
}

/// c log x with 0 · log 0 = 0.
pub(super) fn times_log(coefficient: f64, log_x: f64) -> f64 {
    if coefficient == 0.0 { 0.0 } else { coefficient * log_x }
}
