//! Expansion of products that are uncertain on both sides: W x is the same for x → T x and W → W T⁻¹, whatever has a q.
//!
//! Under q(W) q(x) the data's share of the objective is a function of the product. What T changes are volumes and priors, and as long as these are
//! squares in x and in W, that is known in closed form. So T is chosen where it raises the objective most (Luttinen and Ilin 2010); a
//! location b beside every W x takes in the same way what the mean of x gives up.

use super::expansion::{constants, is_alone, is_free};
use super::{Kernel, MStepKind, is_random};
use crate::density::poly::{Exponent, Factor, Poly, Term};
use crate::density::statement::{Form, Scale, StatementDensity};
use crate::density::symbol::{Elem, Var};
use crate::model::ir::{ArrayId, ElemKind, Role, StatementId};

#[derive(Debug)]
pub struct Rotation {
    pub slopes: Vec<Slope>,
    /// The location beside each of them, or none at all.
    pub shifts: Vec<Shift>,
}

/// What the latent is multiplied with.
#[derive(Debug)]
pub struct Slope {
    pub array: ArrayId,
    /// The axis that the latent's components run over.
    pub axis: usize,
    pub prior: Option<Prior>,
}

/// −½ Σ precision · E w²
#[derive(Debug)]
pub struct Prior {
    /// An index for each axis.
    pub at: Vec<Var>,
    pub precision: Poly,
}

#[derive(Debug)]
pub struct Shift {
    pub array: ArrayId,
    pub slope: ArrayId,
    pub prior: Option<Prior>,
}

impl Prior {
    /// The precision as one factor that depends on an axis and one that does not, if it is such a product.
    pub fn split(&self, axis: usize) -> Option<(Poly, Poly)> {
        let [t] = self.precision.0.as_slice() else { return None };
        if !t.sums.is_empty() || !t.guard.is_empty() {
            return None;
        }
        let reads = |f: &Factor| {
            let mut found = false;
            f.visit_vars(&mut |v| found |= *v == self.at[axis]);
            found
        };
        let (own, others): (Vec<_>, Vec<_>) = t.factors.iter().cloned().partition(|(f, _)| reads(f));
        let alone = |f: &(Factor, Exponent)| {
            let mut found = false;
            f.0.visit_vars(&mut |v| found |= self.at.iter().enumerate().any(|(n, u)| n != axis && u == v));
            !found
        };
        own.iter().all(alone).then(|| {
            let of = |factors, coef| Poly(vec![Term { factors, coef, ..t.clone() }]);
            (of(own, Term::number(1.0).coef), of(others, t.coef))
        })
    }
}

/// The rotation of a latent and its slopes, some of which are more than free params.
pub fn rotation(
    kernel: &Kernel<'_>,
    densities: &[StatementDensity],
    a: ArrayId,
    found: &[(ArrayId, usize)],
) -> Option<Rotation> {
    let alone = kernel.gates.is_empty()
        && kernel.meetings.is_empty()
        && kernel.components.iter().all(|c| {
            c.link.is_none() && c.pairs.is_empty() && c.whitened.is_none() && c.integrated.is_empty()
        });
    if !alone {
        return None;
    }
    let mut slopes = vec![];
    let mut priors: Vec<StatementId> = vec![];
    for (b, axis) in found {
        if is_random(kernel.model, *b) && !is_joint(kernel, *b, *axis) {
            return None;
        }
        let prior = prior(kernel, densities, *b, &mut priors)?;
        slopes.push(Slope { array: *b, axis: *axis, prior });
    }
    let rest: Vec<&StatementDensity> = densities.iter().filter(|d| !priors.contains(&d.id)).collect();
    if !rest.iter().all(|d| found.iter().all(|(b, _)| super::expansion::beside(d, *b, a))) {
        return None;
    }
    let shifts = shifts(kernel, densities, &rest, a, found).unwrap_or_default();
    Some(Rotation { slopes, shifts })
}

