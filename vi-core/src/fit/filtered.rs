//! Gaussian latents along an axis as their data come in: filters, forecasts, and one step at a time.

use super::alike::RowsOf;
use super::chained::{Chained, Desk};
use super::online::{Forecast, Known};
use super::program::Program;
use super::sweep::Work;
use super::{Fit, Links, Options, Trajectory};
use crate::Error;
use crate::engine::gauss::Failure;
use crate::engine::gauss::scan::{Filter, Patterns, Row};
use crate::engine::unit::UnitNormals;
use nalgebra::{DMatrix, DVector};
use std::sync::Arc;

/// What is remembered of the steps so far: a triangle of the numbers of one step.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    filter: Filter,
    patterns: Patterns,
    system: RowsOf,
    mean: Vec<f64>,
    cov: Vec<f64>,
    /// What the densities of units that were not determined leave out.
    waiting: f64,
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
    /// Adds rows of a unit alone, `h` coefficients and the target, or of the step to it, with `h` more before.
    fn take(&mut self, rows: &[f64], log: f64, h: usize, step: bool) {
        for row in rows.chunks_exact(if step { 2 * h + 1 } else { h + 1 }) {
            let (target, coefficients) = row.split_last().unwrap_or((&0.0, &[]));
            let (previous, current) = coefficients.split_at(if step { h } else { 0 });
            self.patterns.square(1.0, Row { previous, current, inputs: &[], constant: *target });
        }
        self.patterns.add_log(log);
    }

    /// Takes in a unit; `joined` to the one before.
    pub fn advance<M: Program>(
        &mut self,
        held: &Held<'_, '_, M>,
        (h, unit, joined): (usize, usize, bool),
    ) -> Result<(), Failure> {
        self.patterns.reset(h, 0, &[], &[]);
        self.patterns.begin();
        for step in [true, false] {
            if step && !joined {
                continue;
            }
            let mut system = std::mem::take(&mut self.system);
            system.write(held.model, (held.context, held.at), 0, (unit, step), h);
            let (rows, log) = system.written();
            self.take(rows, log, h, step);
            self.system = system;
        }
        self.filter.step(&self.patterns, 0, &[])
    }

    /// Takes a step by rows that are known.
    fn move_on(&mut self, (rows, log): &(Vec<f64>, f64), h: usize) -> Result<(), Failure> {
        self.patterns.reset(h, 0, &[], &[]);
        self.patterns.begin();
        self.take(rows, *log, h, true);
        self.filter.step(&self.patterns, 0, &[])
    }

    /// Mean and covariance of what is known of the last unit; NaN where nothing determines it.
    fn moments(&mut self, h: usize) -> (&[f64], &[f64]) {
        self.mean.resize(h, 0.0);
        self.cov.resize(h * h, 0.0);
        let known = self.filter.mean(&mut self.mean).and_then(|()| self.filter.covariance(&mut self.cov));
        if known.is_err() {
            self.filter.determined_part(&mut self.mean, &mut self.cov);
        }
        (&self.mean, &self.cov)
    }

    /// log p of the last unit's data given those before it, where that is a number; `constant` is what the rows leave out.
    fn log_density(&mut self, constant: f64) -> Option<f64> {
        let left_out = self.waiting + constant;
        let log = self.filter.log_density();
        self.waiting = if log.is_some() { 0.0 } else { left_out };
        log.map(|l| l + left_out)
    }

    /// What one more observation says.
    pub fn known(&mut self, h: usize, constant: f64) -> Known {
        let log_density = self.log_density(constant);
        let (mean, cov) = self.moments(h);
        Known {
            probs: vec![],
            mean: DVector::from_column_slice(mean),
            cov: DMatrix::from_row_slice(h, h, cov),
            log_density,
        }
    }
}

