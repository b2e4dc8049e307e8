//! Steps of a sweep: one for each update of the plan and for each block of shared latents.

use super::build::rows_of;
use super::locations::regression;
use super::maximise::{natural, newton, precision_power, prior_cases, scale_step};
use super::{
    Body, Kernel, MStep, MStepKind, Regression, RegressionRows, Slot, Stat, StatKind, is_random,
    is_unit_normal,
};
use crate::density::poly::{Exponent, Factor, Poly};
use crate::density::statement::{Form, StatementDensity};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{Array, ArrayId, ElemKind, Expr, ExprKind, Index, IndexTerm, Model, Statement};
use crate::plan::{Block, Maximise, Plan, Rule, Update};
use crate::report::Diagnostic;
use crate::syntax::ast::Compare;

pub fn steps(
    kernel: &Kernel,
    densities: &[StatementDensity],
    plan: &Plan,
    shared: &[&Block],
) -> Result<Vec<MStep>, Diagnostic> {
    let mut out = vec![];
    for update in &plan.updates {
        out.extend(steps_of(kernel, densities, update, None)?);
    }
    for (n, block) in shared.iter().enumerate() {
        for update in posterior_updates(kernel, densities, block)? {
            out.extend(steps_of(kernel, densities, &update, Some(n))?);
        }
    }
    Ok(out)
}

fn steps_of(
    kernel: &Kernel,
    densities: &[StatementDensity],
    update: &Update,
    block: Option<usize>,
) -> Result<Vec<MStep>, Diagnostic> {
    let kinds = match &update.rule {
        Maximise::Simplex => vec![natural(kernel, densities, update.params[0], vec![Slot::Log])?],
        Maximise::Unit => vec![natural(kernel, densities, update.params[0], vec![Slot::Log, Slot::Log1m])?],
        Maximise::PowerGamma { power } => {
            vec![natural(kernel, densities, update.params[0], vec![Slot::Log, Slot::Power(*power)])?]
        }
        Maximise::Regression { scale, joint } => {
            let locations: Vec<ArrayId> =
                update.params.iter().copied().filter(|a| Some(*a) != *scale).collect();
            let found = regression(kernel, densities, &locations, scale.filter(|_| *joint))?;
            if let Some(refusal) = without_code(kernel, &locations, &found, block.is_some()) {
                return Err(refusal);
            }
            let mut kinds = vec![MStepKind::Regression(found)];
            if let Some(s) = scale {
                kinds.push(scale_step(kernel, densities, *s)?);
            }
            if let (Some(MStepKind::Regression(r)), Some(s)) = (kinds.first(), scale)
                && block.is_some()
                && r.rows.iter().any(|x| !x.design().is_linear())
            {
                let names: Vec<String> =
                    locations.iter().map(|a| kernel.model.arrays[a.0].name.to_string()).collect();
                let loc = kernel.model.statements[kernel.model.arrays[s.0].pieces[0].0].loc;
                return Err(mistakes::no_engine(
                    loc,
                    &names.join(", "),
                    "a product of unknowns with a shared scale",
                ));
            }
            if let (Some(MStepKind::Regression(r)), Some(s)) = (kinds.first(), scale)
                && block.is_some()
                && *joint
                && r.scale.is_none()
            {
                let array = &kernel.model.arrays[s.0];
                let loc = kernel.model.statements[array.pieces[0].0].loc;
                return Err(mistakes::no_engine(
                    loc,
                    &array.name.to_string(),
                    "rows of several shapes under one scale",
                ));
            }
            if let (Some(MStepKind::Regression(r)), Some(_)) = (kinds.first(), block)
                && let Some(a) = r.arrays.iter().find(|a| kernel.is_cut(**a))
                && !one_by_one(kernel, r, *a)
            {
                let array = &kernel.model.arrays[a.0];
                let loc = kernel.model.statements[array.pieces[0].0].loc;
                let rule = "a joint posterior of elements that `constrain` cuts off";
                return Err(mistakes::no_engine(loc, &array.name.to_string(), rule));
            }
            if let (Some(MStepKind::Regression(r)), Some(_)) = (kinds.first(), block)
                && let Some(a) = scaled_by_component(kernel, r)
            {
                let array = &kernel.model.arrays[a.0];
                let loc = kernel.model.statements[array.pieces[0].0].loc;
                return Err(mistakes::no_engine(loc, &array.name.to_string(), "a scale for each component"));
            }
            kinds
        }
        Maximise::Scale => {
            update.params.iter().map(|a| scale_step(kernel, densities, *a)).collect::<Result<_, _>>()?
        }
        Maximise::Newton => vec![newton(kernel, densities, &update.params)?],
    };
    Ok(kinds.into_iter().map(|kind| MStep { kind, block }).collect())
}

