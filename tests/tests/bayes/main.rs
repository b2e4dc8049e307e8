//! Exact and mean-field posteriors of conjugate families.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod answers;
mod attack;
mod attack_mixed;
mod attack_scales;
mod bounds;
mod calibration;
mod concentrations;
mod conjugate;
mod draws;
mod laws;
mod locals;
mod pairs;
mod points;
mod posterior_starts;
mod products;
mod programs;
mod reference;
mod regression;
mod relabel;
mod scalars;
mod stochastic;
mod stream;
mod topics;
