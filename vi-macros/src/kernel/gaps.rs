//! Vectors with a dense scale of which some coordinates may be missing: those are integrated out with the statement that has them.

use super::{Body, Component, DenseResidual, Loop, Rows};
use crate::density::statement::StatementDensity;
use crate::density::symbol::{Cmp, Cond, Ix, Var};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{ArrayId, Model};
use crate::plan::Claim;
use crate::report::Diagnostic;

impl Rows {
    /// Its cases in which a missing coordinate depends on those that are there.
    pub fn gapped(&self) -> impl Iterator<Item = &DenseResidual> {
        self.cases.iter().filter(|_| self.missing).filter_map(|c| match &c.body {
            Body::Dense(d) => Some(d),
            Body::Terms(_) | Body::Scalar(_) | Body::Equal { .. } => None,
        })
    }
}

/// What has no code beside missing coordinates. They are a block of their own beside an uncertain location or scale, and take turns with it: a claim
/// that nothing takes turns does not hold then.
pub fn check(
    model: &Model,
    r: &Rows,
    densities: &[StatementDensity],
    claim: Claim,
) -> Result<(), Diagnostic> {
    let Some(d) = densities.iter().find(|d| d.id == r.statement) else { return Ok(()) };
    let mut uncertain: Option<ArrayId> = None;
    let mut weighted = false;
    for c in r.gapped() {
        weighted |= c.weight.as_number() != Some(1.0);
        let takes_turns = claim == Claim::MeanField && c.design.columns.len() == 1;
        let mut see = |a: ArrayId| {
            if super::is_random(model, a) && !takes_turns {
                uncertain = uncertain.or(Some(a));
            }
        };
        see(c.matrix.array);
        c.rho.visit_elems(&mut |e| see(e.array));
        c.factor.visit_elems(&mut |e| see(e.array));
    }
    let name = model.arrays[d.target.array.0].name.to_string();
    match uncertain {
        Some(a) => Err(mistakes::missing_beside_uncertain(d.loc, &name, &model.arrays[a.0].name.to_string())),
        None if weighted => Err(mistakes::not_generated(
            d.loc,
            &format!("missing coordinates of `{name}` under a dense covariance with a latent factor"),
            &format!(
                "let a latent carry the row: `latent s[…] ~ Normal(…, cov: …);` where `{name}` is now, and `observed {name}[…, d in D]: Real? ~ Normal(s[…][d], var: v / u[…]);` with `u` the same factor and a v far below its variance"
            ),
        )),
        None => Ok(()),
    }
}

/// A statement that no latent touches, as a component: each of its elements is a unit, whose missing coordinates are all that is hidden.
pub fn alone(mut r: Rows) -> Component {
    // No given map leads to a unit where there is no latent.
    let over = |l: &Loop| match l {
        Loop::Range(v) | Loop::Members { var: v, .. } => v.clone(),
    };
    let vars: Vec<Var> = r.loops.iter().map(over).collect();
    // Where a guard is, units are listed: those of a piece that begins later than its axis.
    let low = vars.iter().filter(|v| v.low != Ix::constant(0));
    let mut guards: Vec<Cond> = low.map(|v| Cond::Compare(Cmp::Le, v.low.clone(), Ix::var(v))).collect();
    guards.append(&mut r.guards);
    r.loops.clear();
    Component { rows: vec![r], ..Component::new(vec![], vars, guards) }
}
