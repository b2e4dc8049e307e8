//! Regressions: which residuals a group of locations stands in, and the indices the problem falls apart over.

use super::build::rows_of;
use super::maximise::{prior_cases, vars};
use super::split::Splitter;
use super::{Body, Design, Kernel, Regression, RegressionRows, RegressionSource};
use crate::density::poly::{Exponent, Factor, Poly, Term};
use crate::density::statement::{Form, Scale, StatementDensity};
use crate::density::symbol::{Cond, Elem, Ix, Var};
use crate::model::ir::ArrayId;
use crate::report::Diagnostic;

/// A residual that a regression takes part in, before the batch is known.
struct Candidate {
    over: Vec<Var>,
    guards: Vec<Cond>,
    precision: Poly,
    dense: Option<(Var, crate::density::poly::MatrixRef, bool)>,
    source: RegressionSource,
}

impl Candidate {
    fn design(&self) -> &Design {
        match &self.source {
            RegressionSource::Moments { design, .. } | RegressionSource::Prior { design, .. } => design,
        }
    }
}

pub(super) fn regression(
    kernel: &Kernel,
    densities: &[StatementDensity],
    arrays: &[ArrayId],
    profiled: Option<ArrayId>,
) -> Result<Regression, Diagnostic> {
    let mut found: Vec<Candidate> = vec![];
    let touches = |d: &Design| d.regressors.iter().any(|r| r.of(arrays).is_some());
    for (_, rows) in rows_of(kernel) {
        for case in &rows.cases {
            match &case.body {
                Body::Scalar(r) if touches(&r.design) => {
                    let cells = &kernel.stats[r.moments].cells;
                    found.push(Candidate {
                        over: vars(cells),
                        guards: vec![],
                        precision: r.precision.clone(),
                        dense: None,
                        source: RegressionSource::Moments {
                            stat: r.moments,
                            at: cells.iter().map(|c| Ix::var(&c.var)).collect(),
                            design: r.design.clone(),
                        },
                    });
                }
                Body::Dense(r) if touches(&r.design) => {
                    let cells = &kernel.stats[r.moments].cells;
                    found.push(Candidate {
                        over: vars(cells),
                        guards: vec![],
                        precision: r.factor.clone(),
                        dense: Some((r.event.clone(), r.matrix.clone(), r.inverse)),
                        source: RegressionSource::Moments {
                            stat: r.moments,
                            at: cells.iter().map(|c| Ix::var(&c.var)).collect(),
                            design: r.design.clone(),
                        },
                    });
                }
                Body::Scalar(_) | Body::Dense(_) | Body::Terms(_) | Body::Equal { .. } => {}
            }
        }
    }
    for (d, case) in prior_cases(kernel, densities) {
        let Form::Normal(r) = &case.form else { continue };
        let (target_over, mut over, precision, dense) = match &r.scale {
            Scale::Diagonal(p) => {
                (vec![], d.vars.iter().chain(&r.event).cloned().collect::<Vec<_>>(), p.clone(), None)
            }
            Scale::Dense { factor, matrix, inverse } => {
                let event = r.event.clone();
                let dense = event.clone().map(|e| (e, matrix.clone(), *inverse));
                (event.into_iter().collect(), d.vars.clone(), factor.clone(), dense)
            }
        };
        let Some(design) = Splitter::row_design(kernel.model, &r.rho, &target_over) else { continue };
        if touches(&design) {
            over.retain(|v| !target_over.contains(v));
            let source = RegressionSource::Prior { rho: r.rho.clone(), design, statement: d.id };
            found.push(Candidate { over, guards: d.guards.clone(), precision, dense, source });
        }
    }
    // A matrix that is not itself what was profiled out stays in the system.
    let outputs = match (profiled, found.iter().find_map(|c| c.dense.as_ref())) {
        (Some(scale), Some((event, matrix, _))) if matrix.array == scale => Some(event.clone()),
        (Some(_), Some(_)) | (None, _) | (_, None) => None,
    };
    let own = || found.iter().any(|c| c.design().is_by_component());
    if found.iter().any(|c| c.dense.is_some())
        && (outputs.is_none() || own() || found.iter().any(|c| c.dense.is_none()))
    {
        return dense_system(kernel, arrays, profiled, found);
    }
    let batch = batch(kernel, arrays, &mut found, outputs.as_ref())?;
    let (scale, power) = found
        .iter()
        .find_map(|c| scale_of(c, profiled?))
        .map_or((None, Exponent::ONE), |(e, power)| (Some(e), power));
    let rows = found
        .into_iter()
        .map(|c| RegressionRows {
            over: c.over.into_iter().filter(|v| !batch.contains(v)).collect(),
            guards: c.guards,
            precision: without(&c.precision, profiled),
            dense: c.dense,
            source: c.source,
        })
        .collect();
    Ok(Regression { arrays: arrays.to_vec(), batch, outputs, scale, power, rows })
}

/// Locations under covariances that do not cancel: all components of one element are solved together.
fn dense_system(
    kernel: &Kernel,
    arrays: &[ArrayId],
    profiled: Option<ArrayId>,
    mut found: Vec<Candidate>,
) -> Result<Regression, Diagnostic> {
    let batch = batch(kernel, arrays, &mut found, None)?;
    // A number that multiplies every precision cancels all the same.
    let common = |a: &ArrayId| {
        let reads = |c: &Candidate| {
            let mut found = false;
            c.precision.visit_elems(&mut |e| found |= e.array == *a);
            found
        };
        found.iter().all(reads)
    };
    let profiled = profiled.filter(common);
    let (scale, power) = found
        .iter()
        .find_map(|c| scale_of(c, profiled?))
        .map_or((None, Exponent::ONE), |(e, power)| (Some(e), power));
    let rows = found
        .into_iter()
        .map(|c| RegressionRows {
            over: c.over.into_iter().filter(|v| !batch.contains(v)).collect(),
            guards: c.guards,
            precision: without(&c.precision, profiled),
            dense: c.dense,
            source: c.source,
        })
        .collect();
    Ok(Regression { arrays: arrays.to_vec(), batch, outputs: None, scale, power, rows })
}

