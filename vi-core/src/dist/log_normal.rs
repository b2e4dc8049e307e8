//! The log-normal distribution: the law of eʸ for y ~ Normal(mean, sd).
//!
//! ```text
//! p(x) = exp(−½ ((log x − mean)/sd)²) / (x sd √(2π))
//! ```
//!
//! Support: x > 0 (0 at the limit x = 0). Source: Johnson, Kotz & Balakrishnan, *Continuous Univariate Distributions* 1,
//! ch. 14.

use super::is_positive;
use super::normal::{Normal, standard_interval};
use rand::Rng;

/// Log-normal with the mean and standard deviation of log x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogNormal {
    /// E log x.
    pub mean: f64,
    /// The standard deviation of log x.
    pub sd: f64,
}

impl LogNormal {
    /// `LogNormal(mean, var: v)`: the variance of log x.
    pub fn mean_var(mean: f64, var: f64) -> Self {
        Self { mean, sd: var.sqrt() }
    }

    /// `LogNormal(mean, sd: s)`: the standard deviation of log x.
    pub fn mean_sd(mean: f64, sd: f64) -> Self {
        Self { mean, sd }
    }

    /// `LogNormal(mean, prec: t)`: the precision of log x.
    pub fn mean_prec(mean: f64, prec: f64) -> Self {
        Self { mean, sd: 1.0 / prec.sqrt() }
    }

    fn of_log(&self) -> Normal {
        Normal::mean_sd(self.mean, self.sd)
    }

    fn is_valid(&self) -> bool {
        self.mean.is_finite() && is_positive(self.sd)
    }

    /// log Normal(log x | mean, sd) − log x; −∞ for x ≤ 0.
    pub fn log_density(&self, x: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        if is_positive(x) { self.of_log().log_density(x.ln()) - x.ln() } else { f64::NEG_INFINITY }
    }

    /// log P(lo ≤ X ≤ hi), that of log x.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() || lo.is_nan() || hi.is_nan() {
            return f64::NAN;
        }
        let lo = lo.max(0.0);
        if lo >= hi {
            return f64::NEG_INFINITY;
        }
        let z = |x: f64| (x.ln() - self.mean) / self.sd;
        standard_interval(z(lo), z(hi), ((hi - lo) / lo).ln_1p() / self.sd)
    }

    /// One draw; positive and finite even where it would round to 0 or overflow.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        self.of_log().sample(rng).exp().clamp(f64::MIN_POSITIVE, f64::MAX)
    }

    /// E x = exp(mean + ½ sd²).
    pub fn expectation(&self) -> f64 {
        if self.is_valid() { (self.mean + 0.5 * self.sd * self.sd).exp() } else { f64::NAN }
    }

    /// Var x = (exp(sd²) − 1) exp(2 mean + sd²).
    pub fn variance(&self) -> f64 {
        let mean = self.expectation();
        (self.sd * self.sd).exp_m1() * mean * mean
    }

    /// mean + ½ log(2πe sd²).
    pub fn entropy(&self) -> f64 {
        self.mean + self.of_log().entropy()
    }
}
