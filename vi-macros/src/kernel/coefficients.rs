//! What else is uncertain in the rows of Gaussian latents of units: coefficients, locations and scales with a q of their own.
//!
//! Under the expectation of everything else such a row is the square at the expected coefficients, plus a quadratic form in the latents that is
//! never negative: further rows. So the latents stay Gaussian, and every latent that is shared is updated from the moments of their law.

use super::normals::{each_elem, elems_in};
use super::{Component, Design, is_param, is_random};
use crate::density::poly::{Exponent, Factor, Poly, Term};
use crate::density::statement::{Form, Scale, StatementDensity};
use crate::density::symbol::Elem;
use crate::kernel::pulled;
use crate::model::ir::{ArrayId, ElemKind, Model, Role};
use crate::plan::{Block, points};

/// The first latent outside a block that a statement of its Gaussians has no rows for; none where it has rows.
pub fn obstacle(model: &Model, d: &StatementDensity, b: &Block) -> Option<ArrayId> {
    let others = others(model, d, b);
    let first = others.first()?;
    let stands = |a: ArrayId| is_random(model, a) && !model.integrated.contains(&a);
    if let Some(a) = others.iter().find(|a| !stands(**a)) {
        return Some(*a);
    }
    if others.contains(&d.target.array) {
        return Some(d.target.array);
    }
    let fits = d.cases.iter().all(|c| match &c.form {
        Form::Normal(r) => {
            let scaled = match &r.scale {
                Scale::Diagonal(p) => is_scale(model, p, &others),
                Scale::Dense { factor, matrix, .. } => {
                    is_scale(model, factor, &others)
                        && (!others.contains(&matrix.array)
                            || matches!(model.arrays[matrix.array.0].elem.kind, ElemKind::SymPos(_)))
                }
            };
            scaled && r.rho.0.iter().all(|t| is_located(model, t, &others))
        }
        Form::Flat => true,
        Form::Terms(_) | Form::Equal { .. } => false,
    });
    (!fits).then_some(*first)
}

/// Latents outside a block that a statement reads, but for those that are held at a point.
pub fn others(model: &Model, d: &StatementDensity, b: &Block) -> Vec<ArrayId> {
    let points = points(model);
    let mut out: Vec<ArrayId> = vec![];
    each_elem(d, &mut |e| {
        let array = &model.arrays[e.array.0];
        let latent = array.pieces.iter().any(|p| model.statements[p.0].role == Role::Latent);
        let own = b.latents.contains(&e.array) || points.contains(&e.array);
        if latent && !own && !out.contains(&e.array) {
            out.push(e.array);
        }
    });
    out
}

/// A product of powers of positive latents: its expectation and that of its logarithm are known.
fn is_scale(model: &Model, p: &Poly, others: &[ArrayId]) -> bool {
    let mut free = true;
    for t in &p.0 {
        for (f, _) in t.factors.iter().filter(|(f, _)| reads(f, others)) {
            free &= matches!(f, Factor::Elem(e) if is_positive(model, e.array));
        }
    }
    free && (p.0.len() <= 1 || !p.0.iter().any(|t| t.factors.iter().any(|(f, _)| reads(f, others))))
}

fn is_positive(model: &Model, a: ArrayId) -> bool {
    let elem = &model.arrays[a.0].elem;
    matches!(elem.kind, ElemKind::Positive)
}

/// A term of a residual in which an uncertain location is the only unknown besides the Gaussians themselves.
fn is_located(model: &Model, t: &Term, others: &[ArrayId]) -> bool {
    if t.factors.iter().all(|(f, _)| !reads(f, others)) {
        return true;
    }
    let mut unknown: Vec<&Elem> = vec![];
    for (f, e) in &t.factors {
        let mut found = false;
        f.visit_elems(&mut |x| {
            found |= is_param(model, x.array) && others.contains(&x.array) || is_held(model, x.array)
        });
        match f {
            Factor::Elem(x) if found && *e == Exponent::ONE => unknown.push(x),
            _ if found => return false,
            _ => {}
        }
    }
    let [x] = unknown.as_slice() else { return false };
    let elem = &model.arrays[x.array.0].elem;
    matches!(elem.kind, ElemKind::Real | ElemKind::Vector(_) | ElemKind::Matrix(..)) && !elem.is_bounded()
}

/// Whether an array is an unknown that is held at a value: a param, or a latent at a point.
fn is_held(model: &Model, a: ArrayId) -> bool {
    let param = model.arrays[a.0].pieces.iter().any(|p| model.statements[p.0].role == Role::Param);
    param || points(model).contains(&a)
}

fn reads(f: &Factor, arrays: &[ArrayId]) -> bool {
    let mut found = false;
    f.visit_elems(&mut |e| found |= arrays.contains(&e.array));
    found
}

/// Whether the Gaussians of a block stand in products with other unknowns. Where they do not, everything follows from sums of the data, and units
/// need not be looked at one by one.
pub fn in_products(model: &Model, densities: &[StatementDensity], b: &Block) -> bool {
    densities.iter().any(|d| {
        let others = others(model, d, b);
        d.cases.iter().any(|c| match &c.form {
            Form::Normal(r) => r.rho.0.iter().any(|t| {
                let own = t.factors.iter().any(|(f, _)| reads(f, &b.latents));
                let unknown = |x: ArrayId| others.contains(&x) || is_held(model, x);
                let mut multiplied = false;
                for (f, _) in &t.factors {
                    f.visit_elems(&mut |e| multiplied |= unknown(e.array));
                }
                own && multiplied
            }),
            Form::Flat | Form::Terms(_) | Form::Equal { .. } => false,
        })
    })
}

/// Whether what is uncertain carries an index of the unit: then it is no less local than the unit's own latents.
pub fn in_unit(model: &Model, d: &StatementDensity, b: &Block, plates: usize) -> bool {
    let Some(own) = elems_in(d, &b.latents).into_iter().next() else { return false };
    let others = others(model, d, b);
    let mut found = false;
    each_elem(d, &mut |e| {
        if others.contains(&e.array) {
            for i in &own.indices[..plates] {
                i.visit_vars(&mut |v| found |= e.indices.iter().any(|x| x.mentions(v)));
            }
        }
    });
    found
}

/// Whether observed rows are written one unit after another: the first index of an observation is that of the block's units.
pub fn leads(model: &Model, densities: &[StatementDensity], b: &Block) -> bool {
    densities.iter().any(|d| {
        d.role == Role::Observed
            && elems_in(d, &b.latents).first().is_some_and(|e| e.indices.first() == d.target.indices.first())
    }) && !model.arrays[b.latents[0].0].plates.is_empty()
}

/// Whether the uncertain coefficients of a residual multiply the same in every unit: nothing of the unit but its latents.
pub fn alike(model: &Model, c: &Component, design: &Design) -> bool {
    let of_unit = |t: &Term| c.unit.iter().any(|u| t.mentions(u) || t.guard.iter().any(|g| in_cond(g, u)));
    design
        .regressors
        .iter()
        .filter(|r| is_random(model, r.param.array))
        .filter_map(|r| r.column)
        .flat_map(|n| &design.columns[n].value.0)
        .all(|t| match pulled(model, t) {
            Some((_, rest)) => !of_unit(&Term { guard: t.guard.clone(), ..rest }),
            None => !of_unit(t),
        })
}

fn in_cond(c: &crate::density::symbol::Cond, v: &crate::density::symbol::Var) -> bool {
    let mut found = false;
    c.visit_vars(&mut |u| found |= u == v);
    found
}
