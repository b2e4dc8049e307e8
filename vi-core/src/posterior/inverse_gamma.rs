//! Inverse-gamma: a variance.

use super::{BELOW, RealLaw, UNDEFINED, questions, swapped};
use crate::dist::{InverseGamma, PowerGamma, gamma_kl};
use crate::special::{gamma_quantile, log_gamma_inc};
use rand::Rng;

questions!([] InverseGamma);

impl InverseGamma {
    /// KL(q ‖ p), that of the gamma laws of 1/x.
    #[must_use]
    pub fn kl_to(&self, p: &InverseGamma) -> f64 {
        if !self.is_valid() || !p.is_valid() {
            return f64::NAN;
        }
        gamma_kl((self.shape, self.scale), (p.shape, p.scale))
    }

    /// The law of xᵠ: of the standard deviation for ½, of the precision for −1, if x is a variance.
    #[must_use]
    pub fn to_power(&self, q: f64) -> PowerGamma {
        PowerGamma::from(*self).to_power(q)
    }
}

impl RealLaw for InverseGamma {
    fn mean(&self) -> f64 {
        self.expectation()
    }

    fn var(&self) -> f64 {
        self.variance()
    }

    fn log_density(&self, x: f64) -> f64 {
        InverseGamma::log_density(self, x)
    }

    fn log_tails(&self, x: f64) -> (f64, f64) {
        if !self.is_valid() {
            UNDEFINED
        } else if x <= 0.0 {
            BELOW
        } else {
            swapped(log_gamma_inc(self.shape, self.scale / x))
        }
    }

    fn quantile_of(&self, tails: (f64, f64)) -> f64 {
        if self.is_valid() { self.scale / gamma_quantile(self.shape, swapped(tails)) } else { f64::NAN }
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        InverseGamma::sample(self, rng)
    }
}
