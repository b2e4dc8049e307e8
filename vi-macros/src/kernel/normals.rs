//! Latents with a Gaussian posterior in each unit: which of them are eliminated unit by unit, and where they stand in a row.

use super::split::solve_shift;
use super::steps::has_holes;
use super::{Body, Component, Normal, Rows};
use super::{chains, coefficients, whitened};
use crate::density::poly::{Exponent, Factor, Poly, Term};
use crate::density::statement::{Case, Form, Scale, StatementDensity};
use crate::density::symbol::{Cond, Elem, Ix, IxTerm, Var, length};
use crate::model::ir::{ArrayId, ElemKind, IndexTerm, Model, Role, StatementId};
use crate::plan::{Block, Plan, Rule, Step};

/// Whether a latent's Gaussian is eliminated unit by unit.
pub fn is_unit_normal(model: &Model, array: ArrayId) -> bool {
    model.unit_normals.contains(&array)
}

/// The latents of the blocks that fall apart into units, or into chains of them.
///
/// What is left of Gaussian blocks is shared by all units: it is updated from sums over them. Of two blocks that multiply one another only one is
/// eliminated unit by unit; the other reads its moments.
///
/// With each latent comes how many of its plates are those of the units.
pub fn unit_normals(model: &Model, densities: &[StatementDensity], plan: &Plan) -> Vec<(ArrayId, usize)> {
    let uncertain = |b: &Block| {
        densities
            .iter()
            .any(|d| !elems_in(d, &b.latents).is_empty() && !coefficients::others(model, d, b).is_empty())
    };
    // A block with categories has no other code.
    let gated = |b: &Block| b.latents.iter().any(|a| model.arrays[a.0].elem.kind.is_finite());
    let rank = |b: &Block| {
        if chains::is_chain(model, densities, b) {
            let plates = gaussian(model, b).first().map_or(0, |a| model.arrays[a.0].plates.len());
            return Some((0, plates));
        }
        let plates = falls_apart(model, densities, b)?;
        match uncertain(b) {
            false => Some((1, plates)),
            true if !gated(b) && !coefficients::in_products(model, densities, b) => None,
            true => Some((if coefficients::leads(model, densities, b) { 2 } else { 3 }, plates)),
        }
    };
    let blocks = plan.blocks.iter().filter(|b| !b.point && !b.each);
    let mut ranked: Vec<((usize, usize), &Block)> = blocks.filter_map(|b| Some((rank(b)?, b))).collect();
    ranked.sort_by_key(|((rank, _), _)| *rank);
    let mut out: Vec<(ArrayId, usize)> = vec![];
    for ((_, plates), b) in ranked {
        let beside = |d: &StatementDensity| {
            !elems_in(d, &b.latents).is_empty()
                && coefficients::others(model, d, b).iter().any(|a| out.iter().any(|(x, _)| x == a))
        };
        if !densities.iter().any(beside) {
            out.extend(gaussian(model, b).into_iter().map(|a| (a, plates)));
        }
    }
    out
}

/// How many plates of such a latent are those of the units. What is left of its indices counts the numbers that one unit has.
pub fn depth(model: &Model, a: ArrayId) -> usize {
    let at = model.unit_normals.iter().position(|x| *x == a);
    at.and_then(|n| model.unit_plates.get(n).copied()).unwrap_or(model.arrays[a.0].plates.len())
}

fn gaussian(model: &Model, b: &Block) -> Vec<ArrayId> {
    let other = |a: &ArrayId| model.arrays[a.0].elem.kind.is_finite() || model.integrated.contains(a);
    whitened::whitened(model, b).into_iter().filter(|a| !other(a)).collect()
}

