//! Models as a statistician would write them first, in combinations that no other test has, each by a textbook.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod oracle;

mod bands;
mod chains;
mod effects;
mod gaps;
mod issue_b1;
mod issue_b2;
mod issue_b3;
mod levels;
mod limits;
mod loadings;
mod names;
mod regimes;
mod series;
mod states;
