//! Parameter expansion: latents that are standard Normals and reach the data only through slopes that nothing else holds.
//!
//! f ~ Normal(0, Φ) with slopes W says the same of the data as f ~ Normal(0, I) with W Φ^½. So an M-step may maximise over Φ too, and give it
//! back to W: it climbs at least as high (Liu, Rubin and Wu 1998). Where every mean that has W f has a free constant mu beside it, f may be
//! Normal(a, Φ): what is given back to mu is W a.

use super::rotation::Rotation;
use super::{Body, Column, Component, Kernel, Rows, Stat, StatKind, is_param};
use crate::density::poly::{Exponent, Factor, Poly, Term};
use crate::density::statement::{Form, Scale, StatementDensity};
use crate::density::symbol::{Elem, Ix, Var, length};
use crate::model::ir::{ArrayId, Extent, Role};

#[derive(Debug)]
pub struct Expansion {
    pub component: usize,
    pub latent: ArrayId,
    /// Σ q · f fᵀ
    pub stat: usize,
    /// Each param with its axis that the latent's components run over.
    pub slopes: Vec<(ArrayId, usize)>,
    /// The constant beside each of them that takes what the latent's mean adds; none where one is missing.
    pub shifts: Vec<(ArrayId, ArrayId)>,
    /// Where some slopes are more than free params.
    pub rotation: Option<Rotation>,
}

/// The expansions of a kernel, with the statistics they need.
pub fn expansions(kernel: &Kernel<'_>, densities: &[StatementDensity]) -> Vec<(Expansion, Stat)> {
    let mut out = vec![];
    for (component, c) in kernel.components.iter().enumerate().filter(|(_, c)| !c.is_chain()) {
        for n in c.normals.iter().filter(|n| n.over.len() == 1) {
            let Some(own) = standard(c, n.array) else { continue };
            let Some(slopes) = slopes(kernel, c, n.array) else { continue };
            let free = slopes.iter().all(|(b, _)| is_free(kernel, *b));
            let rotation = match free {
                true => None,
                false => super::rotation::rotation(kernel, densities, n.array, &slopes),
            };
            let apart = || densities.iter().all(|d| slopes.iter().all(|(b, _)| beside(d, *b, n.array)));
            if rotation.is_none() && !(free && apart()) {
                continue;
            }
            let mut indices: Vec<Ix> = c.unit.iter().map(Ix::var).collect();
            indices.extend(n.over.iter().map(Ix::var));
            let columns = vec![Column { over: n.over.clone(), value: Poly::elem(n.array, indices) }];
            let name = format!("{}_expansion", kernel.model.arrays[n.array.0].name);
            let stat = Stat {
                name,
                cells: vec![],
                kind: StatKind::Moments { columns },
                closed: false,
                statement: own.statement,
            };
            let at = kernel.stats.len() + out.len();
            let shifts = match rotation {
                Some(_) => vec![],
                None => shifts(kernel, densities, n.array, &slopes).unwrap_or_default(),
            };
            out.push((Expansion { component, latent: n.array, stat: at, slopes, shifts, rotation }, stat));
        }
    }
    out
}

/// The prior of a latent, if it is a standard Normal in every component.
fn standard(c: &Component, a: ArrayId) -> Option<&Rows> {
    let mut own = c.rows.iter().filter(|r| r.target.array == a);
    let (r, None) = (own.next()?, own.next()) else { return None };
    let [case] = r.cases.as_slice() else { return None };
    let Body::Scalar(s) = &case.body else { return None };
    let [t] = s.rho.0.as_slice() else { return None };
    let alone = matches!(t.factors.as_slice(), [(Factor::Elem(e), p)] if e.array == a && *p == Exponent::ONE);
    (alone
        && t.coef.0.abs() == 1.0
        && s.precision.as_number() == Some(1.0)
        && s.weight.as_number() == Some(1.0)
        && case.when.is_empty()
        && r.guards.is_empty()
        && r.copies.is_empty())
    .then_some(r)
}

