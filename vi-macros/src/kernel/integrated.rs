//! Latents that are integrated out in every state of their unit. To all else they are data of which the expected statistics are known: what
//! stands here is which terms of a unit's density make their natural parameters.

use super::links::Along;
use super::{Body, Component, Rows, Slot, Terms, once};
use crate::density::normal_form::as_elem;
use crate::density::poly::{Exponent, Factor, Func, Poly, Term};
use crate::density::statement::{Form, Scale, StatementDensity};
use crate::density::symbol::{Cond, Elem, Ix, Var, length};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{ArrayId, ElemKind, Model, Nominal};
use crate::report::Diagnostic;
use crate::syntax::ast::Loc;

/// One such latent of a component.
#[derive(Debug, Clone)]
pub struct Integrated {
    pub array: ArrayId,
    /// The position along the last axis of the units where the one unit of each sequence stands that has the latent; `None`: every unit has
    /// one of its own.
    pub at: Option<usize>,
    /// Its plates inside a unit.
    pub inner: Vec<Var>,
    /// Its statistics; that of a vector has one place for each of its components.
    pub slots: Vec<Slot>,
    /// The components of a vector.
    pub event: Option<Var>,
    /// The power of the statistic that is one; 1 where none is.
    pub power: Exponent,
}

impl Integrated {
    /// A latent whose plates begin with those of the unit; or, where one unit of each sequence has it, with those of the sequence.
    pub fn new(
        model: &Model,
        densities: &[StatementDensity],
        array: ArrayId,
        unit: &[Var],
        (along, loc): (&Along, Loc),
    ) -> Result<Self, Diagnostic> {
        let a = &model.arrays[array.0];
        let name = a.name.to_string();
        let refuse = |what: &str| mistakes::no_engine(loc, &name, what);
        let nested = |unit: &[Var]| {
            a.plates.len() >= unit.len()
                && a.plates
                    .iter()
                    .zip(unit)
                    .all(|(p, u)| p.nominal == u.nominal || is_literal(p.nominal, u.nominal))
        };
        let (mut at, mut own) = (None, unit);
        if !nested(unit) {
            let outer = &unit[..unit.len() - 1];
            at = once::position(model, densities, array, along, unit.len()).filter(|_| nested(outer));
            own = outer;
        }
        if !nested(unit) && at.is_none() {
            return Err(match a.plates.len() < unit.len() {
                true => mistakes::not_generated(
                    loc,
                    "a latent beside a chain that is read elsewhere than at one fixed step",
                    &format!(
                        "give it a turn of its own: `factorize {{ q({name}); }}`; the objective is then a lower bound"
                    ),
                ),
                false => refuse("a posterior whose category has plates of another order"),
            });
        }
        if super::steps::has_holes(model, a) {
            return Err(refuse("a posterior of an array with holes"));
        }
        if a.symmetric {
            return Err(refuse("a posterior of a symmetric array in every state of a category"));
        }
        let mut indices: Vec<Ix> = own.iter().map(Ix::var).collect();
        let mut inner: Vec<Var> = vec![];
        for (n, p) in a.plates.iter().enumerate().skip(own.len()) {
            let high = length(&p.length, &indices);
            if high.has_vars() {
                return Err(refuse("a posterior over a ragged plate"));
            }
            let v = Var::new(format!("i{n}"), p.nominal, Ix::constant(0), high);
            indices.push(Ix::var(&v));
            inner.push(v);
        }
        let power = power_of(densities, array).unwrap_or(Exponent::ONE);
        let (slots, event) = match &a.elem.kind {
            ElemKind::Positive => (vec![Slot::Log, Slot::Power(power)], None),
            ElemKind::Unit => (vec![Slot::Log, Slot::Log1m], None),
            ElemKind::Simplex(x) => (
                vec![Slot::Log],
                Some(Var::new("k", x.nominal, Ix::constant(0), length(&x.length, &indices))),
            ),
            ElemKind::Real
            | ElemKind::Bool
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Category(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => return Err(refuse("this posterior for each state of a category")),
        };
        Ok(Integrated { array, at, inner, slots, event, power })
    }
}

/// `0..2`, Bool and `Category[2]` are one size.
fn is_literal(a: Nominal, b: Nominal) -> bool {
    matches!((a, b), (Nominal::Literal(x), Nominal::Literal(y)) if x == y)
}

/// Names of the indices that statements bind where they read these latents: loops around a state must not be called alike.
pub fn bound_beside(densities: &[StatementDensity], latents: &[ArrayId]) -> Vec<String> {
    let mut out = vec![];
    for d in densities {
        let mut reads = d.gathers.iter().any(|g| latents.contains(&g.elem.array));
        visit_polys(d, &mut |p| p.visit_elems(&mut |e| reads |= latents.contains(&e.array)));
        if !reads && !latents.contains(&d.target.array) {
            continue;
        }
        out.extend(d.vars.iter().map(|v| v.name.clone()));
        for c in &d.cases {
            if let Form::Normal(r) = &c.form {
                out.extend(r.event.iter().map(|v| v.name.clone()));
            }
        }
        visit_polys(d, &mut |p| out.extend(p.0.iter().flat_map(|t| &t.sums).map(|v| v.name.clone())));
    }
    out
}

/// The power in which a latent stands besides its logarithm.
fn power_of(densities: &[StatementDensity], array: ArrayId) -> Option<Exponent> {
    let mut found = None;
    for d in densities {
        visit_polys(d, &mut |p| {
            for (f, e) in p.0.iter().flat_map(|t| &t.factors) {
                if matches!(f, Factor::Elem(x) if x.array == array) {
                    found = found.or(Some(*e));
                }
            }
        });
    }
    found
}

fn visit_polys(d: &StatementDensity, see: &mut dyn FnMut(&Poly)) {
    for c in &d.cases {
        see(&c.normaliser);
        match &c.form {
            Form::Terms(p) => see(p),
            Form::Normal(r) => {
                see(&r.rho);
                match &r.scale {
                    Scale::Diagonal(p) => see(p),
                    Scale::Dense { factor, .. } => see(factor),
                }
            }
            Form::Equal { .. } | Form::Flat => {}
        }
    }
}

/// The elements of integrated latents that a statement's density holds, its own among them.
pub fn elements(model: &Model, d: &StatementDensity) -> Vec<Elem> {
    let mut out: Vec<Elem> = vec![];
    let mut see = |e: &Elem| {
        if model.integrated.contains(&e.array) && !out.contains(e) {
            out.push(e.clone());
        }
    };
    see(&d.target);
    visit_polys(d, &mut |p| p.visit_elems(&mut see));
    out
}

/// One term of a density, as a coefficient of a statistic of an integrated latent.
#[derive(Debug, Clone)]
pub struct Own {
    /// Which of the component's.
    pub latent: usize,
    pub element: Elem,
    pub slot: usize,
    pub over: Vec<Var>,
    pub guards: Vec<Cond>,
    pub coefficient: Poly,
}

/// A polynomial without the terms that hold an integrated latent, and those. `None` if one is no statistic of its family.
pub fn own_terms(c: &Component, p: &Poly) -> Option<(Poly, Vec<Own>)> {
    let mut plain = Poly::zero();
    let mut own = vec![];
    for t in &p.0 {
        match own_term(c, t)? {
            None => plain = plain.add(&Poly(vec![t.clone()])),
            Some(o) => own.push(o),
        }
    }
    Some((plain, own))
}

fn own_term(c: &Component, t: &Term) -> Option<Option<Own>> {
    let mut found: Option<(usize, Elem, usize)> = None;
    let mut rest = Term { factors: vec![], sums: vec![], guard: vec![], ..t.clone() };
    for (f, e) in &t.factors {
        let mut of = None;
        f.visit_elems(&mut |x| of = of.or(c.integrated.iter().position(|i| i.array == x.array)));
        let Some(latent) = of else {
            rest.factors.push((f.clone(), *e));
            continue;
        };
        if found.is_some() {
            return None;
        }
        let (slot, element) = match f {
            Factor::Elem(x) => (Slot::Power(*e), x.clone()),
            Factor::Apply(Func::Log, args) if *e == Exponent::ONE => match as_elem(&args[0]) {
                Some(x) => (Slot::Log, x),
                None => (Slot::Log1m, as_elem(&Poly::number(1.0).sub(&args[0]))?),
            },
            Factor::Apply(..)
            | Factor::LogDet(_)
            | Factor::Inverse(..)
            | Factor::Index(_)
            | Factor::Gram(..)
            | Factor::Iverson(_)
            | Factor::Paren(_)
            | Factor::Product(..)
            | Factor::Infinity => return None,
        };
        let slot = c.integrated[latent].slots.iter().position(|s| *s == slot)?;
        found = Some((latent, element, slot));
    }
    let Some((latent, element, slot)) = found else { return Some(None) };
    let (over, guards) = (t.sums.clone(), t.guard.clone());
    Some(Some(Own { latent, element, slot, over, guards, coefficient: Poly(vec![rest]) }))
}

/// Whether a row's density holds an integrated latent of its component.
pub fn touches(model: &Model, r: &Rows) -> bool {
    let mut found = model.integrated.contains(&r.target.array);
    let mut see = |p: &Poly| p.visit_elems(&mut |e| found |= model.integrated.contains(&e.array));
    for case in &r.cases {
        match &case.body {
            Body::Terms(t) => each_term(t, &mut see),
            Body::Scalar(s) => {
                see(&s.weight);
                each_term(&s.normaliser, &mut see);
            }
            Body::Dense(d) => see(&d.weight),
            Body::Equal { value, to } => {
                see(value);
                see(to);
            }
        }
    }
    found
}

fn each_term(t: &Terms, see: &mut impl FnMut(&Poly)) {
    see(&t.base);
    t.separable.iter().for_each(|s| see(&s.coefficient));
    if let Some(p) = &t.pointwise {
        see(&p.value);
    }
}

/// The integrated latent that is a factor of the precision of all rows of a component's Gaussians: which it is, and its element.
pub fn scale_of(model: &Model, c: &Component) -> Option<(usize, Elem)> {
    let mut of_normals = c.rows.iter().filter(|r| super::reads_normals(model, r)).flat_map(|r| &r.cases);
    of_normals.find_map(|case| scale_in(c, &case.body).flatten())
}

/// The same of one case; `None` if its precision is no one scale.
fn scale_in(c: &Component, b: &Body) -> Option<Option<(usize, Elem)>> {
    let weight = match b {
        Body::Scalar(s) => &s.weight,
        Body::Dense(d) => &d.weight,
        Body::Terms(_) | Body::Equal { .. } => return Some(None),
    };
    let (plain, own) = own_terms(c, weight)?;
    match own.as_slice() {
        [] => Some(None),
        [o] if plain.is_zero() && o.over.is_empty() && o.guards.is_empty() => {
            Some(Some((o.latent, o.element.clone())))
        }
        [_, ..] => None,
    }
}

/// That code can be written for every term of a component that holds an integrated latent.
pub fn check(model: &Model, c: &Component, densities: &[StatementDensity]) -> Result<(), Diagnostic> {
    let scale = scale_of(model, c).map(|(n, _)| n);
    for r in c.rows.iter().filter(|r| super::reads_normals(model, r)) {
        let own = |case: &super::RowCase| match &case.body {
            // A flat law has no row.
            Body::Terms(_) | Body::Equal { .. } => true,
            Body::Scalar(_) | Body::Dense(_) => {
                scale_in(c, &case.body).map(|s| s.map(|(n, _)| n)) == Some(scale)
            }
        };
        let gapped = scale.is_some() && r.gapped().next().is_some();
        if gapped || !r.cases.iter().all(own) {
            let loc = densities.iter().find(|d| d.id == r.statement).map(|d| d.loc);
            let names: Vec<String> =
                c.normals.iter().map(|n| model.arrays[n.array.0].name.to_string()).collect();
            let loc = loc.unwrap_or_else(|| model.arrays[r.target.array.0].name.span().into());
            return Err(mistakes::no_engine(
                loc,
                &names.join(", "),
                "a Gaussian with rows of several scales",
            ));
        }
    }
    for r in c.rows.iter().filter(|r| touches(model, r)) {
        let loc = densities.iter().find(|d| d.id == r.statement).map(|d| d.loc);
        let names: Vec<String> =
            c.integrated.iter().map(|i| model.arrays[i.array.0].name.to_string()).collect();
        let refuse = |what: &str| {
            let loc = loc.unwrap_or_else(|| model.arrays[r.target.array.0].name.span().into());
            Err(mistakes::no_engine(loc, &names.join(", "), what))
        };
        if !r.copies.is_empty() {
            return refuse("a posterior inside a `repeat`");
        }
        for case in &r.cases {
            let (terms, weight) = match &case.body {
                Body::Terms(t) => (Some(t), None),
                Body::Scalar(s) => (Some(&s.normaliser), Some(&s.weight)),
                Body::Dense(d) => (None, Some(&d.weight)),
                Body::Equal { .. } => return refuse("this posterior for each state of a category"),
            };
            let mut polys: Vec<&Poly> = weight.into_iter().collect();
            if let Some(t) = terms {
                polys.extend(t.separable.iter().map(|s| &s.coefficient));
                if t.inside().is_some() {
                    return refuse("a posterior of what is cut off by a state");
                }
                polys.extend(t.pointwise.as_ref().map(|p| &p.value));
            }
            if polys.iter().any(|p| own_terms(c, p).is_none()) {
                return refuse("this posterior for each state of a category");
            }
        }
    }
    Ok(())
}
