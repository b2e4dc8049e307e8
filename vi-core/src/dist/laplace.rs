//! The Laplace (double exponential) distribution.
//!
//! ```text
//! p(x) = exp(−|x − mean|/scale) / (2 scale)
//! ```
//!
//! Support: the reals. Source: Johnson, Kotz & Balakrishnan, *Continuous Univariate Distributions* 2, ch. 24.

use super::is_positive;
use crate::special::log1mexp;
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1};
use std::f64::consts::LN_2;

/// Laplace with the given mean and scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Laplace {
    /// The mean, which is the median and the mode.
    pub mean: f64,
    /// The mean absolute deviation.
    pub scale: f64,
}

impl Laplace {
    /// `Laplace(mean, scale: s)`.
    pub fn mean_scale(mean: f64, scale: f64) -> Self {
        Self { mean, scale }
    }

    fn is_valid(&self) -> bool {
        self.mean.is_finite() && is_positive(self.scale)
    }

    /// −|x − mean|/scale − log(2 scale).
    pub fn log_density(&self, x: f64) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        if x.is_nan() {
            return f64::NEG_INFINITY;
        }
        -((x - self.mean) / self.scale).abs() - self.scale.ln() - LN_2
    }

    /// log P(lo ≤ X ≤ hi), in closed form.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.is_valid() || lo.is_nan() || hi.is_nan() {
            return f64::NAN;
        }
        if lo >= hi {
            return f64::NEG_INFINITY;
        }
        let (a, b) = ((lo - self.mean) / self.scale, (hi - self.mean) / self.scale);
        let width = (hi - lo) / self.scale;
        if a >= 0.0 {
            -a + log1mexp(-width) - LN_2
        } else if b <= 0.0 {
            b + log1mexp(-width) - LN_2
        } else {
            (-a.exp_m1() - (-b).exp_m1()).ln() - LN_2
        }
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        if !self.is_valid() {
            return f64::NAN;
        }
        let distance: f64 = Exp1.sample(rng);
        let side = if rng.random::<bool>() { self.scale } else { -self.scale };
        self.mean + side * distance
    }

    /// E x = mean.
    pub fn expectation(&self) -> f64 {
        if self.is_valid() { self.mean } else { f64::NAN }
    }

    /// Var x = 2 scale².
    pub fn variance(&self) -> f64 {
        if self.is_valid() { 2.0 * self.scale * self.scale } else { f64::NAN }
    }

    /// 1 + log(2 scale).
    pub fn entropy(&self) -> f64 {
        if self.is_valid() { 1.0 + LN_2 + self.scale.ln() } else { f64::NAN }
    }
}
