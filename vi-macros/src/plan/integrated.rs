//! Conditional blocks: a family integrated out in every state of finite latents, and then the sum over the states.

use super::{Plan, Rule};
use crate::model::ir::{ArrayId, ElemKind, Model};

/// Latents of no finite type whose log-partition is a term in the table of a sum.
pub fn integrated(model: &Model, plan: &Plan) -> Vec<ArrayId> {
    let mut out = vec![];
    for b in plan.blocks.iter().filter(|b| !b.point && !b.each) {
        let mut families = vec![];
        let mut sums = false;
        let mut others = false;
        for step in &b.trace {
            match &step.rule {
                Rule::Sum => sums = true,
                Rule::Family { .. } => families.extend(&step.latents),
                Rule::Scan { .. } | Rule::Tree { .. } | Rule::Gaussian { .. } | Rule::GaussianScan { .. } => {
                    others = true
                }
            }
        }
        if sums && !others && families.iter().all(|a| has_log_partition(model, *a)) {
            out.extend(families);
        }
    }
    out
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
    let named = model.groups.iter().any(|g| g.vars.iter().any(|(v, ..)| v == a))
        || model.init.iter().any(|i| i.array == *a);
    let family = matches!(step.rule, Rule::Family { .. }) && has_log_partition(model, *a);
    let fits = !block.point && !block.each && !array.plates.is_empty() && !array.symmetric && !named;
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
