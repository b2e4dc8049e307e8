//! Assembles the kernel: components from the plan's blocks, rows from the statements, tables of what depends on params alone.

use super::admixture::admixture;
use super::chains;
use super::gaps;
use super::gates;
use super::hoists::hoists;
use super::links::{self, Along, Link};
use super::meetings;
use super::rows::RowBuilder;
use super::shared;
use super::{
    Body, Component, Integrated, Kernel, Local, Rows, Stat, Turn, is_param, is_random, is_unit_normal, steps,
};
use crate::density::lower::is_hidden;
use crate::density::statement::StatementDensity;
use crate::density::symbol::{Ix, Var, length};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{ArrayId, Dist, FamilyCall, IndexTerm, Model, Role};
use crate::plan::{Block, Plan, Rule};
use crate::report::{Diagnostic, Report};
use crate::syntax::ast::Form;

/// The kernel of a plan; mistakes name the construct that has no code yet.
pub fn build<'a>(
    model: &'a Model,
    densities: &[StatementDensity],
    plan: &Plan,
    report: &mut Report,
) -> Option<Kernel<'a>> {
    let mut failed = false;
    let mut fail = |d: Diagnostic, report: &mut Report| {
        failed = true;
        report.push(d);
    };
    for group in model.groups.iter().filter(|g| matches!(g.form, Some((Form::Point, _)))) {
        for (a, _, loc) in group.vars.iter().filter(|(a, ..)| model.is_known_in_part(*a)) {
            let name = &model.arrays[a.0].name;
            fail(
                mistakes::not_generated(
                    *loc,
                    &format!("the mode of missing values of `{name}`"),
                    &format!("leave `{name}` out of `factorize`: what is missing is integrated out"),
                ),
                report,
            );
        }
    }
    let sides = super::cuts::sides(model).and_then(|s| super::cuts::check(model, &s).map(|()| s));
    let sides = sides.unwrap_or_else(|d| {
        fail(d, report);
        vec![]
    });
    if let Some(d) = missing_within_bounds(model, &sides) {
        fail(d, report);
    }
    for a in &model.arrays {
        if let Some(cells) = &a.elem.cells {
            let guard = model.show_expr(&cells.guard);
            fail(mistakes::structural_zeros(cells.loc, &a.name.to_string(), &guard), report);
        }
    }
    let mut components = vec![];
    let mut turns = vec![];
    let mut shared = vec![];
    for b in plan.blocks.iter().filter(|b| !b.point) {
        let is_shared = b.latents.iter().all(|a| is_param(model, *a));
        if is_shared {
            if let Err(d) = shared::rules(model, densities, b) {
                fail(d, report);
            }
            turns.push(Turn::Block(shared.len()));
            shared.push(b);
            continue;
        }
        match component(model, densities, b) {
            Ok(c) => components.push(c),
            Err(d) => fail(d, report),
        }
        if !turns.contains(&Turn::Units) {
            turns.push(Turn::Units);
        }
        if super::whitened::scale(model, b).is_some() {
            // What is measured in units of the scale is gathered again once that is known.
            turns.extend([Turn::Block(shared.len()), Turn::Units]);
            shared.push(b);
        }
    }
    if !turns.contains(&Turn::Units) {
        turns.insert(0, Turn::Units);
    }
    if failed {
        return None;
    }
    let mut fail = |d: Diagnostic, report: &mut Report| {
        failed = true;
        report.push(d);
    };
    let mut stats: Vec<Stat> = vec![];
    let mut groups = vec![];
    let mut gated: Vec<super::Gate> = vec![];
    let mut fixed = vec![];
    let mut priors = vec![];
    let mut meetings = vec![];
    for d in densities {
        let mut builder = RowBuilder { model, stats: &mut stats, groups: &mut groups };
        if let Some(at) = gates::chain(model, d, &components) {
            match gates::gate(model, &mut builder, d, &components, at) {
                Ok(g) => gated.push(g),
                Err(e) => fail(e, report),
            }
            continue;
        }
        let integrated = super::integrated::elements(model, d);
        let anchors = super::normals::anchors(model, d);
        if let Some(e) = anchors.first().or(integrated.first()) {
            let Some(at) = components.iter().position(|c: &Component| c.holds(e.array)) else { continue };
            if d.role != Role::Observed && is_param(model, d.target.array) {
                let name = model.arrays[d.target.array.0].name.to_string();
                fail(mistakes::no_engine(d.loc, &name, "a posterior for each state of a category"), report);
                continue;
            }
            let of: Vec<usize> = (0..components.len())
                .filter(|n| d.gathers.iter().any(|g| components[*n].holds(g.elem.array)))
                .collect();
            if of.len() > 1 {
                if let Err(e) = meetings::add(model, &mut builder, d, &components, &of, &mut meetings) {
                    fail(e, report);
                }
                continue;
            }
            let (_, rest) = components.split_at_mut(at);
            let once = if d.gathers.is_empty() { rest[0].once(&integrated) } else { None };
            if let Some((places, there)) = once {
                match builder.rows(d, Some(&rest[0]), Some(&places)) {
                    Ok(r) => {
                        let r = super::once::at_units(r, &rest[0], &places, there);
                        rest[0].rows.push(r);
                    }
                    Err(e) => fail(e, report),
                }
                continue;
            }
            if let Some(link) =
                rest[0].link.as_deref().filter(|_| !d.gathers.is_empty() || rest[0].is_chain())
            {
                match linked_rows(model, &mut builder, d, &rest[0], link) {
                    Ok((r, false)) => rest[0].rows.push(r),
                    Ok((r, true)) => rest[0].link.iter_mut().for_each(|l| l.step.rows.push(r.clone())),
                    Err(e) => fail(e, report),
                }
                continue;
            }
            if integrated.is_empty()
                && d.gathers.len() > 1
                && !rest[0].has_normals()
                && d.gathers.iter().all(|g| g.elem.array == d.gathers[0].elem.array)
                && d.gathers[0].elem.indices != d.gathers[1].elem.indices
            {
                match builder.pairs(d) {
                    Ok(p) => rest[0].pairs.push(p),
                    Err(e) => fail(e, report),
                }
                continue;
            }
            match builder.rows(d, Some(&rest[0]), None) {
                Ok(r) => rest[0].rows.push(r),
                Err(e) => fail(e, report),
            }
        } else {
            match d.role {
                Role::Observed => match builder.rows(d, None, None) {
                    Ok(r) if r.gapped().next().is_some() => components.push(gaps::alone(r)),
                    Ok(r) => fixed.push(r),
                    Err(e) => fail(e, report),
                },
                Role::Param => priors.push(d.id),
                Role::Latent if is_param(model, d.target.array) => {
                    if !d.repeat.is_empty() {
                        let name = model.arrays[d.target.array.0].name.to_string();
                        fail(mistakes::no_engine(d.loc, &name, "a posterior inside a `repeat`"), report);
                    }
                    priors.push(d.id);
                }
                Role::Const | Role::Given | Role::Latent => {}
            }
        }
    }
    for g in gated.iter().filter(|g| !components[g.categories].pairs.is_empty()) {
        let arrays = components[g.categories].arrays();
        let names = arrays.iter().map(|a| model.arrays[a.0].name.to_string()).collect::<Vec<_>>().join(", ");
        let loc = densities.iter().find(|d| d.id == g.table.rows[0].statement).map(|d| d.loc);
        let loc = loc.unwrap_or_else(|| model.arrays[components[g.chain].arrays()[0].0].name.span().into());
        fail(mistakes::no_engine(loc, &names, "turns of its own elements beside a Gaussian chain"), report);
    }
    if let Err(e) = meetings::check(model, densities, &components, &meetings) {
        fail(e, report);
    }
    for c in &components {
        if let Err(e) = super::integrated::check(model, c, densities) {
            fail(e, report);
        }
        for r in c.rows.iter().chain(c.link.iter().flat_map(|l| &l.step.rows)) {
            if let Err(e) = gaps::check(model, r, densities, plan.claim) {
                fail(e, report);
            }
        }
    }
    if failed {
        return None;
    }
    for c in &mut components {
        let units = links::unit_kinds(model, c);
        let Some(l) = &mut c.link else { continue };
        links::in_parts(l);
        l.kinds = if l.step.is_chain() { None } else { links::kinds(model, l) };
        l.units = units.filter(|_| l.kinds.is_some() && l.along == links::Along::Axis);
    }
    let latent_priors: Vec<StatementDensity> = densities
        .iter()
        .filter(|d| priors.contains(&d.id) && is_random(model, d.target.array))
        .cloned()
        .collect();
    let (moving, fixed) = fixed.into_iter().partition(is_moving);
    let partial = super::exists::partial(&components, densities);
    let mut kernel = Kernel {
        model,
        components,
        gates: gated,
        sides,
        meetings,
        fixed,
        moving,
        stats,
        hoists: vec![],
        groups,
        partial,
        priors,
        latent_priors,
        steps: vec![],
        expansions: vec![],
        roundings: vec![],
        canons: vec![],
        turns,
        local: vec![],
        admixture: None,
    };
    kernel.hoists = hoists(&kernel);
    if let Err(d) = shared::locations(&kernel, densities) {
        report.push(d);
        return None;
    }
    if let Some(d) = steps::ragged_sum(&kernel, densities) {
        report.push(d);
        return None;
    }
    match steps::steps(&kernel, densities, plan, &shared) {
        Ok(steps) => kernel.steps = steps,
        Err(d) => {
            report.push(d);
            return None;
        }
    }
    let collapses: Vec<_> = kernel.components.iter().map(|c| super::collapse::collapse(&kernel, c)).collect();
    for (c, collapse) in kernel.components.iter_mut().zip(collapses) {
        c.collapse = collapse;
        c.hoisted = super::collapse::is_hoisted(model, c);
    }
    let blocks: Vec<&Block> =
        plan.blocks.iter().filter(|b| super::whitened::scale(model, b).is_some()).collect();
    for at in 0..kernel.components.len() {
        let c = &kernel.components[at];
        let Some(b) = blocks.iter().find(|b| c.normals.iter().any(|n| b.latents.contains(&n.array))) else {
            continue;
        };
        match super::whitened::find(&kernel, c, b) {
            Ok(Some((found, stats))) => {
                kernel.components[at].whitened = Some(found);
                kernel.stats.extend(stats);
            }
            Ok(None) => {}
            Err(d) => {
                report.push(d);
                return None;
            }
        }
    }
    let (expansions, stats): (Vec<_>, Vec<Stat>) =
        super::expansion::expansions(&kernel, densities).into_iter().unzip();
    kernel.expansions = expansions;
    kernel.stats.extend(stats);
    kernel.canons = super::canon::canons(&kernel, densities);
    super::round::expand(&mut kernel);
    super::alike::find_all(&mut kernel);
    kernel.local = local(&kernel, &shared);
    if !kernel.local.is_empty() {
        let (local, others): (Vec<Turn>, Vec<Turn>) = kernel
            .turns
            .iter()
            .filter(|t| **t != Turn::Units)
            .partition(|t| matches!(t, Turn::Block(n) if kernel.local.contains(n)));
        kernel.turns = [local, others, vec![Turn::Units]].concat();
        kernel.admixture = admixture(&kernel);
    }
    Some(kernel)
}

