//! `constrain` as a factor: it joins whatever it reads.

use super::interact::{Factor, Incidence, Interaction, Origin, Statistic, incidence, mention};
use crate::density::lower::Lower;
use crate::density::normal_form::Stat;
use crate::density::poly::{Exponent, Factor as PolyFactor, Poly};
use crate::density::symbol::Elem;
use crate::model::ir::{Constraint, Model};
use crate::report::Diagnostic;

pub fn factor(model: &Model, g: &Interaction, c: &Constraint) -> Result<Factor, Diagnostic> {
    let lower = Lower::new(model);
    let vars: Vec<_> = c.binds.iter().map(|b| lower.bind(*b)).collect();
    lower.plates.replace(vars.clone());
    let mut sides: Vec<Poly> = vec![lower.component(&c.first, &[])?];
    for (_, e) in &c.rest {
        sides.push(lower.component(e, &[])?);
    }
    let guards = c.guards.iter().map(|e| lower.cond(e)).collect::<Result<_, _>>()?;
    let mut f = Factor {
        atoms: vec![],
        vars,
        ambient: vec![],
        guards,
        origin: Origin { statement: None, loc: c.loc, lines: vec![c.line] },
        hard: true,
    };
    for p in &sides {
        for t in &p.0 {
            let mut elems = vec![];
            t.visit_elems(&mut |e| elems.push(e.clone()));
            for e in elems {
                let Some(a) = touch(model, g, &e) else {
                    e.indices.iter().for_each(|i| mention(i, &mut f.ambient));
                    continue;
                };
                // Only where the element stands alone is the set an interval.
                let linear =
                    t.factors.iter().any(|(x, p)| *x == PolyFactor::Elem(e.clone()) && *p == Exponent::ONE);
                let stat = if linear { Statistic::Support } else { Statistic::Of(Stat::Opaque(p.clone())) };
                let a = Incidence { stat, ..a };
                if !f.atoms.contains(&a) {
                    f.atoms.push(a);
                }
            }
        }
    }
    for gather in lower.gathers.borrow().iter() {
        if let Some(a) = touch(model, g, &gather.elem) {
            f.atoms.push(Incidence { stat: Statistic::Of(Stat::Indicator), ..a });
        }
    }
    Ok(f)
}

fn touch(model: &Model, g: &Interaction, e: &Elem) -> Option<Incidence> {
    let n = g.node(e.array)?;
    let plates = model.arrays[e.array.0].plates.len().min(e.indices.len());
    Some(incidence(g, n, &e.indices[..plates], &[], &e.indices[plates..], Statistic::Support))
}
