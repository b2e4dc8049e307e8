//! The checked model's log-joint, statement by statement: as symbols to reason with, linked to the statement they came from.

pub mod conditions;
pub mod derive;
pub mod interval;
pub mod logarithm;
pub mod lower;
mod names;
pub mod normal_form;

pub mod pinned;
pub mod poly;
pub mod print;

pub mod statement;
pub mod symbol;
