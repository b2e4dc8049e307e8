//! What generated code names, and nobody else.

pub use crate::data;
pub use crate::data::{Groups, check};
pub use crate::dist;
pub use crate::engine::{least_squares, newton};
pub use crate::fit::program::{Component, Described, ElboTerm, Evidence, Maximised, Program, Scratch, Statistics};
pub use crate::fit::{self, Categories, Claim, ExactPosterior, Fit, NoParams, Options, Plan, Start, State};
pub use crate::rng;
pub use crate::special;
pub use crate::stats::Moments;
pub use crate::table::Table;
pub use crate::tile;
pub use crate::{Error, error::Mismatch};
pub use nalgebra::{DMatrix, DVector};

/// Names a model for which `model!` has a proof to show.
pub trait Proved {}