/// The natural parameters of a block's posterior are gathered as for its mode; what is taken of them differs.
fn posterior_updates(
    kernel: &Kernel,
    densities: &[StatementDensity],
    block: &Block,
) -> Result<Vec<Update>, Diagnostic> {
    let names: Vec<String> =
        block.latents.iter().map(|a| kernel.model.arrays[a.0].name.to_string()).collect();
    let refuse = |rule: &str| mistakes::no_engine(block.loc, &names.join(", "), rule);
    if block.each {
        return Err(refuse("updates of one element at a time"));
    }
    let shared = |a: &&ArrayId| !is_unit_normal(kernel.model, **a);
    let arrays = || block.latents.iter().filter(shared).map(|a| &kernel.model.arrays[a.0]);
    let stacked =
        |a: &ArrayId| super::chains::is_gaussian_in(block, *a) && has_plain_rows(&kernel.model.arrays[a.0]);
    if block.latents.iter().filter(shared).any(|a| is_ragged(&kernel.model.arrays[a.0]) && !stacked(a)) {
        return Err(refuse("a posterior over a ragged plate"));
    }
    if arrays().any(|a| has_holes(kernel.model, a)) {
        return Err(refuse("a posterior of an array with holes"));
    }
    let within = |a: ArrayId| {
        let array = &kernel.model.arrays[a.0];
        let number = matches!(array.elem.kind, ElemKind::Real);
        mistakes::within_bounds(block.loc, &array.name.to_string(), number && block.latents.len() == 1)
    };
    let mut locations = vec![];
    let mut whitened: Option<ArrayId> = None;
    let mut out = vec![];
    for step in &block.trace {
        match &step.rule {
            // A chain is eliminated unit by unit: what is left here is its scale.
            Rule::GaussianScan { .. } if step.latents.iter().all(|a| is_unit_normal(kernel.model, *a)) => {}
            Rule::Gaussian { whitened_by, .. } | Rule::GaussianScan { whitened_by, .. } => {
                locations.extend(&step.latents);
                whitened = whitened.or(*whitened_by);
            }
            Rule::Family { family } if crate::plan::statistics::is_cut(family) => {
                let [a] = block.latents.as_slice() else {
                    return Err(refuse("the joint posterior of latents within bounds"));
                };
                if !kernel.is_cut(*a) {
                    return Err(within(*a));
                }
                locations.push(*a);
            }
            Rule::Family { .. } => {
                for a in step.latents.iter().filter(|a| whitened != Some(**a)) {
                    let rule = match &kernel.model.arrays[a.0].elem.kind {
                        ElemKind::Simplex(_) => Maximise::Simplex,
                        ElemKind::Unit => Maximise::Unit,
                        ElemKind::Positive => {
                            let power = statistic_power(kernel, densities, *a).unwrap_or(Exponent::ONE);
                            Maximise::PowerGamma { power }
                        }
                        ElemKind::SymPos(_) => Maximise::Scale,
                        // One number under a Normal prior, met by residuals.
                        ElemKind::Real | ElemKind::Vector(_) => {
                            locations.push(*a);
                            continue;
                        }
                        ElemKind::Bool
                        | ElemKind::Count
                        | ElemKind::Counts(_)
                        | ElemKind::Category(_)
                        | ElemKind::Ordered(_)
                        | ElemKind::Matrix(..) => return Err(refuse("this posterior")),
                    };
                    out.push(Update { params: vec![*a], rule });
                }
            }
            Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. } => {
                return Err(refuse("this posterior"));
            }
        }
    }
    let bounded = |a: &ArrayId| {
        let e = &kernel.model.arrays[a.0].elem;
        e.min.is_some() || e.max.is_some()
    };
    if let Some(a) = block.latents.iter().find(|a| bounded(a)) {
        return Err(within(*a));
    }
    if !locations.is_empty() {
        if locations.iter().any(|a| kernel.model.arrays[a.0].symmetric) {
            return Err(refuse("the Normal of a symmetric array"));
        }
        if locations.iter().any(|a| matches!(kernel.model.arrays[a.0].elem.kind, ElemKind::Matrix(..))) {
            return Err(refuse("the posterior of a matrix"));
        }
        let params: Vec<ArrayId> = locations.iter().copied().chain(whitened).collect();
        out.insert(
            0,
            Update { params, rule: Maximise::Regression { scale: whitened, joint: whitened.is_some() } },
        );
    } else if let Some(s) = whitened {
        out.push(Update { params: vec![s], rule: Maximise::Scale });
    }
    Ok(out)
}

