//! Ten pumps of a power plant, each with a rate of failures of its own; what the others did says something of a pump that was hardly
//! watched.

use nalgebra::DMatrix;
use std::fmt;
use vi_core::prelude::*;

model! {
    /// Failures per 1000 hours: rates that differ, drawn from one Gamma whose rate is unknown as well.
    pub mod rates(shape: Positive) {
        given    hours[i in I]: Positive;
        latent   b ~ Gamma(shape: 0.1, rate: 1);
        latent   rate[i in I] ~ Gamma(shape: shape, rate: b);
        observed failures[i in I] ~ Poisson(hours[i] * rate[i]);
    }
}

/// Ten pumps at Farley 1.
pub struct Pumps {
    /// Time that each was watched, in thousands of hours.
    pub hours: Vec<f64>,
    /// How often it failed in that time.
    pub failures: Vec<u64>,
}

/// The table of Gaver & O'Muircheartaigh (1987).
///
/// # Errors
/// When the file cannot be read.
pub fn pumps() -> Result<Pumps, Box<dyn std::error::Error>> {
    let table: DMatrix<f64> = crate::table::read("pumps.csv")?;
    let failures = table.column(0).iter().map(|y| *y as u64).collect();
    Ok(Pumps { hours: table.column(1).iter().copied().collect(), failures })
}

impl Pumps {
    /// Failures per 1000 hours, as counted.
    #[must_use]
    pub fn raw(&self) -> Vec<f64> {
        self.failures.iter().zip(&self.hours).map(|(y, t)| *y as f64 / t).collect()
    }

    /// The shape of the Gamma by moments, 1.802 for these pumps: m² / (s² − m · mean of 1/tᵢ) with the mean m and the variance s² of the raw
    /// rates, of which m / tᵢ is what a Poisson law adds.
    #[must_use]
    pub fn shape(&self) -> f64 {
        let raw = self.raw();
        let count = raw.len() as f64;
        let mean = raw.iter().sum::<f64>() / count;
        let var = raw.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / count;
        mean * mean / (var - mean * self.hours.iter().map(|t| 1.0 / t).sum::<f64>() / count)
    }

    /// The posterior of all rates and of what they share.
    ///
    /// # Errors
    /// Whatever the fit returns.
    pub fn fit(&self) -> Result<Fit<rates::Model>, vi_core::Error> {
        let data = rates::Data { hours: (&self.hours).into(), failures: (&self.failures).into() };
        rates::Model::new(self.shape()).fit(&data, &Options::new().tolerance(1e-12))
    }
}

/// What a fit says of every pump beside its raw rate.
pub struct Shrinkage<'a>(pub &'a Pumps, pub &'a Fit<rates::Model>);

impl fmt::Display for Shrinkage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shrinkage(pumps, fit) = self;
        let b = &fit.posterior.b;
        writeln!(f, "pump   hours/1000  failures  raw rate  posterior mean  95 % interval")?;
        for (i, (raw, rate)) in pumps.raw().iter().zip(&fit.posterior.rate).enumerate() {
            let (low, high) = rate.interval(0.95);
            writeln!(
                f,
                "{:>4}  {:>11.3}  {:>8}  {raw:>8.4}  {:>14.4}  {low:.4}–{high:.4}",
                i + 1,
                pumps.hours[i],
                pumps.failures[i],
                rate.mean()
            )?;
        }
        let (low, high) = b.interval(0.95);
        writeln!(f, "what they share: b = {:.4} ± {:.4} ({low:.4}–{high:.4})", b.mean(), b.sd())?;
        writeln!(f, "bound on log p(failures): {:.6}", fit.elbo())
    }
}
