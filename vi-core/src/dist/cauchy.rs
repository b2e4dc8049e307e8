//! The Cauchy distribution. It has no mean: `mean` is the language's word for its centre, the median.
//!
//! ```text
//! p(x) = 1 / (π scale (1 + ((x − mean)/scale)²))
//! ```
//!
//! Support: the reals. Source: Johnson, Kotz & Balakrishnan, *Continuous Univariate Distributions* 1, ch. 16.

use super::is_positive;
use crate::special::log1p_square;
use rand::{Rng, RngExt};
use std::f64::consts::PI;

/// Cauchy with the given centre and scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cauchy {
    /// The centre of symmetry.
    pub mean: f64,
    /// Half the interquartile range.
    pub scale: f64,
}

impl Cauchy {
    /// `Cauchy(mean, scale: s)`.
    pub fn mean_scale(mean: f64, scale: f64) -> Self {
        Self { mean, scale }
    }

    fn is_valid(&self) -> bool {
        self.mean.is_finite() && is_positive(self.scale)
    }

    /// −log(π scale) − log(1 + ((x − mean)/scale)²).
    pub fn log_density(&self, x: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        if x.is_nan() {
            return f64::NEG_INFINITY;
        }
        -PI.ln() - self.scale.ln() - log1p_square((x - self.mean) / self.scale)
    }

    /// log P(lo ≤ X ≤ hi) = log(arctan b − arctan a) − log π, the difference taken as one angle.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() || lo.is_nan() || hi.is_nan() {
            return f64::NAN;
        }
        if lo >= hi {
            return f64::NEG_INFINITY;
        }
        let (a, b) = ((lo - self.mean) / self.scale, (hi - self.mean) / self.scale);
        let angle = if a == f64::NEG_INFINITY {
            1f64.atan2(-b)
        } else if b == f64::INFINITY {
            1f64.atan2(a)
        } else if a.abs() <= 1.0 && b.abs() <= 1.0 {
            ((hi - lo) / self.scale).atan2(1.0 + a * b)
        } else {
            // The angle between (1, a) and (1, b), each scaled so that the product cannot overflow.
            let (na, nb) = (a.abs().max(1.0), b.abs().max(1.0));
            ((hi - lo) / self.scale / na / nb).atan2(1.0 / na / nb + (a / na) * (b / nb))
        };
        angle.ln() - PI.ln()
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        self.mean + self.scale * (PI * (rng.random::<f64>() - 0.5)).tan()
    }

    /// log(4π scale).
    pub fn entropy(&self) -> f64 {
        if self.is_valid() { (4.0 * PI).ln() + self.scale.ln() } else { f64::NAN }
    }
}