/// Values that may be missing, that others read and that have bounds: a Normal cut there has no code beside what is known.
fn missing_within_bounds(model: &Model, sides: &[super::Side]) -> Option<Diagnostic> {
    let cut = |c: &FamilyCall| c.min.is_some() || c.max.is_some();
    let bounded = |a: &ArrayId| {
        let array = &model.arrays[a.0];
        let laws = array.pieces.iter().filter_map(|p| model.statements[p.0].dist.as_ref());
        let mut within = array.elem.min.is_some() || array.elem.max.is_some();
        laws.for_each(|d| match d {
            Dist::Family(c) => within |= cut(c),
            Dist::Match { arms, .. } => within |= arms.iter().any(|a| cut(&a.call)),
        });
        within || sides.iter().any(|s| s.element.array == *a)
    };
    let mut read = (0..model.arrays.len()).map(ArrayId).filter(|a| is_hidden(model, *a));
    let a = read.find(|a| model.is_known_in_part(*a) && bounded(a))?;
    let name = &model.arrays[a.0].name;
    let loc = model.arrays[a.0].pieces.first().map(|p| model.statements[p.0].loc)?;
    Some(mistakes::not_generated(
        loc,
        &format!("missing values of `{name}` within bounds"),
        &format!("declare `{name}` without `?`, and leave out the units that do not have it"),
    ))
}