/// Whether every element of a location is a copy of its own, numbered as the elements are.
fn one_by_one(kernel: &Kernel, r: &Regression, a: ArrayId) -> bool {
    let stands = r.rows.iter().flat_map(|x| &x.design().regressors).flat_map(|x| x.elems());
    let mut own = stands.filter(|e| e.array == a);
    let batch = |e: &crate::density::symbol::Elem| {
        e.indices.len() == r.batch.len() && e.indices.iter().zip(&r.batch).all(|(i, b)| i.as_var() == Some(b))
    };
    r.arrays.as_slice() == [a]
        && r.scale.is_none()
        && r.batch.len() == kernel.model.arrays[a.0].plates.len()
        && own.all(batch)
}

/// What is said of the locations of a regression that has no code; `of_posterior` are those of latents.
fn without_code(
    kernel: &Kernel,
    locations: &[ArrayId],
    found: &Regression,
    of_posterior: bool,
) -> Option<Diagnostic> {
    let model = kernel.model;
    let array = &model.arrays[locations[0].0];
    let (name, loc) = (&array.name, model.statements[array.pieces[0].0].loc);
    if of_posterior {
        let ragged = found.batch.iter().any(|v| v.high.has_vars());
        return ragged
            .then(|| mistakes::no_engine(loc, &name.to_string(), "a posterior over a ragged plate"));
    }
    let uncertain = |x: &&RegressionRows| {
        let products = x.design().regressors.iter().filter(|r| !r.others.is_empty());
        x.dense.is_some() && products.flat_map(|r| r.elems()).any(|e| is_random(model, e.array))
    };
    let (_, matrix, _) = found.rows.iter().find(uncertain)?.dense.as_ref()?;
    let matrix = &model.arrays[matrix.array.0].name;
    Some(mistakes::not_generated(
        loc,
        &format!("`{name}` times a shared latent, under the matrix `{matrix}`"),
        &format!(
            "give `{name}` values (`given`), or each component a variance of its own in place of `{matrix}`"
        ),
    ))
}

/// Whether a length depends on where one stands on another axis.
fn is_dependent(length: &Index) -> bool {
    length.terms.iter().any(|(_, t)| match t {
        IndexTerm::Axis(_) => true,
        IndexTerm::Size(_, subscripts) => !subscripts.is_empty(),
        IndexTerm::Bound(_) | IndexTerm::Read(_) => false,
    })
}

fn is_ragged(a: &Array) -> bool {
    a.plates.iter().any(|e| is_dependent(&e.length))
}

