//! Student's t distribution with a location and a scale.
//!
//! ```text
//! p(x) = Γ((dof+1)/2) / (Γ(dof/2) √(π dof) scale) · (1 + z²/dof)^(−(dof+1)/2),   z = (x − mean)/scale
//! ```
//!
//! Support: the reals. Source: Johnson, Kotz & Balakrishnan, *Continuous Univariate Distributions* 2, ch. 28.

use super::interval::{self, Tails};
use super::is_positive;
use crate::special::{
    lgamma_half_step, log_beta, log_beta_inc, log_integral, log_minus_digamma, log1mexp, log1p_square,
};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use std::f64::consts::{LN_2, PI};

/// Student's t with the given location, scale and degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StudentT {
    /// The centre; the mean where dof > 1.
    pub mean: f64,
    /// The scale, which is not the standard deviation.
    pub scale: f64,
    /// Degrees of freedom: 1 is Cauchy, many approach the normal.
    pub dof: f64,
}

impl StudentT {
    /// `StudentT(mean, scale: s, dof: v)`.
    pub fn mean_scale_dof(mean: f64, scale: f64, dof: f64) -> Self {
        Self { mean, scale, dof }
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.mean.is_finite() && is_positive(self.scale) && is_positive(self.dof)
    }

    /// log Γ((dof+1)/2) − log Γ(dof/2) − ½ log(π dof) − log scale − ½(dof+1) log(1 + z²/dof).
    pub fn log_density(&self, x: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        if x.is_nan() {
            return f64::NEG_INFINITY;
        }
        let z = (x - self.mean) / self.scale;
        lgamma_half_step(0.5 * self.dof)
            - 0.5 * (PI.ln() + self.dof.ln())
            - self.scale.ln()
            - 0.5 * (self.dof + 1.0) * log1p_square(z / self.dof.sqrt())
    }

    /// log P(lo ≤ X ≤ hi), by the incomplete beta function.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        interval::continuous(
            lo,
            hi,
            |x| self.tails(x),
            |mass| {
                // The density is analytic within √dof scale of the real axis, and a power law further out.
                let nearest = if lo < self.mean && self.mean < hi {
                    0.0
                } else {
                    (lo - self.mean).abs().min((hi - self.mean).abs())
                };
                if hi - lo < 0.5 * (nearest + self.scale * self.dof.sqrt()) {
                    log_integral(|t| self.log_density(lo + t), 0.0, hi - lo)
                } else {
                    mass
                }
            },
        )
    }

    pub(crate) fn tails(&self, x: f64) -> Tails {
        let half_dof = 0.5 * self.dof;
        let r = (x - self.mean) / self.scale / self.dof.sqrt();
        let outer = if r.abs() > 1e100 {
            // I(½dof, ½; 1/(1+r²)) by its leading term: the argument may be below the least double.
            -self.dof * r.abs().ln() - half_dof.ln() - log_beta(half_dof, 0.5) - LN_2
        } else {
            let r2 = r * r;
            log_beta_inc(half_dof, 0.5, 1.0 / (1.0 + r2), r2 / (1.0 + r2)).0 - LN_2
        };
        let inner = log1mexp(outer);
        if r < 0.0 { (outer, inner) } else { (inner, outer) }
    }

    /// One draw: a normal over the root of an independent chi-squared over its degrees of freedom.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let z: f64 = StandardNormal.sample(rng);
        let log_precision = super::gamma::log_standard_gamma(0.5 * self.dof, rng) - (0.5 * self.dof).ln();
        self.mean + self.scale * z * (-0.5 * log_precision).exp().min(f64::MAX)
    }

    /// E x = mean for dof > 1; NaN otherwise, where it does not exist.
    pub fn expectation(&self) -> f64 {
        if self.is_valid() && self.dof > 1.0 { self.mean } else { f64::NAN }
    }

    /// Var x = scale² dof/(dof − 2) for dof > 2; ∞ for 1 < dof ≤ 2; NaN where there is no mean.
    pub fn variance(&self) -> f64 {
        if !self.is_valid() || self.dof <= 1.0 {
            f64::NAN
        } else if self.dof > 2.0 {
            self.scale * self.scale * (self.dof / (self.dof - 2.0))
        } else {
            f64::INFINITY
        }
    }

    /// ½(dof+1) (ψ(½(dof+1)) − ψ(½dof)) + ½ log dof + log B(½dof, ½) + log scale.
    pub fn entropy(&self) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let half = 0.5 * self.dof;
        let digamma_step = (1.0 / self.dof).ln_1p() - log_minus_digamma(half + 0.5) + log_minus_digamma(half);
        (half + 0.5) * digamma_step + 0.5 * (PI.ln() + self.dof.ln()) - lgamma_half_step(half)
            + self.scale.ln()
    }
}
