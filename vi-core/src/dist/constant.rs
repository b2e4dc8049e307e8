//! A variable that copies another: all its probability is at one value.
//!
//! ```text
//! p(x) = [x = value]
//! ```
//!
//! Support: the one value; the density is with respect to counting measure.

use rand::Rng;

/// The law that always gives `value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constant<T> {
    /// The one value.
    pub value: T,
}

impl<T: Clone + PartialEq> Constant<T> {
    /// `Constant(value)`.
    pub fn value(value: T) -> Self {
        Self { value }
    }

    /// 0 at the value, −∞ elsewhere.
    pub fn log_density(&self, x: T) -> f64 {
        if x == self.value { 0.0 } else { f64::NEG_INFINITY }
    }

    /// The value; nothing is drawn.
    pub fn sample<R: Rng + ?Sized>(&self, _rng: &mut R) -> T {
        self.value.clone()
    }

    /// E x = value.
    pub fn expectation(&self) -> T {
        self.value.clone()
    }

    /// Var x = 0.
    pub fn variance(&self) -> f64 {
        0.0
    }

    /// 0.
    pub fn entropy(&self) -> f64 {
        0.0
    }
}