impl<M: Program> Work<'_, M> {
    /// Walks through every sequence; `visit` sees the memory after each unit.
    fn follow(
        &self,
        (model, globals): (&M, &M::Globals),
        links: &Links,
        visit: &mut dyn FnMut(usize, usize, &mut Memory) -> Result<(), Error>,
    ) -> Result<Vec<Memory>, Error> {
        let at = model.prepare(&self.context, globals)?;
        let held = Held { model, context: &self.context, at: &at };
        let h = links.normals().unwrap_or(0);
        let mut out = Vec::with_capacity(links.sequences());
        for s in 0..links.sequences() {
            let units = links.sequence(s);
            let mut memory = Memory::default();
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
    pub(super) fn filtered_normals(
        &self,
        model: &M,
        globals: &M::Globals,
        links: &Links,
    ) -> Result<M::Posterior, Error> {
        let mut posterior = model.posterior(&self.context, vec![self.chain_table(0)]);
        let h = links.normals().unwrap_or(0);
        let mut normals = UnitNormals::default();
        let mut laws = vec![Trajectory::new(h); links.sequences()];
        self.follow((model, globals), links, &mut |s, unit, memory| {
            let (mean, cov) = memory.moments(h);
            laws[s].push(mean, cov);
            normals.begin(h, 1, 1);
            let (to_mean, to_cov) = normals.moments_mut(0);
            to_mean.copy_from_slice(mean);
            to_cov.copy_from_slice(cov);
            model.share_normals(&self.context, globals, 0, unit, (0, 1), &[1.0], &normals, &mut posterior);
            Ok(())
        })?;
        for (s, law) in laws.into_iter().enumerate().filter(|(_, law)| !law.is_empty()) {
            model.share_path(&self.context, 0, links.sequence(s).start, law, &mut posterior);
        }
        Ok(posterior)
    }

    /// log p(data of the unit | data before it), sequence by sequence.
    pub(super) fn log_densities(
        &self,
        model: &M,
        globals: &M::Globals,
        links: &Links,
    ) -> Result<Vec<Vec<Option<f64>>>, Error> {
        let mut out: Vec<Vec<Option<f64>>> = vec![vec![]; links.sequences()];
        self.follow((model, globals), links, &mut |s, unit, memory| {
            out[s].push(memory.log_density(model.unit_constant(&self.context, 0, unit)));
            Ok(())
        })?;
        Ok(out)
    }
}

/// The steps after each sequence.
pub(super) fn forecast<M: super::Continues>(
    fit: &Fit<M>,
    work: &Work<'_, M>,
    links: &Links,
    steps: usize,
) -> Result<Forecast<M>, Error> {
    let (model, globals, options) = (&fit.model, &fit.globals, Options::default());
    let h = links.normals().unwrap_or(0);
    let memories = work.follow((model, globals), links, &mut |_, _, _| Ok(()))?;
    // A second step of which nothing is seen has the rows that lead to it, and no others.
    let moved = model.unobserved(&work.context, 2, |two| -> Result<_, Error> {
        let mut rows = (vec![], 0.0);
        if links.sequences() > 0 {
            let context = model.context(two, &fit.params, &options)?;
            let at = model.prepare(&context, globals)?;
            let mut system = RowsOf::default();
            system.write(model, (&context, &at), 0, (1, true), h);
            let (written, log) = system.written();
            rows = (written.to_vec(), log);
        }
        Ok(rows)
    })?;
    model.unobserved(&work.context, steps, |data| {
        let future = Work::new(model, data, &fit.params, &options)?;
        let mut posterior = model.posterior(&future.context, vec![future.chain_table(0)]);
        let Some(ahead) = future.links(0) else {
            return Err(Error::NotFinite { what: "a forecast without latents".into() });
        };
        let at = model.prepare(&future.context, globals)?;
        let job = Chained { model, work: &future, globals, at: &at, index: 0, links: ahead };
        let mut desk = Desk::default();
        for (s, mut memory) in memories.into_iter().enumerate() {
            let units = ahead.sequence(s);
            if units.is_empty() {
                continue;
            }
            let name = |unit: usize| model.unit_name(&future.context, 0, unit);
            if memory.filter.is_empty() {
                job.read(&mut desk, s..s + 1);
            } else {
                memory.move_on(&moved, h).map_err(|e| {
                    let last = links.sequence(s).end - 1;
                    e.named(|_, _| model.unit_name(&work.context, 0, last))
                })?;
                desk.begin();
                desk.unit(&[(memory.filter.triangle(), 0.0, false)], h);
                units.clone().skip(1).for_each(|_| desk.unit(&[(&moved.0, moved.1, true)], h));
                desk.settle(h);
            }
            desk.smooth_one().map_err(|e| e.named(|t, _| name(units.start + t)))?;
            job.share_one(&mut desk, s, &mut posterior);
        }
        let absent = model.impute(&future.context, &fit.params, &posterior)?;
        Ok(Forecast { posterior, absent })
    })
}
