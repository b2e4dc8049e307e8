//! Gaussian latents along an axis as their data come in: filters, forecasts, and one step at a time.

use super::alike::RowsOf;
use super::online::Known;
use super::program::{Program, Turn};
use super::sweep::Work;
use super::{Fit, Follows, Links, Marginal, Trajectory};
use crate::Error;
use crate::dist::PowerGamma;
use crate::engine::gauss::Failure;
use crate::engine::gauss::scan::Front;
use crate::engine::mode::Notes;
use crate::engine::unit::UnitNormals;
use crate::special::{digamma, lgamma_bregman};
use nalgebra::{DMatrix, DVector};
use std::sync::Arc;

/// What is remembered of the steps so far: a triangle of the numbers of one step.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    front: Front,
    system: RowsOf,
    mean: Vec<f64>,
    cov: Vec<f64>,
    /// log p of the last unit's data given those before, but for what depends on the data alone.
    said: Option<f64>,
    /// What the densities of units that were not determined leave out.
    waiting: f64,
    pub scale: Option<Scale>,
}

/// τᵖ ~ Gamma(shape, rate) given the data so far, where τ is a scale that all rows have in common: given it they are Gaussian.
///
/// ```text
/// log p(y[t] | y[0..t], τ) = c − ½ τᵖ δ + ½ n log τᵖ        δ squares and n numbers of the step at τ = 1
/// log p(y[t] | y[0..t])    = c + log Γ(a + n/2) − log Γ(a) + a log b − (a + n/2) log(b + δ/2)
/// ```
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub law: PowerGamma,
    /// Rows less latents, of the steps that are not yet in the law.
    count: f64,
}

impl Scale {
    /// Takes in a step, or all steps up to the first at which the states are determined: log p at τ = 1, and its squares. Their log density
    /// with τ integrated out.
    fn take(&mut self, log: f64, squares: f64) -> f64 {
        let (a, b) = (self.law.shape, self.law.rate);
        let half = 0.5 * std::mem::take(&mut self.count);
        let constant = log + 0.5 * squares;
        self.law.shape = a + half;
        self.law.rate = b + 0.5 * squares;
        // Differences of the same functions lose digits of long sequences.
        let gammas = lgamma_bregman(a + half, a) + half * digamma(a);
        let rates = (a + half) * (0.5 * squares / b).ln_1p() + half * b.ln();
        constant + gammas - rates
    }

    /// E τᵖ
    pub fn mean(&self) -> f64 {
        self.law.shape / self.law.rate
    }
}

/// The model, its globals, and data with what was worked out from them.
pub(super) struct Held<'s, 'a, M: Program> {
    pub model: &'s M,
    pub context: &'s M::Context<'a>,
    pub at: &'s M::Prepared,
}

/// Functions of the params that are kept from one step to the next.
pub(super) struct Tabulated<M: Program>(Option<Arc<M::Prepared>>);

impl<M: Program> Default for Tabulated<M> {
    fn default() -> Self {
        Tabulated(None)
    }
}

impl<M: Program> Clone for Tabulated<M> {
    fn clone(&self) -> Self {
        Tabulated(self.0.clone())
    }
}

impl<M: Program> std::fmt::Debug for Tabulated<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tabulated").finish_non_exhaustive()
    }
}

impl<M: Program> Tabulated<M> {
    /// Those that are kept, or else new ones, to be kept if so asked.
    pub fn of(
        &mut self,
        keep: bool,
        make: impl FnOnce() -> Result<M::Prepared, Error>,
    ) -> Result<Arc<M::Prepared>, Error> {
        if let Some(kept) = &self.0 {
            return Ok(kept.clone());
        }
        let made = Arc::new(make()?);
        if keep {
            self.0 = Some(made.clone());
        }
        Ok(made)
    }
}

