//! M-steps: for each update of the plan, where its natural parameters come from.

use super::build::rows_of;
use super::hoists::half_log;
use super::split::Splitter;
use super::{
    Body, Cell, Contribution, DenseResidual, Kernel, MStepKind, MatrixResidual, MatrixSource, Slot, Source,
    Terms, is_param,
};
use crate::density::normal_form::as_elem;
use crate::density::poly::{Exponent, Factor, Func, Num, Poly, Term};
use crate::density::statement::{Form, Scale, StatementDensity};
use crate::density::symbol::{Cond, Ix, Var};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{ArrayId, ElemKind, StatementId};
use crate::report::Diagnostic;

fn loc_of(kernel: &Kernel, a: ArrayId) -> crate::syntax::ast::Loc {
    let array = &kernel.model.arrays[a.0];
    array.pieces.first().map_or(array.name.span().into(), |p| kernel.model.statements[p.0].loc)
}

pub(super) fn scale_step(
    kernel: &Kernel,
    densities: &[StatementDensity],
    a: ArrayId,
) -> Result<MStepKind, Diagnostic> {
    match kernel.model.arrays[a.0].elem.kind {
        ElemKind::SymPos(_) => matrix(kernel, densities, a),
        ElemKind::Positive
        | ElemKind::Unit
        | ElemKind::Real
        | ElemKind::Bool
        | ElemKind::Count
        | ElemKind::Counts(_)
        | ElemKind::Category(_)
        | ElemKind::Simplex(_)
        | ElemKind::Ordered(_)
        | ElemKind::Vector(_)
        | ElemKind::Matrix(..) => {
            let power = precision_power(kernel, densities, a).unwrap_or(Exponent::int(-1));
            natural(kernel, densities, a, vec![Slot::Log, Slot::Power(power)])
        }
    }
}

/// The power of a scale inside the precisions it is part of.
pub(super) fn precision_power(
    kernel: &Kernel,
    densities: &[StatementDensity],
    a: ArrayId,
) -> Option<Exponent> {
    let mut found = None;
    let mut see = |p: &Poly| {
        for (f, e) in p.0.iter().flat_map(|t| &t.factors) {
            if matches!(f, Factor::Elem(x) if x.array == a) {
                found = found.or(Some(*e));
            }
        }
    };
    for (_, rows) in rows_of(kernel) {
        for c in &rows.cases {
            match &c.body {
                Body::Scalar(r) => see(&r.precision),
                Body::Dense(r) => see(&r.factor),
                Body::Terms(_) | Body::Equal { .. } => {}
            }
        }
    }
    for d in densities {
        for c in &d.cases {
            if let Form::Normal(r) = &c.form {
                match &r.scale {
                    Scale::Diagonal(p) => see(p),
                    Scale::Dense { factor, .. } => see(factor),
                }
            }
        }
    }
    found
}

