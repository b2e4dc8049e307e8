//! Declare a probabilistic model the way it stands on a whiteboard. The macro [`model!`] writes its log-joint, proves which posteriors
//! can be had exactly, and turns that proof into plain Rust that maximises the evidence lower bound, block by block.
//!
//! ```text
//! log p(X; θ) = ELBO(q, θ) + KL(q(Z) ‖ p(Z | X; θ))          ELBO(q, θ) = E_q[log p(X, Z; θ)] + H(q)
//! ```
//!
//! Where the posterior p(Z | X; θ) is available, q is it: the KL is 0, the bound is the log-likelihood, and the loop is EM.
//!
//! ```
//! use vi_core::prelude::*;
//!
//! model! {
//!     /// Waiting times of two kinds.
//!     pub mod waiting(K) {
//!         param    weight: Simplex[K];
//!         param    mean[k in K]: Real;
//!         param    s2[k in K]: Positive(min: 1e-6);
//!         latent   z[n in N] ~ Categorical(weight);
//!         observed x[n in N] ~ Normal(mean[z[n]], var: s2[z[n]]);
//!     }
//! }
//!
//! fn main() -> Result<(), vi_core::Error> {
//!     let minutes = [54.0, 51.0, 55.0, 47.0, 52.0, 79.0, 74.0, 85.0, 88.0, 78.0, 83.0];
//!     let data = waiting::Data { x: (&minutes).into() };
//!     let fit = waiting::Model::new(2).fit(&data, &Options::new().seed(1).restarts(4))?;
//!
//!     // `log_likelihood` exists because the posterior of z was proved to be exact.
//!     assert!((fit.log_likelihood() + 38.2).abs() < 1.0);
//!     // Each observation is sure of its component; the first and the last are not of one kind.
//!     let z = &fit.posterior.z;
//!     assert_ne!(z.most_likely(0), z.most_likely(10));
//!     assert!((fit.params.mean[z.most_likely(0)] - 51.8).abs() < 0.1);
//!     // What was proved, and how each param is updated, in words and equations.
//!     assert!(waiting::PLAN.to_string().starts_with("EXACT"));
//!     Ok(())
//! }
//! ```
//!
//! | where | what |
//! |---|---|
//! | [`model!`] | the language: roles, sizes, types, families |
//! | [`Fit`], [`Options`], [`Start`], [`State`] | fitting, and what a fit holds |
//! | [`data`] | what the fields of a model's `Data` accept |
//! | [`Error`] | everything that can go wrong with data, as values |
//! | [`Plan`], [`ExactPosterior`] | what was proved when the model was compiled |
//! | [`fit::Verification`] | the same claim, checked at run time with other code |
//! | [`Marginal`], [`posterior`] | questions to the marginal of one quantity: intervals, quantiles, mixtures |
//! | [`diagnostics`] | how far an approximate posterior can be trusted |
//! | [`dist`], [`family`] | the distributions by themselves |
//! | [`reduce`], [`rng`] | why results do not depend on the number of threads |
//!
//! # What has code
//!
//! The language is checked and planned as a whole. There is code for
//!
//! - models without latents, and truncated families and bounded locations in them;
//! - finite latents of each unit, several together, under conditions on givens, partly observed: exact given the rest, by tables;
//! - finite latents that follow one another along an axis or on a tree of parents: exact, by forward and backward passes;
//! - conjugate latents given finite ones: integrated out in every state, their marginals finite mixtures;
//! - Gaussian latents of each unit, by pattern of missing entries, and chains of them: exact given the rest, whose coefficients, locations and
//!   scales may be uncertain too; with one scale in common, exact together with it;
//! - chains of Gaussians whose rows are chosen by categories of another block, and chains of categories that meet in their data: each a block;
//! - missing coordinates of vectors under a dense covariance;
//! - real latents within bounds, as `constrain` sets them;
//! - finite latents that statements join in pairs, as in a block model: they take turns;
//! - latents with conjugate terms, shared or one for each unit: probabilities, rates, scales, covariances, and locations with the scale
//!   that whitens them, exact where one block holds them all and variational Bayes where several do;
//! - products of unknowns in a mean, as in factor analysis: each factor given the others;
//! - latents held at a point, `q(mu): Point`: the mode instead of the posterior.
//!
//! Augmentation is planned, and refused at the statement with what it would need.
//!
//! # Features
//!
//! `serde`: `Serialize` and `Deserialize` for fits, params, posteriors and statistics.

// Absolute paths in generated code (`::vi_core::…`) work in this crate's own tests as well.
extern crate self as vi_core;

pub mod chart;
pub mod data;
pub mod diagnostics;
pub mod dist;
pub mod engine;
pub mod error;
pub mod family;
pub mod fit;
pub mod linalg;
pub mod posterior;
#[doc(hidden)]
pub mod private;
pub mod reduce;
pub mod rng;
pub mod special;
pub mod stats;
pub mod table;
pub mod tile;

pub use error::Error;
pub use fit::{
    Categories, Claim, ExactPosterior, Fit, Marginal, NoParams, Options, Plan, Point, Start, State,
};
#[doc = include_str!("model.md")]
#[doc(inline)]
pub use vi_macros::model;

/// What a program that declares models needs.
pub mod prelude {
    pub use crate::data::{Absent, Sparse};
    pub use crate::{Categories, ExactPosterior, Fit, Marginal, Options, Point, Start, model};
    pub use nalgebra::{DMatrix, DVector};
}
