//! The normal form in, the plan out: which latents form exact blocks, how each is eliminated, how each param is maximised, and why not better.

mod advise;
mod aliases;
mod align;
mod assemble;
pub mod blocks;
pub mod closure;
mod constraint;
mod cost;
pub mod edges;
mod eliminate;
mod integrated;
pub mod interact;
pub mod laws;
mod mstep;
pub mod passes;
pub mod print;
pub mod refusal;
mod schedule;
pub mod statistics;
mod turns;
pub mod whiten;

pub use assemble::plan;
pub use integrated::{alone, has_laws_of_steps, integrated, scaled};
pub use print::render;
pub use schedule::points;

use crate::density::poly::Exponent;
use crate::density::symbol::Ix;
use crate::model::ir::{ArrayId, StatementId};
use crate::syntax::ast::Loc;

/// What the macro has proved, as data: errors, documentation and tests print the same words from it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub claim: Claim,
    /// In the order in which they are updated.
    pub blocks: Vec<Block>,
    /// One sweep over the blocks that are no points, by their positions: those of one turn share no term and are updated together.
    pub turns: Vec<Vec<usize>>,
    /// M-steps of the params, in the order in which they are carried out.
    pub updates: Vec<Update>,
    /// Why the whole posterior is not exact; empty if it is.
    pub obstacles: Vec<Obstacle>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// KL = 0.
    Exact,
    /// A product of exact blocks: a lower bound.
    MeanField,
}

/// Latents whose joint posterior, given the rest, is computed exactly.
#[derive(Clone, Debug)]
pub struct Block {
    pub latents: Vec<ArrayId>,
    /// Held at a point by the user: no trace, and one of the `updates` instead.
    pub point: bool,
    /// The latents are updated one element at a time, in sequence (all pairs are coupled).
    pub each: bool,
    /// Plate axes carried unchanged through the block, as positions of the plates of `latents[0]`: the block is an independent copy for each of their values.
    pub unit: Vec<usize>,
    /// The order of elimination, with the rule that licensed each step.
    pub trace: Vec<Step>,
    pub loc: Loc,
    /// Such as `N·K·D²`.
    pub cost: String,
}

#[derive(Clone, Debug)]
pub struct Step {
    /// More than one for a product frontier.
    pub latents: Vec<ArrayId>,
    pub rule: Rule,
    /// The greatest distance along the scanned axis between two elements in one term; 1 for a first-order chain, 0 where nothing is scanned.
    #[allow(dead_code, reason = "for the code of chains")]
    pub lag: usize,
    /// What is left in the scope of the factor this step produces.
    pub scope: Vec<(ArrayId, Vec<Ix>)>,
    /// Lines of the statements that touch the latents.
    pub lines: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Sum over a finite latent.
    Sum,
    /// Forward and backward along an axis.
    Scan {
        axis: String,
    },
    /// Up and down a tree of parents.
    Tree {
        axis: String,
    },
    /// Log-partition of a registered family.
    Family {
        family: String,
    },
    /// Linear Gaussian elimination.
    Gaussian {
        whitened_by: Option<ArrayId>,
        stack: bool,
    },
    GaussianScan {
        axis: String,
        whitened_by: Option<ArrayId>,
    },
}

/// A reason, with the place it points at.
#[derive(Clone, Debug)]
pub struct Obstacle {
    pub latent: ArrayId,
    pub reason: String,
    pub loc: Loc,
    pub statement: Option<StatementId>,
    /// The line that would remove it, where one is known.
    pub help: Option<String>,
    /// Nothing but the user's own group is in the way.
    pub apart: bool,
}

/// How a group of params is maximised.
#[derive(Clone, Debug)]
pub struct Update {
    pub params: Vec<ArrayId>,
    pub rule: Maximise,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maximise {
    /// Σ c_k log π_k: counts, normalised.
    Simplex,
    /// a log p + b log(1 − p)
    Unit,
    /// η₁ log x + η₂ x^p
    PowerGamma { power: Exponent },
    /// Linear in the residuals of Normals; with `scale`, profiled out of them: one joint closed form.
    Regression { scale: Option<ArrayId>, joint: bool },
    /// A covariance or precision given the residuals.
    Scale,
    /// Safeguarded Newton on symbolic derivatives.
    Newton,
}