/// Every place where an array's own statistic stands, with the rest of its monomial.
pub(super) fn natural(
    kernel: &Kernel,
    densities: &[StatementDensity],
    a: ArrayId,
    slots: Vec<Slot>,
) -> Result<MStepKind, Diagnostic> {
    let mut terms = vec![];
    let refuse = || {
        mistakes::not_generated(
            loc_of(kernel, a),
            "this way of maximising it",
            "give it a conjugate prior, or none",
        )
    };
    for (_, rows) in rows_of(kernel) {
        for case in &rows.cases {
            match &case.body {
                Body::Terms(t) => from_separable(kernel, t, a, &slots, &mut terms).ok_or_else(refuse)?,
                Body::Scalar(r) => {
                    from_separable(kernel, &r.normaliser, a, &slots, &mut terms).ok_or_else(refuse)?;
                    if mentions(&r.precision, a) {
                        let (own, slot, rest) =
                            own_factor(&r.precision.0[0], a, &slots).ok_or_else(refuse)?;
                        let cells = &kernel.stats[r.moments].cells;
                        let at: Vec<Ix> = cells.iter().map(|c| Ix::var(&c.var)).collect();
                        let over = vars(cells);
                        terms.push(Contribution {
                            over: over.clone(),
                            guards: vec![],
                            target: own.clone(),
                            slot,
                            coefficient: rest.scale(-0.5),
                            source: Source::Residual {
                                stat: r.moments,
                                at: at.clone(),
                                design: r.design.clone(),
                            },
                            prior: None,
                        });
                        log_part(
                            kernel,
                            &half_log(kernel.model, &r.precision),
                            a,
                            &slots,
                            &over,
                            &[],
                            &mut terms,
                            None,
                            &|| match r.count {
                                Some(stat) => Source::Sum { stat, at: at.clone() },
                                None => Source::Count { stat: r.moments, at: at.clone() },
                            },
                        );
                    }
                }
                Body::Dense(r) => {
                    super::forms::of_data(kernel, r, a, &slots, &mut terms).ok_or_else(refuse)?
                }
                Body::Equal { .. } => {}
            }
        }
    }
    for (d, case) in prior_cases(kernel, densities) {
        let mut over = d.vars.clone();
        let guards = d.guards.clone();
        match &case.form {
            Form::Terms(p) => {
                from_prior(kernel, &p.add(&case.normaliser), a, &slots, &over, &guards, &mut terms, d.id)
                    .ok_or_else(refuse)?
            }
            Form::Normal(r) => {
                from_prior(kernel, &case.normaliser, a, &slots, &over, &guards, &mut terms, d.id)
                    .ok_or_else(refuse)?;
                super::forms::of_prior(kernel, d, r, a, &slots, &mut terms).ok_or_else(refuse)?;
                if let Scale::Diagonal(prec) = &r.scale
                    && mentions(prec, a)
                {
                    over.extend(r.event.clone());
                    let design = Splitter::row_design(kernel.model, &r.rho, &[]).ok_or_else(refuse)?;
                    let (own, slot, rest) = own_factor(&prec.0[0], a, &slots).ok_or_else(refuse)?;
                    terms.push(Contribution {
                        over: over.clone(),
                        guards: guards.clone(),
                        target: own,
                        slot,
                        coefficient: rest.scale(-0.5),
                        source: Source::Square { rho: r.rho.clone(), design: design.clone() },
                        prior: Some(d.id),
                    });
                    log_part(
                        kernel,
                        &half_log(kernel.model, prec),
                        a,
                        &slots,
                        &over,
                        &guards,
                        &mut terms,
                        Some(d.id),
                        &|| Source::Prior,
                    );
                }
            }
            Form::Equal { .. } | Form::Flat => {}
        }
    }
    Ok(MStepKind::Natural { array: a, slots, terms })
}

pub(super) fn prior_cases<'d>(
    kernel: &'d Kernel,
    densities: &'d [StatementDensity],
) -> impl Iterator<Item = (&'d StatementDensity, &'d crate::density::statement::Case)> {
    densities
        .iter()
        .filter(|d| kernel.priors.contains(&d.id))
        .flat_map(|d| d.cases.iter().map(move |c| (d, c)))
}

pub(super) fn vars(cells: &[Cell]) -> Vec<Var> {
    cells.iter().map(|c| c.var.clone()).collect()
}

pub(super) fn mentions(p: &Poly, a: ArrayId) -> bool {
    let mut found = false;
    p.visit_elems(&mut |e| found |= e.array == a);
    found
}

fn from_separable(
    kernel: &Kernel,
    t: &Terms,
    a: ArrayId,
    slots: &[Slot],
    out: &mut Vec<Contribution>,
) -> Option<()> {
    for s in &t.separable {
        if mentions(&s.params, a) {
            let (target, slot, coefficient) = own_factor(&s.params.0[0], a, slots)?;
            let cells = &kernel.stats[s.stat].cells;
            let at = cells.iter().map(|c| Ix::var(&c.var)).collect();
            out.push(Contribution {
                over: vars(cells),
                guards: s.guards(cells),
                target,
                slot,
                coefficient,
                source: Source::Sum { stat: s.stat, at },
                prior: None,
            });
        }
    }
    Some(())
}

