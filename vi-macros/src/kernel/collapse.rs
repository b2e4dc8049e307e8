//! Units whose statistics follow from the first two moments of their data: every posterior has the same precision, and means that are affine
//! in the data.

use super::{Body, Component, Design, Kernel, Loop, Rows, StatKind, pulled};
use crate::density::poly::{Exponent, Factor, Poly, Term};
use crate::density::symbol::{Cond, Elem, Ix, Var, length};
use crate::model::ir::{ArrayId, ElemKind, Model, Role};

/// Data of a unit that are read once for all sweeps: whole rows of arrays, one after another.
#[derive(Debug)]
pub struct Collapse {
    pub data: Vec<DataRow>,
}

#[derive(Debug)]
pub struct DataRow {
    pub array: ArrayId,
    /// The indices behind the unit's.
    pub over: Vec<Var>,
}

/// A term by what varies from unit to unit in it.
pub enum Part {
    /// The same in every unit.
    Fixed(Term),
    /// A datum of the unit, times what is the same in every unit.
    Datum(Elem, Term),
    /// A latent of the unit, likewise.
    Latent(Elem, Term),
}

/// `None` if the term is not of one of these forms.
pub fn part(model: &Model, unit: &Var, t: &Term) -> Option<Part> {
    if let Some((e, rest)) = pulled(model, t) {
        let rest = Term { guard: vec![], ..rest };
        return (!rest.mentions(unit) && t.guard.iter().all(|g| !in_cond(g, unit)))
            .then_some(Part::Latent(e, rest));
    }
    if !t.mentions(unit) {
        return Some(Part::Fixed(t.clone()));
    }
    let at = t.factors.iter().position(|(f, _)| in_factor(f, unit))?;
    let mut rest = t.clone();
    let (factor, power) = rest.factors.remove(at);
    rest.sums.clear();
    let Factor::Elem(e) = factor else { return None };
    let array = &model.arrays[e.array.0];
    let plain = power == Exponent::ONE
        && matches!(array.role, Role::Observed | Role::Given)
        && array.pieces.iter().all(|p| matches!(model.statements[p.0].role, Role::Observed | Role::Given))
        && matches!(
            array.elem.kind,
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit | ElemKind::Vector(_)
        )
        && !array.missing
        && !array.symmetric
        && e.indices.first() == Some(&Ix::var(unit))
        && e.indices[1..].iter().all(|i| !i.mentions(unit) && !super::split::reads_data(i))
        && !rest.mentions(unit);
    plain.then_some(Part::Datum(e, rest))
}

/// Whether a component collapses, and onto which data.
pub fn collapse(kernel: &Kernel<'_>, c: &Component) -> Option<Collapse> {
    let model = kernel.model;
    let [unit] = c.unit.as_slice() else { return None };
    if !c.has_normals() || !c.locals.is_empty() || !c.guards.is_empty() || !c.pairs.is_empty() || c.is_chain()
    {
        return None;
    }
    let mut arrays: Vec<ArrayId> = vec![];
    for r in &c.rows {
        row(kernel, unit, r, &mut arrays)?;
    }
    let data = arrays.iter().map(|a| {
        let array = &model.arrays[a.0];
        let mut at = vec![Ix::var(unit)];
        let mut over: Vec<Var> = vec![];
        for (n, x) in array.plates.iter().chain(array.elem.kind.axes()).enumerate().skip(1) {
            let v = Var::new(format!("j{n}"), x.nominal, Ix::constant(0), length(&x.length, &at));
            at.push(Ix::var(&v));
            over.push(v);
        }
        // A row of a ragged array has no fixed length.
        over.iter().all(|v| !v.high.mentions(unit)).then_some(DataRow { array: *a, over })
    });
    Some(Collapse { data: data.collect::<Option<_>>()? })
}

