//! The Poisson distribution.
//!
//! ```text
//! p(k) = rateᵏ exp(−rate) / k!,   rate = exp(log)
//! ```
//!
//! Support: k = 0, 1, …. A rate of 0 is the limit, all probability at 0. Source: Johnson, Kemp & Kotz, *Univariate Discrete
//! Distributions*, ch. 4; evaluated as in Loader (2000).

use super::count;
use crate::family::{ExponentialFamily, Improper};
use crate::special::{half_deviance, lgamma_1p, log_gamma_inc, log_poisson_kernel};
use rand::Rng;
use rand_distr::Distribution;

/// Poisson with the given rate, kept with its logarithm: either may be out of a double's range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Poisson {
    /// The mean.
    pub rate: f64,
    /// log rate.
    pub log_rate: f64,
}

impl Poisson {
    /// `Poisson(rate)`.
    pub fn rate(rate: f64) -> Self {
        Self { rate, log_rate: rate.ln() }
    }

    /// `Poisson(log: eta)`, of rate exp(eta).
    pub fn log(eta: f64) -> Self {
        Self { rate: eta.exp(), log_rate: eta }
    }

    fn is_valid(&self) -> bool {
        self.rate >= 0.0 && self.log_rate < f64::INFINITY
    }

    /// k log rate − rate − log k!.
    pub fn log_density(&self, k: u64) -> f64 {
        if self.is_valid() { log_poisson_kernel(k as f64, self.rate, self.log_rate) } else { f64::NAN }
    }

    /// log P(lo ≤ X ≤ hi), by the incomplete gamma function: P(X ≤ k) = Q(k+1, rate).
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let tails = |k: u64| {
            let (lower, upper) = log_gamma_inc(k as f64 + 1.0, self.rate);
            (upper, lower)
        };
        count::interval(lo, hi, |k| self.log_density(k), tails)
    }

    /// One draw; a rate beyond the range of counts gives the greatest count.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> u64 {
        match rand_distr::Poisson::new(self.rate) {
            Ok(law) => f64::round(law.sample(rng)) as u64,
            Err(_) => self.rate as u64,
        }
    }

    /// E k = rate.
    pub fn expectation(&self) -> f64 {
        if self.is_valid() { self.rate } else { f64::NAN }
    }

    /// Var k = rate.
    pub fn variance(&self) -> f64 {
        self.expectation()
    }

    /// −Σₖ p(k) log p(k), summed.
    pub fn entropy(&self) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let log_density = |k: f64| log_poisson_kernel(k, self.rate, self.log_rate);
        count::expect(self.rate.floor(), f64::INFINITY, log_density, |_, log_p| -log_p)
    }
}

/// The coefficient of the statistic k: the log rate. The base measure is 1/k!.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoissonNatural {
    /// log rate.
    pub k: f64,
}

fn proper(eta: &PoissonNatural) -> Result<Poisson, Improper> {
    let law = Poisson::log(eta.k);
    if law.rate > 0.0 && law.rate.is_finite() {
        Ok(law)
    } else {
        Err(Improper::new(
            "Poisson",
            format!("exp(log rate) with log rate = {} must be positive and finite", eta.k),
        ))
    }
}

impl ExponentialFamily for Poisson {
    type Natural = PoissonNatural;
    /// E k = rate.
    type Moments = f64;
    type Value = u64;

    fn natural(&self) -> PoissonNatural {
        PoissonNatural { k: self.log_rate }
    }

    fn from_natural(eta: &PoissonNatural) -> Result<Self, Improper> {
        proper(eta)
    }

    fn log_partition(eta: &PoissonNatural) -> Result<f64, Improper> {
        proper(eta).map(|law| law.rate)
    }

    fn moments(eta: &PoissonNatural) -> Result<f64, Improper> {
        proper(eta).map(|law| law.rate)
    }

    /// The integer part of the rate, the greater of two modes where the rate is an integer.
    fn mode(eta: &PoissonNatural) -> Result<u64, Improper> {
        proper(eta).map(|law| law.rate.floor() as u64)
    }

    fn log_kernel(eta: &PoissonNatural, x: &u64) -> f64 {
        let k = *x as f64;
        if *x == 0 { 0.0 } else { k * eta.k - lgamma_1p(k) }
    }

    fn natural_entropy(eta: &PoissonNatural) -> Result<f64, Improper> {
        proper(eta).map(|law| law.entropy())
    }

    fn kl(q: &PoissonNatural, p: &PoissonNatural) -> Result<f64, Improper> {
        Ok(half_deviance(proper(q)?.rate, proper(p)?.rate))
    }
}