/// A statement in a chain, and whether it belongs to the step from one unit to the next.
fn linked_rows(
    model: &Model,
    builder: &mut RowBuilder<'_>,
    d: &StatementDensity,
    c: &Component,
    link: &Link,
) -> Result<(Rows, bool), Diagnostic> {
    if c.is_chain() {
        let along = chains::along(model, d, c);
        let d = along.as_ref().unwrap_or(d);
        let Some((places, joined)) = chains::places(model, d, c) else {
            return Err(mistakes::not_local(d.loc, &model.arrays[d.target.array.0].name.to_string()));
        };
        let table = if joined { &link.step } else { c };
        return Ok((builder.rows(d, Some(table), Some(&places))?, joined));
    }
    let places = links::places(model, d, &link.along, c.unit.len())?;
    let within = d.gathers.iter().zip(&places.back).all(|(g, b)| links::local(c, g.elem.array, *b).is_some());
    if !within {
        links::outside(model, d)?;
    }
    let table = if within { c } else { &link.step };
    Ok((builder.rows(d, Some(table), Some(&places))?, !within))
}

/// Blocks with a copy for each value of the outermost plate of the units, where something else is shared by all.
///
/// An order that the user wrote is kept: then there are none.
fn local(kernel: &Kernel<'_>, shared: &[&Block]) -> Vec<usize> {
    let model = kernel.model;
    let [c] = kernel.components.as_slice() else { return vec![] };
    let Some(outer) = c.unit.first() else { return vec![] };
    let ordered = model.groups.iter().any(|g| !matches!(g.form, Some((Form::Point, _))));
    let is_local = |b: &Block| {
        b.latents.iter().all(|a| model.arrays[a.0].plates.first().is_some_and(|p| p.nominal == outer.nominal))
    };
    let local: Vec<usize> = (0..shared.len()).filter(|n| is_local(shared[*n])).collect();
    let global = local.len() < shared.len() || kernel.steps.iter().any(|s| s.block.is_none());
    if ordered || !global || !c.pairs.is_empty() || c.link.is_some() { vec![] } else { local }
}

