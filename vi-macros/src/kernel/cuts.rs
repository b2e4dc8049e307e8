//! Latents that `constrain` keeps within an interval: each bound as a function of what is known.

use super::is_random;
use crate::density::lower::{Lower, is_hidden, is_unknown};
use crate::density::poly::{Exponent, Factor, Num, Poly, Term};
use crate::density::symbol::{Cmp, Cond, Elem, Ix, Var};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{Constraint, ElemKind, Model};
use crate::report::Diagnostic;
use crate::syntax::ast::Compare;

/// One side of the interval that an element is kept within.
#[derive(Debug, Clone)]
pub struct Side {
    pub element: Elem,
    pub guards: Vec<Cond>,
    pub upper: bool,
    pub bound: Poly,
}

impl Side {
    /// The condition and the bound at an element of the array, which is called by other indices.
    pub fn at(&self, e: &Elem) -> (Vec<Cond>, Poly) {
        let (mut guards, mut bound) = (self.guards.clone(), self.bound.clone());
        for (own, here) in self.element.indices.iter().zip(&e.indices) {
            match own.as_var() {
                Some(v) => {
                    guards = guards.iter().map(|g| g.substitute(v, here)).collect();
                    if let Some(low) = Some(&v.low).filter(|l| **l != Ix::default()) {
                        guards.push(Cond::Compare(Cmp::Le, low.clone(), here.clone()));
                    }
                    if here.as_var().is_none_or(|h| h.high != v.high) {
                        guards.push(Cond::Compare(Cmp::Lt, here.clone(), v.high.clone()));
                    }
                    bound = bound.substitute(v, here);
                }
                None => guards.push(Cond::Compare(Cmp::Eq, here.clone(), own.clone())),
            }
        }
        (guards, bound)
    }
}

/// The bounds of all constraints.
pub fn sides(model: &Model) -> Result<Vec<Side>, Diagnostic> {
    let mut out = vec![];
    for c in &model.constraints {
        out.extend(of_constraint(model, c).ok_or_else(|| refuse(model, c))?);
    }
    Ok(out)
}

fn of_constraint(model: &Model, c: &Constraint) -> Option<Vec<Side>> {
    let lower = Lower::new(model);
    let vars: Vec<Var> = c.binds.iter().map(|b| lower.bind(*b)).collect();
    lower.plates.replace(vars.clone());
    let guards = c.guards.iter().map(|e| lower.cond(e).ok()).collect::<Option<Vec<_>>>()?;
    let mut all = vec![lower.component(&c.first, &[]).ok()?];
    for (_, e) in &c.rest {
        all.push(lower.component(e, &[]).ok()?);
    }
    if !lower.gathers.borrow().is_empty() {
        return None;
    }
    let mut out = vec![];
    for (pair, (op, _)) in all.windows(2).zip(&c.rest) {
        let less = match op {
            Compare::Lt | Compare::Le => true,
            Compare::Gt | Compare::Ge => false,
            Compare::Eq | Compare::Ne => return None,
        };
        let (element, slope, rest) = apart(model, &pair[0].sub(&pair[1]))?;
        let mut own = true;
        rest.visit_elems(&mut |e| own &= !is_unknown(model, e.array) && !model.arrays[e.array.0].missing);
        let places = element.indices.iter().all(|i| match i.as_var() {
            Some(v) => vars.contains(v),
            None => i.as_constant().is_some(),
        });
        let mut distinct: Vec<&Var> = element.indices.iter().filter_map(Ix::as_var).collect();
        let count = distinct.len();
        distinct.sort();
        distinct.dedup();
        if !own || !places || distinct.len() < count || distinct.len() < vars.len() {
            return None;
        }
        // slope · x + rest < 0
        out.push(Side {
            element,
            guards: guards.clone(),
            upper: less == (slope > 0.0),
            bound: rest.scale(-1.0 / slope),
        });
    }
    Some(out)
}

/// The one latent in a difference, its factor, and what is left.
fn apart(model: &Model, p: &Poly) -> Option<(Elem, f64, Poly)> {
    let mut found = None;
    let mut rest = Poly::zero();
    for t in &p.0 {
        let mut hidden = false;
        t.visit_elems(&mut |e| hidden |= is_hidden(model, e.array));
        if !hidden {
            rest = rest.add(&Poly(vec![t.clone()]));
            continue;
        }
        let Term { factors, sums, guard, coef: Num(slope) } = t;
        let [(Factor::Elem(e), Exponent::ONE)] = factors.as_slice() else { return None };
        if !sums.is_empty() || !guard.is_empty() || found.is_some() {
            return None;
        }
        found = Some((e.clone(), *slope));
    }
    found.map(|(e, slope)| (e, slope, rest))
}

fn refuse(model: &Model, c: &Constraint) -> Diagnostic {
    let mut names: Vec<String> = vec![];
    c.rest.iter().map(|(_, e)| e).chain([&c.first]).for_each(|e| {
        model.each_read_deep(e, &mut |a| {
            let name = model.arrays[a.array.0].name.to_string();
            if !names.contains(&name) && is_hidden(model, a.array) {
                names.push(name);
            }
        });
    });
    mistakes::no_engine(c.loc, &names.join(", "), "a posterior cut off by `constrain`")
        .help("hold one real number against bounds that are known, as in `constrain x[n] > low[n]`")
}

/// Constraints on what is no number with a q of its own are refused.
pub fn check(model: &Model, sides: &[Side]) -> Result<(), Diagnostic> {
    for (s, c) in sides.iter().zip(per_side(model)) {
        let array = &model.arrays[s.element.array.0];
        let number = matches!(array.elem.kind, ElemKind::Real)
            && array.elem.min.is_none()
            && array.elem.max.is_none()
            && !array.symmetric;
        if !number || !is_random(model, s.element.array) {
            return Err(refuse(model, c));
        }
    }
    Ok(())
}

/// The constraint of every side.
fn per_side(model: &Model) -> impl Iterator<Item = &Constraint> {
    model.constraints.iter().flat_map(|c| c.rest.iter().map(move |_| c))
}
