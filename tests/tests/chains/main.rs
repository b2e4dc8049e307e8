//! Finite chains and trees.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod batches;
mod bayes;
mod change_points;
mod classes;
mod classes_many;
mod classes_within;
mod continued;
mod driven;
mod enumeration;
mod first_states;
mod futures;
mod hidden_markov;
mod hostile;
mod identities;
mod meetings;
mod paths;
mod shapes;
mod symbols;
mod trees;
mod within_steps;
