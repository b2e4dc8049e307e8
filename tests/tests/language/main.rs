//! The language, its errors, its laws, and order in the house.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod accelerate;
mod bad_input;
mod bounds;
mod enumeration;
mod families;
mod floors;
mod golden;
mod laws;
mod plain;
mod reference;
mod smoke;
mod structure;
mod tidy;
mod ui;
