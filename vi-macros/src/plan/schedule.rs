//! The order of updates, and what the user's `factorize` asks for.

use super::blocks::{Proved, Wanted};
use super::interact::{Class, Interaction};
use crate::density::normal_form::Monomial;
use crate::diagnostics::plan as mistakes;
use crate::model::ir::{ArrayId, Group, Model, Nominal, Role};
use crate::report::Report;
use crate::syntax::ast::{Form, Over};

/// Latents that the user holds at a point.
pub fn points(model: &Model) -> Vec<ArrayId> {
    let point = |g: &&Group| matches!(g.form, Some((Form::Point, _)));
    model.groups.iter().filter(point).flat_map(|g| g.vars.iter().map(|(a, _, _)| *a)).collect()
}

/// The groups that ask for a block, with their place in `factorize`.
pub fn wanted(model: &Model, g: &Interaction, report: &mut Report) -> Vec<(usize, Wanted)> {
    let mut out: Vec<(usize, Wanted)> = vec![];
    for (n, group) in model.groups.iter().enumerate() {
        match group.form {
            Some((Form::Point, _)) => continue,
            Some((form @ (Form::Gaussian | Form::Diagonal | Form::Laplace), loc)) => {
                report.push(mistakes::form_not_available(loc, &format!("{form:?}")));
                continue;
            }
            Some((Form::Exact, _)) | None => {}
        }
        let each = group.vars.iter().any(|(_, over, _)| *over == Some(Over::Each));
        if each && group.vars.len() > 1 {
            report.push(mistakes::each_in_a_group(group.loc));
        }
        let nodes: Vec<usize> = group.vars.iter().filter_map(|(a, ..)| g.node(*a)).collect();
        if !nodes.is_empty() {
            out.push((n, Wanted { nodes, each }));
        }
    }
    out
}

/// Blocks in the order of update: as `factorize` lists them, then locals, then globals; in each, what is governed before what governs it.
pub fn order(model: &Model, g: &Interaction, blocks: &mut [Proved], monomials: &[Monomial]) {
    let keys: Vec<_> = blocks
        .iter()
        .map(|b| {
            let local = is_local(model, g, b);
            let level = level(model, g, blocks, b, local, monomials, 0);
            (b.group.unwrap_or(usize::MAX), !local, level, b.nodes.iter().min().copied())
        })
        .collect();
    let mut at: Vec<usize> = (0..blocks.len()).collect();
    at.sort_by_key(|n| keys[*n]);
    let sorted: Vec<Proved> = at.into_iter().map(|n| blocks[n].clone()).collect();
    blocks.clone_from_slice(&sorted);
}

/// Whether a block has a copy for every unit of the data: its plates count what an observed array counts.
fn is_local(model: &Model, g: &Interaction, b: &Proved) -> bool {
    let data: Vec<Nominal> = model
        .arrays
        .iter()
        .filter(|a| a.pieces.iter().any(|p| model.statements[p.0].role == Role::Observed))
        .flat_map(|a| a.plates.iter().map(|e| e.nominal))
        .collect();
    b.nodes.iter().any(|n| model.arrays[g.nodes[*n].array.0].plates.iter().any(|e| data.contains(&e.nominal)))
}

/// How many blocks of its kind a block governs, one through the other: scales, concentrations and probabilities come after what they govern.
fn level(
    model: &Model,
    g: &Interaction,
    blocks: &[Proved],
    b: &Proved,
    local: bool,
    monomials: &[Monomial],
    depth: usize,
) -> usize {
    if depth > blocks.len() {
        return depth;
    }
    let governs = |n: usize| !matches!(g.nodes[n].class, Class::Finite | Class::Gaussian);
    let mut out = 0;
    for other in blocks.iter().filter(|o| o.nodes != b.nodes && is_local(model, g, o) == local) {
        let below = other.nodes.iter().any(|child| {
            let pieces = &model.arrays[g.nodes[*child].array.0].pieces;
            monomials.iter().filter(|m| pieces.contains(&m.statement)).any(|m| {
                m.atoms.iter().any(|a| b.nodes.iter().any(|n| governs(*n) && g.nodes[*n].array == a.array))
            })
        });
        if below {
            out = out.max(1 + level(model, g, blocks, other, local, monomials, depth + 1));
        }
    }
    out
}
