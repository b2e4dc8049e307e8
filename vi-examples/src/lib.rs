//! The models of the examples and the data they run on. Each program in `examples/` fits one of these modules and prints what a
//! person wants to see; the snapshots in `tests/` fit the same ones.

pub mod dawid_skene;
pub mod earthquakes;
pub mod iris;
pub mod old_faithful;
pub mod table;

/// The programs of the README, compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