/// The scale in a precision, and its power there.
fn scale_of(c: &Candidate, scale: ArrayId) -> Option<(Elem, Exponent)> {
    if let Some((_, m, inverse)) = c.dense.as_ref().filter(|(_, m, _)| m.array == scale) {
        let power = if *inverse { Exponent::int(-1) } else { Exponent::ONE };
        return Some((Elem { array: m.array, indices: m.plates.clone() }, power));
    }
    c.precision.0.iter().flat_map(|t| &t.factors).find_map(|(f, power)| match f {
        Factor::Elem(e) if e.array == scale => Some((e.clone(), *power)),
        _ => None,
    })
}

/// The precision with the profiled scale taken out of it.
pub fn without(p: &Poly, scale: Option<ArrayId>) -> Poly {
    let terms = p.0.iter().map(|t| {
        let keep = |f: &Factor| !matches!((f, scale), (Factor::Elem(e), Some(s)) if e.array == s);
        Term { factors: t.factors.iter().filter(|(f, _)| keep(f)).cloned().collect(), ..t.clone() }
    });
    Poly(terms.collect())
}

/// Indices that every location of every residual carries at one axis each: the system falls apart over them.
///
/// The indices of the first residual stand for the batch; those of the others are renamed to them.
fn batch(
    kernel: &Kernel,
    arrays: &[ArrayId],
    found: &mut [Candidate],
    outputs: Option<&Var>,
) -> Result<Vec<Var>, Diagnostic> {
    let Some(first) = found.first() else { return Ok(vec![]) };
    let own = |d: &Design| -> Vec<(Elem, Vec<Var>)> {
        d.regressors.iter().filter_map(|r| Some((r.of(arrays)?.clone(), r.sums.clone()))).collect()
    };
    let mut candidates: Vec<(Var, Vec<(ArrayId, usize)>)> = vec![];
    let mine = own(first.design());
    for v in &first.over {
        if outputs == Some(v) {
            continue;
        }
        let mut axes: Vec<(ArrayId, usize)> = vec![];
        let everywhere =
            mine.iter().all(|(e, _)| match e.indices.iter().position(|i| i.as_var() == Some(v)) {
                Some(axis) => {
                    let known = axes.iter().find(|(a, _)| *a == e.array).map(|(_, x)| *x);
                    if known.is_none() {
                        axes.push((e.array, axis));
                    }
                    known.is_none_or(|x| x == axis)
                }
                None => false,
            });
        if everywhere && arrays.iter().all(|a| axes.iter().any(|(b, _)| a == b)) {
            candidates.push((v.clone(), axes));
        }
    }
    // Each other residual must carry one index of its own there.
    let mut batch = vec![];
    for (v, axes) in candidates {
        let mut renames = vec![];
        let ok = found.iter().enumerate().skip(1).all(|(n, c)| {
            let mut here: Option<Var> = None;
            let same = own(c.design()).iter().all(|(e, sums)| {
                let Some((_, axis)) = axes.iter().find(|(a, _)| *a == e.array) else { return false };
                match e.indices.get(*axis).and_then(Ix::as_var) {
                    Some(u) if c.over.contains(u) && !sums.contains(u) => {
                        let same = here.as_ref().is_none_or(|h| h == u);
                        here = Some(u.clone());
                        same
                    }
                    _ => false,
                }
            });
            match here {
                Some(u) if same => {
                    renames.push((n, u));
                    true
                }
                _ => false,
            }
        });
        if ok {
            for (n, u) in renames {
                rename(&mut found[n], &u, &v);
            }
            batch.push(v);
        }
    }
    let _ = kernel;
    Ok(batch)
}

fn rename(c: &mut Candidate, from: &Var, to: &Var) {
    let by = Ix::var(to);
    let swap = |v: &Var| if v == from { to.clone() } else { v.clone() };
    c.over = c.over.iter().map(swap).collect();
    // Lengths that count within it, too.
    let within: Vec<Var> = c.over.iter().filter(|v| v.high.mentions(from)).cloned().collect();
    for v in within {
        let new = Var::new(v.name.clone(), v.nominal, v.low.clone(), v.high.substitute(from, &by));
        rename(c, &v, &new);
    }
    c.guards = c.guards.iter().map(|g| g.substitute(from, &by)).collect();
    c.precision = c.precision.substitute(from, &by);
    if let Some((e, m, _)) = &mut c.dense {
        *e = swap(e);
        *m = m.substitute(from, &by);
    }
    let design = |d: &mut Design| {
        d.substitute(from, &by);
        for col in &mut d.columns {
            col.over = col.over.iter().map(swap).collect();
        }
    };
    match &mut c.source {
        RegressionSource::Moments { at, design: d, .. } => {
            *at = at.iter().map(|i| i.substitute(from, &by)).collect();
            design(d);
        }
        RegressionSource::Prior { rho, design: d, .. } => {
            *rho = rho.substitute(from, &by);
            design(d);
        }
    }
}
