//! Chains of Gaussians whose rows are chosen by categories of another block.
//!
//! ```text
//! log p(x | z) = Σₖ [z = k] log Normal(row of state k)
//! ```
//!
//! Each of the two blocks sees the expectation over the other: the chain a row for every state, which counts q(z = k) times; the categories the
//! expected log density of the row in each of their states.

use super::links::{Along, Places};
use super::normals::elems_in;
use super::rows::RowBuilder;
use super::split::{cond_mentions, solve_shift};
use super::{Body, Component, chains, links};
use crate::density::statement::StatementDensity;
use crate::density::symbol::{Ix, Var};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{ArrayId, Model};
use crate::report::Diagnostic;

/// A statement of a chain of Gaussians with a row for each state of another block's categories.
#[derive(Debug)]
pub struct Gate {
    /// The components of the chain and of the categories.
    pub chain: usize,
    pub categories: usize,
    /// Whether the statement belongs to the step to a unit of the chain.
    pub step: bool,
    /// The unit of the categories, in the indices of the chain's unit.
    pub at: Vec<Ix>,
    /// The statement, with the states of that unit and the Gaussians of the chain's unit, or of its step.
    pub table: Component,
}

/// The chain of Gaussians whose row a category decides in a statement.
pub fn chain(model: &Model, d: &StatementDensity, components: &[Component]) -> Option<usize> {
    let own = elems_in(d, &model.unit_normals);
    let holds = |c: &Component| c.is_chain() && own.iter().any(|e| c.holds(e.array));
    components.iter().position(holds).filter(|_| !d.gathers.is_empty())
}

/// The statement as a gate.
pub fn gate(
    model: &Model,
    builder: &mut RowBuilder<'_>,
    d: &StatementDensity,
    components: &[Component],
    chain: usize,
) -> Result<Gate, Diagnostic> {
    let name = |a: ArrayId| model.arrays[a.0].name.to_string();
    let c = &components[chain];
    let holder = |a: ArrayId| components.iter().position(|c| c.locals.iter().any(|l| l.array == a));
    let first = d.gathers[0].elem.array;
    let Some(of) = holder(first) else { return Err(mistakes::not_local(d.loc, &name(first))) };
    if let Some(other) = d.gathers.iter().find(|g| holder(g.elem.array) != Some(of)) {
        return Err(mistakes::not_generated(
            d.loc,
            "a row chosen by categories of two blocks",
            &format!(
                "let one block hold `{}` and `{}`: leave out `factorize`, or give both the same indices",
                name(first),
                name(other.elem.array)
            ),
        ));
    }
    let categories = &components[of];
    let Some((own, step)) = chains::places(model, d, c) else {
        return Err(mistakes::not_local(d.loc, &name(d.target.array)));
    };
    if c.link.as_ref().is_some_and(|l| l.order() > 1) {
        let chain = name(c.arrays()[0]);
        return Err(mistakes::not_generated(
            d.loc,
            "categories beside a chain of higher order",
            &format!(
                "hand the step before on as a latent of its own, and read that at t-1: `latent before[t in 1..T] ~ Normal({chain}[t-1], var: 1e-9);`"
            ),
        ));
    }
    let along = categories.link.as_ref().map_or(&Along::Axis, |l| &l.along);
    if let Some(l) = categories.lasting().next() {
        let c = name(l.array);
        return Err(mistakes::not_generated(
            d.loc,
            "a chain beside a category of fewer indices",
            &format!(
                "carry it along: `latent {c}[s, 0] ~ …; latent {c}[s, t in 1..T[s]] ~ Constant({c}[s, t-1]);`"
            ),
        ));
    }
    let seen = links::places(model, d, along, categories.unit.len())?;
    let there = |(g, back): (&crate::density::lower::Gather, &usize)| {
        links::local(categories, g.elem.array, *back).is_some()
    };
    if !d.gathers.iter().zip(&seen.back).all(there) {
        return Err(mistakes::not_generated(
            d.loc,
            "a row that reads two neighbouring categories",
            &format!("read `{}` at one step only", name(first)),
        ));
    }
    let normals = match &c.link {
        Some(l) if step => l.step.normals.clone(),
        Some(_) | None => c.normals.clone(),
    };
    let mut table = Component {
        normals,
        beside: true,
        ..Component::new(categories.locals.clone(), c.unit.clone(), c.guards.clone())
    };
    let places = Places { unit: own.unit, back: seen.back };
    let rows = builder.rows(d, Some(&table), Some(&places))?;
    let states: Vec<Var> = table.locals.iter().map(|l| l.state.clone()).collect();
    let matched = |c: &super::RowCase| {
        matches!(c.body, Body::Dense(_)) && c.when.iter().any(|w| cond_mentions(w, &states))
    };
    if rows.cases.iter().any(matched) {
        return Err(mistakes::not_generated(
            d.loc,
            "a vector's `match` in a Gaussian chain",
            &format!("index what differs by the category, as in `A[{}[t]]`", name(first)),
        ));
    }
    table.rows.push(rows);
    let at = at_unit(&places.unit, &c.unit, seen.unit);
    let mut known = true;
    at.iter().for_each(|i| i.visit_vars(&mut |v| known &= c.unit.contains(v)));
    if !known || at.len() < categories.unit.len() {
        return Err(mistakes::not_local(d.loc, &name(first)));
    }
    Ok(Gate { chain, categories: of, step, at, table })
}

/// Indices of a statement in those of the unit that it is seen from.
fn at_unit(own: &[Ix], unit: &[Var], at: Vec<Ix>) -> Vec<Ix> {
    own.iter().zip(unit).fold(at, |at, (ix, u)| match solve_shift(ix) {
        Some((v, shift)) => {
            let here = Ix::var(u).plus(-1, &shift);
            at.iter().map(|i| i.substitute(&v, &here)).collect()
        }
        None => at.into_iter().map(|i| if i == *ix { Ix::var(u) } else { i }).collect(),
    })
}
