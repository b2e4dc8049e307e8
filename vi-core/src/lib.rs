//! Probabilistic programming in Rust.

pub mod dist;
pub mod family;
pub mod special;
