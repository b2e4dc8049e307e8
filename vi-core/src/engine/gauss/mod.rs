//! Linear-Gaussian latents: one block, a tree of blocks (many small ones around a shared one, as in a hierarchy), a chain of them, or fronts
//! of any pattern of rows.
//!
//! ```text
//! ∫ exp(log_factor − ½ ‖targets − A x‖²) dx        Q A = R,  Q targets = (z, ρ)
//! E x = R⁻¹ z      Cov x = R⁻¹ R⁻ᵀ      log ∫ = log_factor + ½ n log 2π − log |det R| − ½ ‖ρ‖²
//! ```
//!
//! What enters are weighted residual rows √prec · (target − Σ coefficient · unknown), one for each scalar factor; what is computed comes
//! from orthogonal transformations of these rows. Neither A'A nor A'targets is ever formed: squaring the rows would square their condition
//! number, and a smoother with small process noise would lose all its digits. Variances are sums of positive terms. A diffuse prior is a row
//! that is absent, and so is a missing observation. What the uncertainty of coefficients adds under mean field is a matter of rows too:
//! E‖y − W x‖² = ‖y − E W x‖² + xᵀ S x, whose last part is one row of target 0 for each row of a factor of S.
//!
//! A direction that no row determines is an error value that names the unknown. Shapes are the caller's contract: a slice too short for the
//! stated shape panics; values never do.

pub(super) mod compensated;
pub mod dense;
mod forms;
pub mod fronts;
#[cfg(test)]
mod fronts_tests;
mod householder;
pub mod order;
mod rows;
pub mod scan;
mod selected;
pub mod tree;

pub use rows::Rows;

use crate::Error;

/// ½ log 2π
pub(crate) const HALF_LOG_TAU: f64 = 0.918_938_533_204_672_8;

/// Why an elimination has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No row determines this unknown, or none tells it apart from those before it.
    #[error("no row determines unknown {column} of block {block}")]
    Undetermined {
        /// The block, or the step of a chain; 0 where there is one block.
        block: usize,
        /// The unknown in the block.
        column: usize,
    },
    /// A coefficient, a weight or a target is infinite or NaN, or their products are.
    #[error("the rows of block {block} are not finite")]
    NotFinite {
        /// The block, or the step of a chain.
        block: usize,
    },
}

impl Failure {
    /// The error of the crate, with the unknown named as in the model.
    #[must_use]
    pub fn named(self, name: impl FnOnce(usize, usize) -> String) -> Error {
        match self {
            Failure::Undetermined { block, column } => Error::Improper {
                element: name(block, column),
                reason: "neither its prior nor the data determine it".to_string(),
            },
            Failure::NotFinite { block } => {
                Error::NotFinite { what: format!("the density of {}", name(block, 0)) }
            }
        }
    }
}
