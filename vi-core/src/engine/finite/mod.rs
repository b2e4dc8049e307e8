//! Finite latents: alone, along an axis, or on a tree, with one elimination for sums, maxima and draws.
//!
//! ```text
//! Sum     log Σ exp      normaliser, probabilities, pairwise moments
//! Max     max            the most likely joint state and its log-probability
//! Sample  log Σ exp      normaliser, a draw from the posterior
//! ```
//!
//! Every engine takes log potentials, and between two latents non-negative weights. A weight of 0 or a potential of −∞ is a structural
//! zero: what it rules out has probability exactly 0. Weights are used as they are, so a row of them need not sum to 1.
//!
//! Shapes are the caller's contract: a slice too short for the stated shape panics; values never do.

pub mod batch;
mod descents;
mod factors;
mod kinds;
#[cfg(test)]
mod kinds_tests;
mod messages;
pub mod parts;
#[cfg(test)]
mod parts_tests;
pub mod scan;
mod semiring;
mod steps;
pub mod table;
#[cfg(test)]
mod tests;
pub mod tree;

pub use factors::Factors;
pub use kinds::Kinds;
pub use parts::{Digit, Part, Parts};
pub use semiring::{Choice, Max, Sample, Semiring, Sum};

use crate::Error;

/// Why an elimination has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Everything up to and with this position has probability zero under every state.
    #[error("the data at position {at} have probability zero under every state")]
    Impossible {
        /// The unit, the step or the node.
        at: usize,
    },
    /// A log potential or a weight is +∞ or NaN.
    #[error("the density at position {at} is not finite")]
    NotFinite {
        /// The unit, the step or the node.
        at: usize,
    },
}

impl Failure {
    /// The error of the crate, with the position named as in the model.
    #[must_use]
    pub fn named(self, name: impl FnOnce(usize) -> String) -> Error {
        match self {
            Failure::Impossible { at } => Error::Impossible { at: name(at) },
            Failure::NotFinite { at } => {
                Error::NotFinite { what: format!("log p(data; params) of {}", name(at)) }
            }
        }
    }
}
