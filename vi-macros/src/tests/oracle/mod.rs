//! Oracles inside the compiler: the symbolic densities against `vi_core::dist`, the planner's claims against enumeration and dense algebra, and
//! faults put into the normal form to see whether the checks notice.

mod adversarial;
mod agree;
mod claims;
mod direct;
mod faults;
mod interpret;
mod joint;
mod models;
mod random;
mod rewrites;
#[allow(dead_code, reason = "shared with the numeric tests, which read more of it")]
#[path = "../../../../tests/src/stored.rs"]
mod stored;
mod value;
mod world;

use crate::density::normal_form::{Monomial, normal_form};
use crate::density::statement::{StatementDensity, densities};
use crate::model::ir::Model;
use crate::plan::{Plan, plan};
use crate::report::Report;
use crate::{model, syntax};

/// A model up to its normal form.
pub struct Compiled {
    pub model: Model,
    pub densities: Vec<StatementDensity>,
    pub monomials: Vec<Monomial>,
}

/// The stages before the plan, or the mistakes.
pub fn compiled(source: &str) -> Result<Compiled, String> {
    let mut report = Report::new();
    let tokens = source.parse().map_err(|e| format!("{e}"))?;
    let block = syntax::parse(tokens, &mut report);
    let checked = block.and_then(|b| model::check(&b, &mut report));
    let mistakes =
        |report: &mut Report| report.take().iter().map(|d| d.message()).collect::<Vec<_>>().join("\n---\n");
    let Some(model) = checked.filter(|_| report.is_empty()) else { return Err(mistakes(&mut report)) };
    let densities = densities(&model, &mut report);
    if !report.is_empty() {
        return Err(mistakes(&mut report));
    }
    let monomials = normal_form(&model, &densities);
    Ok(Compiled { model, densities, monomials })
}

pub fn planned(c: &Compiled) -> Result<Plan, String> {
    let mut report = Report::new();
    let out = plan(&c.model, &c.densities, &c.monomials, &mut report);
    let mistakes: Vec<String> = report.take().iter().map(|d| d.message()).collect();
    match (out, mistakes.is_empty()) {
        (Some(plan), true) => Ok(plan),
        _ => Err(mistakes.join("\n---\n")),
    }
}
