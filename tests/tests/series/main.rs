//! Linear Gaussian chains: state spaces, forecasts, switching.
#![allow(missing_docs, reason = "the modules that `model!` writes here are nobody's interface")]

mod besides;
mod besides_panels;
mod forecasts;
mod gaps_in_data;
mod gaussian_chains;
mod interface;
mod kinds_of_steps;
mod lags;
mod scaled_chains;
mod scaled_futures;
mod series_starts;
mod structural_series;
mod switching;
mod switching_variants;
mod uncertain_futures;
