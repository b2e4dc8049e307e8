//! Latents under a condition on givens: which units of a component there are.

use super::Component;
use crate::density::lower::is_hidden;
use crate::density::statement::StatementDensity;
use crate::density::symbol::{Cmp, Cond, Elem, Ix, IxTerm, Var};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{ArrayId, Model, Role};
use crate::report::Diagnostic;

/// The condition under which a unit exists, in the unit's own indices. All latents of the block must exist together.
pub fn guards(
    model: &Model,
    densities: &[StatementDensity],
    latents: &[ArrayId],
    unit: &[Var],
) -> Result<Vec<Cond>, Diagnostic> {
    let mut common: Option<Vec<Cond>> = None;
    for a in latents {
        let mut pieces: Vec<Vec<Cond>> = vec![];
        let mut whole = false;
        for p in &model.arrays[a.0].pieces {
            let s = &model.statements[p.0];
            let Some(d) = densities.iter().find(|d| d.id == *p) else { continue };
            // A piece at a fixed index has its guard from the length of the axis; a piece without a guard begins where such a one ends.
            if s.role != Role::Latent || d.guards.is_empty() || s.binds.is_empty() {
                whole = true;
            } else {
                let here = of_piece(model, d, unit).ok_or_else(|| {
                    mistakes::not_generated(
                        s.loc,
                        "a latent under this condition",
                        "let the condition read givens at the latent's own indices",
                    )
                })?;
                pieces.push(here);
            }
        }
        let own = match pieces.as_slice() {
            _ if whole && pieces.is_empty() => vec![],
            [one] if !whole => one.clone(),
            several if !whole => vec![Cond::Or(several.iter().map(|c| Cond::And(c.clone())).collect())],
            _ => {
                let loc = model.arrays[a.0].pieces.first().map(|p| model.statements[p.0].loc);
                return Err(mistakes::not_generated(
                    loc.unwrap_or_else(|| model.arrays[a.0].name.span().into()),
                    "a latent whose pieces are declared with and without a condition",
                    "give every piece a condition, or none",
                ));
            }
        };
        let begins =
            beginning(model, densities, *a).into_iter().zip(unit).filter(|(b, _)| *b != Ix::default());
        let own: Vec<Cond> = begins.map(|(b, u)| Cond::Compare(Cmp::Le, b, Ix::var(u))).chain(own).collect();
        match &common {
            None => common = Some(own),
            Some(c) if *c == own => {}
            Some(_) => {
                let loc = model.arrays[a.0].pieces.first().map(|p| model.statements[p.0].loc);
                return Err(mistakes::not_generated(
                    loc.unwrap_or_else(|| model.arrays[a.0].name.span().into()),
                    "latents of one block under different conditions",
                    "declare them under the same condition",
                ));
            }
        }
    }
    Ok(common.unwrap_or_default())
}

/// Where an array begins along each of its axes: what is before it has a place in the data and no statement.
pub fn beginning(model: &Model, densities: &[StatementDensity], array: ArrayId) -> Vec<Ix> {
    let axes = model.arrays[array.0].plates.len();
    let pieces = &model.arrays[array.0].pieces;
    let own = || densities.iter().filter(|d| pieces.contains(&d.id));
    (0..axes)
        .map(|k| {
            let mut begin: Option<Ix> = None;
            for low in own().filter_map(|d| lowest(d.target.indices.get(k)?)) {
                let earlier = begin.as_ref().is_none_or(|b| {
                    low.plus(-1, b).as_constant().map_or(low.as_constant().is_some(), |apart| apart < 0)
                });
                if earlier {
                    begin = Some(low);
                }
            }
            begin.unwrap_or_default()
        })
        .collect()
}

/// The first value that an index takes.
fn lowest(i: &Ix) -> Option<Ix> {
    match i.as_shifted_var() {
        Some((v, shift)) => Some(v.low.plus(1, &Ix::constant(shift))),
        None => i.terms.iter().all(|(_, t)| matches!(t, IxTerm::Size(..))).then(|| i.clone()),
    }
}

/// The guards of a statement, its plates called as those of the unit.
fn of_piece(model: &Model, d: &StatementDensity, unit: &[Var]) -> Option<Vec<Cond>> {
    let mut guards = d.guards.clone();
    for (ix, u) in d.target.indices.iter().zip(unit) {
        let v = ix.as_var().filter(|v| v.low == Ix::constant(0))?;
        guards = guards.iter().map(|c| c.substitute(v, &Ix::var(u))).collect();
    }
    let mut known = true;
    for c in &guards {
        c.visit_vars(&mut |v| known &= unit.contains(v));
        c.visit_elems(&mut |e| known &= !is_hidden(model, e.array) && !model.arrays[e.array.0].missing);
    }
    known.then_some(guards)
}

/// Whether an index is past a bound wherever it runs.
fn within_range(c: &Cond) -> bool {
    let Cond::Compare(Cmp::Le, bound, at) = c else { return false };
    lowest(at).and_then(|low| low.plus(-1, bound).as_constant()).is_some_and(|past| past >= 0)
}

/// A statement reads a latent that may not exist there.
#[derive(Debug)]
pub struct Partial {
    pub over: Vec<Var>,
    pub guards: Vec<Cond>,
    pub reader: Elem,
    pub element: Elem,
    /// Under which the element exists; what the reader's own guards say already is left out.
    pub needed: Vec<Cond>,
}

/// The reads of latents under a condition that their statements do not repeat.
pub fn partial(components: &[Component], densities: &[StatementDensity]) -> Vec<Partial> {
    let mut out = vec![];
    for d in densities {
        for g in d.gathers.iter().filter(|g| g.elem.array != d.target.array) {
            let holds = |c: &&Component| c.locals.iter().any(|l| l.array == g.elem.array);
            let Some(c) = components.iter().find(holds) else { continue };
            let here = |guard: &Cond| {
                c.unit.iter().zip(&g.elem.indices).fold(guard.clone(), |c, (u, ix)| c.substitute(u, ix))
            };
            let needed: Vec<Cond> =
                c.guards.iter().map(here).filter(|n| !d.guards.contains(n) && !within_range(n)).collect();
            if !needed.is_empty() {
                out.push(Partial {
                    over: d.vars.clone(),
                    guards: d.guards.clone(),
                    reader: d.target.clone(),
                    element: g.elem.clone(),
                    needed,
                });
            }
        }
    }
    out
}
