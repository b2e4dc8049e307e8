//! The binomial distribution: successes in n independent trials.
//!
//! ```text
//! p(k) = n! / (k! (n−k)!) pᵏ (1 − p)ⁿ⁻ᵏ,   p = 1/(1 + e^(−logit))
//! ```
//!
//! Support: k = 0, 1, …, n. Source: Johnson, Kemp & Kotz, *Univariate Discrete Distributions*, ch. 3; evaluated as in
//! Loader (2000).

use super::bernoulli::Bernoulli;
use super::count;
use super::interval;
use crate::special::{log_beta_inc, log_poisson_kernel};
use rand::Rng;
use rand_distr::Distribution;

/// Binomial, by the number of trials and the logarithms of the two probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Binomial {
    /// The number of trials.
    pub n: u64,
    /// log P(success).
    pub log_p: f64,
    /// log P(failure).
    pub log_q: f64,
}

impl Binomial {
    /// `Binomial(n, p)`, 0 ≤ p ≤ 1.
    pub fn n_p(n: u64, p: f64) -> Self {
        Self::of_trial(n, Bernoulli::p(p))
    }

    /// `Binomial(n, logit: eta)`.
    pub fn n_logit(n: u64, eta: f64) -> Self {
        Self::of_trial(n, Bernoulli::logit(eta))
    }

    fn of_trial(n: u64, trial: Bernoulli) -> Self {
        Self { n, log_p: trial.log_p, log_q: trial.log_q }
    }

    fn is_valid(&self) -> bool {
        self.log_p <= 0.0 && self.log_q <= 0.0
    }

    /// log n! − log k! − log(n−k)! + k log p + (n−k) log(1 − p); −∞ for k > n.
    pub fn log_density(&self, k: u64) -> f64 {
        if !self.is_valid() {
            f64::NAN
        } else if k > self.n {
            f64::NEG_INFINITY
        } else {
            self.log_density_at(k as f64, (self.n - k) as f64)
        }
    }

    /// The successes and failures are independent Poisson counts of means np and n(1−p), given that they sum to n.
    fn log_density_at(&self, k: f64, rest: f64) -> f64 {
        let n = self.n as f64;
        let log_n = n.ln();
        let poisson = |k: f64, log_p: f64| log_poisson_kernel(k, n * log_p.exp(), log_n + log_p);
        poisson(k, self.log_p) + poisson(rest, self.log_q) - poisson(n, 0.0)
    }

    /// log P(lo ≤ X ≤ hi), by the incomplete beta function.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let (p, q) = (self.log_p.exp(), self.log_q.exp());
        let tails = |k: u64| {
            if k >= self.n { interval::ALL } else { log_beta_inc((self.n - k) as f64, k as f64 + 1.0, q, p) }
        };
        count::interval(lo, hi, |k| self.log_density(k), tails)
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> u64 {
        let flipped = self.log_p > self.log_q;
        let rarer = if flipped { self.log_q.exp() } else { self.log_p.exp() };
        let count = rand_distr::Binomial::new(self.n, rarer).map_or(0, |law| law.sample(rng));
        if flipped { self.n - count.min(self.n) } else { count }
    }

    /// E k = n p.
    pub fn expectation(&self) -> f64 {
        self.n as f64 * self.log_p.exp()
    }

    /// Var k = n p (1 − p).
    pub fn variance(&self) -> f64 {
        self.n as f64 * (self.log_p + self.log_q).exp()
    }

    /// −Σₖ p(k) log p(k), summed.
    pub fn entropy(&self) -> f64 {
        self.expect(|_, log_p| -log_p)
    }

    /// E f(k, log p(k)), for f of real k.
    pub(super) fn expect(&self, f: impl Fn(f64, f64) -> f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let n = self.n as f64;
        let mode = ((n + 1.0) * self.log_p.exp()).floor().min(n);
        count::expect(mode, n, |k| if k <= n { self.log_density_at(k, n - k) } else { f64::NEG_INFINITY }, f)
    }
}
