//! The uniform distribution: on an interval, or over the categories of a finite variable.
//!
//! ```text
//! p(x) = 1/(b − a)        p(k) = 1/K
//! ```
//!
//! Support: a ≤ x ≤ b; k = 0, 1, …, K − 1. Source: Johnson, Kotz & Balakrishnan, *Continuous Univariate Distributions* 2,
//! ch. 26.

use rand::{Rng, RngExt};

/// Uniform on [a, b].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uniform {
    /// The least value.
    pub a: f64,
    /// The greatest value.
    pub b: f64,
}

impl Uniform {
    /// `Uniform(a, b)`.
    pub fn a_b(a: f64, b: f64) -> Self {
        Self { a, b }
    }

    /// `Uniform()` on a category of k values.
    pub fn categories(k: usize) -> UniformCategory {
        UniformCategory { k }
    }

    fn is_valid(&self) -> bool {
        self.a.is_finite() && self.b.is_finite() && self.a < self.b
    }

    /// b − a, halved so that it cannot overflow.
    fn half_width(&self) -> f64 {
        if self.is_valid() { 0.5 * self.b - 0.5 * self.a } else { f64::NAN }
    }

    fn log_width(&self) -> f64 {
        let width = self.b - self.a;
        if width.is_finite() && self.is_valid() {
            width.ln()
        } else {
            self.half_width().ln() + std::f64::consts::LN_2
        }
    }

    /// −log(b − a); −∞ outside [a, b].
    pub fn log_density(&self, x: f64) -> f64 {
        let log_width = self.log_width();
        if log_width.is_nan() || (self.a <= x && x <= self.b) { -log_width } else { f64::NEG_INFINITY }
    }

    /// log P(lo ≤ X ≤ hi) = log of the overlap over the width.
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if lo.is_nan() || hi.is_nan() {
            return f64::NAN;
        }
        let overlap = Self { a: lo.max(self.a), b: hi.min(self.b) };
        let log_overlap = if overlap.is_valid() { overlap.log_width() } else { f64::NEG_INFINITY };
        log_overlap - self.log_width()
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let u: f64 = rng.random();
        if self.is_valid() { self.a * (1.0 - u) + self.b * u } else { f64::NAN }
    }

    /// E x = (a + b)/2.
    pub fn expectation(&self) -> f64 {
        self.a + self.half_width()
    }

    /// Var x = (b − a)²/12.
    pub fn variance(&self) -> f64 {
        self.half_width() * self.half_width() / 3.0
    }

    /// log(b − a).
    pub fn entropy(&self) -> f64 {
        self.log_width()
    }
}

/// Uniform over 0..k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniformCategory {
    /// The number of categories.
    pub k: usize,
}

impl UniformCategory {
    /// −log K; −∞ for a category out of range, NaN if there are none.
    pub fn log_density(&self, x: usize) -> f64 {
        if self.k > 0 && x >= self.k { f64::NEG_INFINITY } else { -self.entropy() }
    }

    /// One draw.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> usize {
        if self.k > 0 { rng.random_range(0..self.k) } else { 0 }
    }

    /// log K.
    pub fn entropy(&self) -> f64 {
        if self.k > 0 { (self.k as f64).ln() } else { f64::NAN }
    }
}
