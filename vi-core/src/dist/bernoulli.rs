//! The Bernoulli distribution.
//!
//! ```text
//! p(x) = pˣ (1 − p)¹⁻ˣ,   p = 1/(1 + e^(−logit)) = Φ(probit)
//! ```
//!
//! Support: false, true. Both log probabilities are kept, so that links far in either tail lose nothing.

use crate::family::{ExponentialFamily, Improper};
use crate::special::{half_deviance, log1pexp, normal_log_cdf, sigmoid};
use rand::{Rng, RngExt};

/// Bernoulli, by the logarithms of its two probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bernoulli {
    /// log P(true).
    pub log_p: f64,
    /// log P(false).
    pub log_q: f64,
}

impl Bernoulli {
    /// `Bernoulli(p)`, 0 ≤ p ≤ 1.
    pub fn p(p: f64) -> Self {
        if (0.0..=1.0).contains(&p) {
            Self { log_p: p.ln(), log_q: (-p).ln_1p() }
        } else {
            Self { log_p: f64::NAN, log_q: f64::NAN }
        }
    }

    /// `Bernoulli(logit: eta)`.
    pub fn logit(eta: f64) -> Self {
        Self { log_p: -log1pexp(-eta), log_q: -log1pexp(eta) }
    }

    /// `Bernoulli(probit: eta)`.
    pub fn probit(eta: f64) -> Self {
        Self { log_p: normal_log_cdf(eta), log_q: normal_log_cdf(-eta) }
    }

    /// log p or log(1 − p).
    pub fn log_density(&self, x: bool) -> f64 {
        if x { self.log_p } else { self.log_q }
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> bool {
        rng.random::<f64>() < self.log_p.exp()
    }

    /// E x = p.
    pub fn expectation(&self) -> f64 {
        self.log_p.exp()
    }

    /// Var x = p (1 − p).
    pub fn variance(&self) -> f64 {
        (self.log_p + self.log_q).exp()
    }

    /// −p log p − (1 − p) log(1 − p).
    pub fn entropy(&self) -> f64 {
        surprise(self.log_p) + surprise(self.log_q)
    }
}

/// −p log p from log p, 0 at p = 0.
pub(super) fn surprise(log_p: f64) -> f64 {
    if log_p == f64::NEG_INFINITY { 0.0 } else { -log_p * log_p.exp() }
}

/// The coefficient of the statistic x: the logit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BernoulliNatural {
    /// log p − log(1 − p).
    pub x: f64,
}

fn finite(eta: &BernoulliNatural) -> Result<f64, Improper> {
    if eta.x.is_finite() {
        Ok(eta.x)
    } else {
        Err(Improper::new("Bernoulli", format!("logit = {} must be finite", eta.x)))
    }
}

impl ExponentialFamily for Bernoulli {
    type Natural = BernoulliNatural;
    /// E x = p.
    type Moments = f64;
    type Value = bool;

    fn natural(&self) -> BernoulliNatural {
        BernoulliNatural { x: self.log_p - self.log_q }
    }

    fn from_natural(eta: &BernoulliNatural) -> Result<Self, Improper> {
        finite(eta).map(Self::logit)
    }

    fn log_partition(eta: &BernoulliNatural) -> Result<f64, Improper> {
        finite(eta).map(log1pexp)
    }

    fn moments(eta: &BernoulliNatural) -> Result<f64, Improper> {
        finite(eta).map(sigmoid)
    }

    /// Whether p > ½.
    fn mode(eta: &BernoulliNatural) -> Result<bool, Improper> {
        if eta.x.is_nan() || eta.x == 0.0 {
            return Err(Improper::new("Bernoulli", format!("no single mode for logit = {}", eta.x)));
        }
        Ok(eta.x > 0.0)
    }

    fn log_kernel(eta: &BernoulliNatural, x: &bool) -> f64 {
        if *x { eta.x } else { 0.0 }
    }

    fn natural_entropy(eta: &BernoulliNatural) -> Result<f64, Improper> {
        Self::from_natural(eta).map(|law| law.entropy())
    }

    fn kl(q: &BernoulliNatural, p: &BernoulliNatural) -> Result<f64, Improper> {
        let (q, p) = (finite(q)?, finite(p)?);
        Ok(half_deviance(sigmoid(q), sigmoid(p)) + half_deviance(sigmoid(-q), sigmoid(-p)))
    }
}
