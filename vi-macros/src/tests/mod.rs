//! Unit tests of the stages.

mod elimination;
mod model;
mod plan;
mod programs;
mod syntax;
