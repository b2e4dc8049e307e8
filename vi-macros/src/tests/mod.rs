//! Unit tests of the stages.

mod advice;
mod canon;
mod elimination;
mod expand;
mod ground;
mod meetings;
mod minibatches;
mod model;
mod oracle;
mod plan;
mod programs;
mod readme;
mod syntax;
mod units;
