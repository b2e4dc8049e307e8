//! Unit tests of the stages.

mod elimination;
mod expand;
mod ground;
mod minibatches;
mod model;
mod oracle;
mod plan;
mod programs;
mod readme;
mod syntax;
