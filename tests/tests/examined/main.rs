//! Models as a statistician would write them first, in combinations that no other test has, each by a textbook.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod bands;
mod chains;
mod effects;
mod extremes;
mod futures;
mod gaps;
mod levels;
mod limits;
mod loadings;
mod names;
mod oracle;
mod regimes;
mod seasons;
mod series;
mod states;
