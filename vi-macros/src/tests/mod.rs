//! Tests of the stages.

mod elimination;
