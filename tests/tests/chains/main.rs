//! Finite chains and trees.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod batches;
mod bayes;
mod change_points;
mod classes;
mod continued;
mod enumeration;
mod hidden_markov;
mod hostile;
mod identities;
mod meetings;
mod paths;
mod shapes;
mod symbols;
