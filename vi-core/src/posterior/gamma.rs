//! Gamma: a precision, a rate.

use super::{BELOW, RealLaw, UNDEFINED, questions};
use crate::dist::{Gamma, PowerGamma, gamma_kl};
use crate::special::{gamma_quantile, log_gamma_inc};
use rand::Rng;

questions!([] Gamma);

impl Gamma {
    /// KL(q ‖ p) = a_q (t − log(1+t)) + (a_q − a_p) log(1+t) + log Γ(a_p) − log Γ(a_q) − ψ(a_q)(a_p − a_q), t = rate_p/rate_q − 1,
    /// with a for the shape.
    #[must_use]
    pub fn kl_to(&self, p: &Gamma) -> f64 {
        if !self.is_valid() || !p.is_valid() {
            return f64::NAN;
        }
        gamma_kl((self.shape, self.rate), (p.shape, p.rate))
    }

    /// The law of xᵠ: of the variance 1/x for −1, of the standard deviation for −½, if x is a precision.
    ///
    /// ```
    /// use vi_core::dist::{Gamma, InverseGamma};
    ///
    /// let variance = Gamma::shape_rate(3.0, 2.0).to_power(-1.0);
    /// assert!((variance.mean() - InverseGamma::shape_scale(3.0, 2.0).mean()).abs() < 1e-14);
    /// ```
    #[must_use]
    pub fn to_power(&self, q: f64) -> PowerGamma {
        PowerGamma::shape_rate_power(self.shape, self.rate, 1.0 / q)
    }
}

impl RealLaw for Gamma {
    fn mean(&self) -> f64 {
        self.expectation()
    }

    fn var(&self) -> f64 {
        self.variance()
    }

    fn log_density(&self, x: f64) -> f64 {
        Gamma::log_density(self, x)
    }

    fn log_tails(&self, x: f64) -> (f64, f64) {
        if !self.is_valid() {
            UNDEFINED
        } else if x < 0.0 {
            BELOW
        } else {
            log_gamma_inc(self.shape, self.rate * x)
        }
    }

    fn quantile_of(&self, tails: (f64, f64)) -> f64 {
        if self.is_valid() { gamma_quantile(self.shape, tails) / self.rate } else { f64::NAN }
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        Gamma::sample(self, rng)
    }
}