fn component(model: &Model, densities: &[StatementDensity], b: &Block) -> Result<Component, Diagnostic> {
    let names = b.latents.iter().map(|a| model.arrays[a.0].name.to_string()).collect::<Vec<_>>().join(", ");
    let scale = super::whitened::scale(model, b);
    for step in &b.trace {
        let rule = match &step.rule {
            Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. } => continue,
            Rule::Family { .. } if step.latents.iter().all(|a| model.integrated.contains(a)) => continue,
            Rule::Family { .. } if step.latents.iter().all(|a| scale == Some(*a)) => continue,
            Rule::Gaussian { .. } | Rule::GaussianScan { .. }
                if step.latents.iter().all(|a| is_unit_normal(model, *a)) =>
            {
                continue;
            }
            Rule::Family { family } => format!("a {family} posterior"),
            Rule::Gaussian { .. } => "a Gaussian posterior".into(),
            Rule::GaussianScan { axis, .. } => format!("a Gaussian scan over {axis}"),
        };
        let names =
            step.latents.iter().map(|a| model.arrays[a.0].name.to_string()).collect::<Vec<_>>().join(", ");
        let chains = b.trace.iter().filter(|s| matches!(s.rule, Rule::Scan { .. } | Rule::Tree { .. }));
        let axes: Vec<_> = chains
            .flat_map(|s| &s.latents)
            .filter_map(|a| Some(model.arrays[a.0].plates.last()?.nominal))
            .collect();
        let of_one = |a: &ArrayId| model.arrays[a.0].plates.iter().all(|p| !axes.contains(&p.nominal));
        if !axes.is_empty() && matches!(step.rule, Rule::Gaussian { .. }) && step.latents.iter().all(of_one) {
            let groups: Vec<String> =
                step.latents.iter().map(|a| format!("q({});", model.arrays[a.0].name)).collect();
            return Err(mistakes::not_generated(
                b.loc,
                "a Gaussian that one step of a chain reads",
                &format!(
                    "give it a turn of its own: `factorize {{ {} }}`; the objective is then a lower bound",
                    groups.join(" ")
                ),
            ));
        }
        // The first piece of a chain begins it; the last one is what makes it a chain.
        let recursion = step.latents.first().and_then(|a| model.arrays[a.0].pieces.last());
        let loc = recursion.map_or(b.loc, |p| model.statements[p.0].loc);
        return Err(mistakes::no_engine(loc, &names, &rule));
    }
    if b.point {
        return Err(mistakes::no_engine(b.loc, &names, "a point posterior"));
    }
    if b.each && (b.latents.len() > 1 || model.arrays[b.latents[0].0].plates.len() != 1) {
        return Err(mistakes::no_engine(b.loc, &names, "updates of one element at a time"));
    }
    let (families, others): (Vec<ArrayId>, Vec<ArrayId>) =
        b.latents.iter().partition(|a| model.integrated.contains(a));
    let finite: Vec<ArrayId> =
        others.into_iter().filter(|a| !is_unit_normal(model, *a) && scale != Some(*a)).collect();
    let first = b.latents.iter().find(|a| scale != Some(**a)).unwrap_or(&b.latents[0]);
    let few = |a: &ArrayId| model.arrays[a.0].plates.len();
    // The first of those with most indices.
    let deepest = finite.iter().copied().rev().max_by_key(few);
    let first = &model.arrays[deepest.unwrap_or(*first).0];
    let level = |a: &&ArrayId| few(a) != first.plates.len();
    if finite.iter().any(|a| level(&a)) {
        lasting(model, b, &names)?;
    }
    if first.plates.len() > 2 && !finite.is_empty() {
        return Err(mistakes::not_generated(
            b.loc,
            "a category with more than two indices",
            &format!(
                "number the outer ones together: `{}[p in P, t in T[p]]`, with a `given` for what an outer one says",
                first.name
            ),
        ));
    }
    let mut unit: Vec<Var> = vec![];
    for (axis, extent) in first.plates.iter().enumerate() {
        let at: Vec<Ix> = unit.iter().map(Ix::var).collect();
        let name = first
            .pieces
            .iter()
            .find_map(|p| match model.statements[p.0].target.get(axis)?.terms.as_slice() {
                [(1, IndexTerm::Bound(id))] => Some(model.indices[id.0].name.to_string()),
                _ => None,
            })
            .unwrap_or_else(|| "n".into());
        unit.push(Var::new(name, extent.nominal, Ix::constant(0), length(&extent.length, &at)));
    }
    let reach = links::reach(model, densities, b, unit.len())?;
    let mut locals: Vec<Local> = vec![];
    let bound = super::integrated::bound_beside(densities, &b.latents);
    let mut frontier = 0;
    let arrays = match &reach {
        Some(r) => r.arrays.clone(),
        None => finite.iter().map(|a| (*a, 0, false)).collect(),
    };
    for (a, depth, handed_on) in &arrays {
        let Some(g) = densities.iter().flat_map(|d| &d.gathers).find(|g| g.elem.array == *a) else {
            return Err(mistakes::no_engine(b.loc, &names, "a finite latent"));
        };
        for back in 0..(*depth).max(1) {
            let mut name = g.var.name.trim_end_matches('′').to_string();
            while bound.contains(&name)
                || locals.iter().any(|l| l.state.name == name)
                || unit.iter().any(|v| v.name == name)
            {
                name.push('′');
            }
            let state = Var::new(name, g.var.nominal, Ix::constant(0), g.var.high.clone());
            locals.push(Local { array: *a, back, lasts: few(a) < unit.len(), state });
            frontier += usize::from(*handed_on);
        }
    }
    let guards = match &reach {
        Some(_) => {
            links::unconditional(model, densities, &b.latents)?;
            links::everywhere(model, densities, &b.latents)?;
            vec![]
        }
        None if chains::scans(b) => {
            chains::whole(model, densities, &b.latents)?;
            vec![]
        }
        None => super::exists::guards(model, densities, &b.latents, &unit)?,
    };
    let along = reach.as_ref().map_or(Along::Axis, |r| r.along.clone());
    let integrated = families
        .iter()
        .map(|a| Integrated::new(model, densities, *a, &unit, (&along, b.loc)))
        .collect::<Result<Vec<_>, _>>()?;
    let normals = super::normals::of_unit(model, &b.latents, &unit);
    let mut out = Component { integrated, normals, ..Component::new(locals, unit, guards) };
    if chains::scans(b) {
        out.link = Some(Box::new(chains::link(model, densities, &b.latents, &out)));
    }
    if let Some(r) = reach {
        let step = links::step(&out, frontier);
        let begins = finite.iter().map(|a| (*a, super::exists::beginning(model, densities, *a))).collect();
        out.link = Some(Box::new(Link {
            along: r.along,
            frontier,
            step,
            rest: vec![],
            passes: vec![],
            begins,
            kinds: None,
            units: None,
        }));
    }
    Ok(out)
}

