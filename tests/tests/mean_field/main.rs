//! Blocks that take turns: bounds, calibration, minibatches, more data.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod attack;
mod attack_mixed;
mod attack_scales;
mod bounds;
mod calibration;
mod programs;
mod stochastic;
mod stream;
mod topics;
