//! Finite latents whose table is a product of a row of their group's own simplex and of a column of shared ones: groups can be updated one by
//! one, their latents and their simplex in turns.

use super::{
    Body, Component, Kernel, MStepKind, Rows, Separable, Slot, Source, StatKind, is_param, is_random,
};
use crate::density::normal_form::as_elem;
use crate::density::poly::{Exponent, Factor, Func};
use crate::density::symbol::{Cmp, Cond, Elem, Ix, IxTerm};
use crate::model::ir::{ArrayId, ElemKind};

/// `z[d, i] ~ Categorical(own[d]); value[d, i] ~ Categorical(shared[z[d, i]]);`
#[derive(Debug)]
pub struct Admixture {
    pub own: ArrayId,
    pub shared: ArrayId,
    /// Blocks of the two, and the statistics they are updated from.
    pub blocks: [usize; 2],
    pub stats: [usize; 2],
    /// The observed element, at the unit.
    pub value: Elem,
    /// How often a unit counts.
    pub copies: Vec<Elem>,
}

pub fn admixture(kernel: &Kernel<'_>) -> Option<Admixture> {
    let [c] = kernel.components.as_slice() else { return None };
    let [local] = c.locals.as_slice() else { return None };
    let [group, _] = c.unit.as_slice() else { return None };
    if !c.guards.is_empty() || !c.pairs.is_empty() || c.link.is_some() {
        return None;
    }
    let alone = kernel.fixed.is_empty() && kernel.moving.is_empty() && kernel.groups.is_empty();
    let (Some(prior), Some(data)) = (
        c.rows.iter().find(|r| r.target.array == local.array),
        c.rows.iter().find(|r| r.target.array != local.array),
    ) else {
        return None;
    };
    if !alone || c.rows.len() != 2 || kernel.stats.len() != 2 || prior.copies != data.copies {
        return None;
    }
    let at_unit = |e: &Elem| e.indices.iter().eq(c.unit.iter().map(Ix::var).collect::<Vec<_>>().iter());
    if !at_unit(&prior.target) || !at_unit(&data.target) {
        return None;
    }
    let state = Ix::var(&local.state);
    let (own, own_stat) = log_of(c, prior)?;
    let (shared, shared_stat) = log_of(c, data)?;
    let [value] = data.cases[0].cells.as_slice() else { return None };
    let reads_value = value.value == Ix::term(IxTerm::Read(data.target.clone()));
    let here = [Ix::var(group), state.clone()];
    let there = [state.clone(), Ix::var(&value.var)];
    if own.indices != here || shared.indices != there || !reads_value || own.array == shared.array {
        return None;
    }
    let cells = |stat: usize, vars: [&Ix; 2], values: [&Ix; 2]| {
        let cells = &kernel.stats[stat].cells;
        cells.len() == 2
            && cells.iter().zip(vars).all(|(c, v)| Ix::var(&c.var) == *v)
            && cells.iter().zip(values).all(|(c, v)| c.value == *v)
    };
    if !cells(own_stat, [&here[0], &here[1]], [&here[0], &here[1]])
        || !cells(shared_stat, [&there[0], &there[1]], [&there[0], &value.value])
    {
        return None;
    }
    let own_block = block(kernel, own.array, own_stat)?;
    let shared_block = block(kernel, shared.array, shared_stat)?;
    let both = kernel.steps.len() == 2 && own_block != shared_block && kernel.local == [own_block];
    both.then(|| Admixture {
        own: own.array,
        shared: shared.array,
        blocks: [own_block, shared_block],
        stats: [own_stat, shared_stat],
        value: data.target.clone(),
        copies: data.copies.clone(),
    })
}

/// The element whose logarithm is all that a row adds, once for each unit.
fn log_of(c: &Component, r: &Rows) -> Option<(Elem, usize)> {
    let [case] = r.cases.as_slice() else { return None };
    // A unit of a ragged plate lies within its group: the condition says nothing.
    let within = |g: &Cond| {
        matches!(g, Cond::Compare(Cmp::Lt, i, high)
            if c.unit.iter().any(|u| *i == Ix::var(u) && *high == u.high))
    };
    if r.missing
        || !r.loops.is_empty()
        || !case.when.is_empty()
        || !r.guards.iter().all(within)
        || r.states != [0]
    {
        return None;
    }
    let Body::Terms(t) = &case.body else { return None };
    let [Separable { coefficient, params, stat }] = t.separable.as_slice() else { return None };
    if !t.base.is_zero() || t.pointwise.is_some() || coefficient.as_number() != Some(1.0) {
        return None;
    }
    let [term] = params.0.as_slice() else { return None };
    if term.coef.0 != 1.0 || !term.sums.is_empty() || !term.guard.is_empty() {
        return None;
    }
    match term.factors.as_slice() {
        [(Factor::Apply(Func::Log, args), Exponent::ONE)] => Some((as_elem(args.first()?)?, *stat)),
        _ => None,
    }
}

/// The block of an array of simplexes that reads this statistic, once, and priors that read no unknown.
fn block(kernel: &Kernel<'_>, array: ArrayId, stat: usize) -> Option<usize> {
    let kind = &kernel.model.arrays[array.0].elem.kind;
    if !matches!(kind, ElemKind::Simplex(_)) || !is_random(kernel.model, array) {
        return None;
    }
    if !matches!(&kernel.stats[stat].kind, StatKind::Sum(one) if one.as_number() == Some(1.0)) {
        return None;
    }
    let step = kernel
        .steps
        .iter()
        .find(|s| matches!(&s.kind, MStepKind::Natural { array: a, .. } if *a == array))?;
    let MStepKind::Natural { slots, terms, .. } = &step.kind else { return None };
    let mut sums = 0;
    for t in terms {
        match &t.source {
            Source::Sum { stat: s, .. } if *s == stat && t.coefficient.as_number() == Some(1.0) => sums += 1,
            Source::Prior => {
                let mut unknown = false;
                t.coefficient.visit_elems(&mut |e| unknown |= is_param(kernel.model, e.array));
                if unknown {
                    return None;
                }
            }
            Source::Sum { .. }
            | Source::Count { .. }
            | Source::Residual { .. }
            | Source::Square { .. }
            | Source::Form { .. }
            | Source::PriorForm { .. }
            | Source::Taylor { .. } => return None,
        }
    }
    (sums == 1 && slots == &[Slot::Log]).then_some(step.block).flatten()
}