/// What stands in products with a latent and nothing else of its index.
fn slopes(kernel: &Kernel<'_>, c: &Component, a: ArrayId) -> Option<Vec<(ArrayId, usize)>> {
    let model = kernel.model;
    let mut out: Vec<(ArrayId, usize)> = vec![];
    for r in c.rows.iter().filter(|r| r.target.array != a) {
        for case in &r.cases {
            let rho = match &case.body {
                Body::Scalar(s) => &s.rho,
                Body::Dense(d) => &d.rho,
                Body::Terms(_) | Body::Equal { .. } => continue,
            };
            for t in &rho.0 {
                let Some(e) = latent_in(t, a) else { continue };
                let v = e.indices.last()?.as_var().filter(|v| t.sums.contains(v))?;
                let extent = model.arrays[a.0].elem.kind.axes().first().map(|x| length(&x.length, &[]));
                if v.low != Ix::constant(0) || Some(&v.high) != extent.as_ref() || !t.guard.is_empty() {
                    return None;
                }
                let params: Vec<&Elem> = t
                    .factors
                    .iter()
                    .filter_map(|(f, _)| match f {
                        Factor::Elem(x) if is_param(model, x.array) => Some(x),
                        _ => None,
                    })
                    .collect();
                let [w] = params.as_slice() else { return None };
                let own = |f: &Factor| matches!(f, Factor::Elem(x) if x == *w || x == e);
                if t.factors.iter().any(|(f, p)| reads_var(f, v) && !(own(f) && *p == Exponent::ONE)) {
                    return None;
                }
                let axes: Vec<usize> = (0..w.indices.len()).filter(|i| w.indices[*i].mentions(v)).collect();
                let [axis] = axes.as_slice() else { return None };
                if w.indices[*axis].as_var() != Some(v) || out.iter().any(|(b, x)| *b == w.array && x != axis)
                {
                    return None;
                }
                if !out.contains(&(w.array, *axis)) {
                    out.push((w.array, *axis));
                }
            }
        }
    }
    let fits = |b: ArrayId, axis: usize| {
        let (own, other) = (&model.arrays[a.0], &model.arrays[b.0]);
        let extent = other.plates.iter().chain(other.elem.kind.axes()).nth(axis);
        let whole = |x: &Extent| (x.nominal, length(&x.length, &[]));
        extent.map(whole) == own.elem.kind.axes().first().map(|x| whole(x))
    };
    (!out.is_empty() && out.iter().all(|(b, axis)| fits(*b, *axis))).then_some(out)
}

/// Whether nothing holds a param but the data.
pub(super) fn is_free(kernel: &Kernel<'_>, b: ArrayId) -> bool {
    let model = kernel.model;
    let array = &model.arrays[b.0];
    let plain = |p: &crate::model::ir::StatementId| {
        let s = &model.statements[p.0];
        s.role == Role::Param && s.dist.is_none()
    };
    array.pieces.iter().all(plain) && !array.elem.is_bounded()
}

/// For each slope the constant that stands beside it, if every mean with the one has the other and nothing else reads it.
fn shifts(
    kernel: &Kernel<'_>,
    densities: &[StatementDensity],
    a: ArrayId,
    slopes: &[(ArrayId, usize)],
) -> Option<Vec<(ArrayId, ArrayId)>> {
    let all: Vec<&StatementDensity> = densities.iter().collect();
    let (out, means) = constants(kernel, &all, a, slopes)?;
    out.iter().all(|(m, _)| is_free(kernel, *m) && is_alone(&all, *m, &means)).then_some(out)
}

/// Constants beside slopes, each with its slope, and the means they stand in.
pub(super) type Beside<'d> = (Vec<(ArrayId, ArrayId)>, Vec<&'d Poly>);

