//! Latents under a condition on givens: which units of a component there are.

use super::Component;
use crate::density::lower::is_hidden;
use crate::density::statement::StatementDensity;
use crate::density::symbol::{Cond, Elem, Ix, Var};
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
            let needed: Vec<Cond> = c.guards.iter().map(here).filter(|n| !d.guards.contains(n)).collect();
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
