//! The log density of each statement, its finite latents gathered: log p = Σ over plates, Σ over gathered values, [z = k] · ℓ(k).

use super::lower::{Finite, Gather, Lower, Lowered, Matrix, is_hidden, is_unknown};
use super::poly::{Factor, Func, MatrixRef, Poly};
use super::symbol::{Cmp, Cond, Elem, Ix, Var, length};
use crate::diagnostics::density as mistakes;
use crate::families::Family;
use crate::model::alias::{Alias, alias};
use crate::model::ir::{Dist, ElemKind, Expr, FamilyCall, Index, Model, Role, Statement, StatementId};
use crate::report::Report;
use crate::syntax::ast::Loc;

/// One statement's share of the log-joint.
#[derive(Clone, Debug)]
pub struct StatementDensity {
    pub id: StatementId,
    pub role: Role,
    pub loc: Loc,
    pub line: usize,
    /// The plates: every index bound around the statement, with its range.
    pub vars: Vec<Var>,
    pub guards: Vec<Cond>,
    /// `repeat`: the copy weights.
    pub repeat: Vec<Elem>,
    /// The element it declares, at its plates.
    pub target: Elem,
    /// Finite latents whose value is an index here; for a finite latent target, the target itself is one of them.
    pub gathers: Vec<Gather>,
    /// More than one for `match`: exactly one applies.
    pub cases: Vec<Case>,
}

#[derive(Clone, Debug)]
pub struct Case {
    pub loc: Loc,
    pub when: Vec<Cond>,
    pub family: &'static Family,
    pub form: Form,
    /// What a residual does not hold: − log P(min ≤ X ≤ max) for a truncated family, and its log Jacobian.
    pub normaliser: Poly,
}

/// How a log density is written down.
#[derive(Clone, Debug)]
pub enum Form {
    /// A sum of terms.
    Terms(Poly),
    /// A Normal, as its weighted residual: −½ Σ Λ_de ρ_d ρ_e + ½ log det Λ − ½ D log 2π. The square is never expanded here.
    Normal(Residual),
    /// log [value = to]: a structural zero.
    Equal { value: Compared, to: Compared },
    /// Improper uniform: no term.
    Flat,
}

/// A value that is compared: an index, or a number.
#[derive(Clone, Debug)]
pub enum Compared {
    Index(Ix),
    Number(Poly),
}

#[derive(Clone, Debug)]
pub struct Residual {
    /// The component, for a vector.
    pub event: Option<Var>,
    /// ρ = value − mean, at `event`; of a LogNormal, the logarithm of the value takes its place.
    pub rho: Poly,
    pub scale: Scale,
    /// log |dρ / dvalue|
    pub log_jacobian: Poly,
}

#[derive(Clone, Debug)]
pub enum Scale {
    /// The precision of each component, a function of `event` where it differs.
    Diagonal(Poly),
    /// `factor` · M⁻¹ is the precision (M a covariance), or `factor` · M (M a precision).
    Dense { factor: Poly, matrix: MatrixRef, inverse: bool },
}

/// What a family's log density is written in terms of.
pub struct Args<'a> {
    pub lower: &'a Lower<'a>,
    call: &'a FamilyCall,
    target: Elem,
    kind: &'a ElemKind,
    axes: Vec<Var>,
}

