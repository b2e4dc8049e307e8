//! Probabilistic programming in Rust.