fn from_prior(
    kernel: &Kernel,
    p: &Poly,
    a: ArrayId,
    slots: &[Slot],
    over: &[Var],
    guards: &[Cond],
    out: &mut Vec<Contribution>,
    prior: StatementId,
) -> Option<()> {
    for t in &p.0 {
        let one = Poly(vec![t.clone()]);
        if !mentions(&one, a) {
            continue;
        }
        let (target, slot, coefficient) = own_factor(t, a, slots)?;
        if coefficient.0.iter().any(|t| t.factors.iter().any(|(f, _)| mixes_own(kernel, f, a))) {
            return None;
        }
        let mut over = over.to_vec();
        over.extend(t.sums.iter().cloned());
        let mut guards = guards.to_vec();
        guards.extend(t.guard.iter().cloned());
        out.push(Contribution {
            over,
            guards,
            target,
            slot,
            coefficient,
            source: Source::Prior,
            prior: Some(prior),
        });
    }
    Some(())
}

fn mixes_own(_: &Kernel, f: &Factor, a: ArrayId) -> bool {
    let mut found = false;
    f.visit_elems(&mut |e| found |= e.array == a);
    found
}

#[allow(clippy::too_many_arguments, reason = "the pieces of one sum")]
pub(super) fn log_part(
    _: &Kernel,
    half: &Poly,
    a: ArrayId,
    slots: &[Slot],
    over: &[Var],
    guards: &[Cond],
    out: &mut Vec<Contribution>,
    prior: Option<StatementId>,
    source: &dyn Fn() -> Source,
) {
    for t in &half.0 {
        if let Some((target, slot, coefficient)) = own_factor(t, a, slots) {
            out.push(Contribution {
                over: over.to_vec(),
                guards: guards.to_vec(),
                target,
                slot,
                coefficient,
                source: source(),
                prior,
            });
        }
    }
}

/// The element's indices, which slot its statistic is, and the rest of the monomial.
pub(super) fn own_factor(t: &Term, a: ArrayId, slots: &[Slot]) -> Option<(Vec<Ix>, usize, Poly)> {
    let mut found = None;
    let mut rest = Term { factors: vec![], sums: vec![], guard: vec![], coef: Num(t.coef.0) };
    for (f, e) in &t.factors {
        let mut own = false;
        f.visit_elems(&mut |x| own |= x.array == a);
        if !own {
            rest.factors.push((f.clone(), *e));
            continue;
        }
        if found.is_some() {
            return None;
        }
        let (slot, indices) = match f {
            Factor::Elem(x) if x.array == a => (Slot::Power(*e), x.indices.clone()),
            Factor::Apply(Func::Log, args) if *e == Exponent::ONE => match as_elem(&args[0]) {
                Some(x) => (Slot::Log, x.indices),
                None => (Slot::Log1m, as_elem(&Poly::number(1.0).sub(&args[0]))?.indices),
            },
            Factor::LogDet(m) if *e == Exponent::ONE => (Slot::LogDet, m.plates.clone()),
            Factor::Inverse(m, i, j) if *e == Exponent::ONE => {
                let mut ix = m.plates.clone();
                ix.extend([i.clone(), j.clone()]);
                (Slot::Inverse, ix)
            }
            Factor::Elem(_)
            | Factor::Apply(..)
            | Factor::LogDet(_)
            | Factor::Inverse(..)
            | Factor::Index(_)
            | Factor::Gram(..)
            | Factor::Iverson(_)
            | Factor::Paren(_)
            | Factor::Product(..)
            | Factor::Infinity => return None,
        };
        // An entry of a matrix param is its first power.
        let slot = if slot == Slot::Power(Exponent::ONE) && slots.contains(&Slot::Entry) {
            Slot::Entry
        } else {
            slot
        };
        found = Some((indices, slots.iter().position(|s| *s == slot)?));
    }
    found.map(|(indices, slot)| (indices, slot, Poly(vec![rest])))
}