impl Args<'_> {
    pub fn has(&self, name: &str) -> bool {
        self.call.arg(name).is_some()
    }

    fn expr(&self, name: &str) -> Lowered<&Expr> {
        self.call.arg(name).ok_or_else(|| crate::diagnostics::density::missing_argument(self.call.loc, name))
    }

    pub fn scalar(&self, name: &str) -> Lowered {
        self.lower.component(self.expr(name)?, &[])
    }

    pub fn at(&self, name: &str, ix: &Ix) -> Lowered {
        self.lower.component(self.expr(name)?, std::slice::from_ref(ix))
    }

    /// The value, where it is one number.
    pub fn value(&self) -> Poly {
        if self.kind.is_finite() {
            Poly::index(&self.value_index())
        } else {
            Poly::elem(self.target.array, self.target.indices.clone())
        }
    }

    /// The value, where it is a category.
    pub fn value_index(&self) -> Ix {
        self.lower.value_of(&self.target)
    }

    pub fn is_finite(&self) -> bool {
        self.kind.is_finite()
    }

    /// The number of categories of the value, or of the components of an axis.
    pub fn states(&self) -> Ix {
        match self.kind {
            ElemKind::Category(extent) => length(&extent.length, &self.target.indices),
            ElemKind::Bool
            | ElemKind::Real
            | ElemKind::Positive
            | ElemKind::Unit
            | ElemKind::Count
            | ElemKind::Counts(_)
            | ElemKind::Simplex(_)
            | ElemKind::Ordered(_)
            | ElemKind::Vector(_)
            | ElemKind::Matrix(..)
            | ElemKind::SymPos(_) => Ix::constant(2),
        }
    }

    /// Event axes of the value. A Count array under a Multinomial has its last plate as one.
    pub fn axes(&self) -> &[Var] {
        &self.axes
    }

    pub fn value_at(&self, ix: &[Ix]) -> Poly {
        let mut indices = self.target.indices.clone();
        indices.extend_from_slice(ix);
        Poly::elem(self.target.array, indices)
    }

    /// The value as a matrix.
    pub fn value_matrix(&self) -> MatrixRef {
        let dim = self.axes.first().map_or(Ix::constant(1), |v| v.high.clone());
        MatrixRef { array: self.target.array, plates: self.target.indices.clone(), dim, cholesky: false }
    }

    pub fn matrix(&self, name: &str) -> Lowered<Matrix> {
        let e = self.expr(name)?;
        let dim = self.axes.first().map_or(Ix::constant(1), |v| v.high.clone());
        if let Some(d) = self.lower.diagonal(e) {
            if super::lower::rank(&d.ty) == 0 {
                return Ok(Matrix::Scalar(self.lower.component(d, &[])?));
            }
            let var = self.axes.first().cloned();
            let at = var.as_ref().map(Ix::var).unwrap_or_default();
            let p = self.lower.component(d, std::slice::from_ref(&at))?;
            return Ok(Matrix::Diagonal(Box::new(move |i| {
                Ok(match &var {
                    Some(v) => p.substitute(v, i),
                    None => p.clone(),
                })
            })));
        }
        let (factor, matrix) = self.lower.matrix(e, &dim)?;
        match matrix {
            Some(matrix) => {
                Ok(Matrix::Dense { factor, matrix: MatrixRef { cholesky: name == "chol", ..matrix } })
            }
            None => Ok(Matrix::Scalar(factor)),
        }
    }

    pub fn log(&self, p: &Poly) -> Poly {
        self.lower.log(p)
    }

    pub fn lgamma(&self, p: &Poly) -> Poly {
        self.lower.lgamma(p)
    }

    /// The bounds of a truncation; an open side is ∓∞.
    pub fn bounds(&self) -> Lowered<Option<(Poly, Poly)>> {
        if self.call.min.is_none() && self.call.max.is_none() {
            return Ok(None);
        }
        let side = |e: &Option<Expr>, sign: f64| match e {
            Some(e) => self.lower.component(e, &[]),
            None => Ok(Poly::infinity(sign)),
        };
        Ok(Some((side(&self.call.min, -1.0)?, side(&self.call.max, 1.0)?)))
    }

    pub fn copied(&self) -> Lowered<Compared> {
        let e = self.expr("value")?;
        if self.kind.is_finite() {
            return Ok(match self.lower.finite(e)? {
                Finite::Index(i) => Compared::Index(i),
                Finite::Cond(c) => Compared::Number(Poly::iverson(c)),
            });
        }
        Ok(Compared::Number(self.lower.component(e, &[])?))
    }
}

/// The log density of every statement that has one, in source order.
pub fn densities(model: &Model, report: &mut Report) -> Vec<StatementDensity> {
    let mut out = vec![];
    for s in &model.statements {
        if let Some(dist) = &s.dist {
            match density(model, s, dist) {
                Ok(d) => out.push(d),
                Err(mistake) => report.push(mistake),
            }
        }
    }
    out
}

