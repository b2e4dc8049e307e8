//! Beta: a probability, or one of several.

use super::{ABOVE, BELOW, RealLaw, UNDEFINED, questions};
use crate::dist::Beta;
use crate::special::{beta_quantile, lgamma_bregman, log_beta_inc};
use rand::Rng;

questions!([] Beta);

impl Beta {
    /// KL(q ‖ p) = G(a) + G(b) − G(a + b), where G is the divergence log Γ(p) − log Γ(q) − ψ(q)(p − q) of the parameter named.
    #[must_use]
    pub fn kl_to(&self, p: &Beta) -> f64 {
        if !self.is_valid() || !p.is_valid() {
            return f64::NAN;
        }
        lgamma_bregman(p.a, self.a) + lgamma_bregman(p.b, self.b) - lgamma_bregman(p.a + p.b, self.a + self.b)
    }
}

impl RealLaw for Beta {
    fn mean(&self) -> f64 {
        self.expectation()
    }

    fn var(&self) -> f64 {
        self.variance()
    }

    fn log_density(&self, x: f64) -> f64 {
        Beta::log_density(self, x)
    }

    fn log_tails(&self, x: f64) -> (f64, f64) {
        if !self.is_valid() {
            UNDEFINED
        } else if x < 0.0 {
            BELOW
        } else if x > 1.0 {
            ABOVE
        } else {
            log_beta_inc(self.a, self.b, x, 1.0 - x)
        }
    }

    fn quantile_of(&self, tails: (f64, f64)) -> f64 {
        beta_quantile(self.a, self.b, tails).0
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        Beta::sample(self, rng)
    }
}
