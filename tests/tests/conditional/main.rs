//! Blocks conditional on a category, mixtures that are integrated, truncation.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod along_chains;
mod conditional_answers;
mod conditional_blocks;
mod conditional_variants;
mod imputed_states;
mod integrated;
mod lets_of_latents;
mod normals;
mod shapes;
mod students;
mod truncated;
