//! Units whose statistics follow from the first two moments of their data: every posterior has the same precision, and means that are affine
//! in the data.

use super::{Body, Component, Design, Kernel, Loop, Rows, StatKind, pulled};
use crate::density::poly::{Exponent, Factor, Poly, Term};
use crate::density::symbol::{Cond, Elem, Ix, Var, length};
use crate::model::ir::{ArrayId, ElemKind, Model, Role};

/// Data of a unit that its rows are affine in: whole rows of arrays, one after another.
#[derive(Clone, Debug, Default)]
pub struct Collapse {
    pub data: Vec<DataRow>,
}

#[derive(Clone, Debug)]
pub struct DataRow {
    pub array: ArrayId,
    /// By axes, where the unit says so, the position; every position of the others.
    pub at: Vec<Option<Ix>>,
    /// The indices of the others.
    pub over: Vec<Var>,
}

impl DataRow {
    /// The row that an element belongs to. `None` if its length is the unit's own.
    pub fn of(model: &Model, unit: &[Var], e: &Elem) -> Option<DataRow> {
        let array = &model.arrays[e.array.0];
        let at = places(unit, e);
        let (mut indices, mut over): (Vec<Ix>, Vec<Var>) = (vec![], vec![]);
        for (n, (x, place)) in array.plates.iter().chain(array.elem.kind.axes()).zip(&at).enumerate() {
            if let Some(i) = place {
                indices.push(i.clone());
                continue;
            }
            let v = Var::new(format!("j{n}"), x.nominal, Ix::constant(0), length(&x.length, &indices));
            indices.push(Ix::var(&v));
            over.push(v);
        }
        let fixed = over.iter().all(|v| unit.iter().all(|u| !v.high.mentions(u)));
        fixed.then_some(DataRow { array: e.array, at, over })
    }

    /// Whether an element belongs to it.
    pub fn holds(&self, unit: &[Var], e: &Elem) -> bool {
        self.array == e.array && self.at == places(unit, e)
    }

    /// The row's element at these indices of its own.
    pub fn element(&self) -> Elem {
        let mut over = self.over.iter().map(Ix::var);
        let indices = self.at.iter().map(|i| i.clone().or_else(|| over.next()).unwrap_or_default());
        Elem { array: self.array, indices: indices.collect() }
    }
}

/// By axes, the position that the unit says, or that is the same for all.
fn places(unit: &[Var], e: &Elem) -> Vec<Option<Ix>> {
    let said = |i: &Ix| i.as_constant().is_some() || unit.iter().any(|u| i.mentions(u));
    e.indices.iter().map(|i| said(i).then(|| i.clone())).collect()
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

/// `None` if the term is not of one of these forms. Whether the rest is the same in every unit is for the caller to see.
pub fn part(model: &Model, unit: &[Var], t: &Term) -> Option<Part> {
    if t.guard.iter().any(|g| unit.iter().any(|u| in_cond(g, u))) {
        return None;
    }
    let (latent, mut rest) = match pulled(model, t) {
        Some((e, rest)) => (Some(e), Term { guard: vec![], ..rest }),
        None => (None, t.clone()),
    };
    let of_unit = |(f, _): &(Factor, Exponent)| {
        matches!(f, Factor::Elem(e) if is_datum(model, e.array)) && unit.iter().any(|u| in_factor(f, u))
    };
    let first = rest.factors.iter().position(of_unit);
    let (e, at) = match (latent, first) {
        (Some(e), None) => return Some(Part::Latent(e, rest)),
        (None, None) => return Some(Part::Fixed(rest)),
        (Some(_), Some(_)) => return None,
        (None, Some(at)) => match &rest.factors[at] {
            (Factor::Elem(e), power) if *power == Exponent::ONE => (e.clone(), at),
            _ => return None,
        },
    };
    rest.factors.remove(at);
    rest.sums.clear();
    let array = &model.arrays[e.array.0];
    let plain = !rest.factors.iter().any(of_unit)
        && matches!(
            array.elem.kind,
            ElemKind::Real | ElemKind::Positive | ElemKind::Unit | ElemKind::Vector(_)
        )
        && !array.symmetric
        && e.indices.iter().all(|i| !super::split::reads_data(i));
    plain.then_some(Part::Datum(e, rest))
}

fn is_datum(model: &Model, a: ArrayId) -> bool {
    let array = &model.arrays[a.0];
    let given = |role: &Role| matches!(role, Role::Observed | Role::Given);
    given(&array.role) && array.pieces.iter().all(|p| given(&model.statements[p.0].role))
}

/// Whether a component collapses, and onto which data.
pub fn collapse(kernel: &Kernel<'_>, c: &Component) -> Option<Collapse> {
    let [unit] = c.unit.as_slice() else { return None };
    if !c.has_normals() || !c.locals.is_empty() || !c.guards.is_empty() || !c.pairs.is_empty() || c.is_chain()
    {
        return None;
    }
    let mut out = Collapse::default();
    for r in &c.rows {
        row(kernel, unit, r, &mut out.data)?;
    }
    Some(out)
}

fn row(kernel: &Kernel<'_>, unit: &Var, r: &Rows, data: &mut Vec<DataRow>) -> Option<()> {
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
    let units = std::slice::from_ref(unit);
    let mut parts = |p: &Poly| {
        p.0.iter().try_for_each(|t| {
            let rest = match part(model, units, t)? {
                Part::Fixed(rest) | Part::Latent(_, rest) => rest,
                Part::Datum(e, rest) => {
                    let leads = e.indices.first() == Some(&Ix::var(unit))
                        && e.indices[1..].iter().all(|i| !i.mentions(unit));
                    if !leads || model.arrays[e.array.0].missing {
                        return None;
                    }
                    if !data.iter().any(|d| d.holds(units, &e)) {
                        data.push(DataRow::of(model, units, &e)?);
                    }
                    rest
                }
            };
            (!rest.mentions(unit)).then_some(())
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
        // What is known of a latent moves from its column to the target, unit by unit.
        && c.rows.iter().all(|r| !model.says_what_is_known(r.statement))
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

pub(super) fn in_cond(c: &Cond, v: &Var) -> bool {
    let mut found = false;
    c.visit_vars(&mut |u| found |= u == v);
    found
}

fn in_factor(f: &Factor, v: &Var) -> bool {
    let mut found = false;
    f.visit_vars(&mut |u| found |= u == v);
    found
}