/// Whether what is ragged of an array is that each position of its first index has a row of its own length.
fn has_plain_rows(a: &Array) -> bool {
    let first = |i: &Index| i.offset == 0 && matches!(i.terms.as_slice(), [(1, IndexTerm::Axis(0))]);
    let row = |i: &Index| {
        let [(1, IndexTerm::Size(_, subscripts))] = i.terms.as_slice() else { return false };
        i.offset == 0 && matches!(subscripts.as_slice(), [at] if first(at))
    };
    let axes = a.plates.iter().chain(a.elem.kind.axes());
    axes.enumerate().all(|(n, e)| !is_dependent(&e.length) || n == 1 && row(&e.length))
}

/// A sum that is kept for every element of a ragged plate: only moments of Normals are.
pub(super) fn ragged_sum(kernel: &Kernel, densities: &[StatementDensity]) -> Option<Diagnostic> {
    let ragged = |s: &&Stat| {
        let ragged = s.cells.iter().any(|c| c.var.high.has_vars());
        let tabled = || kernel.tabled().flat_map(|(_, c)| &c.rows).any(|r| r.statement == s.statement);
        ragged
            && match s.kind {
                StatKind::Moments { .. } => false,
                StatKind::Sum(_) => tabled(),
                StatKind::Taylor { .. } => true,
            }
    };
    let stat = kernel.stats.iter().find(ragged)?;
    let d = densities.iter().find(|d| d.id == stat.statement)?;
    let name = kernel.model.arrays[d.target.array.0].name.to_string();
    Some(mistakes::no_engine(d.loc, &name, "statistics for each element of a ragged plate"))
}

/// Whether some element has no statement, and so neither prior nor posterior.
pub(super) fn has_holes(model: &Model, a: &Array) -> bool {
    let pieces = || a.pieces.iter().map(|p| &model.statements[p.0]);
    let begins = |ix: &Index| match ix.terms.as_slice() {
        [] => ix.offset == 0,
        [(1, IndexTerm::Bound(i))] => {
            let low = &model.indices[i.0].low;
            low.terms.is_empty() && low.offset + ix.offset == 0
        }
        _ => true,
    };
    // The guard of a fixed index says no more than that the axis is as long.
    let exists = |s: &Statement, guard: &Expr| {
        a.plates.iter().zip(&s.target).any(|(extent, at)| {
            let length = extent.length.at_position(&s.target);
            let ExprKind::Compare(Compare::Lt, low, high) = &guard.kind else { return false };
            let same =
                matches!(&high.kind, ExprKind::Index(i) if i.plus(-1, &length).as_constant() == Some(0));
            same && matches!(low.kind, ExprKind::Int(n) if at.as_constant() == Some(n))
        })
    };
    let leaves_out = |s: &Statement| !s.binds.is_empty() && !s.guards.iter().all(|g| exists(s, g));
    !a.symmetric && pieces().any(leaves_out)
        || (0..a.plates.len()).any(|axis| !pieces().any(|s| s.target.get(axis).is_none_or(begins)))
}

/// The power in which a positive unknown stands, besides its logarithm.
fn statistic_power(kernel: &Kernel, densities: &[StatementDensity], a: ArrayId) -> Option<Exponent> {
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
            if let Body::Terms(t) = &c.body {
                t.separable.iter().for_each(|s| see(&s.params));
            }
        }
    }
    for (_, case) in prior_cases(kernel, densities) {
        if let Form::Terms(p) = &case.form {
            see(p);
        }
    }
    precision_power(kernel, densities, a).or(found)
}

/// A vector whose components have scales of their own: its marginal is no Student-t of vectors.
fn scaled_by_component(kernel: &Kernel, r: &Regression) -> Option<ArrayId> {
    let scale = r.scale.as_ref()?;
    r.rows.iter().flat_map(|x| &x.design().regressors).flat_map(|x| x.elems()).find_map(|e| {
        let vector = matches!(kernel.model.arrays[e.array.0].elem.kind, ElemKind::Vector(_));
        let component = e.indices.last()?.as_var()?;
        (vector && r.arrays.contains(&e.array) && scale.indices.iter().any(|i| i.mentions(component)))
            .then_some(e.array)
    })
}
