//! Unit tests of the stages.

mod elimination;
mod model;
mod programs;
mod syntax;