/// How many plates the units of a block have, if it falls apart into such.
fn falls_apart(model: &Model, densities: &[StatementDensity], b: &Block) -> Option<usize> {
    let latents = gaussian(model, b);
    let finite = b.latents.iter().find(|a| model.arrays[a.0].elem.kind.is_finite());
    let own_rule = |s: &Step| match &s.rule {
        // Without a category, what is stacked is shared by all units.
        Rule::Gaussian { whitened_by, stack } => {
            whitened_by.is_none_or(|a| model.integrated.contains(&a)) && (!stack || finite.is_some())
        }
        Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. } => s.latents.iter().all(|a| !latents.contains(a)),
        Rule::Family { .. } => s.latents.iter().all(|a| model.integrated.contains(a)),
        Rule::GaussianScan { .. } => false,
    };
    let plates = |a: &ArrayId| model.arrays[a.0].plates.len();
    let depth = plates(finite.unwrap_or(&b.latents[0]));
    if depth == 0 && finite.is_none()
        || latents.is_empty()
        || !b.trace.iter().all(own_rule)
        || !latents.iter().all(|a| is_plain(model, *a) && fits(model, *a, depth))
        // A unit that does not exist has neither rows nor a posterior.
        || latents.iter().any(|a| has_holes(model, &model.arrays[a.0]))
        || b.latents.iter().any(|a| !latents.contains(a) && !model.integrated.contains(a) && plates(a) != depth)
        || finite.is_none() && b.latents.iter().any(|a| plates(a) != depth)
    {
        return None;
    }
    // The scale that whitens the rows of a unit is one number.
    let scale = |s: &Step| match &s.rule {
        Rule::Gaussian { whitened_by, .. } => *whitened_by,
        Rule::Sum
        | Rule::Scan { .. }
        | Rule::Tree { .. }
        | Rule::Family { .. }
        | Rule::GaussianScan { .. } => None,
    };
    if b.trace.iter().filter_map(scale).any(|a| plates(&a) != depth) {
        return None;
    }
    let apart = densities.iter().all(|d| {
        let mut own = elems_in(d, &latents);
        if own.is_empty() {
            return true;
        }
        own.iter_mut().for_each(|e| e.indices.truncate(depth));
        let gathered =
            d.gathers.iter().all(|g| b.latents.contains(&g.elem.array) && g.elem.indices == own[0].indices);
        coefficients::obstacle(model, d, b).is_none()
            && !coefficients::in_unit(model, d, b, depth)
            && gathered
            && own.iter().all(|e| e.indices == own[0].indices)
            && own[0].indices.iter().all(|i| is_place(i) && is_bound(i, d))
            && d.cases.iter().all(|c| is_gaussian(c, &latents))
    });
    apart.then_some(depth)
}

/// Whether an array is a number or a vector for each unit, where the units have so many plates: a vector may be numbers with one more index.
fn fits(model: &Model, a: ArrayId, depth: usize) -> bool {
    let array = &model.arrays[a.0];
    let Some(inner) = array.plates.get(depth..) else { return false };
    match inner {
        [] => true,
        [one] => {
            let ragged = one
                .length
                .terms
                .iter()
                .any(|(_, t)| matches!(t, IndexTerm::Size(_, args) if !args.is_empty()));
            matches!(array.elem.kind, ElemKind::Real) && !ragged
        }
        [_, _, ..] => false,
    }
}

/// Whether every element of an array is a latent number or vector without bounds that nothing is said of where it begins.
pub fn is_plain(model: &Model, a: ArrayId) -> bool {
    let array = &model.arrays[a.0];
    let latent = |p: &StatementId| model.statements[p.0].role == Role::Latent;
    matches!(array.elem.kind, ElemKind::Real | ElemKind::Vector(_))
        && array.elem.min.is_none()
        && array.elem.max.is_none()
        && array.pieces.iter().all(latent)
        && !array.missing
        && !array.symmetric
        && model.init.iter().all(|i| i.array != a)
}

/// Whether a case is a Normal that the latents enter as a Gaussian's rows.
pub fn is_gaussian(c: &Case, latents: &[ArrayId]) -> bool {
    match &c.form {
        Form::Normal(r) => {
            let fixed = match &r.scale {
                Scale::Diagonal(p) => !mentions(p, latents),
                Scale::Dense { factor, .. } => !mentions(factor, latents),
            };
            let decided = |w: &Cond| {
                let mut found = false;
                w.visit_elems(&mut |e| found |= latents.contains(&e.array));
                !found
            };
            fixed
                && c.normaliser.is_zero()
                && r.rho.0.iter().all(|t| is_linear(t, latents))
                && c.when.iter().all(decided)
        }
        Form::Flat => true,
        Form::Terms(_) | Form::Equal { .. } => false,
    }
}

/// Whether an index is one of the statement's, not one that is summed over inside it: a sum joins the units.
pub fn is_bound(i: &Ix, d: &StatementDensity) -> bool {
    let mut bound = true;
    i.visit_vars(&mut |v| bound &= d.vars.contains(v));
    bound
}

/// A unit's index as a row may write it: an index of its own, or a given map's value there.
pub fn is_place(i: &Ix) -> bool {
    if solve_shift(i).is_some() {
        return true;
    }
    match i.terms.as_slice() {
        [(1, IxTerm::Read(map))] => {
            i.offset == 0 && matches!(map.indices.as_slice(), [over] if over.as_var().is_some())
        }
        terms => terms.iter().all(|(_, t)| matches!(t, IxTerm::Size(..))),
    }
}