/// Whether categories of one index fewer than the others of a block can be handed on from unit to unit.
fn lasting(model: &Model, b: &Block, names: &str) -> Result<(), Diagnostic> {
    let plates = |a: &ArrayId| model.arrays[a.0].plates.iter().map(|p| p.nominal).collect::<Vec<_>>();
    let finite = b.latents.iter().filter(|a| !model.integrated.contains(a) && !is_unit_normal(model, **a));
    let all: Vec<Vec<_>> = finite.map(plates).collect();
    let deepest = all.iter().max_by_key(|p| p.len()).cloned().unwrap_or_default();
    let outer = deepest.split_last().map_or(&[][..], |(_, outer)| outer);
    let alike = all.iter().all(|p| *p == deepest || *p == outer);
    if !alike || b.latents.iter().any(|a| is_unit_normal(model, *a)) {
        return Err(mistakes::no_engine(b.loc, names, "latents at several levels of a hierarchy"));
    }
    Ok(())
}

/// Arrays that may be missing and are not states of a component: their rows are masked.
pub fn masked(model: &Model, a: ArrayId) -> bool {
    model.arrays[a.0].missing && !is_hidden(model, a)
}

/// Whether a statement keeps Taylor series.
fn is_moving(r: &Rows) -> bool {
    r.cases.iter().any(|c| match &c.body {
        Body::Terms(t) => t.pointwise.is_some(),
        Body::Scalar(s) => s.normaliser.pointwise.is_some(),
        Body::Dense(_) | Body::Equal { .. } => false,
    })
}

pub fn rows_of<'k>(kernel: &'k Kernel) -> impl Iterator<Item = (Option<usize>, &'k Rows)> {
    let inside = kernel.tabled().flat_map(|(i, c)| c.rows.iter().map(move |r| (Some(i), r)));
    let pairs = kernel.components.iter().flat_map(|c| &c.pairs).map(|p| &p.rows);
    inside.chain(kernel.fixed.iter().chain(&kernel.moving).chain(pairs).map(|r| (None, r)))
}
