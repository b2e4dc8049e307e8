//! The loop from one start, or from several; and what is asked of data at known params or under a fit that is held.

use super::coupled::TURNS;
use super::program::Program;
use super::run::{Objective, State, is_coupled, is_joint, is_local};
use super::sweep::Work;
use super::{Fit, Options, Start, StartReport};
use crate::Error;

/// Fits from one start, or from the best of several.
pub fn fit<M: Program>(
    model: &M,
    data: &M::Data<'_>,
    start: &Start<M>,
    options: &Options,
) -> Result<Fit<M>, Error> {
    let mut best: Option<State<'_, M>> = None;
    let mut first_error = None;
    let mut reports = vec![];
    let mut ends = vec![];
    // Only a default start differs from restart to restart.
    let restarts = if matches!(start, Start::Default) { options.restarts.max(1) } else { 1 };
    for restart in 0..restarts {
        match State::begin(model, data, start, options, restart).and_then(State::run) {
            Ok(state) => {
                reports.push(StartReport {
                    objective: Some(state.fit.elbo()),
                    iterations: state.fit.iterations,
                    failure: None,
                    agreement: None,
                });
                ends.push(Some(state.under.clone()));
                if best.as_ref().is_none_or(|b| state.fit.elbo() > b.fit.elbo()) {
                    best = Some(state);
                }
            }
            Err(e) => {
                let failure = Some(e.to_string());
                reports.push(StartReport { objective: None, iterations: 0, failure, agreement: None });
                ends.push(None);
                first_error.get_or_insert(e);
            }
        }
    }
    match (best, first_error) {
        (Some(state), _) => {
            if restarts > 1 && options.keep_locals {
                agree(&state, &ends, &mut reports)?;
            }
            let mut fit = state.finish()?;
            fit.starts = reports;
            Ok(fit)
        }
        (None, Some(e)) => Err(e),
        (None, None) => Err(Error::NotFinite { what: "a fit without starts".into() }),
    }
}

/// How far each start agrees with the best on the states of the units. The tables are worked out anew: to keep those of all starts would take
/// as many times the memory.
fn agree<M: Program>(
    best: &State<'_, M>,
    ends: &[Option<M::Globals>],
    reports: &mut [StartReport],
) -> Result<(), Error> {
    if is_coupled::<M>() || best.work.components.first().is_none_or(|c| c.joint || c.units == 0) {
        return Ok(());
    }
    let model = &best.fit.model;
    if M::NORMALS.contains(&0) && best.work.components[0].states == 1 {
        // Without categories there is nothing to agree on.
        return Ok(());
    }
    let Some(states) = best.work.tables(model, &best.under)?.into_iter().next() else { return Ok(()) };
    for (end, report) in ends.iter().zip(reports) {
        let Some(globals) = end else { continue };
        if let Some(others) = best.work.tables(model, globals)?.into_iter().next() {
            report.agreement = Some(crate::diagnostics::Agreement::of(&states, &others)?.share);
        }
    }
    Ok(())
}

/// E-step only: the posterior and the likelihood of data at known params.
pub fn infer<M: Program>(
    model: &M,
    data: &M::Data<'_>,
    params: &M::Params,
    options: &Options,
) -> Result<Fit<M>, Error> {
    if is_local::<M>() && !M::is_complete(&model.gather(params, &M::Posterior::default())) {
        return Err(Error::NotFinite {
            what: format!("a param of `{}`, of which each needs a value here,", M::NAME),
        });
    }
    let mut state = State::begin(model, data, &Start::Params(params.clone()), options, 0)?;
    while !is_joint::<M>() && !state.fit.converged && state.fit.iterations < options.max_iterations {
        state.sweep()?;
        state.record()?;
        state.fit.iterations += 1;
        state.fit.converged = state.settled();
    }
    state.finish()
}

/// Locals of new data, everything that is shared held.
pub(crate) fn infer_held<M: Program>(fit: &Fit<M>, data: &M::Data<'_>) -> Result<Fit<M>, Error> {
    let options = Options::unlimited();
    if is_local::<M>() {
        return infer(&fit.model, data, &fit.params, &options);
    }
    let work = Work::new(&fit.model, data, &fit.params, &options)?;
    let globals = fit.globals.clone();
    fit.model.validate(&work.context, &globals)?;
    let constants = fit.model.constants(&work.context);
    let work_fixed = work.fixed.clone();
    let mut state = State {
        work,
        constants,
        options,
        fit: Fit::new(fit.model.clone(), globals.clone()),
        under: globals.clone(),
        stats: work_fixed,
        globals,
        entropy: 0.0,
        of_evidence: 0.0,
        carried: None,
        now: vec![],
        ahead: None,
        stale: false,
        moved: false,
    };
    state.work.begin_coupled(&fit.model, &Start::Default, &state.options, 0)?;
    let turns = if is_coupled::<M>() { state.options.max_iterations.min(TURNS) } else { 1 };
    for _ in 0..turns {
        state.gather()?;
    }
    let Objective { value, magnitude, terms, .. } = state.evidence(0.0)?;
    state.now = terms;
    state.fit.trace.push(value);
    state.fit.magnitude = magnitude;
    state.fit.converged = true;
    state.finish()
}

/// Expected statistics at known params: one E-step.
pub fn accumulate<M: Program>(model: &M, data: &M::Data<'_>, params: &M::Params) -> Result<M::Stats, Error> {
    let options = Options::default();
    let mut work = Work::new(model, data, params, &options)?;
    let globals = model.gather(params, &M::Posterior::default());
    model.validate(&work.context, &globals)?;
    work.begin_coupled(model, &Start::Params(params.clone()), &options, 0)?;
    if is_coupled::<M>() {
        for _ in 0..TURNS {
            work.turns(model, &globals)?;
        }
    }
    work.expect(model, &globals)
}
