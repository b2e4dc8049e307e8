//! The normal distribution: of a real, of a vector with independent coordinates, and of a vector.
//!
//! ```text
//! p(x) = exp(−½ ((x − mean)/sd)²) / (sd √(2π)),   var = sd² = 1/prec
//! ```
//!
//! Support: the reals. Source: Johnson, Kotz & Balakrishnan, *Continuous Univariate Distributions* 1, ch. 13.

mod diagonal;
mod multivariate;

pub use diagonal::{DiagNormal, Scale};
pub use multivariate::{MvNormal, MvNormalMoments, MvNormalNatural};

use super::interval;
use super::is_positive;
use crate::family::{ExponentialFamily, Improper};
use crate::special::{HALF_LN_2PI, log_integral, normal_log_cdf, normal_log_density, x_minus_log1p};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// Normal with the given mean and standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Normal {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub sd: f64,
}

impl Normal {
    /// `Normal(mean, var: v)`.
    pub fn mean_var(mean: f64, var: f64) -> Self {
        Self { mean, sd: var.sqrt() }
    }

    /// `Normal(mean, sd: s)`.
    pub fn mean_sd(mean: f64, sd: f64) -> Self {
        Self { mean, sd }
    }

    /// `Normal(mean, prec: t)`.
    pub fn mean_prec(mean: f64, prec: f64) -> Self {
        Self { mean, sd: 1.0 / prec.sqrt() }
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.mean.is_finite() && is_positive(self.sd)
    }

    /// −½ ((x − mean)/sd)² − log sd − ½ log 2π.
    pub fn log_density(&self, x: f64) -> f64 {
        if !self.is_valid() {
            f64::NAN
        } else if x.is_nan() {
            f64::NEG_INFINITY
        } else {
            normal_log_density((x - self.mean) / self.sd) - self.sd.ln()
        }
    }

    /// log P(lo ≤ X ≤ hi) = log(Φ(b) − Φ(a)) for the standardised bounds.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() || lo.is_nan() || hi.is_nan() {
            return f64::NAN;
        }
        if lo >= hi {
            return f64::NEG_INFINITY;
        }
        standard_interval((lo - self.mean) / self.sd, (hi - self.mean) / self.sd, (hi - lo) / self.sd)
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let z: f64 = StandardNormal.sample(rng);
        if self.is_valid() { self.mean + self.sd * z } else { f64::NAN }
    }

    /// E x = mean.
    pub fn expectation(&self) -> f64 {
        if self.is_valid() { self.mean } else { f64::NAN }
    }

    /// Var x = sd².
    pub fn variance(&self) -> f64 {
        if self.is_valid() { self.sd * self.sd } else { f64::NAN }
    }

    /// ½ log(2πe sd²).
    pub fn entropy(&self) -> f64 {
        if self.is_valid() { 0.5 + HALF_LN_2PI + self.sd.ln() } else { f64::NAN }
    }
}

/// log(Φ(b) − Φ(a)) for a ≤ b, with `width` = b − a to more digits than the difference has.
pub(super) fn standard_interval(a: f64, b: f64, width: f64) -> f64 {
    if a == b {
        return normal_log_density(a) + width.ln();
    }
    let tails = |z: f64| (normal_log_cdf(z), normal_log_cdf(-z));
    interval::continuous(a, b, tails, |_| log_integral(|t| normal_log_density(a + t), 0.0, width))
}

/// The coefficients of the statistics {x, x²}: mean/var and −1/(2 var).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalNatural {
    /// The coefficient of x.
    pub x: f64,
    /// The coefficient of x².
    pub xx: f64,
}

/// The mean, and the centred second moment: E x² = mean² + var.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalMoments {
    /// E x.
    pub mean: f64,
    /// E (x − E x)².
    pub var: f64,
}

impl ExponentialFamily for Normal {
    type Natural = NormalNatural;
    type Moments = NormalMoments;
    type Value = f64;

    fn natural(&self) -> NormalNatural {
        let prec = 1.0 / (self.sd * self.sd);
        NormalNatural { x: self.mean * prec, xx: -0.5 * prec }
    }

    fn from_natural(eta: &NormalNatural) -> Result<Self, Improper> {
        let NormalMoments { mean, var } = Self::moments(eta)?;
        Ok(Self::mean_var(mean, var))
    }

    fn log_partition(eta: &NormalNatural) -> Result<f64, Improper> {
        let NormalMoments { mean, var } = Self::moments(eta)?;
        Ok(0.5 * mean * eta.x + 0.5 * var.ln() + HALF_LN_2PI)
    }

    fn moments(eta: &NormalNatural) -> Result<NormalMoments, Improper> {
        let moments = NormalMoments { mean: -0.5 * eta.x / eta.xx, var: -0.5 / eta.xx };
        if is_positive(moments.var) && moments.mean.is_finite() {
            return Ok(moments);
        }
        let rule =
            format!("the coefficient of x², {}, must be negative, and that of x, {}, finite", eta.xx, eta.x);
        Err(Improper::new("Normal", rule))
    }

    fn mode(eta: &NormalNatural) -> Result<f64, Improper> {
        Self::moments(eta).map(|moments| moments.mean)
    }

    fn log_kernel(eta: &NormalNatural, x: &f64) -> f64 {
        if x.is_finite() { (eta.x + eta.xx * x) * x } else { f64::NEG_INFINITY }
    }

    fn natural_entropy(eta: &NormalNatural) -> Result<f64, Improper> {
        Self::from_natural(eta).map(|law| law.entropy())
    }

    /// ½ (r − 1 − log r) + ½ (mean_q − mean_p)²/var_p, r = var_q/var_p.
    fn kl(q: &NormalNatural, p: &NormalNatural) -> Result<f64, Improper> {
        let (q, p) = (Self::moments(q)?, Self::moments(p)?);
        let gap = q.mean - p.mean;
        Ok(0.5 * x_minus_log1p((q.var - p.var) / p.var) + 0.5 * gap * gap / p.var)
    }
}
