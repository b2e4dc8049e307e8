//! Whether all numbers of a slice lie between two bounds: what checks ask of data before anyone looks for the one that does not.

use super::simd::{Isa, vectorised};

vectorised! {
    /// Whether `low ≤ x ≤ high` for every x. NaN lies nowhere.
    #[must_use]
    pub fn all_within(x: &[f64], low: f64, high: f64) -> bool = all_within_with;
}

/// Numbers that are looked at before it is asked whether one of them lay outside.
const STRETCH: usize = 1024;

#[inline(always)]
pub(super) fn all_within_with<S: Isa>(_: S, x: &[f64], low: f64, high: f64) -> bool {
    x.chunks(STRETCH).all(|x| {
        let mut outside = 0_u64;
        for x in x {
            outside |= u64::from(!((low <= *x) & (*x <= high)));
        }
        outside == 0
    })
}
