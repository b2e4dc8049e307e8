//! The loop: E-step, objective, M-step, until nothing is left to gain.

use super::program::{ElboTerm, Maximised, Program, Statistics, Turn};
use super::sweep::Work;
use super::{Fit, Options, Predictive, Progress, Start, StartReport};
use crate::Error;
use crate::engine::mode::Notes;
use std::ops::Range;

/// A fit in progress: one [`step`](State::step) is one sweep, so the loop is never hidden.
///
/// It dereferences to the [`Fit`] as it stands.
pub struct State<'a, M: Program> {
    work: Work<'a, M>,
    constants: Vec<(String, f64)>,
    options: Options,
    fit: Fit<M>,
    globals: M::Globals,
    /// The globals under which the statistics were collected.
    under: M::Globals,
    stats: M::Stats,
    /// H(q) of the latents of the units.
    entropy: f64,
    /// The objective, where it came without statistics.
    ahead: Option<(f64, f64)>,
    /// Whether the statistics are of earlier globals.
    stale: bool,
    /// Whether the last update may have lowered the objective: q was set from outside.
    moved: bool,
}

impl<M: Program> std::ops::Deref for State<'_, M> {
    type Target = Fit<M>;
    fn deref(&self) -> &Fit<M> {
        &self.fit
    }
}

impl<M: Program> std::fmt::Debug for State<'_, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("iterations", &self.fit.iterations)
            .field("trace", &self.fit.trace)
            .finish_non_exhaustive()
    }
}

impl<'a, M: Program> State<'a, M> {
    /// A fit before its first sweep.
    ///
    /// # Errors
    /// What the data or the start can break.
    pub fn new(model: &M, data: &M::Data<'a>, start: &Start<M>, options: &Options) -> Result<Self, Error> {
        State::begin(model, data, start, options, 0)
    }

    pub(crate) fn begin(
        model: &M,
        data: &M::Data<'a>,
        start: &Start<M>,
        options: &Options,
        restart: usize,
    ) -> Result<Self, Error> {
        let given = match start {
            Start::Params(p) => p.clone(),
            Start::Default | Start::Posterior(_) | Start::Latents(_) => M::Params::default(),
        };
        let mut work = Work::new(model, data, &given, options)?;
        work.begin_coupled(model, start, options, restart)?;
        let constants = model.constants(&work.context);
        if constants.iter().any(|(_, c)| *c == f64::NEG_INFINITY)
            && let Some(at) = impossible_unit(model, &work)
        {
            return Err(Error::Impossible { at });
        }
        let mut begun = super::start::globals(model, &work, start, &given, options, restart)?;
        model.perturb(&mut begun.globals, &mut crate::rng::stream(options.seed, "products", &[restart]));
        model.validate(&work.context, &begun.globals)?;
        let (stats, given) = match begun.stats {
            Some(stats) => (stats, true),
            None => (work.fixed.clone(), false),
        };
        let mut state = State {
            work,
            constants,
            options: options.clone(),
            fit: Fit::new(model.clone(), begun.globals.clone()),
            under: begun.globals.clone(),
            globals: begun.globals,
            stats,
            entropy: 0.0,
            ahead: None,
            stale: false,
            moved: false,
        };
        // Blocks that come before the units read statistics, which no one has given yet.
        if given || state.work.components.is_empty() || matches!(M::TURNS.first(), Some(Turn::Units)) {
            state.turns()?;
        } else {
            state.units()?;
        }
        state.record()?;
        Ok(state)
    }

    /// One sweep: local blocks and the units in turns, then every other block.
    fn sweep(&mut self) -> Result<(), Error> {
        if M::LOCAL.is_empty() {
            return self.turns();
        }
        self.locals()?;
        for turn in M::TURNS {
            match turn {
                Turn::Block(n) if !M::LOCAL.contains(n) => self.block(*n)?,
                Turn::Block(_) | Turn::Units => {}
            }
        }
        self.units()
    }

    /// q of every block in turn, everything else held.
    fn turns(&mut self) -> Result<(), Error> {
        for turn in M::TURNS {
            match turn {
                Turn::Units => self.units()?,
                Turn::Block(n) => self.block(*n)?,
            }
        }
        Ok(())
    }

    fn block(&mut self, n: usize) -> Result<(), Error> {
        let notes = &mut Notes::default();
        self.fit.model.update(&self.work.context, &self.stats, &mut self.globals, n, notes)
    }