impl Memory {
    /// Before the first step of so many numbers, of which so many steps are handed on, with what is known of a scale.
    pub fn begin(
        &mut self,
        (width, order): (usize, usize),
        scale: Marginal<PowerGamma>,
    ) -> Result<(), Error> {
        self.front.begin(width, order);
        self.scale = match scale {
            Marginal::Unset => None,
            Marginal::Law(law) => Some(Scale { law, count: 0.0 }),
            Marginal::Point(_) => return Err(Error::NotFinite { what: "a scale without a prior".into() }),
        };
        Ok(())
    }

    /// Takes in a unit; `joined` to the one before.
    pub fn advance<M: Program>(
        &mut self,
        held: &Held<'_, '_, M>,
        (h, unit, joined): (usize, usize, bool),
    ) -> Result<(), Failure> {
        let mut count = 0;
        for step in [true, false] {
            if step && !joined {
                continue;
            }
            self.system.write(held.model, (held.context, held.at), 0, (unit, step), h);
            let (rows, log) = self.system.written();
            count += self.front.add(rows, log, step);
        }
        self.front.step()?;
        let said = self.front.log_density();
        self.said = match &mut self.scale {
            None => said.map(|(log, _)| log),
            Some(scale) => {
                scale.count += count as f64 - h as f64;
                said.map(|(log, squares)| scale.take(log, squares))
            }
        };
        Ok(())
    }

    /// Number of units that were taken in.
    pub fn steps(&self) -> usize {
        self.front.steps()
    }

    /// Rows that say all that is known of the last units, and how many unknowns these have.
    pub fn triangle(&self) -> (&[f64], usize) {
        (self.front.triangle(), self.front.held())
    }

    /// Mean and covariance of what is known of the last unit, at the expectation of a scale; NaN where nothing determines it.
    fn moments(&mut self, h: usize) -> (&[f64], &[f64]) {
        self.mean.resize(h, 0.0);
        self.cov.resize(h * h, 0.0);
        self.front.moments(&mut self.mean, &mut self.cov);
        if let Some(scale) = &self.scale {
            let mean = scale.mean();
            self.cov.iter_mut().for_each(|x| *x /= mean);
        }
        (&self.mean, &self.cov)
    }

    /// log p of the last unit's data given those before it, where that is a number; `constant` is what the rows leave out.
    fn log_density(&mut self, constant: f64) -> Option<f64> {
        let left_out = self.waiting + constant;
        let log = self.said;
        self.waiting = if log.is_some() { 0.0 } else { left_out };
        log.map(|l| l + left_out)
    }

    /// What one more observation says.
    pub fn known(&mut self, h: usize, constant: f64) -> Known {
        let log_density = self.log_density(constant);
        let (mean, cov) = self.moments(h);
        let (mean, cov) = (DVector::from_column_slice(mean), DMatrix::from_row_slice(h, h, cov));
        let dof = self.scale.map_or(f64::INFINITY, |s| 2.0 * s.law.shape);
        Known { probs: vec![], mean, cov, dof, log_density }
    }
}

/// What is known before the first step of the latents that all units share: where sequences have scales, their priors, and else q.
pub(super) fn at_first<M: Follows>(
    model: &M,
    context: &M::Context<'_>,
    params: &M::Params,
) -> Result<M::Globals, Error> {
    let given = model.gather(params, &M::Posterior::default());
    let mut globals = model.neutral(context, &given)?;
    let nothing = model.zero(context);
    for turn in M::TURNS {
        if let Turn::Block(n) = turn {
            model.update(context, &nothing, &mut globals, *n, &mut Notes::default())?;
        }
    }
    Ok(globals)
}

/// Functions of the globals for the rows of a chain; scales are 1, since what is known of them changes from step to step.
pub(super) fn prepare<M: Follows>(
    model: &M,
    context: &M::Context<'_>,
    globals: &M::Globals,
) -> Result<M::Prepared, Error> {
    if !M::SCALED {
        return model.prepare(context, globals);
    }
    let mut globals = globals.clone();
    let units = model.components(context).first().map_or(0, |c| c.units);
    (0..units).for_each(|unit| model.set_scale(context, &mut globals, unit, Marginal::Point(1.0)));
    model.prepare(context, &globals)
}

