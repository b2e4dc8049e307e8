//! A power of a gamma: a standard deviation, a variance, a scale.

use super::{BELOW, RealLaw, UNDEFINED, questions, swapped};
use crate::dist::{PowerGamma, gamma_kl};
use crate::special::{gamma_quantile, log_gamma_inc};
use rand::Rng;

questions!([] PowerGamma);

impl PowerGamma {
    /// KL(q ‖ p), that of the gamma laws of xᵖᵒʷᵉʳ; NaN unless both have one power.
    #[must_use]
    pub fn kl_to(&self, p: &PowerGamma) -> f64 {
        if !self.is_valid() || !p.is_valid() || self.power != p.power {
            return f64::NAN;
        }
        gamma_kl((self.shape, self.rate), (p.shape, p.rate))
    }

    /// The law of xᵠ.
    #[must_use]
    pub fn to_power(&self, q: f64) -> PowerGamma {
        PowerGamma::shape_rate_power(self.shape, self.rate, self.power / q)
    }
}

impl RealLaw for PowerGamma {
    fn mean(&self) -> f64 {
        self.expectation()
    }

    fn var(&self) -> f64 {
        self.variance()
    }

    fn log_density(&self, x: f64) -> f64 {
        PowerGamma::log_density(self, x)
    }

    fn log_tails(&self, x: f64) -> (f64, f64) {
        if !self.is_valid() {
            return UNDEFINED;
        }
        if x <= 0.0 {
            return BELOW;
        }
        let tails = log_gamma_inc(self.shape, self.rate * x.powf(self.power));
        if self.power > 0.0 { tails } else { swapped(tails) }
    }

    fn quantile_of(&self, tails: (f64, f64)) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let tails = if self.power > 0.0 { tails } else { swapped(tails) };
        (gamma_quantile(self.shape, tails) / self.rate).powf(1.0 / self.power)
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        PowerGamma::sample(self, rng)
    }
}
