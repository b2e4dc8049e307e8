//! The loop: E-step, objective, M-step, until nothing is left to gain.

use super::accelerate::Accelerator;
use super::needs::Needs;
use super::program::{ElboTerm, Maximised, Program, Statistics, Turn};
use super::sweep::Work;
use super::{Fit, Options, Progress, Start};
use crate::Error;
use crate::engine::anderson::Anderson;
use crate::engine::mode::Notes;
use std::ops::Range;

/// A fit in progress: one [`step`](State::step) is one sweep, so the loop is never hidden.
///
/// It dereferences to the [`Fit`] as it stands.
pub struct State<'a, M: Program> {
    pub(super) work: Work<'a, M>,
    pub(super) constants: Vec<(String, f64)>,
    pub(super) options: Options,
    pub(super) fit: Fit<M>,
    pub(super) globals: M::Globals,
    /// The globals under which the statistics were collected.
    pub(super) under: M::Globals,
    pub(super) stats: M::Stats,
    /// H(q) of the latents of the units.
    pub(super) entropy: f64,
    /// What the rounding of the units' evidence alone is measured by.
    pub(super) of_evidence: f64,
    /// What is known of data that are not at hand any more.
    pub(super) carried: Option<Totals<M::Stats>>,
    /// The terms of the objective after the last sweep, but for what depends on the data alone.
    pub(super) now: Vec<ElboTerm>,
    /// The objective, where it came without statistics.
    pub(super) ahead: Option<(f64, f64)>,
    /// Whether the statistics are of earlier globals.
    pub(super) stale: bool,
    /// Whether the last update may have lowered the objective: q was set from outside.
    pub(super) moved: bool,
}

/// What a fit remembers of its data: new data are added to it.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Totals<S> {
    pub stats: S,
    /// H(q) of the latents of the units.
    pub entropy: f64,
    /// What depends on the data alone, by statement.
    pub constants: Vec<(String, f64)>,
}

/// The objective, and what rounding is measured by.
pub(super) struct Objective {
    pub value: f64,
    pub magnitude: f64,
    pub prior: f64,
    pub terms: Vec<ElboTerm>,
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

    pub(super) fn begin(
        model: &M,
        data: &M::Data<'a>,
        start: &Start<M>,
        options: &Options,
        restart: usize,
    ) -> Result<Self, Error> {
        let (mut state, unsaid) = State::place(model, data, start, options, restart)?;
        // Blocks that come before the units would forget a start that no statistics stand for.
        let lost = unsaid && blocks_lead::<M>() && !state.work.components.is_empty();
        if M::HAS_LOCAL && lost {
            state.units()?;
        } else {
            if lost {
                state.gather()?;
            }
            state.turns()?;
        }
        state.record()?;
        Ok(state)
    }

    /// A start, and whether there are no statistics of the units for it yet.
    pub(super) fn place(
        model: &M,
        data: &M::Data<'a>,
        start: &Start<M>,
        options: &Options,
        restart: usize,
    ) -> Result<(Self, bool), Error> {
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
        model.perturb(
            &work.context,
            &mut begun.globals,
            &mut crate::rng::stream(options.seed, "products", &[restart]),
        );
        model.validate(&work.context, &begun.globals)?;
        let unsaid = begun.stats.is_none();
        let stats = begun.stats.unwrap_or_else(|| work.fixed.clone());
        let state = State {
            work,
            constants,
            options: options.clone(),
            fit: Fit::new(model.clone(), begun.globals.clone()),
            under: begun.globals.clone(),
            globals: begun.globals,
            stats,
            entropy: 0.0,
            of_evidence: 0.0,
            ahead: None,
            stale: false,
            moved: false,
            carried: None,
            now: vec![],
        };
        Ok((state, unsaid))
    }