fn row(kernel: &Kernel<'_>, unit: &Var, r: &Rows, arrays: &mut Vec<ArrayId>) -> Option<()> {
    let model = kernel.model;
    let fixed_loop =
        |l: &Loop| matches!(l, Loop::Range(v) if !v.low.mentions(unit) && !v.high.mentions(unit));
    let [case] = r.cases.as_slice() else { return None };
    let plain = r.guards.iter().all(|g| !in_cond(g, unit))
        && r.copies.is_empty()
        && !r.missing
        && r.loops.iter().all(fixed_loop)
        && case.when.is_empty()
        && case.cells.is_empty();
    if !plain {
        return None;
    }
    let mut parts = |p: &Poly| {
        p.0.iter().try_for_each(|t| {
            if let Part::Datum(e, _) = part(model, unit, t)?
                && !arrays.contains(&e.array)
            {
                arrays.push(e.array);
            }
            Some(())
        })
    };
    let (design, rho, moments): (&Design, &Poly, usize) = match &case.body {
        Body::Scalar(s) => {
            let alike = s.weight.as_number() == Some(1.0)
                && s.count.is_none()
                && s.normaliser.separable.is_empty()
                && s.normaliser.pointwise.is_none()
                && !s.precision.mentions(unit);
            alike.then_some((&s.design, &s.rho, s.moments))?
        }
        Body::Dense(d) => {
            let alike = !d.factor.mentions(unit) && !d.matrix.plates.iter().any(|i| i.mentions(unit));
            alike.then_some((&d.design, &d.rho, d.moments))?
        }
        // The prior of a latent that is flat: no row.
        Body::Terms(t) if t.separable.is_empty() && t.pointwise.is_none() && t.base.is_zero() => {
            return Some(());
        }
        Body::Terms(_) | Body::Equal { .. } => return None,
    };
    parts(rho)?;
    for column in &design.columns {
        parts(&column.value)?;
    }
    let stat = &kernel.stats[moments];
    let fixed = stat.cells.iter().all(|c| c.var != *unit && c.value == Ix::var(&c.var));
    (fixed && matches!(stat.kind, StatKind::Moments { .. })).then_some(())
}

/// Whether units whose rows are there alike have the same coefficients and precisions, so that one factor serves them.
pub fn is_hoisted(model: &Model, c: &Component) -> bool {
    c.has_normals()
        && !c.unit.is_empty()
        && !c.is_chain()
        && c.pairs.is_empty()
        && c.rows.iter().filter(|r| super::reads_normals(model, r)).all(|r| {
            let fixed_loop = |l: &Loop| {
                matches!(l, Loop::Range(v) if c.unit.iter().all(|u| !v.low.mentions(u) && !v.high.mentions(u)))
            };
            r.guards.iter().all(|g| c.unit.iter().all(|u| !in_cond(g, u)))
                && r.copies.is_empty()
                && r.loops.iter().all(fixed_loop)
                && r.cases.iter().all(|case| {
                    let whole = case.when.iter().all(|w| c.unit.iter().all(|u| !in_cond(w, u)));
                    whole
                        && case.cells.is_empty()
                        && match &case.body {
                            Body::Scalar(s) => {
                                s.weight.as_number() == Some(1.0)
                                    && super::coefficients::alike(model, c, &s.design)
                                    && c.unit.iter().all(|u| !s.precision.mentions(u))
                                    && s.rho.0.iter().all(|t| match pulled(model, t) {
                                        Some((_, rest)) => c.unit.iter().all(|u| {
                                            !rest.mentions(u) && t.guard.iter().all(|g| !in_cond(g, u))
                                        }),
                                        None => true,
                                    })
                            }
                            // A whitened vector has no rows of its own.
                            Body::Dense(_) => false,
                            Body::Terms(t) => t.separable.is_empty() && t.pointwise.is_none(),
                            Body::Equal { .. } => false,
                        }
                })
        })
}

fn in_cond(c: &Cond, v: &Var) -> bool {
    let mut found = false;
    c.visit_vars(&mut |u| found |= u == v);
    found
}

fn in_factor(f: &Factor, v: &Var) -> bool {
    let mut found = false;
    f.visit_vars(&mut |u| found |= u == v);
    found
}
