//! Probabilistic programming in Rust.

pub mod tile;