/// For each slope the constant that stands beside it, if every mean with the one has the other.
pub(super) fn constants<'d>(
    kernel: &Kernel<'_>,
    densities: &[&'d StatementDensity],
    a: ArrayId,
    slopes: &[(ArrayId, usize)],
) -> Option<Beside<'d>> {
    let mut out: Vec<(ArrayId, ArrayId)> = vec![];
    let mut means: Vec<&Poly> = vec![];
    for d in densities.iter().filter(|d| d.target.array != a) {
        for c in &d.cases {
            let Form::Normal(r) = &c.form else { continue };
            for t in &r.rho.0 {
                let Some(x) = latent_in(t, a) else { continue };
                let [(Factor::Elem(one), _), (Factor::Elem(two), _)] = t.factors.as_slice() else {
                    return None;
                };
                let w = if one == x { two } else { one };
                let (_, axis) = slopes.iter().find(|(b, _)| *b == w.array)?;
                let mut at = w.indices.clone();
                at.remove(*axis);
                let m = r.rho.0.iter().find_map(|u| match u.factors.as_slice() {
                    [(Factor::Elem(m), p)]
                        if *p == Exponent::ONE
                            && u.coef == t.coef
                            && u.sums.is_empty()
                            && u.guard.is_empty()
                            && m.indices == at
                            && is_param(kernel.model, m.array) =>
                    {
                        Some(m.array)
                    }
                    [] | [_, ..] => None,
                })?;
                means.push(&r.rho);
                if out.iter().any(|(n, b)| (*n == m) != (*b == w.array)) {
                    return None;
                }
                if !out.contains(&(m, w.array)) {
                    out.push((m, w.array));
                }
            }
        }
    }
    Some((out, means))
}

/// Whether a constant is read in these means alone, and once in each: elsewhere it would be felt if it moved.
pub(super) fn is_alone(densities: &[&StatementDensity], m: ArrayId, means: &[&Poly]) -> bool {
    let reads = |p: &Poly| {
        let mut count = 0;
        p.visit_elems(&mut |e| count += usize::from(e.array == m));
        count
    };
    densities.iter().all(|d| {
        d.cases.iter().all(|c| {
            reads(&c.normaliser) == 0
                && match &c.form {
                    Form::Normal(r) => {
                        let scale = match &r.scale {
                            Scale::Diagonal(p) => reads(p) > 0,
                            Scale::Dense { factor, matrix, .. } => reads(factor) > 0 || matrix.array == m,
                        };
                        let beside = means.iter().any(|p| std::ptr::eq(*p, &raw const r.rho));
                        !scale && reads(&r.rho) <= usize::from(beside)
                    }
                    Form::Terms(p) => reads(p) == 0,
                    Form::Equal { .. } | Form::Flat => true,
                }
        })
    })
}

fn reads_var(f: &Factor, v: &Var) -> bool {
    let mut found = false;
    f.visit_vars(&mut |u| found |= u == v);
    found
}

/// The latent in a term.
fn latent_in(t: &Term, a: ArrayId) -> Option<&Elem> {
    t.factors.iter().find_map(|(f, _)| match f {
        Factor::Elem(e) if e.array == a => Some(e),
        _ => None,
    })
}

/// Whether a statement reads a param only in products with the latent, and each of them once.
pub(super) fn beside(d: &StatementDensity, b: ArrayId, a: ArrayId) -> bool {
    let reads = |p: &Poly| {
        let mut found = false;
        p.visit_elems(&mut |e| found |= e.array == b);
        found
    };
    let paired = |t: &Term| {
        let whole = t
            .factors
            .iter()
            .any(|(f, p)| matches!(f, Factor::Elem(e) if e.array == b) && *p == Exponent::ONE);
        let term = Poly(vec![t.clone()]);
        !reads(&term) || whole && latent_in(t, a).is_some()
    };
    d.cases.iter().all(|c| {
        !reads(&c.normaliser)
            && match &c.form {
                Form::Normal(r) => {
                    let scale = match &r.scale {
                        Scale::Diagonal(p) => reads(p),
                        Scale::Dense { factor, matrix, .. } => reads(factor) || matrix.array == b,
                    };
                    !scale && r.rho.0.iter().all(paired)
                }
                Form::Terms(p) => !reads(p),
                Form::Equal { .. } | Form::Flat => true,
            }
    })
}