/// A covariance or precision: log det and trace coefficients, and the scatter of residuals.
fn matrix(kernel: &Kernel, densities: &[StatementDensity], a: ArrayId) -> Result<MStepKind, Diagnostic> {
    let slots = vec![Slot::LogDet, Slot::Inverse, Slot::Entry];
    let refuse = || {
        mistakes::not_generated(
            loc_of(kernel, a),
            "this way of maximising a matrix",
            "give it a conjugate prior, or none",
        )
    };
    let mut terms = vec![];
    let mut residuals = vec![];
    let mut inverse = None;
    let mut orient = |inv: bool| -> bool { *inverse.get_or_insert(inv) == inv };
    for (_, rows) in rows_of(kernel) {
        for case in &rows.cases {
            match &case.body {
                Body::Dense(r) if r.matrix.array == a => {
                    if !orient(r.inverse) {
                        return Err(refuse());
                    }
                    dense_terms(kernel, r, &mut terms, &mut residuals);
                }
                Body::Terms(t) => {
                    from_separable(kernel, t, a, &slots, &mut terms).ok_or_else(refuse)?;
                }
                Body::Scalar(_) | Body::Dense(_) | Body::Equal { .. } => {}
            }
        }
    }
    for (d, case) in prior_cases(kernel, densities) {
        match &case.form {
            Form::Terms(p) => {
                from_prior(kernel, p, a, &slots, &d.vars, &d.guards, &mut terms, d.id).ok_or_else(refuse)?
            }
            Form::Normal(r) => {
                if let Scale::Dense { factor, matrix, inverse } = &r.scale
                    && matrix.array == a
                {
                    let Some(event) = &r.event else { return Err(refuse()) };
                    let design = Splitter::row_design(kernel.model, &r.rho, std::slice::from_ref(event))
                        .filter(|d| d.is_affine(kernel.model))
                        .ok_or_else(refuse)?;
                    if !orient(*inverse) {
                        return Err(refuse());
                    }
                    let sign = if *inverse { -0.5 } else { 0.5 };
                    terms.push(Contribution {
                        over: d.vars.clone(),
                        guards: d.guards.clone(),
                        target: matrix.plates.clone(),
                        slot: 0,
                        coefficient: Poly::number(sign),
                        source: Source::Prior,
                        prior: Some(d.id),
                    });
                    residuals.push(MatrixResidual {
                        over: d.vars.clone(),
                        guards: d.guards.clone(),
                        target: matrix.plates.clone(),
                        factor: factor.clone(),
                        source: MatrixSource::Prior {
                            event: event.clone(),
                            rho: r.rho.clone(),
                            design,
                            statement: d.id,
                        },
                    });
                }
            }
            Form::Equal { .. } | Form::Flat => {}
        }
    }
    for t in &terms {
        let inv = match slots[t.slot] {
            Slot::Inverse => true,
            Slot::Entry => false,
            Slot::LogDet | Slot::Log | Slot::Log1m | Slot::Power(_) => continue,
        };
        if !orient(inv) {
            return Err(refuse());
        }
    }
    Ok(MStepKind::Matrix { array: a, inverse: inverse.unwrap_or(true), terms, residuals })
}

fn dense_terms(
    kernel: &Kernel,
    r: &DenseResidual,
    terms: &mut Vec<Contribution>,
    residuals: &mut Vec<MatrixResidual>,
) {
    let cells = &kernel.stats[r.moments].cells;
    let at: Vec<Ix> = cells.iter().map(|c| Ix::var(&c.var)).collect();
    let sign = if r.inverse { -0.5 } else { 0.5 };
    terms.push(Contribution {
        over: vars(cells),
        guards: vec![],
        target: r.matrix.plates.clone(),
        slot: 0,
        coefficient: Poly::number(sign),
        source: match r.count {
            Some(stat) => Source::Sum { stat, at: at.clone() },
            None => Source::Count { stat: r.moments, at: at.clone() },
        },
        prior: None,
    });
    residuals.push(MatrixResidual {
        over: vars(cells),
        guards: vec![],
        target: r.matrix.plates.clone(),
        factor: r.factor.clone(),
        source: MatrixSource::Moments {
            stat: r.moments,
            at,
            design: r.design.clone(),
            event: r.event.clone(),
        },
    });
}

