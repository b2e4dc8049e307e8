//! The improper uniform law: it adds no factor.
//!
//! ```text
//! p(x) = 1
//! ```
//!
//! Support: the reals, or vectors of them, with Lebesgue measure. It cannot be drawn from and has no moments.

/// Lebesgue measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flat;

impl Flat {
    /// 0 at every x, of any type.
    pub fn log_density<T>(&self, _x: T) -> f64 {
        0.0
    }
}
