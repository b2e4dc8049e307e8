//! Functions of params that every row of a statement would compute again: each becomes a table.

use super::{Body, Hoist, Kernel, Terms, is_param};
use crate::density::poly::{Exponent, Factor, Func, Poly, Term};
use crate::density::symbol::{Elem, Ix, Var, length};
use crate::model::ir::Model;

/// Functions of params that every row would compute again: each becomes a table.
pub fn hoists(kernel: &Kernel) -> Vec<Hoist> {
    let mut out: Vec<Hoist> = vec![];
    let all = kernel
        .tabled()
        .flat_map(|(_, c)| c.rows.iter().chain(c.pairs.iter().map(|p| &p.rows)))
        .chain(&kernel.fixed)
        .chain(&kernel.moving);
    for rows in all {
        let name = kernel.model.arrays[rows.target.array.0].name.to_string();
        for case in &rows.cases {
            match &case.body {
                Body::Terms(t) => hoist_terms(kernel, t, &mut out),
                Body::Scalar(r) => {
                    hoist_terms(kernel, &r.normaliser, &mut out);
                    if r.precision.as_number() != Some(1.0) {
                        push(kernel.model, &mut out, &format!("{name}_prec"), r.precision.clone());
                        push(
                            kernel.model,
                            &mut out,
                            &format!("{name}_half_log_prec"),
                            half_log(kernel.model, &r.precision),
                        );
                    }
                }
                Body::Dense(_) | Body::Equal { .. } => {}
            }
        }
    }
    out
}

/// ½ log of a precision that is one term.
pub fn half_log(model: &Model, p: &Poly) -> Poly {
    let positive = |e: &Elem| crate::density::normal_form::positive_kind(&model.arrays[e.array.0].elem.kind);
    p.log(&positive).scale(0.5)
}

fn hoist_terms(kernel: &Kernel, t: &Terms, out: &mut Vec<Hoist>) {
    for s in &t.separable {
        for (f, e) in &s.params.0[0].factors {
            let mut param = false;
            f.visit_elems(&mut |x| param |= is_param(kernel.model, x.array));
            if param && !(matches!(f, Factor::Elem(_)) && *e == Exponent::ONE) {
                let name = name_of(kernel.model, f, *e);
                push(kernel.model, out, &name, single(f, *e));
            }
        }
    }
}

pub fn single(f: &Factor, e: Exponent) -> Poly {
    Poly(vec![Term { factors: vec![(f.clone(), e)], ..Term::number(1.0) }])
}

fn push(model: &Model, out: &mut Vec<Hoist>, name: &str, value: Poly) {
    if find_in(out, &value).is_some() {
        return;
    }
    let (over, value) = over_whole_axes(model, value);
    let name = fresh(out, name);
    out.push(Hoist { name, over, value });
}

/// A table covers whole axes, whatever part of them a loop that reads it runs over.
fn over_whole_axes(model: &Model, value: Poly) -> (Vec<Var>, Poly) {
    let mut elems: Vec<Elem> = vec![];
    value.visit_elems(&mut |e| elems.push(e.clone()));
    let mut out = vec![];
    let mut value = value.clone();
    for v in free(&value) {
        let whole = elems.iter().find_map(|e| {
            let axis = e.indices.iter().position(|i| i.as_var() == Some(&v))?;
            let array = &model.arrays[e.array.0];
            let extent = array.plates.iter().chain(array.elem.kind.axes()).nth(axis)?;
            let high = length(&extent.length, &e.indices);
            Some(Var::new(v.name.clone(), v.nominal, Ix::constant(0), high))
        });
        let whole = whole.unwrap_or_else(|| v.clone());
        if whole != v {
            value = value.substitute(&v, &Ix::var(&whole));
        }
        out.push(whole);
    }
    (out, value)
}

fn fresh(out: &[Hoist], name: &str) -> String {
    let taken = |n: &str| out.iter().any(|h| h.name == n);
    if !taken(name) {
        return name.into();
    }
    (2..).map(|i| format!("{name}_{i}")).find(|n| !taken(n)).unwrap_or_default()
}

/// Free indices in the order of the first element they stand in.
pub fn free(p: &Poly) -> Vec<Var> {
    let mut out = vec![];
    for t in &p.0 {
        for v in t.free_vars() {
            if !out.contains(&v) {
                out.push(v);
            }
        }
    }
    out
}

/// The table that holds a function of params, and the indices to read it at.
pub fn find_in(hoists: &[Hoist], value: &Poly) -> Option<(usize, Vec<Var>)> {
    let over = free(value);
    hoists.iter().enumerate().find_map(|(i, h)| {
        let p = &h.value;
        if h.over.len() != over.len() {
            return None;
        }
        let mut renamed = p.clone();
        for (from, to) in h.over.iter().zip(&over) {
            if from != to {
                renamed = renamed.substitute(from, &Ix::var(to));
            }
        }
        (renamed == *value).then(|| (i, over.clone()))
    })
}

fn name_of(model: &Model, f: &Factor, e: Exponent) -> String {
    let array = |f: &Factor| {
        let mut name = None;
        f.visit_elems(&mut |x| {
            if name.is_none() && is_param(model, x.array) {
                name = Some(model.arrays[x.array.0].name.to_string());
            }
        });
        name.unwrap_or_else(|| "term".into())
    };
    let base = match f {
        Factor::Apply(Func::Log, args) if crate::density::normal_form::as_elem(&args[0]).is_some() => {
            format!("log_{}", array(f))
        }
        Factor::Apply(Func::Log, args)
            if crate::density::normal_form::as_elem(&Poly::number(1.0).sub(&args[0])).is_some() =>
        {
            format!("log1m_{}", array(f))
        }
        Factor::Apply(Func::LGamma, _) => format!("lgamma_{}", array(f)),
        Factor::LogDet(_) => format!("log_det_{}", array(f)),
        Factor::Inverse(..) => format!("{}_inverse", array(f)),
        Factor::Elem(_) if e == Exponent::int(-1) => format!("inv_{}", array(f)),
        Factor::Elem(_) if e == Exponent::int(2) => format!("{}_square", array(f)),
        Factor::Elem(_)
        | Factor::Apply(..)
        | Factor::Index(_)
        | Factor::Gram(..)
        | Factor::Iverson(_)
        | Factor::Paren(_)
        | Factor::Product(..)
        | Factor::Infinity => format!("{}_term", array(f)),
    };
    base.trim_matches('_').to_string()
}