impl<M: Follows> Work<'_, M> {
    /// The globals that the filter of a fit begins with.
    pub(super) fn filter_globals(&self, fit: &Fit<M>) -> Result<M::Globals, Error> {
        if M::SCALED { at_first(&fit.model, &self.context, &fit.params) } else { Ok(fit.globals.clone()) }
    }

    /// Walks through every sequence; `visit` sees the memory after each unit.
    pub(super) fn follow(
        &self,
        (model, globals): (&M, &M::Globals),
        links: &Links,
        visit: &mut dyn FnMut(usize, usize, &mut Memory) -> Result<(), Error>,
    ) -> Result<Vec<Memory>, Error> {
        let at = prepare(model, &self.context, globals)?;
        let held = Held { model, context: &self.context, at: &at };
        let h = links.normals().unwrap_or(0);
        let mut out = Vec::with_capacity(links.sequences());
        for s in 0..links.sequences() {
            let units = links.sequence(s);
            let mut memory = Memory::default();
            if !units.is_empty() {
                let scale = model.scale_at(&self.context, globals, units.start);
                memory.begin((h, links.order()), scale)?;
            }
            for unit in units.clone() {
                let done = memory.advance(&held, (h, unit, unit > units.start));
                done.map_err(|e| e.named(|t, _| model.unit_name(&self.context, 0, units.start + t)))?;
                visit(s, unit, &mut memory)?;
            }
            out.push(memory);
        }
        Ok(out)
    }

    /// q of every unit by the data up to it.
    pub(super) fn filtered_normals(&self, fit: &Fit<M>, links: &Links) -> Result<M::Posterior, Error> {
        let (model, globals) = (&fit.model, self.filter_globals(fit)?);
        let mut posterior = model.posterior(&self.context, vec![self.chain_table(0)]);
        let h = links.normals().unwrap_or(0);
        let mut normals = UnitNormals::default();
        let mut laws: Vec<Trajectory> =
            (0..links.sequences()).map(|s| Trajectory::new(h, links.sequence(s).len())).collect();
        let mut now = globals.clone();
        self.follow((model, &globals), links, &mut |s, unit, memory| {
            if let Some(scale) = &memory.scale {
                model.set_scale(&self.context, &mut now, unit, Marginal::Law(scale.law));
            }
            let (mean, cov) = memory.moments(h);
            laws[s].push(mean, cov);
            normals.begin(h, 1, 1);
            let (to_mean, to_cov) = normals.moments_mut(0);
            to_mean.copy_from_slice(mean);
            to_cov.copy_from_slice(cov);
            model.share_normals(&self.context, &now, 0, unit, (0, 1), &[1.0], &normals, &mut posterior);
            Ok(())
        })?;
        for (s, law) in laws.into_iter().enumerate().filter(|(_, law)| !law.is_empty()) {
            model.share_path(&self.context, 0, links.sequence(s).start, law, &mut posterior);
        }
        M::share(&now, &mut posterior);
        Ok(posterior)
    }

    /// log p(data of the unit | data before it), sequence by sequence.
    pub(super) fn log_densities(&self, fit: &Fit<M>, links: &Links) -> Result<Vec<Vec<Option<f64>>>, Error> {
        let (model, globals) = (&fit.model, self.filter_globals(fit)?);
        let mut out: Vec<Vec<Option<f64>>> = vec![vec![]; links.sequences()];
        self.follow((model, &globals), links, &mut |s, unit, memory| {
            out[s].push(memory.log_density(model.unit_constant(&self.context, 0, unit)));
            Ok(())
        })?;
        Ok(out)
    }
}
