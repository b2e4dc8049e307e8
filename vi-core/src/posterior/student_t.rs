//! Student's t: a mean whose precision is not known.

use super::{RealLaw, UNDEFINED, questions};
use crate::dist::{Gamma, StudentT};
use crate::special::{normal_log_cdf, student_quantile};
use rand::Rng;

questions!([] StudentT);

impl StudentT {
    /// The law of x where x | t ~ Normal(mean, prec: weight · t) and t ~ Gamma(a, b): of dof 2a and scale √(b/(a · weight)).
    ///
    /// Source: Bernardo & Smith, *Bayesian Theory*, §3.2.
    ///
    /// ```
    /// use vi_core::dist::{Gamma, StudentT};
    ///
    /// let law = StudentT::normal_gamma(0.5, 4.0, &Gamma::shape_rate(3.0, 6.0));
    /// assert_eq!(law.dof, 6.0);
    /// // Var x = E 1/(weight t) = b/(weight (a − 1))
    /// assert!((law.var() - 6.0 / (4.0 * 2.0)).abs() < 1e-15);
    /// ```
    #[must_use]
    pub fn normal_gamma(mean: f64, weight: f64, precision: &Gamma) -> StudentT {
        let scale = (precision.rate / precision.shape / weight).sqrt();
        StudentT::mean_scale_dof(mean, scale, 2.0 * precision.shape)
    }
}

impl RealLaw for StudentT {
    fn mean(&self) -> f64 {
        self.expectation()
    }

    fn var(&self) -> f64 {
        self.variance()
    }

    fn log_density(&self, x: f64) -> f64 {
        StudentT::log_density(self, x)
    }

    fn log_tails(&self, x: f64) -> (f64, f64) {
        if !self.is_valid() || x.is_nan() {
            return UNDEFINED;
        }
        if self.dof > NEARLY_NORMAL {
            let z = nearly_normal((x - self.mean) / self.scale, self.dof);
            return (normal_log_cdf(z), normal_log_cdf(-z));
        }
        self.tails(x)
    }

    fn quantile_of(&self, tails: (f64, f64)) -> f64 {
        if self.is_valid() { self.mean + self.scale * student_quantile(self.dof, tails) } else { f64::NAN }
    }

    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        StudentT::sample(self, rng)
    }
}

/// The incomplete beta function is not to be had far beyond it.
const NEARLY_NORMAL: f64 = 1e9;

/// The z with Φ(z) = P(T ≤ t), by the inverse of the expansion of Cornish & Fisher to second order (Fisher 1925).
fn nearly_normal(t: f64, dof: f64) -> f64 {
    let square = t * t;
    let first = t * (square + 1.0) / 4.0;
    let second = t * (3.0 + square * (8.0 + square * 13.0)) / 96.0;
    // Far out, where the expansion does not hold, both tails are 0 or 1 to any number of digits.
    if square > 1e8 { t } else { t - (first - second / dof) / dof }
}
