//! Disasters in British coal mines, year by year: whether their rate changed, when, and from what to what.

use vi_core::prelude::*;

model! {
    /// Two rates, one before the year of the change and one from it on; or one rate for all years. Years, rates and whether there was a
    /// change are summed and integrated exactly.
    pub mod change_point(shape: Positive = 2.0, rate0: Positive = 1.0) {
        latent   changed ~ Bernoulli(0.5);
        latent   change: Category[T] ~ Uniform();
        latent   rate[k in 0..2] ~ Gamma(shape: shape, rate: rate0);
        observed y[t in T] ~ match changed and t >= change { true => Poisson(rate[1]), false => Poisson(rate[0]) };
    }
}

/// The years 1851–1962 and their disasters, explosions that killed ten or more.
///
/// # Errors
/// When the file cannot be read.
pub fn counts() -> Result<(Vec<u32>, Vec<u64>), Box<dyn std::error::Error>> {
    let table = crate::table::read("coal.csv")?;
    let years = table.column(0).iter().map(|x| *x as u32).collect();
    Ok((years, table.column(1).iter().map(|x| *x as u64).collect()))
}

/// The posterior: there is nothing to iterate.
///
/// # Errors
/// Whatever the fit returns.
pub fn fit(y: &[u64]) -> Result<Fit<change_point::Model>, vi_core::Error> {
    change_point::Model::new().fit(&change_point::Data { y: y.into() }, &Options::new())
}

/// The probability of each first year of the later rate, given that there is one.
#[must_use]
pub fn years_of_change(fit: &Fit<change_point::Model>) -> Vec<f64> {
    let q = &fit.posterior;
    let changed = q.changed.probs(0)[1];
    // Without a change the year is as it was before the data: every year alike.
    let alike = (1.0 - changed) / q.change.states() as f64;
    q.change.probs(0).iter().map(|p| ((p - alike) / changed).max(0.0)).collect()
}

/// E of the rate in year t: of all pairs of rates, the one that year t has, weighted by the posterior of the change.
#[must_use]
pub fn expected_rates(fit: &Fit<change_point::Model>) -> Vec<f64> {
    let q = &fit.posterior;
    let years = q.change.states();
    let (Some(before), Some(after)) = (q.rate[0].law(), q.rate[1].law()) else { return vec![] };
    // The joint states are (changed, change), the year fastest.
    (0..years)
        .map(|t| {
            before
                .weights()
                .iter()
                .enumerate()
                .map(|(state, p)| {
                    let later = state / years == 1 && t >= state % years;
                    let law = if later { &after.components()[state] } else { &before.components()[state] };
                    p * law.expectation()
                })
                .sum()
        })
        .collect()
}
