//! Proofs, schedule and M-steps put together.

use super::blocks::{Proof, Proved, Wanted, prove};
use super::interact::{Class, Interaction, interaction, latents};
use super::refusal::Refusal;
use super::{Block, Claim, Obstacle, Plan, Rule, Step, advise, align, cost, mstep, schedule, turns};
use crate::density::lower::is_unknown;
use crate::density::normal_form::Monomial;
use crate::density::statement::StatementDensity;
use crate::diagnostics::plan as mistakes;
use crate::model::ir::{ArrayId, Model, Role};
use crate::report::Report;
use crate::syntax::ast::Loc;

/// The plan of a checked model. Mistakes are latents that cannot be updated, groups that are not exact, and `#[exact]` that is not met.
pub fn plan(
    model: &Model,
    densities: &[StatementDensity],
    monomials: &[Monomial],
    report: &mut Report,
) -> Option<Plan> {
    let before = report.count();
    let hidden = latents(model);
    let points = schedule::points(model);
    mixed_roles(model, report);
    let g =
        interaction(model, densities, monomials, &|a| hidden.contains(&a) && !points.contains(&a), report);
    let wanted = schedule::wanted(model, &g, report);
    if report.count() > before {
        return None;
    }
    let groups: Vec<Wanted> = wanted.iter().map(|(_, w)| w.clone()).collect();
    let proofs = prove(&g, &groups);
    for p in &proofs {
        refuse(model, &g, p, &wanted, report);
    }
    let theta = interaction(
        model,
        densities,
        monomials,
        &|a| is_unknown(model, a) && (!hidden.contains(&a) || points.contains(&a)),
        report,
    );
    let updates = mstep::updates(model, &theta, report);
    let mut blocks: Vec<Proved> = proofs.iter().flat_map(|p| p.blocks.clone()).collect();
    // The user's groups keep the order in which they are written.
    for b in &mut blocks {
        b.group = b.group.map(|n| wanted[n].0);
    }
    schedule::order(model, &g, &mut blocks, monomials);
    let mut obstacles: Vec<Obstacle> = vec![];
    for p in proofs.iter().filter(|p| !p.exact) {
        obstacles.extend(p.obstacles.iter().map(|r| advise::obstacle(model, &g, r, monomials)));
        if p.obstacles.is_empty() {
            obstacles.push(held_apart(model, &g, p));
        }
    }
    let claim = if proofs.iter().all(|p| p.exact) { Claim::Exact } else { Claim::MeanField };
    if let (Some(_), Some(o)) = (model.exact, principal(&obstacles, &g)) {
        let name = model.arrays[o.latent.0].name.to_string();
        report.push(mistakes::exact_not_met(o.loc, &name, &o.reason, o.help.as_deref()));
    }
    if report.count() > before {
        return None;
    }
    let mut out: Vec<Block> = blocks.iter().map(|b| block(model, &g, b, densities, monomials)).collect();
    for (n, group) in model.groups.iter().enumerate() {
        let arrays: Vec<ArrayId> =
            group.vars.iter().map(|(a, ..)| *a).filter(|a| points.contains(a)).collect();
        if arrays.is_empty() {
            continue;
        }
        let at = blocks.iter().position(|b| b.group.is_none_or(|m| m > n)).unwrap_or(out.len());
        let point = Block {
            latents: arrays,
            point: true,
            each: false,
            unit: vec![],
            trace: vec![],
            loc: group.loc,
            cost: String::new(),
        };
        let at = at + out.iter().take(at).filter(|b| b.point).count();
        out.insert(at.min(out.len()), point);
    }
    let random: Vec<usize> = (0..out.len()).filter(|n| !out[*n].point).collect();
    let turns = turns::turns(&g, &blocks).into_iter();
    let turns = turns.map(|t| t.into_iter().map(|n| random[n]).collect()).collect();
    Some(Plan { claim, blocks: out, turns, updates, obstacles })
}

/// One array cannot be maximised in one piece and integrated in another.
fn mixed_roles(model: &Model, report: &mut Report) {
    for a in &model.arrays {
        let piece = |role: Role| a.pieces.iter().map(|p| &model.statements[p.0]).find(|s| s.role == role);
        if let (Some(_), Some(param)) = (piece(Role::Latent), piece(Role::Param)) {
            report.push(mistakes::latent_and_param(param.loc, &a.name.to_string()));
        }
    }
}