/// Whether a term has at most one of the latents, as a plain factor.
fn is_linear(t: &Term, latents: &[ArrayId]) -> bool {
    let own = t.factors.iter().filter(|(f, _)| {
        let mut found = false;
        f.visit_elems(&mut |e| found |= latents.contains(&e.array));
        found
    });
    let own: Vec<_> = own.collect();
    own.len() <= 1 && own.iter().all(|(f, e)| matches!(f, Factor::Elem(_)) && *e == Exponent::ONE)
}

fn mentions(p: &Poly, latents: &[ArrayId]) -> bool {
    let mut found = false;
    p.visit_elems(&mut |e| found |= latents.contains(&e.array));
    found
}

pub fn each_elem(d: &StatementDensity, visit: &mut impl FnMut(&Elem)) {
    visit(&d.target);
    for c in &d.cases {
        c.normaliser.visit_elems(visit);
        match &c.form {
            Form::Terms(p) => p.visit_elems(visit),
            Form::Normal(r) => {
                r.rho.visit_elems(visit);
                match &r.scale {
                    Scale::Diagonal(p) => p.visit_elems(visit),
                    Scale::Dense { factor, matrix, .. } => {
                        factor.visit_elems(visit);
                        visit(&Elem { array: matrix.array, indices: matrix.plates.clone() });
                    }
                }
            }
            Form::Equal { .. } | Form::Flat => {}
        }
    }
}

pub fn elems_in(d: &StatementDensity, arrays: &[ArrayId]) -> Vec<Elem> {
    let mut out: Vec<Elem> = vec![];
    each_elem(d, &mut |e| {
        if arrays.contains(&e.array) && !out.contains(e) {
            out.push(e.clone());
        }
    });
    out
}

/// The elements that say which unit a statement belongs to: of gathered categories, and of latents that are eliminated unit by unit.
pub fn anchors(model: &Model, d: &StatementDensity) -> Vec<Elem> {
    let mut out: Vec<Elem> = d.gathers.iter().map(|g| g.elem.clone()).collect();
    for mut e in elems_in(d, &model.unit_normals) {
        e.indices.truncate(depth(model, e.array));
        out.push(e);
    }
    out
}

/// The latents of a block as those of a unit.
pub fn of_unit(model: &Model, latents: &[ArrayId], unit: &[Var]) -> Vec<Normal> {
    let at: Vec<Ix> = unit.iter().map(Ix::var).collect();
    let own = latents.iter().filter(|a| is_unit_normal(model, **a));
    own.map(|a| {
        let array = &model.arrays[a.0];
        let over = array.plates[unit.len()..].iter().chain(array.elem.kind.axes()).map(|x| {
            let name = component_name(unit);
            Var::new(name, x.nominal, Ix::constant(0), length(&x.length, &at))
        });
        Normal { array: *a, back: 0, over: over.collect() }
    })
    .collect()
}

/// What a vector's components are called: not as the unit's own indices.
fn component_name(unit: &[Var]) -> String {
    ('h'..='z').map(String::from).find(|c| unit.iter().all(|v| v.name != *c)).unwrap_or_else(|| "h".into())
}

/// A term as (latent, its coefficient); `None` where there is no latent in it.
pub fn pulled(model: &Model, t: &Term) -> Option<(Elem, Term)> {
    let at =
        t.factors.iter().position(|(f, _)| matches!(f, Factor::Elem(e) if is_unit_normal(model, e.array)))?;
    let mut rest = t.clone();
    let (factor, _) = rest.factors.remove(at);
    let Factor::Elem(e) = factor else { return None };
    rest.sums.clear();
    Some((e, rest))
}

/// Whether a row reads a latent that is eliminated.
pub fn reads_normals(model: &Model, r: &Rows) -> bool {
    r.cases.iter().any(|c| match &c.body {
        Body::Scalar(s) => mentions(&s.rho, &model.unit_normals),
        Body::Dense(d) => mentions(&d.rho, &model.unit_normals),
        Body::Terms(_) | Body::Equal { .. } => false,
    }) || is_unit_normal(model, r.target.array)
}

impl Component {
    /// Whether a Gaussian is eliminated in each of its units.
    pub fn has_normals(&self) -> bool {
        !self.normals.is_empty()
    }

    /// All latents of a unit itself, finite ones first.
    pub fn arrays(&self) -> Vec<ArrayId> {
        let finite = self.locals.iter().filter(|l| l.back == 0).map(|l| l.array);
        let integrated = self.integrated.iter().map(|i| i.array);
        finite.chain(integrated).chain(self.normals.iter().filter(|n| n.back == 0).map(|n| n.array)).collect()
    }
}
