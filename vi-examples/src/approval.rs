//! How many approve of the president, quarter by quarter, where in some quarters nobody asked.

use vi_core::prelude::*;

model! {
    /// Approval returns to its mean in the long run; what a poll says of it is off by some points. Quarters without a poll are missing.
    pub mod approval {
        param    mean: Real;
        param    stay: Real;
        param    drift: Positive;
        param    spread: Positive;
        param    noise: Positive;
        latent   apart[0]         ~ Normal(0, var: spread);
        latent   apart[t in 1..T] ~ Normal(stay * apart[t-1], var: drift);
        observed poll[t in T]: Real? ~ Normal(mean + apart[t], var: noise);
    }
}

/// Quarters from the first of 1945 to the last of 1974, and the per cent that approved.
///
/// # Errors
/// When the file cannot be read.
pub fn polls() -> Result<(Vec<f64>, Vec<f64>), Box<dyn std::error::Error>> {
    let table = crate::table::read("presidents.csv")?;
    let column = |j: usize| table.column(j).iter().copied().collect();
    Ok((column(0), column(1)))
}

/// Everything of the highest likelihood.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(poll: &[f64]) -> Result<Fit<approval::Model>, vi_core::Error> {
    let data = approval::Data { poll: poll.into() };
    let options = Options::new().tolerance(1e-10).max_iterations(5000).accelerate(true);
    approval::Model::new().fit(&data, &options)
}
