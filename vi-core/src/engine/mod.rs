//! Engines: exact elimination and exact maximisation, knowing no model.

pub mod least_squares;
pub mod newton;