fn refuse(model: &Model, g: &Interaction, p: &Proof, wanted: &[(usize, Wanted)], report: &mut Report) {
    advise::mistakes(model, g, &p.stuck).into_iter().for_each(|d| report.push(d));
    for (n, refusals) in &p.unmet {
        let group = &model.groups[wanted[*n].0];
        let names: Vec<String> =
            group.vars.iter().map(|(a, ..)| model.arrays[a.0].name.to_string()).collect();
        let reasons: Vec<String> = refusals.iter().map(|r| sentence(g, r)).collect();
        report.push(mistakes::group_not_exact(group.loc, &names.join(", "), &reasons));
    }
}

fn sentence(g: &Interaction, r: &Refusal) -> String {
    let line = match r.origin.lines.first() {
        Some(n) => format!(" (line {n} of the model)"),
        None => String::new(),
    };
    format!("`{}`: {}{line}", g.nodes[r.node].name, r.reason)
}

/// The obstacle to name first: one with a remedy, else a Gaussian one, which says most about the structure.
fn principal<'o>(obstacles: &'o [Obstacle], g: &Interaction) -> Option<&'o Obstacle> {
    let gaussian = |o: &Obstacle| g.node(o.latent).is_some_and(|n| g.nodes[n].class == Class::Gaussian);
    obstacles.iter().min_by_key(|o| (o.help.is_none(), !gaussian(o)))
}

/// The user's own groups are all that stands between the plan and one exact block.
fn held_apart(model: &Model, g: &Interaction, p: &Proof) -> Obstacle {
    let asked = p.blocks.iter().find(|b| b.group.is_some()).or(p.blocks.first());
    let array = g.nodes[asked.map_or(0, |b| b.nodes[0])].array;
    let group = model.groups.iter().find(|group| group.vars.iter().any(|(a, ..)| *a == array));
    let loc = group.map_or(place(model, array), |group| group.loc);
    Obstacle {
        latent: array,
        reason: "`factorize` holds it apart from the rest: together they would be exact".into(),
        loc,
        statement: None,
        help: Some("leave it out of `factorize`".into()),
        apart: true,
    }
}

fn place(model: &Model, a: ArrayId) -> Loc {
    let array = &model.arrays[a.0];
    array.pieces.first().map_or(array.name.span().into(), |p| model.statements[p.0].loc)
}

fn block(
    model: &Model,
    g: &Interaction,
    b: &Proved,
    densities: &[StatementDensity],
    monomials: &[Monomial],
) -> Block {
    let array = |n: usize| g.nodes[n].array;
    let loc = match b.group {
        Some(n) => model.groups[n].loc,
        None => place(model, array(b.nodes[0])),
    };
    let factors = g.restrict(&b.nodes);
    let unit = match b.each {
        true => vec![],
        false => {
            let frame = align::shared(g, &b.nodes, &factors);
            let plates = g.nodes[b.nodes[0]].plates;
            frame
                .members
                .first()
                .map_or(vec![], |(_, axes)| axes.iter().copied().filter(|k| *k < plates).collect())
        }
    };
    let trace = b
        .steps
        .iter()
        .map(|s| Step {
            latents: s.nodes.iter().map(|n| array(*n)).collect(),
            rule: match &s.rule.rule {
                Rule::Gaussian { stack, .. } => {
                    Rule::Gaussian { whitened_by: s.rule.whitened_by.map(array), stack: *stack }
                }
                Rule::GaussianScan { axis, .. } => {
                    Rule::GaussianScan { axis: axis.clone(), whitened_by: s.rule.whitened_by.map(array) }
                }
                rule @ (Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. } | Rule::Family { .. }) => {
                    rule.clone()
                }
            },
            lag: s.lag,
            scope: s.scope.iter().map(|(n, ix)| (array(*n), ix.clone())).collect(),
            lines: s.lines.clone(),
        })
        .collect();
    Block {
        latents: b.nodes.iter().map(|n| array(*n)).collect(),
        point: false,
        each: b.each,
        unit,
        trace,
        loc,
        cost: cost::cost(model, g, b, densities, monomials),
    }
}