/// A smooth objective of a few arrays: every term they stand in.
pub(super) fn newton(
    kernel: &Kernel,
    densities: &[StatementDensity],
    arrays: &[ArrayId],
) -> Result<MStepKind, Diagnostic> {
    let refuse = || {
        mistakes::not_generated(
            loc_of(kernel, arrays[0]),
            "this way of maximising it",
            "hold it as a constant of the header, or give it a conjugate prior",
        )
    };
    let touches = |p: &Poly| arrays.iter().any(|a| mentions(p, *a));
    let mut terms = vec![];
    for (_, rows) in rows_of(kernel) {
        for case in &rows.cases {
            let parts = match &case.body {
                Body::Terms(t) => t,
                Body::Scalar(r) => {
                    if touches(&r.precision) || touches(&r.rho) {
                        // A residual enters through its square, in which locations may be unknown too, and through its count.
                        let cells = &kernel.stats[r.moments].cells;
                        let at: Vec<Ix> = cells.iter().map(|c| Ix::var(&c.var)).collect();
                        let over = vars(cells);
                        let source =
                            Source::Residual { stat: r.moments, at: at.clone(), design: r.design.clone() };
                        terms.push(smooth(over.clone(), r.precision.scale(-0.5), source));
                        let count = match r.count {
                            Some(stat) => Source::Sum { stat, at },
                            None => Source::Count { stat: r.moments, at },
                        };
                        if touches(&r.precision) {
                            terms.push(smooth(over, half_log(kernel.model, &r.precision), count));
                        }
                    }
                    &r.normaliser
                }
                Body::Dense(r) => {
                    if touches(&r.rho) || touches(&r.factor) || arrays.contains(&r.matrix.array) {
                        return Err(refuse());
                    }
                    continue;
                }
                Body::Equal { .. } => continue,
            };
            if let Some(p) = &parts.pointwise
                && touches(&p.value)
            {
                let cells = &kernel.stats[p.stat].cells;
                let at = cells.iter().map(|c| Ix::var(&c.var)).collect();
                terms.push(smooth(vars(cells), p.value.clone(), Source::Taylor { stat: p.stat, at }));
            }
            for s in &parts.separable {
                if touches(&s.params) {
                    let cells = &kernel.stats[s.stat].cells;
                    let at = cells.iter().map(|c| Ix::var(&c.var)).collect();
                    let mut c = smooth(vars(cells), s.params.clone(), Source::Sum { stat: s.stat, at });
                    c.guards = s.guards(cells);
                    terms.push(c);
                }
            }
        }
    }
    for (d, case) in prior_cases(kernel, densities) {
        let p = match &case.form {
            Form::Terms(p) => p.add(&case.normaliser),
            Form::Normal(r) => {
                let whole = r.expand(&|p| {
                    p.log(&|e| {
                        crate::density::normal_form::positive_kind(&kernel.model.arrays[e.array.0].elem.kind)
                    })
                });
                whole.add(&case.normaliser)
            }
            Form::Equal { .. } | Form::Flat => continue,
        };
        for t in &p.0 {
            let one = Poly(vec![Term { sums: vec![], guard: vec![], ..t.clone() }]);
            if touches(&one) {
                let mut c = smooth(d.vars.iter().chain(&t.sums).cloned().collect(), one, Source::Prior);
                c.guards = d.guards.iter().chain(&t.guard).cloned().collect();
                terms.push(c);
            }
        }
    }
    if arrays.iter().any(|a| !is_param(kernel.model, *a)) {
        return Err(refuse());
    }
    Ok(MStepKind::Newton { arrays: arrays.to_vec(), terms })
}

fn smooth(over: Vec<Var>, coefficient: Poly, source: Source) -> Contribution {
    Contribution { over, guards: vec![], target: vec![], slot: 0, coefficient, source, prior: None }
}