    /// The local blocks, with q of the units' latents optimal at the last of them.
    fn locals(&mut self) -> Result<(), Error> {
        let passes = self.options.inner_sweeps.max(1);
        let (model, context) = (&self.fit.model, &self.work.context);
        if let Some(stats) = model.nested(context, &mut self.globals, passes, self.work.threads)? {
            self.stats = stats;
            self.stale = true;
            return Ok(());
        }
        if self.stale {
            self.gather()?;
        }
        let limit = self.options.tolerance * self.fit.model.observations(&self.work.context).max(1.0);
        let mut last = f64::NEG_INFINITY;
        for _ in 0..passes {
            for n in M::LOCAL {
                self.block(*n)?;
            }
            self.gather()?;
            let (value, _) = self.bound(0.0)?;
            if value - last <= limit {
                break;
            }
            last = value;
        }
        Ok(())
    }

    /// E-step of the latents of the units. Its statistics wait until they are needed where the objective can be had without them.
    fn units(&mut self) -> Result<(), Error> {
        let (model, context) = (&self.fit.model, &self.work.context);
        self.ahead = model.nested_bound(context, &self.globals, self.work.threads)?;
        self.stale = self.ahead.is_some();
        if self.stale { Ok(()) } else { self.gather() }
    }

    /// E-step of the latents of the units, and its statistics.
    fn gather(&mut self) -> Result<(), Error> {
        self.ahead = None;
        self.stale = false;
        self.under = self.globals.clone();
        self.work.turns(&self.fit.model, &self.globals)?;
        let (model, context) = (&self.fit.model, &self.work.context);
        self.stats = match model.nested(context, &mut self.globals, 0, self.work.threads)? {
            Some(stats) => stats,
            None => self.work.expect(model, &self.globals)?,
        };
        if is_joint::<M>() {
            return Ok(());
        }
        // Each unit's posterior is exact given the globals, so what its evidence holds beyond the expected density is its entropy.
        let terms = self.fit.model.expected_terms(&self.work.context, &self.stats, &self.globals)?;
        let local: f64 = terms.iter().filter(|t| !M::is_fixed(&t.name)).map(|t| t.value).sum();
        self.entropy = self.stats.evidence().log - local;
        Ok(())
    }

    /// The objective in terms of E log p and entropies: right wherever in the sweep the units come.
    fn bound(&mut self, prior: f64) -> Result<(f64, f64), Error> {
        let fit = &self.fit;
        let mut terms = fit.model.expected_terms(&self.work.context, &self.stats, &self.globals)?;
        terms.extend(fit.model.shared_terms(&self.work.context, &self.globals)?);
        let constant: f64 = self.constants.iter().map(|(_, c)| c).sum();
        let value = terms.iter().map(|t| t.value).sum::<f64>() + self.entropy + constant + prior;
        let added: f64 = terms.iter().map(|t| t.magnitude).sum();
        let magnitude =
            added + self.stats.evidence().magnitude + self.entropy.abs() + constant.abs() + prior.abs();
        Ok((value, magnitude))
    }

    /// The objective at the current params, from the statistics of their E-step.
    fn record(&mut self) -> Result<(), Error> {
        let prior = self.fit.model.log_prior(&self.work.context, &self.globals)?;
        let (value, magnitude) = match self.ahead {
            Some((value, magnitude)) => {
                let constant: f64 = self.constants.iter().map(|(_, c)| c).sum();
                (value + constant + prior, magnitude + constant.abs() + prior.abs())
            }
            None if is_joint::<M>() => self.evidence(prior)?,
            None => self.bound(prior)?,
        };
        let moved = std::mem::take(&mut self.moved);
        let fit = &mut self.fit;
        if !value.is_finite() {
            return Err(Error::NotFinite { what: format!("the objective of `{}`", M::NAME) });
        }
        if let Some(last) = fit.trace.last() {
            let rounding = 64.0 * f64::EPSILON * magnitude.max(fit.magnitude);
            if value < last - rounding && !moved {
                return Err(Error::ObjectiveDecreased { block: M::NAME.to_string(), by: last - value });
            }
        }
        fit.magnitude = magnitude;
        fit.log_prior = prior;
        fit.params = M::params(&self.globals);
        fit.globals = self.globals.clone();
        M::share(&self.globals, &mut fit.posterior);
        fit.trace.push(value);
        Ok(())
    }

