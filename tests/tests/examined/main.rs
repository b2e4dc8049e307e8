//! Probe.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod probe;
