//! Two groups, a rate each: do they differ? Applicants to Berkeley in 1973 and how many were admitted, by department and in total.

use std::fmt;
use vi_core::prelude::*;
use vi_core::rng;

model! {
    /// Nothing distinguishes the groups.
    pub mod one_rate {
        given    applied[g in G]: Count;
        latent   rate ~ Beta(1, 1);
        observed admitted[g in G] ~ Binomial(applied[g], rate);
    }
}

model! {
    /// Each group has a rate of its own.
    pub mod own_rates {
        given    applied[g in G]: Count;
        latent   rate[g in G] ~ Beta(1, 1);
        observed admitted[g in G] ~ Binomial(applied[g], rate[g]);
    }
}

/// The groups that are compared, in this order wherever an array has two entries.
pub const GROUPS: [&str; 2] = ["men", "women"];

/// Applicants of one department, or of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Department {
    /// `A` to `F`, or `all`.
    pub name: String,
    /// Applicants of each group.
    pub applied: [u64; 2],
    /// Those of them who were admitted.
    pub admitted: [u64; 2],
}

/// The six largest departments, and all of them together at the end.
///
/// # Errors
/// When the file cannot be read.
pub fn departments() -> Result<Vec<Department>, Box<dyn std::error::Error>> {
    let table = crate::table::read("berkeley_admissions.csv")?;
    let mut all = Department { name: "all".into(), applied: [0; 2], admitted: [0; 2] };
    let mut out = vec![];
    for (row, name) in table.row_iter().zip('A'..) {
        let mut department = Department { name: name.into(), applied: [0; 2], admitted: [0; 2] };
        for g in 0..2 {
            department.admitted[g] = row[2 * g] as u64;
            department.applied[g] = (row[2 * g] + row[2 * g + 1]) as u64;
            all.admitted[g] += department.admitted[g];
            all.applied[g] += department.applied[g];
        }
        out.push(department);
    }
    out.push(all);
    Ok(out)
}

/// What the two models say of one department.
pub struct Comparison {
    /// The posterior of each group's rate.
    pub own: Fit<own_rates::Model>,
    /// The posterior of the rate they would share.
    pub shared: Fit<one_rate::Model>,
}

impl Department {
    /// Both models, fitted. One sweep each: the posteriors have closed forms.
    ///
    /// # Errors
    /// Whatever the fits return.
    pub fn compare(&self) -> Result<Comparison, vi_core::Error> {
        let own = own_rates::Data { applied: (&self.applied).into(), admitted: (&self.admitted).into() };
        let shared = one_rate::Data { applied: (&self.applied).into(), admitted: (&self.admitted).into() };
        Ok(Comparison {
            own: own_rates::Model::new().fit(&own, &Options::new())?,
            shared: one_rate::Model::new().fit(&shared, &Options::new())?,
        })
    }
}

impl Comparison {
    /// log p(data | own rates) − log p(data | one rate): above 0 the data speak for a difference, below 0 against one.
    #[must_use]
    pub fn log_bayes_factor(&self) -> f64 {
        self.own.log_evidence() - self.shared.log_evidence()
    }

    /// P(rate of women > rate of men), the share of `draws` draws from the posterior in which it is.
    #[must_use]
    pub fn women_higher(&self, draws: usize) -> f64 {
        let rate = &self.own.posterior.rate;
        let higher = (0..draws).filter(|i| {
            let draw = |g: usize| rate[g].sample(&mut rng::stream(1, "rate", &[*i, g]));
            draw(1) > draw(0)
        });
        higher.count() as f64 / draws as f64
    }
}

/// Draws that [`Comparison`] uses when it prints itself: the error of a probability is at most 0.002.
pub const DRAWS: usize = 100_000;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rate in &self.own.posterior.rate {
            let (low, high) = rate.interval(0.95);
            write!(f, "{:>6.1} % ({:>4.1}–{:>4.1})  ", 100.0 * rate.mean(), 100.0 * low, 100.0 * high)?;
        }
        write!(f, "{:>8.3}  {:>9.2}", self.women_higher(DRAWS), self.log_bayes_factor())
    }
}
