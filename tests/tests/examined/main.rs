//! Probe.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod chains;
mod gauss;
mod chain_tests;
mod gauss_tests;
mod tools;
mod probe;
