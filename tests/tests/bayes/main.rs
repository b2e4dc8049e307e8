//! Posteriors of conjugate families: laws, answers, draws.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod answers;
mod concentrations;
mod conjugate;
mod draws;
mod laws;
mod locals;
mod pairs;
mod points;
mod posterior_starts;
mod products;
mod reference;
mod regression;
mod relabel;
mod scalars;
mod unobserved;
