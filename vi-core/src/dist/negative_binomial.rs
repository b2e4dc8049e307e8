//! The negative binomial distribution by its mean: a Poisson count whose rate is Gamma(dispersion, mean/dispersion).
//!
//! ```text
//! p(k) = Γ(k+r) / (k! Γ(r)) (r/(r+m))ʳ (m/(r+m))ᵏ,   m = mean, r = dispersion;   Var k = m + m²/r
//! ```
//!
//! Support: k = 0, 1, …. Source: Johnson, Kemp & Kotz, *Univariate Discrete Distributions*, ch. 5.

use super::count;
use super::gamma::Gamma;
use super::is_positive;
use super::poisson::Poisson;
use crate::special::{log_beta_inc, log_poisson_kernel};
use rand::Rng;

/// Negative binomial with the given mean and dispersion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NegativeBinomial {
    /// E k.
    pub mean: f64,
    /// The shape of the mixing gamma law: large is close to Poisson.
    pub dispersion: f64,
}

impl NegativeBinomial {
    /// `NegativeBinomial(mean: m, dispersion: r)`.
    pub fn mean_dispersion(mean: f64, dispersion: f64) -> Self {
        Self { mean, dispersion }
    }

    fn is_valid(&self) -> bool {
        is_positive(self.mean) && is_positive(self.dispersion)
    }

    /// log Γ(k+r) − log k! − log Γ(r) + r log(r/(r+m)) + k log(m/(r+m)).
    pub fn log_density(&self, k: u64) -> f64 {
        if self.is_valid() { self.log_density_at(k as f64) } else { f64::NAN }
    }

    /// With n = k + r, a binomial law's Poisson kernels at k and r, times r/n.
    fn log_density_at(&self, k: f64) -> f64 {
        let (m, r) = (self.mean, self.dispersion);
        if k == 0.0 {
            return -r * (m / r).ln_1p();
        }
        let n = k + r;
        let (log_n, log_sum) = (n.ln(), (r + m).ln());
        log_poisson_kernel(r, n * (r / (r + m)), log_n + r.ln() - log_sum)
            + log_poisson_kernel(k, n * (m / (r + m)), log_n + m.ln() - log_sum)
            - log_poisson_kernel(n, n, log_n)
            + r.ln()
            - log_n
    }

    /// log P(lo ≤ X ≤ hi), by the incomplete beta function: P(X ≤ k) = I(r, k+1; r/(r+m)).
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let (m, r) = (self.mean, self.dispersion);
        let tails = |k: u64| log_beta_inc(r, k as f64 + 1.0, r / (r + m), m / (r + m));
        count::interval(lo, hi, |k| self.log_density(k), tails)
    }

    /// One draw, through the gamma rate.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> u64 {
        if !self.is_valid() {
            return 0;
        }
        let rate = Gamma::shape_rate(self.dispersion, self.dispersion / self.mean).sample(rng);
        Poisson::rate(rate).sample(rng)
    }

    /// E k = mean.
    pub fn expectation(&self) -> f64 {
        if self.is_valid() { self.mean } else { f64::NAN }
    }

    /// Var k = mean + mean²/dispersion.
    pub fn variance(&self) -> f64 {
        if self.is_valid() { self.mean * (1.0 + self.mean / self.dispersion) } else { f64::NAN }
    }

    /// −Σₖ p(k) log p(k), summed.
    pub fn entropy(&self) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let mode = (self.mean * (1.0 - 1.0 / self.dispersion)).floor().max(0.0);
        count::expect(mode, f64::INFINITY, |k| self.log_density_at(k), |_, log_p| -log_p)
    }
}