    /// The objective where nothing but the units' latents is hidden: their evidence, and the statements that no latent touches.
    fn evidence(&mut self, prior: f64) -> Result<(f64, f64), Error> {
        let terms = self.fit.model.expected_terms(&self.work.context, &self.stats, &self.globals)?;
        let fixed: f64 = terms.iter().filter(|t| M::is_fixed(&t.name)).map(|t| t.value).sum();
        let constant: f64 = self.constants.iter().map(|(_, c)| c).sum();
        let evidence = *self.stats.evidence();
        let added: f64 = terms.iter().map(|t| t.magnitude).sum();
        let magnitude = evidence.magnitude + added + constant.abs() + prior.abs();
        Ok((evidence.log + fixed + constant + prior, magnitude))
    }

    /// One sweep: M-step, then every block of latents. Returns the gain.
    ///
    /// # Errors
    /// Whatever the M-step can meet; [`Error::ObjectiveDecreased`] if the objective fell by more than rounding.
    pub fn step(&mut self) -> Result<f64, Error> {
        let before = self.fit.trace.last().copied().unwrap_or(f64::NEG_INFINITY);
        let start = self.globals.clone();
        let from = self.stats.clone();
        let mut damping = 1.0;
        loop {
            let Maximised { globals, at_boundary, notes } =
                self.fit.model.maximise(&self.work.context, &from, &start, damping)?;
            self.globals = globals;
            self.fit.at_boundary = at_boundary;
            self.fit.notes = notes;
            if !matches!(M::TURNS.first(), Some(Turn::Units)) {
                self.stats = from.clone();
            }
            let outcome = self.sweep().and_then(|()| self.record());
            match outcome {
                Ok(()) => break,
                // A step along a Taylor series can overshoot. Shortened to nothing it leaves only steps that cannot.
                Err(_) if M::SERIES && damping > 0.0 => {
                    damping = if damping > 1e-8 { 0.25 * damping } else { 0.0 };
                }
                Err(e) => return Err(e),
            }
        }
        self.fit.iterations += 1;
        self.fit.converged = self.settled();
        if let Some(report) = self.options.progress {
            report(&Progress { iteration: self.fit.iterations, objective: self.fit.elbo() });
        }
        Ok(self.fit.elbo() - before)
    }

    /// Replaces q of the shared latents that are set in `q`, everything else held; the units' latents follow.
    ///
    /// Iterations may begin anew from it: where local posteriors have several modes, or where a published algorithm begins each sweep at
    /// fixed values. The next sweep's objective may be lower than the last one.
    ///
    /// ```
    /// use vi_core::prelude::*;
    /// use vi_core::dist::Beta;
    ///
    /// model! {
    ///     mod coin {
    ///         latent   p ~ Beta(1, 1);
    ///         observed x[n in N] ~ Bernoulli(p);
    ///     }
    /// }
    /// let x = [true, true, false];
    /// let model = coin::Model::new();
    /// let mut state = model.start(&coin::Data { x: (&x).into() }, Start::Default, &Options::new())?;
    /// state.set(&coin::Posterior { p: Beta::new(5.0, 5.0).into() })?;
    /// model.step(&mut state)?;
    /// assert_eq!(state.finish()?.posterior.p.mean(), 0.6);
    /// # Ok::<(), vi_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Values that do not fit the data.
    pub fn set(&mut self, q: &M::Posterior) -> Result<(), Error> {
        let given = self.fit.model.gather(&self.fit.params, q);
        self.globals = M::overlay(&given, self.globals.clone());
        self.fit.model.validate(&self.work.context, &self.globals)?;
        self.moved = true;
        if M::NESTED {
            // The next sweep begins with the local blocks, and reads no statistics.
            self.stale = true;
            return Ok(());
        }
        self.units()
    }

    /// Whether neither the last sweep nor, by Aitken's estimate, all that follow would gain more than the tolerance.
    fn settled(&self) -> bool {
        let t = &self.fit.trace;
        let n = t.len();
        if n < 2 {
            return false;
        }
        let limit = self.options.tolerance * self.fit.model.observations(&self.work.context).max(1.0);
        let gain = t[n - 1] - t[n - 2];
        if gain <= 64.0 * f64::EPSILON * self.fit.magnitude {
            return true;
        }
        if n < 3 || gain >= limit {
            return false;
        }
        let ratio = gain / (t[n - 2] - t[n - 3]);
        let left = if ratio > 0.0 && ratio < 1.0 { gain * ratio / (1.0 - ratio) } else { gain };
        left < limit
    }

