//! Probabilistic programming in Rust.

// Absolute paths in generated code (`::vi_core::…`) work in this crate's own tests as well.
extern crate self as vi_core;

pub mod data;
pub mod dist;
pub mod engine;
pub mod error;
pub mod family;
pub mod fit;
pub mod linalg;
#[doc(hidden)]
pub mod private;
pub mod reduce;
pub mod rng;
pub mod special;
pub mod stats;
pub mod table;
pub mod tile;

pub use error::Error;
pub use fit::{Categories, Claim, ExactPosterior, Fit, NoParams, Options, Plan, Start, State};
#[doc(inline)]
pub use vi_macros::model;

/// What a program that declares models needs.
pub mod prelude {
    pub use crate::data::{Absent, Sparse};
    pub use crate::{Categories, ExactPosterior, Fit, Options, Start, model};
    pub use nalgebra::{DMatrix, DVector};
}