/// Whether all components of a line have one joint Normal, which can be turned.
pub(super) fn is_joint(kernel: &Kernel<'_>, b: ArrayId, axis: usize) -> bool {
    let Some(r) = regression_of(kernel, b) else { return false };
    let designs = r.rows.iter().flat_map(|x| &x.design().regressors);
    let mut stands = designs.flat_map(|x| x.elems()).filter(|e| e.array == b);
    let unknown = |e: &Elem| e.indices[axis].as_var().is_some_and(|v| !r.batch.contains(v));
    r.is_unscaled() && !kernel.is_cut(b) && stands.next().is_some_and(unknown)
}

pub(super) fn regression_of<'k>(kernel: &'k Kernel<'_>, b: ArrayId) -> Option<&'k super::Regression> {
    kernel.steps.iter().filter(|s| s.block.is_some()).find_map(|s| match &s.kind {
        MStepKind::Regression(r) if r.arrays.contains(&b) => Some(r),
        MStepKind::Regression(_)
        | MStepKind::Natural { .. }
        | MStepKind::Matrix { .. }
        | MStepKind::Newton { .. } => None,
    })
}

/// The prior of a location, if it is a square in it; a param may have none.
pub(super) fn prior(
    kernel: &Kernel<'_>,
    densities: &[StatementDensity],
    b: ArrayId,
    known: &mut Vec<StatementId>,
) -> Option<Option<Prior>> {
    if is_free(kernel, b) {
        return Some(None);
    }
    let array = &kernel.model.arrays[b.0];
    let location = matches!(array.elem.kind, ElemKind::Real | ElemKind::Vector(_) | ElemKind::Matrix(..));
    let [piece] = array.pieces.as_slice() else { return None };
    let role = kernel.model.statements[piece.0].role;
    if !location || array.elem.is_bounded() || !matches!(role, Role::Latent | Role::Param) {
        return None;
    }
    let d = densities.iter().find(|d| d.id == *piece)?;
    let [case] = d.cases.as_slice() else { return None };
    let plain = d.guards.is_empty() && d.repeat.is_empty() && d.gathers.is_empty() && case.when.is_empty();
    if !plain || !case.normaliser.is_zero() {
        return None;
    }
    known.push(d.id);
    let r = match &case.form {
        Form::Normal(r) => r,
        Form::Flat => return Some(None),
        Form::Terms(_) | Form::Equal { .. } => return None,
    };
    let ([t], Scale::Diagonal(precision)) = (r.rho.0.as_slice(), &r.scale) else { return None };
    let [(Factor::Elem(e), power)] = t.factors.as_slice() else { return None };
    let at: Vec<Var> = e.indices.iter().map(|i| i.as_var().cloned()).collect::<Option<_>>()?;
    let own = e.array == b
        && *power == Exponent::ONE
        && t.coef.0.abs() == 1.0
        && t.sums.is_empty()
        && t.guard.is_empty()
        && r.log_jacobian.is_zero()
        && (1..at.len()).all(|n| !at[..n].contains(&at[n]));
    own.then(|| Some(Prior { at, precision: precision.clone() }))
}

fn shifts(
    kernel: &Kernel<'_>,
    densities: &[StatementDensity],
    rest: &[&StatementDensity],
    a: ArrayId,
    slopes: &[(ArrayId, usize)],
) -> Option<Vec<Shift>> {
    let (found, means) = constants(kernel, rest, a, slopes)?;
    let mut priors = vec![];
    let mut out = vec![];
    for (m, w) in found {
        // What moves by an uncertain amount must be uncertain itself, and together with that.
        let moved = is_random(kernel.model, w);
        let together = || regression_of(kernel, w).is_some_and(|r| r.arrays.contains(&m));
        let whole = is_random(kernel.model, m) && kernel.is_cut(m);
        if whole || moved && !together() {
            return None;
        }
        let scaled = is_random(kernel.model, m) && regression_of(kernel, m)?.scale.is_some();
        if scaled {
            return None;
        }
        out.push(Shift { array: m, slope: w, prior: prior(kernel, densities, m, &mut priors)? });
    }
    let rest: Vec<&StatementDensity> = rest.iter().copied().filter(|d| !priors.contains(&d.id)).collect();
    (!out.is_empty() && out.iter().all(|s| is_alone(&rest, s.array, &means))).then_some(out)
}