    /// One sweep: local blocks and the units in turns, then every other block.
    pub(super) fn sweep(&mut self) -> Result<(), Error> {
        if !M::HAS_LOCAL {
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
    pub(super) fn turns(&mut self) -> Result<(), Error> {
        for turn in M::TURNS {
            match turn {
                Turn::Units => {
                    self.rotate();
                    self.units()?;
                }
                Turn::Block(n) => self.block(*n)?,
            }
        }
        Ok(())
    }

    /// Before the first objective, the statistics may be those of a start.
    fn rotate(&mut self) {
        if !self.fit.trace.is_empty() {
            self.fit.model.rotate(&self.work.context, &self.stats, &mut self.globals);
        }
    }

    fn block(&mut self, n: usize) -> Result<(), Error> {
        let notes = &mut Notes::default();
        self.fit.model.update(&self.work.context, &self.stats, &mut self.globals, n, notes)
    }

    /// The local blocks, with q of the units' latents optimal at the last of them.
    fn locals(&mut self) -> Result<(), Error> {
        let passes = self.options.inner_sweeps.max(1);
        let (model, context) = (&self.fit.model, &self.work.context);
        if let Some(stats) = model.nested(context, &mut self.globals, None, passes, self.work.threads)? {
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
            let value = self.bound(0.0)?.value;
            if value - last <= limit {
                break;
            }
            last = value;
        }
        Ok(())
    }

    /// E-step of the latents of the units. Its statistics wait until they are needed where the objective can be had without them.
    pub(super) fn units(&mut self) -> Result<(), Error> {
        let (model, context) = (&self.fit.model, &self.work.context);
        self.ahead = model.nested_bound(context, &self.globals, self.work.threads)?;
        self.stale = self.ahead.is_some();
        if self.stale { Ok(()) } else { self.gather() }
    }

    /// E-step of the latents of the units, and its statistics.
    pub(super) fn gather(&mut self) -> Result<(), Error> {
        self.ahead = None;
        self.stale = false;
        self.under = self.globals.clone();
        self.work.turns(&self.fit.model, &self.globals)?;
        let (model, context) = (&self.fit.model, &self.work.context);
        self.stats = match model.nested(context, &mut self.globals, None, 0, self.work.threads)? {
            Some(stats) => stats,
            None => self.work.expect(model, &self.globals)?,
        };
        if self.by_evidence() {
            return Ok(());
        }
        // Each unit's posterior is exact given the globals, so what its evidence holds beyond the expected density is its entropy.
        let terms = self.fit.model.expected_terms(&self.work.context, &self.stats, &self.globals)?;
        let local: f64 = terms.iter().filter(|t| !M::is_fixed(&t.name)).map(|t| t.value).sum();
        self.entropy = self.stats.evidence().log - local;
        if let Some(carried) = &self.carried {
            self.entropy += carried.entropy;
            self.stats.merge(&carried.stats);
        }
        Ok(())
    }

    /// Whether the objective is the evidence of the units: their latents are all that is hidden, and all data are at hand.
    fn by_evidence(&self) -> bool {
        is_joint::<M>() && self.carried.is_none()
    }

    /// The objective in terms of E log p and entropies: right wherever in the sweep the units come.
    fn bound(&mut self, prior: f64) -> Result<Objective, Error> {
        let fit = &self.fit;
        let mut terms = fit.model.expected_terms(&self.work.context, &self.stats, &self.globals)?;
        terms.extend(self.entropy_term(self.entropy));
        terms.extend(fit.model.shared_terms(&self.work.context, &self.globals)?);
        let constant: f64 = self.constants.iter().map(|(_, c)| c).sum();
        let value = terms.iter().map(|t| t.value).sum::<f64>() + constant + prior;
        let added: f64 = terms.iter().map(|t| t.magnitude).sum();
        let evidence = self.stats.evidence().magnitude;
        let magnitude = added + evidence + self.entropy.abs() + constant.abs() + prior.abs();
        Ok(Objective { value, magnitude, prior, terms })
    }

    /// H(q) of the latents of the units, if there are any.
    fn entropy_term(&self, value: f64) -> Option<ElboTerm> {
        let names: Vec<&str> = self.work.components.iter().map(|c| c.name).collect();
        (!names.is_empty()).then(|| ElboTerm {
            name: format!("H({})", names.join(", ")),
            value,
            magnitude: 0.0,
        })
    }

    /// The objective at the current globals, from the statistics of their E-step.
    pub(super) fn objective(&mut self) -> Result<Objective, Error> {
        let prior = self.fit.model.log_prior(&self.work.context, &self.globals)?;
        let objective = match self.ahead {
            Some((value, magnitude)) => {
                let constant: f64 = self.constants.iter().map(|(_, c)| c).sum();
                Objective {
                    value: value + constant + prior,
                    magnitude: magnitude + constant.abs() + prior.abs(),
                    prior,
                    terms: vec![],
                }
            }
            None if self.by_evidence() => self.evidence(prior)?,
            None => self.bound(prior)?,
        };
        if !objective.value.is_finite() {
            return Err(Error::NotFinite { what: format!("the objective of `{}`", M::NAME) });
        }
        Ok(objective)
    }

    /// Keeps the current globals, and adds their objective to the trace.
    pub(super) fn record(&mut self) -> Result<(), Error> {
        let Objective { value, magnitude, prior, mut terms } = self.objective()?;
        let priors = ElboTerm { name: "log p(params)".into(), value: prior, magnitude: 0.0 };
        terms.extend((prior != 0.0).then_some(priors));
        let moved = std::mem::take(&mut self.moved);
        let fit = &mut self.fit;
        if let Some(last) = fit.trace.last() {
            let rounding = 64.0 * f64::EPSILON * magnitude.max(fit.magnitude);
            if value < last - rounding && !moved {
                return Err(Error::ObjectiveDecreased { block: M::NAME.to_string(), by: last - value });
            }
        }
        fit.changes = terms.iter().zip(&self.now).map(|(now, before)| now.since(before)).collect();
        self.now = terms;
        fit.magnitude = magnitude;
        fit.log_prior = prior;
        fit.params = M::params(&self.globals);
        fit.globals = self.globals.clone();
        M::share(&self.globals, &mut fit.posterior);
        fit.trace.push(value);
        Ok(())
    }

    /// The objective where nothing but the units' latents is hidden: their evidence, and the statements that no latent touches.
    pub(super) fn evidence(&mut self, prior: f64) -> Result<Objective, Error> {
        let mut terms = self.fit.model.expected_terms(&self.work.context, &self.stats, &self.globals)?;
        let fixed: f64 = terms.iter().filter(|t| M::is_fixed(&t.name)).map(|t| t.value).sum();
        let all: f64 = terms.iter().map(|t| t.value).sum();
        let constant: f64 = self.constants.iter().map(|(_, c)| c).sum();
        let evidence = *self.stats.evidence();
        let added: f64 = terms.iter().map(|t| t.magnitude).sum();
        self.of_evidence = evidence.magnitude + fixed.abs() + constant.abs() + prior.abs();
        let magnitude = evidence.magnitude + added + constant.abs() + prior.abs();
        // Where the posterior is exact, log p(x) = E log p(x, z) + H(q): the entropy is what is left.
        terms.extend(self.entropy_term(evidence.log + fixed - all));
        Ok(Objective { value: evidence.log + fixed + constant + prior, magnitude, prior, terms })
    }

    /// One sweep: M-step, then every block of latents. Returns the gain.
    ///
    /// # Errors
    /// Whatever the M-step can meet; [`Error::ObjectiveDecreased`] if the objective fell by more than rounding.
    pub fn step(&mut self) -> Result<f64, Error> {
        let before = self.fit.trace.last().copied().unwrap_or(f64::NEG_INFINITY);
        let start = self.globals.clone();
        let from = self.stats.clone();
        let gated = self.work.gated.clone();
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
                    self.work.gated = gated.clone();
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
    /// state.set(&coin::Posterior { p: Beta::a_b(5.0, 5.0).into() })?;
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
    pub(super) fn settled(&self) -> bool {
        let t = &self.fit.trace;
        let n = t.len();
        if n < 2 {
            return false;
        }
        let limit = self.options.tolerance * self.fit.model.observations(&self.work.context).max(1.0);
        let gain = self.gained();
        if gain <= self.rounding() {
            return true;
        }
        if n < 3 || gain >= limit {
            return false;
        }
        let ratio = gain / (t[n - 2] - t[n - 3]);
        let left = if ratio > 0.0 && ratio < 1.0 { gain * ratio / (1.0 - ratio) } else { gain };
        left < limit
    }

    /// What the last sweep gained.
    pub(super) fn gained(&self) -> f64 {
        match self.fit.trace.as_slice() {
            [.., before, last] => last - before,
            _ => f64::INFINITY,
        }
    }

    /// What rounding alone may do to the objective.
    pub(super) fn rounding(&self) -> f64 {
        // The evidence of a conditional block holds no term of its latents' priors, which are large where these are sharp.
        let magnitude = match self.by_evidence() && M::HAS_CONDITIONAL {
            true => self.of_evidence,
            false => self.fit.magnitude,
        };
        64.0 * f64::EPSILON * magnitude
    }

    /// Whether M-steps are mixed with those before them.
    pub(super) fn mixes(&self) -> bool {
        M::MIXED && self.options.accelerate != Some(false) && self.carried.is_none()
    }

    pub(super) fn run(mut self) -> Result<Self, Error> {
        let mut anderson = (M::MIXED && self.mixes()).then(Anderson::default);
        let leaps = anderson.is_none() && self.options.accelerate == Some(true);
        let mut tried = vec![];
        let mut accelerator = leaps.then(|| Accelerator::new(&self));
        while !self.fit.converged && self.fit.iterations < self.options.max_iterations {
            match &mut anderson {
                Some(anderson) if M::MIXED => self.mix(anderson)?,
                Some(_) | None => _ = self.step()?,
            }
            if let Some(accelerator) = &mut accelerator {
                accelerator.follow(&mut self)?;
            }
            if M::DESCENDS && self.may_creep() {
                self.settle_on_floors(&mut tried)?;
            }
        }
        if M::DESCENDS {
            let limits = self.descend()?;
            self.fit.at_boundary.extend(limits);
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
            self.now = self.objective()?.terms;
        }
        self.fit.elbo_terms = self.terms();
        if self.by_evidence()
            && let Some(h) = self.entropy_term(0.0)
        {
            self.entropy = self.now.iter().find(|t| t.name == h.name).map_or(0.0, |t| t.value);
        }
        let fit = &mut self.fit;
        fit.totals = Some(Totals {
            stats: self.stats.clone(),
            entropy: self.entropy,
            constants: self.constants.clone(),
        });
        fit.lets = fit.model.lets(&self.work.context, &self.globals)?;
        fit.units = self.work.components.iter().map(|c| c.units).sum();
        fit.states = self.work.components.first().map_or(0, |c| c.first);
        if self.options.keep_locals {
            fit.posterior = self.work.posterior(&fit.model, &self.under)?;
            let imputed = fit.model.impute(&self.work.context, &self.globals, &fit.posterior)?;
            M::keep_imputed(&mut fit.posterior, imputed);
            fit.kept = true;
        }
        M::share(&self.globals, &mut fit.posterior);
        Ok(self.fit)
    }

    /// E_q log p of each statement, and the entropy of each block.
    fn terms(&self) -> Vec<ElboTerm> {
        let mut terms = self.now.clone();
        for t in &mut terms {
            if let Some((_, c)) = self.constants.iter().find(|(name, _)| *name == t.name) {
                t.value += c;
            }
        }
        terms
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

/// Whether all that is hidden are the latents of the units, so that the objective is their evidence.
pub(super) fn is_joint<M: Program>() -> bool {
    is_local::<M>() && !M::GATED
}

/// Whether all that is hidden are the latents of the units, whose posterior begins at the params alone.
pub(super) fn is_local<M: Program>() -> bool {
    matches!(M::TURNS, [Turn::Units]) && !M::COUPLES && !M::MEETS
}

/// Whether the units' latents are several blocks, which take turns.
pub(super) fn is_coupled<M: Program>() -> bool {
    M::COUPLES || M::GATED || M::MEETS
}

/// Whether a sweep begins with shared latents.
pub(super) fn blocks_lead<M: Program>() -> bool {
    matches!(M::TURNS.first(), Some(Turn::Block(_)))
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
