//! Linear Gaussian chains: state spaces, forecasts, switching.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod forecasts;
mod gaussian_chains;
mod interface;
mod kinds_of_steps;
mod scaled_chains;
mod series_starts;
mod structural_series;
mod switching;
mod switching_variants;