fn density(model: &Model, s: &Statement, dist: &Dist) -> Lowered<StatementDensity> {
    let lower = Lower::new(model);
    let vars: Vec<Var> = s.binds.iter().map(|b| lower.bind(*b)).collect();
    lower.plates.replace(vars.clone());
    let guards = s.guards.iter().map(|g| lower.cond(g)).collect::<Lowered<Vec<_>>>()?;
    unify(model, s, &lower, &vars);
    let target = Elem { array: s.array, indices: s.target.iter().map(|i| lower.index(i)).collect() };
    let repeat = s
        .repeat
        .iter()
        .map(|a| Elem { array: a.array, indices: a.indices.iter().map(|i| lower.index(i)).collect() })
        .collect();
    let array = &model.arrays[s.array.0];
    if array.elem.kind.is_finite() && is_hidden(model, s.array) {
        // The target's own index comes first, so that it takes the plain name.
        lower.value_of(&target);
    }
    let cases = match dist {
        Dist::Family(call) => vec![case(model, s, &lower, call, &target, vec![])?],
        Dist::Match { on, arms, .. } => {
            let on = lower.finite(on)?;
            let mut before: Vec<Cond> = vec![];
            let mut cases = vec![];
            for arm in arms {
                let when = match arm.value {
                    Some(v) => {
                        let here = match &on {
                            Finite::Index(i) => Cond::Compare(Cmp::Eq, i.clone(), Ix::constant(v as i64)),
                            Finite::Cond(c) if v == 1 => c.clone(),
                            Finite::Cond(c) => Cond::Not(Box::new(c.clone())),
                        };
                        before.push(here.clone());
                        vec![here]
                    }
                    None => before.iter().map(|c| Cond::Not(Box::new(c.clone()))).collect(),
                };
                cases.push(case(model, s, &lower, &arm.call, &target, when)?);
            }
            cases
        }
    };
    let gathers = lower.gathers.borrow().clone();
    if let Some(mistake) = lower.gathered_in_sum(s.loc) {
        return Err(mistake);
    }
    Ok(StatementDensity {
        id: s.id,
        role: s.role,
        loc: s.loc,
        line: s.line,
        vars,
        guards,
        repeat,
        target,
        gathers,
        cases,
    })
}

/// Indices of an observed statement that its guards make equal become one, so that what is read at both is one element. The guards
/// themselves stay as they are.
fn unify(model: &Model, s: &Statement, lower: &Lower, vars: &[Var]) {
    if s.role != Role::Observed || is_hidden(model, s.array) || s.guards.is_empty() {
        return;
    }
    let at = |n: usize| Index::bound(s.loc, s.binds[n]);
    for n in 1..s.binds.len() {
        let first = (0..n).find(|m| alias(model, &[at(*m)], &[at(n)], &s.guards, true) == Alias::Same);
        if let Some(m) = first {
            lower.bind_to(s.binds[n], Ix::var(&vars[m]));
        }
    }
}

fn case(
    model: &Model,
    s: &Statement,
    lower: &Lower,
    call: &FamilyCall,
    target: &Elem,
    when: Vec<Cond>,
) -> Lowered<Case> {
    let array = &model.arrays[s.array.0];
    let mut extents: Vec<_> = array.elem.kind.axes().into_iter().cloned().collect();
    extents.extend(array.plates.iter().skip(target.indices.len()).cloned());
    let mut axes: Vec<Var> = vec![];
    for e in &extents {
        // The two axes of a matrix need two names.
        let fallback = if axes.is_empty() { "d" } else { "e" };
        let mut v = lower.axis(e, &target.indices, fallback);
        if axes.iter().any(|a| a.name == v.name) {
            v = Var::new(format!("{}′", v.name), v.nominal, v.low.clone(), v.high.clone());
        }
        axes.push(v);
    }
    let axes_are_empty = axes.is_empty();
    let args = Args { lower, call, target: target.clone(), kind: &array.elem.kind, axes };
    let form = (call.family.log_density)(&args)?;
    let mut normaliser = match args.bounds()? {
        Some((low, high)) => {
            let mut unknown = None;
            let mut see = |e: &Elem| {
                if is_unknown(model, e.array) {
                    unknown = Some(e.array);
                }
            };
            low.visit_elems(&mut see);
            high.visit_elems(&mut see);
            if let Some(a) = unknown {
                return Err(mistakes::unknown_bound(call.loc, &model.arrays[a.0].name.to_string()));
            }
            // Where a state decides, data may lie outside of its bounds; elsewhere they were checked when they arrived.
            let states: Vec<Var> = lower.gathers.borrow().iter().map(|g| g.var.clone()).collect();
            let decided = !when.is_empty() || states.iter().any(|s| low.mentions(s) || high.mentions(s));
            let known = s.role == Role::Observed && !array.elem.kind.is_finite() && axes_are_empty;
            let inside = match decided && known {
                true => Poly::apply(Func::LogInside, vec![args.value(), low.clone(), high.clone()]),
                false => Poly::zero(),
            };
            inside.sub(&(call.family.log_interval)(&args, &low, &high)?)
        }
        None => Poly::zero(),
    };
    if let Form::Normal(r) = &form {
        normaliser = normaliser.add(&r.log_jacobian);
    }
    Ok(Case { loc: call.loc, when, family: call.family, form, normaliser })
}

