//! Old Faithful, a geyser: how long an eruption lasts, and how long one waits for the next.

use crate::ascending;
use nalgebra::DMatrix;
use vi_core::prelude::*;

model! {
    /// Eruptions of Old Faithful as a mixture of Gaussians.
    pub mod mixture(K) {
        param    weight: Simplex[K];
        param    mean[k in K]: Vector[D];
        param    cov[k in K]: SymPos[D];
        latent   z[n in N] ~ Categorical(weight);
        observed x[n in N] ~ Normal(mean[z[n]], cov: cov[z[n]]);
    }
}

/// 272 eruptions: duration and waiting time until the next one, both in minutes.
///
/// # Errors
/// When the file cannot be read.
pub fn eruptions() -> Result<DMatrix<f64>, Box<dyn std::error::Error>> {
    crate::table::read("faithful.csv")
}

/// The mixture of two Gaussians, fitted by EM; short eruptions first.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(x: &DMatrix<f64>) -> Result<Fit<mixture::Model>, vi_core::Error> {
    let data = mixture::Data { x: x.into() };
    let mut fit = mixture::Model::new(2).fit(&data, &Options::new().seed(1).restarts(8))?;
    let durations: Vec<f64> = fit.params.mean.iter().map(|mean| mean[0]).collect();
    fit.relabel(&ascending(&durations))?;
    Ok(fit)
}
