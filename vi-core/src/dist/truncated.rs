//! A univariate law kept to an interval and normalised there.
//!
//! ```text
//! p(x | min ≤ x ≤ max) = p(x) / P(min ≤ X ≤ max)
//! ```
//!
//! Support: the family's support within [min, max], both bounds included.

use super::count;
use rand::{Rng, RngExt};

/// A distribution over the reals or the counts, as truncation needs it.
///
/// The methods are those the families have themselves.
pub trait Univariate {
    /// `f64`, or `u64` for counts.
    type Value: Ordinate;
    /// log p(x); −∞ outside the support.
    fn log_density(&self, x: Self::Value) -> f64;
    /// log P(lo ≤ X ≤ hi).
    fn log_interval(&self, lo: f64, hi: f64) -> f64;
    /// One draw.
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> Self::Value;
}

macro_rules! univariate {
    ($($family:ident: $value:ty),* $(,)?) => { $(
        impl Univariate for super::$family {
            type Value = $value;
            fn log_density(&self, x: $value) -> f64 {
                super::$family::log_density(self, x)
            }
            fn log_interval(&self, lo: f64, hi: f64) -> f64 {
                super::$family::log_interval(self, lo, hi)
            }
            fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> $value {
                super::$family::sample(self, rng)
            }
        }
    )* };
}

univariate! {
    Beta: f64, Binomial: u64, Cauchy: f64, Exponential: f64, Gamma: f64, Geometric: u64, InverseGamma: f64,
    Laplace: f64, LogNormal: f64, NegativeBinomial: u64, Normal: f64, Poisson: u64, StudentT: f64, Uniform: f64,
}

/// `inner`, conditioned on min ≤ X ≤ max.
///
/// `log_density` is NaN where the interval holds no probability.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Truncated<F> {
    inner: F,
    min: f64,
    max: f64,
    log_mass: f64,
}

/// A Normal within an interval.
pub type TruncatedNormal = Truncated<super::Normal>;

impl<F: Univariate> Truncated<F> {
    /// `inner` kept to [min, max]; −∞ and ∞ leave a side open.
    pub fn new(inner: F, min: f64, max: f64) -> Self {
        let log_mass = inner.log_interval(min, max);
        Self { inner, min, max, log_mass }
    }

    /// The law before truncation.
    pub fn inner(&self) -> &F {
        &self.inner
    }

    /// The least value kept.
    pub fn min(&self) -> f64 {
        self.min
    }

    /// The greatest value kept.
    pub fn max(&self) -> f64 {
        self.max
    }

    /// log P(min ≤ X ≤ max) under `inner`.
    pub fn log_mass(&self) -> f64 {
        self.log_mass
    }

    /// Whether the interval holds any probability, which is also false for an invalid law.
    fn has_mass(&self) -> bool {
        self.log_mass > f64::NEG_INFINITY
    }

    /// log p(x) − log P(min ≤ X ≤ max) within the bounds, −∞ outside.
    pub fn log_density(&self, x: F::Value) -> f64 {
        if !self.has_mass() {
            return f64::NAN;
        }
        let place = x.to_f64();
        if !(self.min <= place && place <= self.max) {
            return f64::NEG_INFINITY;
        }
        self.inner.log_density(x) - self.log_mass
    }

    /// log P(lo ≤ X ≤ hi | min ≤ X ≤ max).
    pub fn log_interval(&self, lo: f64, hi: f64) -> f64 {
        if !self.has_mass() {
            return f64::NAN;
        }
        self.inner.log_interval(lo.max(self.min), hi.min(self.max)) - self.log_mass
    }

    /// One draw: by rejection while the interval is likely, else by inverting P(min ≤ X ≤ x) to the last bit.
    ///
    /// Where the interval holds no probability, NaN (0 for a count).
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> F::Value {
        if !self.has_mass() {
            return F::Value::UNDEFINED;
        }
        if self.log_mass > LIKELY {
            loop {
                let x = self.inner.sample(rng);
                if self.min <= x.to_f64() && x.to_f64() <= self.max {
                    return x;
                }
            }
        }
        let target = self.log_mass + (1.0 - rng.random::<f64>()).ln();
        F::Value::least(self.min, self.max, |x| self.inner.log_interval(self.min, x) >= target)
    }
}

/// log ⅕: rejection then takes five draws on average at most.
const LIKELY: f64 = -1.61;

/// A value that bisection can search for.
pub trait Ordinate: Copy {
    /// What a law without probability draws.
    const UNDEFINED: Self;
    /// The same value as a real number.
    fn to_f64(self) -> f64;
    /// The least value in [min, max] for which `reached`, which is false up to it and true from it on.
    fn least(min: f64, max: f64, reached: impl Fn(f64) -> bool) -> Self;
}

impl Ordinate for f64 {
    const UNDEFINED: f64 = f64::NAN;

    fn to_f64(self) -> f64 {
        self
    }

    fn least(min: f64, max: f64, reached: impl Fn(f64) -> bool) -> f64 {
        let (mut below, mut above) = (rank(min.max(f64::MIN)), rank(max.min(f64::MAX)));
        while below < above {
            let middle = below + (above - below) / 2;
            if reached(unrank(middle)) {
                above = middle;
            } else {
                below = middle + 1;
            }
        }
        unrank(below)
    }
}

/// The position of x among all finite doubles in increasing order, so that bisection takes at most 64 steps.
fn rank(x: f64) -> i128 {
    let magnitude = i128::from(x.abs().to_bits());
    if x.is_sign_negative() { -magnitude } else { magnitude }
}

fn unrank(rank: i128) -> f64 {
    let magnitude = f64::from_bits(rank.unsigned_abs() as u64);
    if rank < 0 { -magnitude } else { magnitude }
}

impl Ordinate for u64 {
    const UNDEFINED: u64 = 0;

    fn to_f64(self) -> f64 {
        self as f64
    }

    fn least(min: f64, max: f64, reached: impl Fn(f64) -> bool) -> u64 {
        let Some((mut below, greatest)) = count::bounds(min, max) else { return 0 };
        let greatest = greatest.unwrap_or(u64::MAX);
        // Doubling first: a law without an upper bound is usually found near its least value.
        let mut stride = 1;
        let mut above = below.saturating_add(stride).min(greatest);
        while above < greatest && !reached(above as f64) {
            below = above + 1;
            stride *= 2;
            above = above.saturating_add(stride).min(greatest);
        }
        while below < above {
            let middle = below + (above - below) / 2;
            if reached(middle as f64) {
                above = middle;
            } else {
                below = middle + 1;
            }
        }
        below
    }
}
