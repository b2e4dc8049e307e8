//! Probabilistic programming in Rust.

pub mod data;
pub mod error;
pub mod reduce;
pub mod rng;

pub use error::Error;