impl Residual {
    /// The terms of the log density, with the square expanded. For reasoning only.
    pub fn expand(&self, lower_log: &dyn Fn(&Poly) -> Poly) -> Poly {
        let half_log_two_pi = 0.5 * (2.0 * std::f64::consts::PI).ln();
        match &self.scale {
            Scale::Diagonal(prec) => {
                let square = self.rho.mul(&self.rho).mul(prec).scale(-0.5);
                let one = square.add(&lower_log(prec).scale(0.5)).add(&Poly::number(-half_log_two_pi));
                match &self.event {
                    Some(v) => one.sum_over(v, &Cond::Always),
                    None => one,
                }
            }
            Scale::Dense { factor, matrix, inverse } => {
                let Some(d) = &self.event else { return Poly::zero() };
                let e = d.twin();
                let entry = precision_entry(matrix, *inverse, &Ix::var(d), &Ix::var(&e));
                let rho_e = self.rho.substitute(d, &Ix::var(&e));
                let square = self.rho.mul(&rho_e).mul(&entry).mul(factor).scale(-0.5);
                let dim = Poly::index(&d.high);
                let sign = if *inverse { -0.5 } else { 0.5 };
                square
                    .sum_over(&e, &Cond::Always)
                    .sum_over(d, &Cond::Always)
                    .add(&log_det(matrix).scale(sign))
                    .add(&lower_log(factor).mul(&dim).scale(0.5))
                    .add(&dim.scale(-half_log_two_pi))
            }
        }
    }
}

/// log det of a matrix; of one given by its Cholesky factor, twice the log of the diagonal.
pub fn log_det(m: &MatrixRef) -> Poly {
    Poly::factor(Factor::LogDet(m.clone()))
}

/// An entry of a precision matrix, or of the inverse of a covariance.
pub fn precision_entry(m: &MatrixRef, inverse: bool, i: &Ix, j: &Ix) -> Poly {
    if inverse {
        return Poly::factor(Factor::Inverse(m.clone(), i.clone(), j.clone()));
    }
    matrix_entry(m, i, j)
}

pub fn matrix_entry(m: &MatrixRef, i: &Ix, j: &Ix) -> Poly {
    if m.cholesky {
        return Poly::factor(Factor::Gram(m.clone(), i.clone(), j.clone()));
    }
    let mut indices = m.plates.clone();
    indices.push(i.clone());
    indices.push(j.clone());
    Poly::elem(m.array, indices)
}

/// log Γ_d(x)
pub fn lgamma_d(dim: &Ix, x: &Poly) -> Poly {
    Poly::apply(Func::LGammaD, vec![Poly::index(dim), x.clone()])
}

/// The whole log density of a case as a sum of terms. `None` for structural zeros.
pub fn expand_case(case: &Case, log: &dyn Fn(&Poly) -> Poly) -> Option<Poly> {
    match &case.form {
        Form::Terms(p) => Some(p.add(&case.normaliser)),
        Form::Normal(r) => Some(r.expand(log).add(&case.normaliser)),
        Form::Equal { .. } => None,
        Form::Flat => Some(Poly::zero()),
    }
}
