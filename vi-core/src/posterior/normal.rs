//! Normal: a real.

use super::{RealLaw, UNDEFINED, questions};
use crate::dist::Normal;
use crate::special::{normal_log_cdf, normal_quantile_of, x_minus_log1p};
use rand::Rng;

questions!([] Normal);

impl Normal {
    /// KL(q ‖ p) = ½ (r − 1 − log r) + ½ ((mean_q − mean_p)/sd_p)², r = (sd_q/sd_p)².
    #[must_use]
    pub fn kl_to(&self, p: &Normal) -> f64 {
        if !self.is_valid() || !p.is_valid() {
            return f64::NAN;
        }
        let excess = (self.sd - p.sd) / p.sd;
        let z = (self.mean - p.mean) / p.sd;
        // r − 1 − log r for r = (1 + excess)².
        0.5 * excess * excess + x_minus_log1p(excess) + 0.5 * z * z
    }
}

impl RealLaw for Normal {
    fn mean(&self) -> f64 {
        self.expectation()
    }

    fn var(&self) -> f64 {
        self.variance()
    }

    fn log_density(&self, x: f64) -> f64 {
        Normal::log_density(self, x)
    }

    fn log_tails(&self, x: f64) -> (f64, f64) {
        if !self.is_valid() {
            return UNDEFINED;
        }
        let z = (x - self.mean) / self.sd;
        (normal_log_cdf(z), normal_log_cdf(-z))
    }

    fn quantile_of(&self, tails: (f64, f64)) -> f64 {
        if self.is_valid() { self.mean + self.sd * normal_quantile_of(tails) } else { f64::NAN }
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        Normal::sample(self, rng)
    }
}
