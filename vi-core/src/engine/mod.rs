//! Engines: exact elimination and exact maximisation, knowing no model.

pub mod admixture;
pub mod anderson;
mod bounded;
pub mod coefficients;
pub mod collapse;
pub mod columns;
pub mod covariance;
pub mod dense;
pub mod design;
pub mod elimination;
pub mod finite;
pub mod gaps;
pub mod gauss;
pub mod integrals;
pub mod intercept;
pub mod law;
pub mod least_squares;
pub mod mode;
pub mod newton;
pub mod pattern;
pub mod products;
pub mod quadratic;
pub mod rotation;
pub mod spread;
pub mod squarem;
pub mod unit;
pub mod unit_laws;