    fn run(mut self) -> Result<Self, Error> {
        while !self.fit.converged && self.fit.iterations < self.options.max_iterations {
            self.step()?;
        }
        Ok(self)
    }

    /// The fit as it stands, with the posterior of every unit unless `keep_locals(false)`.
    ///
    /// # Errors
    /// None that an earlier sweep would not have met.
    pub fn finish(mut self) -> Result<Fit<M>, Error> {
        if self.stale {
            self.gather()?;
        }
        self.fit.elbo_terms = self.terms()?;
        let fit = &mut self.fit;
        fit.lets = fit.model.lets(&self.work.context, &self.globals)?;
        fit.units = self.work.components.iter().map(|c| c.units).sum();
        fit.states = self.work.components.first().map_or(0, |c| c.first);
        if self.options.keep_locals {
            let tables = self.work.tables(&fit.model, &self.under)?;
            fit.posterior = fit.model.posterior(&self.work.context, tables);
            let imputed = fit.model.impute(&self.work.context, &fit.params, &fit.posterior)?;
            M::keep_imputed(&mut fit.posterior, imputed);
            fit.kept = true;
        }
        M::share(&self.globals, &mut fit.posterior);
        Ok(self.fit)
    }

    /// E_q log p of each statement, and the entropy of each block.
    fn terms(&mut self) -> Result<Vec<ElboTerm>, Error> {
        let fit = &self.fit;
        let mut terms = fit.model.expected_terms(&self.work.context, &self.stats, &self.globals)?;
        for t in &mut terms {
            if let Some((_, c)) = self.constants.iter().find(|(name, _)| *name == t.name) {
                t.value += c;
            }
        }
        if !self.work.components.is_empty() {
            let names: Vec<&str> = self.work.components.iter().map(|c| c.name).collect();
            let total: f64 = terms.iter().map(|t| t.value).sum();
            // Where the posterior is exact, log p(x) = E log p(x, z) + H(q): the entropy is what is left.
            let entropy = if is_joint::<M>() { fit.elbo() - fit.log_prior - total } else { self.entropy };
            terms.push(ElboTerm { name: format!("H({})", names.join(", ")), value: entropy, magnitude: 0.0 });
        }
        terms.extend(fit.model.shared_terms(&self.work.context, &self.globals)?);
        if fit.log_prior != 0.0 {
            terms.push(ElboTerm { name: "log p(params)".into(), value: fit.log_prior, magnitude: 0.0 });
        }
        Ok(terms)
    }
}

/// The first unit whose data have probability zero whatever the params: more successes than trials.
fn impossible_unit<M: Program>(model: &M, work: &Work<'_, M>) -> Option<String> {
    work.components.iter().enumerate().find_map(|(c, component)| {
        (0..component.units)
            .find(|unit| model.unit_constant(&work.context, c, *unit) == f64::NEG_INFINITY)
            .map(|unit| model.unit_name(&work.context, c, unit))
    })
}

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
    // Only a default start differs from restart to restart.
    let restarts = if matches!(start, Start::Default) { options.restarts.max(1) } else { 1 };
    for restart in 0..restarts {
        match State::begin(model, data, start, options, restart).and_then(State::run) {
            Ok(state) => {
                reports.push(StartReport {
                    objective: Some(state.fit.elbo()),
                    iterations: state.fit.iterations,
                    failure: None,
                });
                if best.as_ref().is_none_or(|b| state.fit.elbo() > b.fit.elbo()) {
                    best = Some(state);
                }
            }
            Err(e) => {
                reports.push(StartReport { objective: None, iterations: 0, failure: Some(e.to_string()) });
                first_error.get_or_insert(e);
            }
        }
    }
    match (best, first_error) {
        (Some(state), _) => {
            let mut fit = state.finish()?;
            fit.starts = reports;
            Ok(fit)
        }
        (None, Some(e)) => Err(e),
        (None, None) => Err(Error::NotFinite { what: "a fit without starts".into() }),
    }
}

