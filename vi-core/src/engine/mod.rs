//! Engines: exact elimination and exact maximisation, knowing no model.

pub mod admixture;
pub mod columns;
pub mod dense;
pub mod law;
pub mod least_squares;
pub mod mode;
pub mod newton;
pub mod squarem;
