//! Unit tests of the stages.

mod model;
mod programs;
mod syntax;
