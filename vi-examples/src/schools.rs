//! Coaching in eight schools: effects that differ by an unknown amount, or perhaps do not differ at all.

use std::fmt;
use vi_core::prelude::*;
use vi_core::special::log_sum_exp;

model! {
    /// Effects of the schools around a common one. Given their variance everything is one Normal. Less than a point between schools is no
    /// difference.
    pub mod effects {
        given    s[j in J]: Positive;
        latent   mu ~ Normal(0, sd: 20);
        param    tau2: Positive(min: 1);
        latent   theta[j in J] ~ Normal(mu, var: tau2);
        observed y[j in J]     ~ Normal(theta[j], sd: s[j]);
    }
}

/// What was estimated in each school by itself.
pub struct Schools {
    /// Points gained by coaching.
    pub effect: Vec<f64>,
    /// Their standard errors.
    pub error: Vec<f64>,
}

/// The table of Rubin (1981), rounded.
///
/// # Errors
/// When the file cannot be read.
pub fn schools() -> Result<Schools, Box<dyn std::error::Error>> {
    let table = crate::table::read("eight_schools.csv")?;
    let column = |j: usize| table.column(j).iter().copied().collect();
    Ok(Schools { effect: column(0), error: column(1) })
}

impl Schools {
    fn data(&self) -> effects::Data<'_> {
        effects::Data { s: (&self.error).into(), y: (&self.effect).into() }
    }

    /// Everything at the standard deviation `tau` between schools, and p(y | tau).
    ///
    /// # Errors
    /// Whatever `infer` returns.
    pub fn at(&self, tau: f64) -> Result<Fit<effects::Model>, vi_core::Error> {
        effects::Model::new().infer(&self.data(), &effects::Params { tau2: tau * tau })
    }

    /// The variance between schools of the highest likelihood, by EM from tau = 10.
    ///
    /// # Errors
    /// Whatever the fit returns.
    pub fn fit(&self) -> Result<Fit<effects::Model>, vi_core::Error> {
        let start = Start::Params(effects::Params { tau2: 100.0 });
        effects::Model::new().fit_from(&self.data(), start, &Options::new().max_iterations(5000))
    }

    /// What each school is estimated to gain: by itself, at each of [`TAUS`], and averaged over tau.
    ///
    /// # Errors
    /// Whatever `infer` returns.
    pub fn shrinkage(&self) -> Result<Shrinkage<'_>, vi_core::Error> {
        let mut at = vec![];
        for tau in TAUS {
            let fit = self.at(tau)?;
            at.push(Column { tau, log_likelihood: fit.log_likelihood(), effects: effects_of(&fit) });
        }
        Ok(Shrinkage { schools: self, at, averaged: self.averaged(50.0, 490)? })
    }

    /// Mean and standard deviation of every effect when tau is unknown and all its values from 1 to `most` are equally probable: an average
    /// over the midpoints of `steps` intervals, weighted by exact likelihoods.
    ///
    /// # Errors
    /// Whatever `infer` returns.
    pub fn averaged(&self, most: f64, steps: u32) -> Result<Vec<(f64, f64)>, vi_core::Error> {
        let width = (most - 1.0) / f64::from(steps);
        let mut logs = vec![];
        let mut effects = vec![];
        for i in 0..steps {
            let fit = self.at(1.0 + width * (f64::from(i) + 0.5))?;
            logs.push(fit.log_likelihood());
            effects.push(effects_of(&fit));
        }
        let total = log_sum_exp(&logs);
        let weights: Vec<f64> = logs.iter().map(|l| (l - total).exp()).collect();
        let schools = 0..self.effect.len();
        Ok(schools
            .map(|j| {
                let each = || weights.iter().zip(&effects).map(|(w, e)| (w, e[j]));
                let mean: f64 = each().map(|(w, (m, _))| w * m).sum();
                let var: f64 = each().map(|(w, (m, sd))| w * (sd * sd + (m - mean).powi(2))).sum();
                (mean, var.sqrt())
            })
            .collect())
    }
}

fn effects_of(fit: &Fit<effects::Model>) -> Vec<(f64, f64)> {
    let (mean, sd) = (fit.posterior.theta.mean(), fit.posterior.theta.sd());
    mean.iter().copied().zip(sd.iter().copied()).collect()
}

/// Standard deviations between schools at which the table looks.
pub const TAUS: [f64; 4] = [1.0, 5.0, 10.0, 20.0];

/// Every effect at one value of tau.
pub struct Column {
    /// The standard deviation between schools.
    pub tau: f64,
    /// log p(y | tau), all effects integrated out.
    pub log_likelihood: f64,
    /// Mean and standard deviation for each school.
    pub effects: Vec<(f64, f64)>,
}

/// A table of effects, one row for each school.
pub struct Shrinkage<'a> {
    /// The estimates of each school by itself.
    pub schools: &'a Schools,
    /// The effects at each of [`TAUS`].
    pub at: Vec<Column>,
    /// The effects when tau is unknown: what [`Schools::averaged`] returns.
    pub averaged: Vec<(f64, f64)>,
}

impl fmt::Display for Shrinkage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "school  by itself  ")?;
        for column in &self.at {
            write!(f, "  {:>12}", format!("tau = {}", column.tau))?;
        }
        writeln!(f, "   tau unknown")?;
        for (j, name) in ('A'..).take(self.averaged.len()).enumerate() {
            write!(f, "{name:>6}  {:>4.0} ± {:<4.0}", self.schools.effect[j], self.schools.error[j])?;
            for column in &self.at {
                let (mean, sd) = column.effects[j];
                write!(f, "  {mean:>5.1} ± {sd:>4.1}")?;
            }
            let (mean, sd) = self.averaged[j];
            writeln!(f, "  {mean:>5.1} ± {sd:>4.1}")?;
        }
        write!(f, "log p(y | tau)     ")?;
        for column in &self.at {
            write!(f, "  {:>12.4}", column.log_likelihood)?;
        }
        writeln!(f)
    }
}
