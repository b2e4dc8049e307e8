//! Unit tests of the stages.

mod programs;
mod syntax;
