//! Old Faithful watched without a break for two weeks: a short eruption is never followed by another.

use vi_core::prelude::*;

model! {
    /// Kinds of eruptions, each following the one before by its own law; durations are Normal around a value that depends on the last wait.
    pub mod eruptions(K) {
        given    wait[t in T]: Real;
        param    start: Simplex[K];
        param    trans[i in K]: Simplex[K];
        param    level[k in K]: Real;
        param    slope[k in K]: Real;
        param    s2[k in K]: Positive(min: 1e-4);
        latent   z[0]         ~ Categorical(start);
        latent   z[t in 1..T] ~ Categorical(trans[z[t-1]]);
        observed y[t in T]    ~ Normal(level[z[t]] + slope[z[t]] * wait[t], var: s2[z[t]]);
    }
}

model! {
    /// The same kinds without memory.
    pub mod apart(K) {
        given    wait[t in T]: Real;
        param    weight: Simplex[K];
        param    level[k in K]: Real;
        param    slope[k in K]: Real;
        param    s2[k in K]: Positive(min: 1e-4);
        latent   z[t in T]    ~ Categorical(weight);
        observed y[t in T]    ~ Normal(level[z[t]] + slope[z[t]] * wait[t], var: s2[z[t]]);
    }
}

/// 299 eruptions in their order: the wait before each in hours from 70 minutes, and its duration in minutes. Durations of eruptions at night
/// were noted as 2, 3 or 4 only.
///
/// # Errors
/// When the file cannot be read.
pub fn eruptions_in_order() -> Result<(Vec<f64>, Vec<f64>), Box<dyn std::error::Error>> {
    let table = crate::table::read("geyser.csv")?;
    let wait = table.column(0).iter().map(|w| (w - 70.0) / 60.0).collect();
    Ok((wait, table.column(1).iter().copied().collect()))
}

/// The chain of two kinds; short eruptions first.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(wait: &[f64], y: &[f64]) -> Result<Fit<eruptions::Model>, vi_core::Error> {
    let data = eruptions::Data { wait: wait.into(), y: y.into() };
    let mut fit = eruptions::Model::new(2).fit(&data, &Options::new().seed(1).restarts(8))?;
    fit.relabel(&crate::ascending(&fit.params.level))?;
    Ok(fit)
}

/// The same without memory.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit_apart(wait: &[f64], y: &[f64]) -> Result<Fit<apart::Model>, vi_core::Error> {
    let data = apart::Data { wait: wait.into(), y: y.into() };
    apart::Model::new(2).fit(&data, &Options::new().seed(1).restarts(8))
}
