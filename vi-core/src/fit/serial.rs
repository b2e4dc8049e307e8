//! A fit to and from any format of serde.

use super::run::Totals;
use super::{ElboTerm, Fit, Program, StartReport};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize)]
#[serde(
    bound = "M: Serialize, M::Params: Serialize, M::Posterior: Serialize, M::Globals: Serialize, M::Lets: Serialize, M::Stats: Serialize"
)]
struct Borrowed<'a, M: Program> {
    name: &'a str,
    model: &'a M,
    params: &'a M::Params,
    posterior: &'a M::Posterior,
    globals: &'a M::Globals,
    trace: &'a [f64],
    iterations: usize,
    converged: bool,
    at_boundary: &'a [String],
    notes: &'a [String],
    lets: &'a M::Lets,
    starts: &'a [StartReport],
    elbo_terms: &'a [ElboTerm],
    changes: &'a [ElboTerm],
    log_prior: f64,
    magnitude: f64,
    units: usize,
    states: usize,
    kept: bool,
    totals: Option<&'a Totals<M::Stats>>,
}

#[derive(Deserialize)]
#[serde(
    bound = "M: Deserialize<'de>, M::Params: Deserialize<'de>, M::Posterior: Deserialize<'de>, M::Globals: Deserialize<'de>, M::Lets: Deserialize<'de>, M::Stats: Deserialize<'de>"
)]
struct Owned<M: Program> {
    name: String,
    model: M,
    params: M::Params,
    posterior: M::Posterior,
    globals: M::Globals,
    trace: Vec<f64>,
    iterations: usize,
    converged: bool,
    at_boundary: Vec<String>,
    notes: Vec<String>,
    lets: M::Lets,
    starts: Vec<StartReport>,
    elbo_terms: Vec<ElboTerm>,
    changes: Vec<ElboTerm>,
    log_prior: f64,
    magnitude: f64,
    units: usize,
    states: usize,
    kept: bool,
    /// Not in files of versions that left it out.
    #[serde(default = "Option::default")]
    totals: Option<Totals<M::Stats>>,
}

impl<M: Program> Serialize for Fit<M>
where
    M: Serialize,
    M::Params: Serialize,
    M::Posterior: Serialize,
    M::Globals: Serialize,
    M::Lets: Serialize,
    M::Stats: Serialize,
{
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        Borrowed::<M> {
            name: M::NAME,
            model: &self.model,
            params: &self.params,
            posterior: &self.posterior,
            globals: &self.globals,
            trace: &self.trace,
            iterations: self.iterations,
            converged: self.converged,
            at_boundary: &self.at_boundary,
            notes: &self.notes,
            lets: &self.lets,
            starts: &self.starts,
            elbo_terms: &self.elbo_terms,
            changes: &self.changes,
            log_prior: self.log_prior,
            magnitude: self.magnitude,
            units: self.units,
            states: self.states,
            kept: self.kept,
            totals: self.totals.as_ref(),
        }
        .serialize(s)
    }
}

impl<'de, M: Program> Deserialize<'de> for Fit<M>
where
    M: Deserialize<'de>,
    M::Params: Deserialize<'de>,
    M::Posterior: Deserialize<'de>,
    M::Globals: Deserialize<'de>,
    M::Lets: Deserialize<'de>,
    M::Stats: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let o = Owned::<M>::deserialize(d)?;
        if o.name != M::NAME {
            return Err(serde::de::Error::custom(format!("a fit of `{}`, not of `{}`", o.name, M::NAME)));
        }
        Ok(Fit {
            model: o.model,
            params: o.params,
            posterior: o.posterior,
            globals: o.globals,
            trace: o.trace,
            iterations: o.iterations,
            converged: o.converged,
            at_boundary: o.at_boundary,
            notes: o.notes,
            lets: o.lets,
            starts: o.starts,
            elbo_terms: o.elbo_terms,
            changes: o.changes,
            log_prior: o.log_prior,
            magnitude: o.magnitude,
            units: o.units,
            states: o.states,
            kept: o.kept,
            totals: o.totals,
        })
    }
}