/// E-step only: the posterior and the likelihood of data at known params.
pub fn infer<M: Program>(
    model: &M,
    data: &M::Data<'_>,
    params: &M::Params,
    options: &Options,
) -> Result<Fit<M>, Error> {
    if is_joint::<M>() && !M::is_complete(&model.gather(params, &M::Posterior::default())) {
        return Err(Error::NotFinite {
            what: format!("params of `{}`: every one needs a value here", M::NAME),
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
    let options = Options::default();
    if is_joint::<M>() {
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
        ahead: None,
        stale: false,
        moved: false,
    };
    state.work.begin_coupled(&fit.model, &Start::Default, &state.options, 0)?;
    for _ in 0..if M::COUPLED.is_empty() { 1 } else { state.options.max_iterations.min(100) } {
        state.gather()?;
    }
    let (value, magnitude) = state.evidence(0.0)?;
    state.fit.trace.push(value);
    state.fit.magnitude = magnitude;
    state.fit.converged = true;
    state.finish()
}

/// Draws of the shared latents that a predictive density is averaged over.
const PREDICTIVE_DRAWS: usize = 128;

/// Log density of every unit of new data.
///
/// Points are plugged in. Shared latents are averaged over draws from their q, in probability space.
pub(crate) fn predict<M: Program>(fit: &Fit<M>, data: &M::Data<'_>) -> Result<Predictive<M>, Error> {
    let model = &fit.model;
    let work = Work::new(model, data, &fit.params, &Options::default())?;
    let globals = fit.globals.clone();
    model.validate(&work.context, &globals)?;
    if !M::COUPLED.is_empty() {
        return Err(Error::NotFinite {
            what: format!("the density of single units of `{}`, which depend on one another,", M::NAME),
        });
    }
    if is_joint::<M>() {
        let log_density = densities(model, &work, &globals)?;
        let posterior = model.posterior(&work.context, work.tables(model, &globals)?);
        let absent = model.impute(&work.context, &fit.params, &posterior)?;
        return Ok(Predictive { log_density, absent });
    }
    let mut draws = vec![];
    for draw in 0..PREDICTIVE_DRAWS {
        let mut latents = M::Latents::default();
        let mut rng = crate::rng::stream(0, "predict", &[draw]);
        model.draw_shared(&work.context, &globals, &mut rng, &mut latents)?;
        let points = model.posterior_of_values(&work.context, &latents)?;
        draws.push(densities(model, &work, &model.gather(&fit.params, &points))?);
    }
    let units = draws.first().map_or(0, Vec::len);
    let log_density = (0..units)
        .map(|n| {
            let top = draws.iter().map(|d| d[n]).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = draws.iter().map(|d| (d[n] - top).exp()).sum();
            if top == f64::NEG_INFINITY { top } else { top + (sum / draws.len() as f64).ln() }
        })
        .collect();
    Ok(Predictive { log_density, absent: M::Imputed::default() })
}

fn densities<M: Program>(model: &M, work: &Work<'_, M>, globals: &M::Globals) -> Result<Vec<f64>, Error> {
    if work.components.is_empty() {
        let mut stats = work.fixed.clone();
        model.moving(&work.context, globals, &mut stats);
        let terms = model.expected_terms(&work.context, &stats, globals)?;
        let constant: f64 = model.constants(&work.context).iter().map(|(_, c)| c).sum();
        return Ok(vec![terms.iter().map(|t| t.value).sum::<f64>() + constant]);
    }
    let mut log_density = vec![];
    for (c, units) in work.evidences(model, globals)?.into_iter().enumerate() {
        log_density.extend(
            units.into_iter().enumerate().map(|(unit, e)| e + model.unit_constant(&work.context, c, unit)),
        );
    }
    Ok(log_density)
}

/// Whether all that is hidden are the latents of the units, so that the objective is their evidence.
fn is_joint<M: Program>() -> bool {
    matches!(M::TURNS, [Turn::Units]) && M::COUPLED.is_empty()
}

/// Expected statistics at known params: one E-step.
pub fn accumulate<M: Program>(model: &M, data: &M::Data<'_>, params: &M::Params) -> Result<M::Stats, Error> {
    let work = Work::new(model, data, params, &Options::default())?;
    let globals = model.gather(params, &M::Posterior::default());
    model.validate(&work.context, &globals)?;
    work.expect(model, &globals)
}

/// Writes the probabilities of a table of joint states into tiles.
pub(crate) fn fill_from(table: &super::Categories, units: Range<usize>, out: &mut [f64]) {
    let n = units.len();
    for (i, unit) in units.enumerate() {
        for (s, p) in table.probs(unit).iter().enumerate() {
            out[s * n + i] = *p;
        }
    }
}
