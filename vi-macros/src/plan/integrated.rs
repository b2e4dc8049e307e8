//! Conditional blocks: a family integrated out in every state of finite latents, and then the sum over the states.

use super::{Block, Plan, Rule, Step};
use crate::model::ir::{ArrayId, ElemKind, Model};

/// Latents of no finite type whose log-partition is a term in the table of a sum.
pub fn integrated(model: &Model, plan: &Plan) -> Vec<ArrayId> {
    let local = |b: &&Block| !b.point && !b.each;
    let sums = |b: &&Block| {
        b.trace.iter().any(|s| matches!(s.rule, Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. }))
    };
    plan.blocks.iter().filter(local).filter(sums).flat_map(|b| families(model, b)).collect()
}

/// Whether a block joins a chain with a family that one of its steps has.
pub fn has_laws_of_steps(model: &Model, plan: &Plan) -> bool {
    let plates = |a: &ArrayId| model.arrays[a.0].plates.len();
    plan.blocks.iter().any(|b| {
        let along = b.trace.iter().any(|s| matches!(s.rule, Rule::Scan { .. } | Rule::Tree { .. }));
        let families =
            b.trace.iter().filter(|s| matches!(s.rule, Rule::Family { .. })).flat_map(|s| &s.latents);
        let deepest = b.latents.iter().map(plates).max().unwrap_or(0);
        along && families.into_iter().any(|a| plates(a) < deepest)
    })
}

/// Families of a block, where all that stands beside them is finite or Gaussian; of the Gaussians at most one family is the scale.
fn families(model: &Model, b: &Block) -> Vec<ArrayId> {
    let mut families = vec![];
    let mut scales: Vec<Option<ArrayId>> = vec![];
    for step in &b.trace {
        match &step.rule {
            Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. } => {}
            Rule::Family { .. } => families.extend(&step.latents),
            Rule::Gaussian { whitened_by, .. } => scales.push(*whitened_by),
            Rule::GaussianScan { .. } => return vec![],
        }
    }
    let one = scales.windows(2).all(|w| w[0] == w[1]);
    let known = scales.iter().flatten().all(|a| families.contains(a));
    let whole = families.iter().all(|a| has_log_partition(model, *a));
    if one && known && whole { families } else { vec![] }
}

/// The scales of blocks of Gaussians without a finite latent, each of which has plates: they can be integrated out unit by unit too.
///
/// A latent that the user orders, begins or reports keeps its q with those that all units share.
pub fn scaled(model: &Model, plan: &Plan) -> Vec<ArrayId> {
    let [b] = plan.blocks.as_slice() else { return vec![] };
    let gaussian = |s: &Step| matches!(s.rule, Rule::Gaussian { whitened_by: Some(_), .. });
    let family = |s: &Step| matches!(s.rule, Rule::Family { .. });
    let plates = |a: &ArrayId| model.arrays[a.0].plates.len();
    let first = b.latents.first().map_or(0, plates);
    let fits = !b.point
        && !b.each
        && b.trace.iter().all(|s| gaussian(s) || family(s))
        && b.trace.iter().any(gaussian)
        && first > 0
        && b.latents.iter().all(|a| plates(a) == first && !is_named(model, *a));
    if fits && !plan.updates.is_empty() { families(model, b) } else { vec![] }
}

fn is_named(model: &Model, a: ArrayId) -> bool {
    model.groups.iter().any(|g| g.vars.iter().any(|(v, ..)| *v == a))
        || model.init.iter().any(|i| i.array == a)
}

/// A family that is all there is to hide, beside params: each unit has its own, and the sweep need keep none of them.
///
/// What else is uncertain keeps its q in the globals, where a later fit can take it up; so does a latent that the user orders, begins or
/// reports.
pub fn alone(model: &Model, plan: &Plan) -> Vec<ArrayId> {
    let [block] = plan.blocks.as_slice() else { return vec![] };
    let [step] = block.trace.as_slice() else { return vec![] };
    let [a] = step.latents.as_slice() else { return vec![] };
    let array = &model.arrays[a.0];
    let family = matches!(step.rule, Rule::Family { .. }) && has_log_partition(model, *a);
    let fits =
        !block.point && !block.each && !array.plates.is_empty() && !array.symmetric && !is_named(model, *a);
    if family && fits && !plan.updates.is_empty() { vec![*a] } else { vec![] }
}

/// Whether the log-partition of a latent's family is elementary in its coefficients, on its whole support.
fn has_log_partition(model: &Model, a: ArrayId) -> bool {
    let e = &model.arrays[a.0].elem;
    let whole = e.min.is_none() && e.max.is_none();
    whole
        && match e.kind {
            ElemKind::Positive | ElemKind::Unit | ElemKind::Simplex(_) => true,
            ElemKind::Real
            | ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => false,
        }
}
