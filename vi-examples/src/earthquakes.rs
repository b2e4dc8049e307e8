//! Major earthquakes in the world, counted by year: more variable than one Poisson law allows.

use crate::ascending;
use vi_core::prelude::*;

model! {
    /// Years of several kinds, each with its own rate of earthquakes.
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    rate[k in K]: Positive;
        latent   z[t in T] ~ Categorical(weight);
        observed y[t in T] ~ Poisson(rate[z[t]]);
    }
}

/// The years 1900–2006 and their earthquakes of magnitude 7 or more.
///
/// # Errors
/// When the file cannot be read.
pub fn counts() -> Result<(Vec<u32>, Vec<u64>), Box<dyn std::error::Error>> {
    let table = crate::table::read("earthquakes.csv")?;
    let years = table.column(0).iter().map(|x| *x as u32).collect();
    Ok((years, table.column(1).iter().map(|x| *x as u64).collect()))
}

/// The mixture of `kinds` Poisson laws, the best of several starts; quiet years first.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(y: &[u64], kinds: usize) -> Result<Fit<mixture::Model>, vi_core::Error> {
    let data = mixture::Data { y: y.into() };
    let mut fit = mixture::Model::new(kinds).fit(&data, &Options::new().seed(1).restarts(8))?;
    fit.relabel(&ascending(&fit.params.rate))?;
    Ok(fit)
}

/// Schwarz's criterion, −2 log p(y; θ̂) + p log T, with p = 2K − 1 free parameters. Smaller is better.
#[must_use]
pub fn bic(fit: &Fit<mixture::Model>, years: usize) -> f64 {
    let free = 2.0 * fit.params.rate.len() as f64 - 1.0;
    free * (years as f64).ln() - 2.0 * fit.log_likelihood()
}
