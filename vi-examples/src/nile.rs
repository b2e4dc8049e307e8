//! The flow of the Nile, year by year: a level that drifts, seen through noise.

use vi_core::prelude::*;

model! {
    /// A level of which nothing is known at first and which moves a little every year, and the flow around it.
    pub mod local_level {
        param    drift: Positive;
        param    noise: Positive;
        latent   level[0]         ~ Flat();
        latent   level[t in 1..T] ~ Normal(level[t-1], var: drift);
        observed flow[t in T]     ~ Normal(level[t], var: noise);
    }
}

/// The years 1871–1970 and their flow at Aswan, 10⁸ m³.
///
/// # Errors
/// When the file cannot be read.
pub fn flows() -> Result<(Vec<f64>, Vec<f64>), Box<dyn std::error::Error>> {
    let table = crate::table::read("nile.csv")?;
    let column = |j: usize| table.column(j).iter().copied().collect();
    Ok((column(0), column(1)))
}

/// Both variances of the highest likelihood.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(flow: &[f64]) -> Result<Fit<local_level::Model>, vi_core::Error> {
    let data = local_level::Data { flow: flow.into() };
    let options = Options::new().tolerance(1e-12).max_iterations(5000).accelerate(true);
    local_level::Model::new().fit(&data, &options)
}
