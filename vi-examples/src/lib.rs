//! The models of the examples and the data they run on. Each program in `examples/` fits one of these modules and prints what a
//! person wants to see; the snapshots in `tests/` fit the same ones.

pub mod ab_test;
pub mod approval;
pub mod bayesian_mixture;
pub mod coal;
pub mod dawid_skene;
pub mod diabetes;
pub mod earthquakes;
pub mod geyser;
pub mod iris;
pub mod iris_factors;
pub mod karate;
pub mod letters;
pub mod nile;
pub mod old_faithful;
pub mod phage;
pub mod picture;
pub mod pumps;
pub mod regimes;
pub mod school_forms;
pub mod schools;
pub mod series;
pub mod table;
pub mod topics;

/// The order of components from the smallest key to the largest, for [`Fit::relabel`](vi_core::Fit::relabel): which of several equal
/// labellings a fit ends in depends on its start.
#[must_use]
pub fn ascending(keys: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|a, b| keys[*a].total_cmp(&keys[*b]));
    order
}

/// The programs of the README, compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
