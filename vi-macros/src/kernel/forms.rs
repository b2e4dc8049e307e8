//! A scale that multiplies a matrix, as in `prec: tau * P`: its part in the quadratic forms of vectors, and in their log determinants.

use super::hoists::half_log;
use super::maximise::{log_part, mentions, own_factor, vars};
use super::split::Splitter;
use super::{Contribution, DenseResidual, Kernel, Slot, Source};
use crate::density::statement::{Residual, Scale, StatementDensity};
use crate::density::symbol::Ix;
use crate::model::ir::ArrayId;

/// What a scale has in a residual of data; `None` where its statistic is none of the slots.
pub(super) fn of_data(
    kernel: &Kernel,
    r: &DenseResidual,
    a: ArrayId,
    slots: &[Slot],
    terms: &mut Vec<Contribution>,
) -> Option<()> {
    if !mentions(&r.factor, a) {
        return Some(());
    }
    let [factor] = r.factor.0.as_slice() else { return None };
    let (target, slot, rest) = own_factor(factor, a, slots)?;
    let cells = &kernel.stats[r.moments].cells;
    let at: Vec<Ix> = cells.iter().map(|c| Ix::var(&c.var)).collect();
    let mut over = vars(cells);
    terms.push(Contribution {
        over: over.clone(),
        guards: vec![],
        target,
        slot,
        coefficient: rest.scale(-0.5),
        source: Source::Form {
            stat: r.moments,
            at: at.clone(),
            design: r.design.clone(),
            event: r.event.clone(),
            matrix: r.matrix.clone(),
            inverse: r.inverse,
        },
        prior: None,
    });
    // One logarithm for each component.
    over.push(r.event.clone());
    log_part(
        kernel,
        &half_log(kernel.model, &r.factor),
        a,
        slots,
        &over,
        &[],
        terms,
        None,
        &|| match r.count {
            Some(stat) => Source::Sum { stat, at: at.clone() },
            None => Source::Count { stat: r.moments, at: at.clone() },
        },
    );
    Some(())
}

/// The same of a prior.
pub(super) fn of_prior(
    kernel: &Kernel,
    d: &StatementDensity,
    r: &Residual,
    a: ArrayId,
    slots: &[Slot],
    terms: &mut Vec<Contribution>,
) -> Option<()> {
    let Scale::Dense { factor, matrix, inverse } = &r.scale else { return Some(()) };
    if !mentions(factor, a) {
        return Some(());
    }
    let [one] = factor.0.as_slice() else { return None };
    let event = r.event.as_ref()?;
    let (target, slot, rest) = own_factor(one, a, slots)?;
    let design = Splitter::row_design(kernel.model, &r.rho, std::slice::from_ref(event))
        .filter(super::Design::is_linear)?;
    terms.push(Contribution {
        over: d.vars.clone(),
        guards: d.guards.clone(),
        target,
        slot,
        coefficient: rest.scale(-0.5),
        source: Source::PriorForm {
            rho: r.rho.clone(),
            design,
            event: event.clone(),
            matrix: matrix.clone(),
            inverse: *inverse,
        },
        prior: Some(d.id),
    });
    let mut over = d.vars.clone();
    over.push(event.clone());
    let half = half_log(kernel.model, factor);
    log_part(kernel, &half, a, slots, &over, &d.guards, terms, Some(d.id), &|| Source::Prior);
    Some(())
}
