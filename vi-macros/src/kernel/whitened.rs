//! Chains of Gaussians whose rows all have one scale in common: given it they are Gaussian, and it is a member of its own family.
//!
//! log p(x, data | τ) = ½ m p log τ − ½ τᵖ Σ ρ² + constant over m rows, and x has n numbers: x | τ ~ Normal(μ, V / τᵖ), and what is left of the
//! integral is ½ (m − n) p log τ − ½ τᵖ Σ ρ(μ)². With Cov x = V / E τᵖ where moments are gathered, Σ E ρ² = Σ ρ(μ)² + n / E τᵖ.

use super::{Body, Cell, Component, Kernel, Stat, StatKind};
use crate::density::poly::{Exponent, Factor, Poly};
use crate::density::symbol::{Elem, Ix};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{ArrayId, ElemKind, Model};
use crate::plan::{Block, Rule};
use crate::report::Diagnostic;

/// The scale of a component's rows.
#[derive(Debug)]
pub struct Whitened {
    /// At the indices of a unit.
    pub scale: Elem,
    /// In what power it multiplies the rows' squares.
    pub power: Exponent,
    /// n
    pub count: usize,
    /// n / E τᵖ
    pub spread: usize,
}

/// The scale that a block of chained Gaussians has in common.
pub fn scale(model: &Model, b: &Block) -> Option<ArrayId> {
    let found = b.trace.iter().find_map(|s| match &s.rule {
        Rule::GaussianScan { whitened_by, .. } => *whitened_by,
        Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. } | Rule::Family { .. } | Rule::Gaussian { .. } => {
            None
        }
    })?;
    let elem = &model.arrays[found.0].elem;
    let free = elem.min.is_none() && elem.max.is_none();
    (matches!(elem.kind, ElemKind::Positive) && free).then_some(found)
}

/// The latents of a block but for their scale.
pub fn whitened(model: &Model, b: &Block) -> Vec<ArrayId> {
    let scale = scale(model, b);
    b.latents.iter().copied().filter(|a| Some(*a) != scale).collect()
}

/// The scale of a component, and the statistics it needs.
pub fn find(
    kernel: &Kernel<'_>,
    c: &Component,
    b: &Block,
) -> Result<Option<(Whitened, [Stat; 2])>, Diagnostic> {
    let model = kernel.model;
    let Some(array) = scale(model, b) else { return Ok(None) };
    let mut found: Option<(Elem, Exponent)> = None;
    let mut same = true;
    let steps = c.link.iter().flat_map(|l| &l.step.rows);
    for case in c.rows.iter().chain(steps).flat_map(|r| &r.cases) {
        let precision = match &case.body {
            Body::Scalar(s) => &s.precision,
            Body::Dense(d) => &d.factor,
            Body::Terms(_) | Body::Equal { .. } => continue,
        };
        let own = precision.0.iter().flat_map(|t| &t.factors).find_map(|(f, e)| match f {
            Factor::Elem(x) if x.array == array => Some((x.clone(), *e)),
            _ => None,
        });
        same &= own.is_some() && found.as_ref().is_none_or(|f| Some(f) == own.as_ref());
        found = found.or(own);
    }
    let refuse = || {
        let names: Vec<String> = b.latents.iter().map(|a| model.arrays[a.0].name.to_string()).collect();
        mistakes::no_engine(b.loc, &names.join(", "), "a Gaussian scan whose scale varies along it")
    };
    let (scale, power) = found.filter(|_| same).ok_or_else(refuse)?;
    let outer = c.unit.split_last().map_or(&[][..], |(_, outer)| outer);
    let mut cells = vec![];
    for i in &scale.indices {
        let v = i.as_var().filter(|v| outer.contains(v)).ok_or_else(refuse)?;
        cells.push(Cell { var: v.clone(), value: Ix::var(v) });
    }
    let statement = c.rows.first().map(|r| r.statement).ok_or_else(refuse)?;
    let name = &model.arrays[c.normals[0].array.0].name;
    let stat = |what: &str| Stat {
        name: format!("{name}_{what}"),
        cells: cells.clone(),
        kind: StatKind::Sum(Poly::number(1.0)),
        statement,
        closed: false,
    };
    let (count, spread) = (kernel.stats.len(), kernel.stats.len() + 1);
    Ok(Some((Whitened { scale, power, count, spread }, [stat("numbers"), stat("spread")])))
}
