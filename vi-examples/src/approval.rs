//! How many approve of the president, quarter by quarter, where in some quarters nobody asked.

use crate::series::Known;
use vi_core::prelude::*;

model! {
    /// The log-odds of approval move a little every quarter, and what a poll says of them is off by some. Quarters without a poll are missing.
    pub mod approval {
        param    drift: Positive;
        param    noise: Positive;
        latent   odds[0]         ~ Flat();
        latent   odds[t in 1..T] ~ Normal(odds[t-1], var: drift);
        observed poll[t in T]: Real? ~ Normal(odds[t], var: noise);
    }
}

/// Quarters from the first of 1945 to the last of 1974, and the per cent that approved; NaN where nobody asked.
///
/// # Errors
/// When the file cannot be read.
pub fn polls() -> Result<(Vec<f64>, Vec<f64>), Box<dyn std::error::Error>> {
    let table = crate::table::read("presidents.csv")?;
    let column = |j: usize| table.column(j).iter().copied().collect();
    Ok((column(0), column(1)))
}

/// log p/(1 − p) of per cent.
#[must_use]
pub fn log_odds(per_cent: &[f64]) -> Vec<f64> {
    per_cent.iter().map(|p| (p / (100.0 - p)).ln()).collect()
}

/// Per cent at the median and at the ends of an interval of log-odds.
#[must_use]
pub fn per_cent(at: f64, median: f64, interval: (f64, f64)) -> Known {
    let share = |x: f64| 100.0 / (1.0 + (-x).exp());
    Known { at, mean: share(median), interval: (share(interval.0), share(interval.1)) }
}

/// Both variances of the highest likelihood.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(odds: &[f64]) -> Result<Fit<approval::Model>, vi_core::Error> {
    let data = approval::Data { poll: odds.into() };
    let options = Options::new().tolerance(1e-12).max_iterations(5000).accelerate(true);
    approval::Model::new().fit(&data, &options)
}

/// What is known of approval in every quarter, and what polls would have said that were not taken, each with an interval that holds it with
/// probability 0.95.
#[must_use]
pub fn known(quarters: &[f64], fit: &Fit<approval::Model>) -> (Vec<Known>, Vec<Known>) {
    let q = &fit.posterior;
    let every = quarters.iter().zip(&q.odds).map(|(at, q)| per_cent(*at, q.mean(), q.interval(0.95)));
    let absent = q.poll.iter().filter_map(|(at, q)| {
        let interval = q.interval(0.95)?;
        Some(per_cent(quarters[at[0]], q.mean(), interval))
    });
    (every.collect(), absent.collect())
}
