//! Probabilistic programming in Rust.

// Absolute paths in generated code (`::vi_core::…`) work in this crate's own tests as well.
extern crate self as vi_core;

pub mod data;
pub mod dist;
pub mod engine;
pub mod error;
pub mod family;
pub mod linalg;
pub mod reduce;
pub mod rng;
pub mod special;
pub mod stats;
pub mod table;
pub mod tile;

pub use error::Error;
