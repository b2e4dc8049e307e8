//! One pass over the units: E-step and statistics fused, tile by tile. Nothing of size units × states is kept.

use super::needs::Needs;
use super::program::{Component, Evidence, Program, Scratch, Statistics};
use super::{Categories, Links, Options};
use crate::Error;
use crate::engine::finite::{Failure, Semiring, Sum, table};
use crate::reduce::{self, Accumulate};
use crate::stats::Moments;
use crate::tile::{TILE, TileBuffer};
use std::ops::Range;
use std::sync::OnceLock;

/// Units of one leaf of the fixed tree.
pub(super) const LEAF: usize = 2048;

/// Units that say where the data lie.
pub(super) const PILOT: usize = 64;

/// Writes the probabilities of a component's units, state-major.
pub(super) type Fill<'f> = dyn Fn(usize, Range<usize>, &mut [f64]) + 'f;

/// Sees the units of a tile, their table, their log evidence and what was gathered on the way.
pub(super) type Visit<'f> = dyn FnMut(Range<usize>, &[f64], &[f64], &Scratch) + 'f;

/// Data at work: what the runtime holds on to while it fits.
pub(crate) struct Work<'a, M: Program> {
    pub context: M::Context<'a>,
    pub components: Vec<Component>,
    /// Statistics of the statements no latent touches.
    pub fixed: M::Stats,
    pub threads: usize,
    /// Moments of the data of collapsed components, read when they are first asked for.
    pub collapsed: Vec<OnceLock<Moments>>,
    /// q of the units of coupled components, unit by unit; empty for the others.
    pub coupled: Vec<Vec<f64>>,
    /// What chains of Gaussians and the categories that choose their rows hold of one another.
    pub gated: super::gated::Gated,
    /// q of the units of components that meet others, and what is expected of those; empty for the others.
    pub met: Vec<Vec<f64>>,
    pub added: Vec<Vec<f64>>,
    /// The same of the joint states of each unit and the one before it, where meetings read both.
    pub met_steps: Vec<Vec<f64>>,
    pub added_steps: Vec<Vec<f64>>,
    /// How the units of each component follow one another.
    pub links: Vec<Option<Links>>,
}

impl<'a, M: Program> Work<'a, M> {
    pub fn new(model: &M, data: &M::Data<'a>, params: &M::Params, options: &Options) -> Result<Self, Error> {
        let context = model.context(data, params, options)?;
        let components = model.components(&context);
        for c in &components {
            if c.joint && c.states > options.budget {
                return Err(Error::TooLarge {
                    block: c.name.to_string(),
                    states: c.states as u128,
                    budget: options.budget,
                    write: match c.name.contains(", ") {
                        true => format!(
                            "factorize {{ {} }}",
                            c.name.split(", ").map(|v| format!("q({v});")).collect::<Vec<_>>().join(" ")
                        ),
                        false => String::new(),
                    },
                });
            }
        }
        let given = model.gather(params, &M::Posterior::default());
        let neutral = model.neutral(&context, &given)?;
        // Params that a user gives are looked at before the first statistics are: tables are read where data say, not where params end.
        if M::is_set(&given) {
            model.validate(&context, &neutral)?;
        }
        let in_sequences = M::LINKED || M::CHAINED;
        let links_of = |n| if in_sequences { model.links(&context, n) } else { None };
        let links: Vec<Option<Links>> = (0..components.len()).map(links_of).collect();
        let mut pilot = model.fixed(&context, PILOT);
        model.moving(&context, &neutral, &mut pilot);
        let collapsed = components.iter().map(|_| OnceLock::new()).collect();
        let (threads, fixed) = (options.thread_count(), model.zero(&context));
        let gated = super::gated::Gated::default();
        let (coupled, met, added) = (vec![], vec![], vec![]);
        let (met_steps, added_steps) = (vec![], vec![]);
        let mut work = Work {
            context,
            components,
            fixed,
            threads,
            collapsed,
            coupled,
            gated,
            met,
            added,
            met_steps,
            added_steps,
            links,
        };
        work.pilot(model, &neutral, &mut pilot);
        model.gauge(&mut work.context, &pilot);
        work.settle_gauges(model, &neutral);
        work.fixed = model.fixed(&work.context, usize::MAX);
        Ok(work)
    }

    /// Adds what the first units say of where the data lie.
    fn pilot(&self, model: &M, neutral: &M::Globals, pilot: &mut M::Stats) {
        let context = &self.context;
        let even = |index: usize, _: Range<usize>, out: &mut [f64]| {
            out.fill(1.0 / self.components[index].states.max(1) as f64);
        };
        self.collect_meetings(model, neutral, &even, PILOT, pilot);
        for (index, c) in self.components.iter().enumerate() {
            if M::CHAINED
                && let Some(links) = self.chain(index)
            {
                self.pool_chain(model, neutral, index, &links.first(PILOT), pilot);
                continue;
            }
            let mut scratch = Scratch::beginning();
            let units = 0..c.units.min(PILOT);
            let table = vec![1.0 / c.states.max(1) as f64; c.states * units.len()];
            let parts =
                self.links[index].as_ref().map_or(vec![units.clone()], |l| l.pieces(units.clone()).collect());
            for part in parts {
                let table = &table[..c.states * part.len()];
                model.collect(context, neutral, index, part, table, pilot, &mut scratch);
            }
            if M::LINKED
                && let Some(links) = &self.links[index]
            {
                let table = links.even_pairs();
                for unit in units.filter(|unit| links.has_step(*unit)) {
                    model.collect_step(context, neutral, index, unit, &table, pilot, &mut scratch);
                }
            }
        }
    }

    /// E-step at these params: expected statistics of all statements, and the log evidence of the units.
    pub fn expect(&self, model: &M, globals: &M::Globals) -> Result<M::Stats, Error> {
        let at = model.prepare(&self.context, globals)?;
        let mut stats = self.fixed.clone();
        model.moving(&self.context, globals, &mut stats);
        for (index, component) in self.components.iter().enumerate() {
            if M::COUPLES && M::COUPLED.contains(&index) {
                self.coupled_stats(model, globals, index, &mut stats);
                continue;
            }
            if M::CHAINED
                && let Some(links) = self.chain(index)
            {
                stats.merge(&self.expect_chain(model, globals, &at, index, links)?);
                continue;
            }
            if M::LINKED
                && let Some(links) = self.links(index)
            {
                stats.merge(&self.expect_linked(model, globals, &at, index, links)?);
                continue;
            }
            if M::COLLAPSES && M::COLLAPSED.contains(&index) {
                self.collapse(model, globals, &at, index, &mut stats)?;
                continue;
            }
            let job = Sweep { model, work: self, globals, at: &at, index, component: *component };
            let sum = reduce::accumulate(component.units, LEAF, self.threads, &job)?;
            stats.merge(&sum);
        }
        self.expect_meetings(model, globals, &at, &mut stats);
        Ok(stats)
    }

    /// What a minibatch is drawn from: the units of the first component, or its sequences.
    pub fn drawn_from(&self) -> usize {
        self.links(0).map_or_else(|| self.components.first().map_or(0, |c| c.units), Links::sequences)
    }

    /// Expected statistics of some units or sequences of the first component, in increasing order, and of nothing else.
    pub fn expect_some(&self, model: &M, globals: &M::Globals, units: &[usize]) -> Result<M::Stats, Error> {
        let Some(component) = self.components.first() else { return Ok(model.zero(&self.context)) };
        let at = model.prepare(&self.context, globals)?;
        if M::CHAINED
            && let Some(links) = self.chain(0)
        {
            return self.expect_chains(model, globals, &at, links, units);
        }
        if M::LINKED
            && let Some(links) = self.links(0)
        {
            return self.expect_sequences(model, globals, &at, links, units);
        }
        let job = Sweep { model, work: self, globals, at: &at, index: 0, component: *component };
        let (mut sum, mut desk) = (job.zero(), job.scratch());
        for run in units.chunk_by(|a, b| a + 1 == *b) {
            job.add(&mut sum, &mut desk, run[0]..run[run.len() - 1] + 1)?;
        }
        Ok(sum)
    }

    /// Statistics of given probabilities of states: `fill` writes those of a range of units, state-major. Neighbours count as independent;
    /// `soften` of each is taken to be anything.
    ///
    /// Gaussian latents of the units have the posteriors of `given` where it has any, and else those at these globals.
    pub fn collect(
        &self,
        model: &M,
        globals: &M::Globals,
        given: &M::Posterior,
        fill: &Fill<'_>,
        soften: f64,
    ) -> M::Stats {
        let mut stats = self.fixed.clone();
        model.moving(&self.context, globals, &mut stats);
        for (index, c) in self.components.iter().enumerate() {
            if M::CHAINED
                && let Some(links) = self.chain(index)
            {
                self.pool_chain(model, globals, index, links, &mut stats);
                continue;
            }
            let mut scratch = Scratch::beginning();
            let mut table = vec![0.0; c.states * tile_size(c.states)];
            for units in self.tiles(index, 0..c.units) {
                let table = &mut table[..c.states * units.len()];
                fill(index, units.clone(), table);
                scratch.normals.fresh = M::HAS_NORMALS
                    && M::NORMALS.contains(&index)
                    && model.start_normals(&self.context, index, units.clone(), given, &mut scratch.normals);
                model.collect(&self.context, globals, index, units, table, &mut stats, &mut scratch);
            }
            if M::LINKED {
                self.collect_steps(model, globals, index, fill, soften, &mut stats);
            }
        }
        self.collect_meetings(model, globals, fill, usize::MAX, &mut stats);
        stats
    }

    /// Adds the statistics of the units of a component that has one state.
    pub fn pooled(&self, model: &M, globals: &M::Globals, index: usize, stats: &mut M::Stats) {
        if M::CHAINED
            && let Some(links) = self.chain(index)
        {
            return self.pool_chain(model, globals, index, links, stats);
        }
        let mut scratch = Scratch::beginning();
        let table = vec![1.0; TILE];
        let units = self.components[index].units;
        for start in (0..units).step_by(TILE) {
            let tile = start..(start + TILE).min(units);
            let table = &table[..tile.len()];
            model.collect(&self.context, globals, index, tile, table, stats, &mut scratch);
        }
    }

    /// Joint tables of all components: the posterior of every unit.
    pub fn tables(&self, model: &M, globals: &M::Globals) -> Result<Vec<Categories>, Error> {
        let at = model.prepare(&self.context, globals)?;
        (0..self.components.len()).map(|index| self.table(model, globals, &at, index)).collect()
    }

    /// The joint table of one component.
    pub(super) fn table(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
    ) -> Result<Categories, Error> {
        let c = self.components[index];
        if M::COUPLES
            && let Some(table) = self.coupled_table(index)
        {
            return Ok(table);
        }
        if M::CHAINED && self.chain(index).is_some() {
            return Ok(self.chain_table(index));
        }
        if M::LINKED
            && let Some(links) = self.links(index)
        {
            return self.linked_table(model, globals, at, index, links);
        }
        Ok(Categories::from_rows(c.states, self.marginals(model, globals, at, index)?))
    }

    /// q of the joint states of every unit of a component, without the joint law of those that follow one another.
    pub(super) fn marginals(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
    ) -> Result<Vec<f64>, Error> {
        if M::LINKED
            && let Some(links) = self.links(index)
        {
            return self.linked_marginals(model, globals, at, index, links);
        }
        let c = self.components[index];
        let mut probs = vec![0.0; c.units * c.states];
        self.each_tile(model, globals, at, index, c, &mut |units, table, _, _| {
            let n = units.len();
            for i in 0..n {
                for s in 0..c.states {
                    probs[(units.start + i) * c.states + s] = table[s * n + i];
                }
            }
        })?;
        Ok(probs)
    }

    /// Tiles of a range of units; where units follow one another, each lies within one sequence.
    pub(super) fn tiles(&self, index: usize, units: Range<usize>) -> Vec<Range<usize>> {
        let states = self.components.get(index).map_or(1, |c| c.states);
        match self.links(index) {
            Some(links) => links.pieces(units).flat_map(|part| in_tiles(part, states)).collect(),
            None => in_tiles(units, states).collect(),
        }
    }

    /// Probabilities of the states of some units, as if none followed another.
    pub fn alone(
        &self,
        model: &M,
        at: &M::Prepared,
        index: usize,
        units: Range<usize>,
        table: &mut [f64],
        scratch: &mut Scratch,
    ) {
        let Some(c) = self.components.get(index) else { return };
        let n = units.len();
        let mut evidence = vec![0.0; n];
        table.fill(0.0);
        model.potentials(&self.context, at, index, units.clone(), table, scratch);
        self.add_said(index, units, table);
        Sum.eliminate(table, c.states, n, &mut evidence);
        for (i, _) in evidence.iter().enumerate().filter(|(_, e)| !e.is_finite()) {
            (0..c.states).for_each(|s| table[s * n + i] = 1.0 / c.states as f64);
        }
    }

    /// Log evidence of every unit or sequence of every component, without what depends on the data alone.
    pub fn evidences(&self, model: &M, globals: &M::Globals) -> Result<Vec<Vec<f64>>, Error> {
        let at = model.prepare(&self.context, globals)?;
        let mut out = vec![];
        for (index, c) in self.components.iter().enumerate() {
            if M::CHAINED
                && let Some(links) = self.chain(index)
            {
                out.push(self.chain_evidences(model, globals, &at, index, links)?);
                continue;
            }
            if M::LINKED
                && let Some(links) = self.links(index)
            {
                out.push(self.linked_evidences(model, globals, &at, index, links)?);
                continue;
            }
            let mut all = Vec::with_capacity(c.units);
            self.each_tile(model, globals, &at, index, *c, &mut |_, _, evidence, _| {
                all.extend_from_slice(evidence)
            })?;
            out.push(all);
        }
        Ok(out)
    }

    pub(super) fn each_tile(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        component: Component,
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        if M::LINKED
            && let Some(links) = self.links(index)
        {
            return self.each_linked_tile(model, globals, at, (index, links), false, visit);
        }
        let job = Sweep { model, work: self, globals, at, index, component };
        let mut desk = job.scratch();
        let mut start = 0;
        while start < component.units {
            let units = start..(start + tile_size(component.states)).min(component.units);
            job.eliminated(&mut Sum, units.clone(), &mut desk)?;
            let n = units.len();
            let table = &desk.table[..component.states * n];
            visit(units.clone(), table, &desk.evidence[..n], &desk.scratch);
            start = units.end;
        }
        Ok(())
    }
}

/// A range of units, cut into tiles.
pub(super) fn in_tiles(units: Range<usize>, states: usize) -> impl Iterator<Item = Range<usize>> {
    let (size, end) = (tile_size(states), units.end);
    units.step_by(size).map(move |start| start..(start + size).min(end))
}

/// Units of one tile: fewer where a unit has many states, so that the table stays in the cache.
pub(crate) fn tile_size(states: usize) -> usize {
    (TILE * 64 / states.max(64)).clamp(8, TILE)
}

struct Sweep<'s, 'a, M: Program> {
    model: &'s M,
    work: &'s Work<'a, M>,
    globals: &'s M::Globals,
    at: &'s M::Prepared,
    index: usize,
    component: Component,
}

struct Desk {
    table: TileBuffer,
    evidence: Vec<f64>,
    scratch: Scratch,
}

impl<M: Program> Sweep<'_, '_, M> {
    /// Fills the table of a tile with what the semiring makes of its units: with [`Sum`], their posterior.
    fn eliminated<S: Semiring>(
        &self,
        semiring: &mut S,
        units: Range<usize>,
        desk: &mut Desk,
    ) -> Result<(), Error> {
        let (states, n) = (self.component.states, units.len());
        let table = &mut desk.table[..states * n];
        let evidence = &mut desk.evidence[..n];
        table.fill(0.0);
        desk.scratch.magnitude = 0.0;
        let (model, at) = (self.model, self.at);
        self.work.potentials(model, at, self.index, units.clone(), table, &mut desk.scratch);
        let present = |i: usize| self.model.copies(&self.work.context, self.index, units.start + i) > 0.0;
        table::eliminate(semiring, table, states, n, evidence, present).map_err(|failure| {
            let name = |i: usize| self.model.unit_name(&self.work.context, self.index, units.start + i);
            match failure {
                Failure::NotFinite { at } if desk.scratch.normals.undetermined => Error::Improper {
                    element: name(at),
                    reason: "neither its prior nor the data determine it".to_string(),
                },
                Failure::NotFinite { .. } | Failure::Impossible { .. } => failure.named(name),
            }
        })
    }
}

impl<M: Program> Accumulate for Sweep<'_, '_, M> {
    type Sum = M::Stats;
    type Scratch = Desk;
    type Error = Error;

    fn zero(&self) -> M::Stats {
        self.model.zero(&self.work.context)
    }

    fn clear(&self, sum: &mut M::Stats) {
        sum.clear();
    }

    fn scratch(&self) -> Desk {
        let tile = tile_size(self.component.states);
        Desk {
            table: TileBuffer::new(self.component.states * tile),
            evidence: vec![0.0; tile],
            scratch: Scratch::default(),
        }
    }

    fn add(&self, sum: &mut M::Stats, desk: &mut Desk, units: Range<usize>) -> Result<(), Error> {
        let (states, mut start) = (self.component.states, units.start);
        while start < units.end {
            let tile = start..(start + tile_size(states)).min(units.end);
            self.eliminated(&mut Sum, tile.clone(), desk)?;
            let n = tile.len();
            let evidence = &desk.evidence[..n];
            let mut share = Evidence { log: 0.0, magnitude: desk.scratch.magnitude };
            for (unit, log) in tile.clone().zip(evidence) {
                let copies = self.model.copies(&self.work.context, self.index, unit);
                if copies > 0.0 {
                    share.log += copies * log;
                    share.magnitude += copies * log.abs();
                }
            }
            let total = sum.evidence();
            total.log += share.log;
            total.magnitude += share.magnitude;
            desk.scratch.normals.fresh = true;
            self.model.collect(
                &self.work.context,
                self.globals,
                self.index,
                tile.clone(),
                &desk.table[..states * n],
                sum,
                &mut desk.scratch,
            );
            desk.scratch.normals.fresh = false;
            start = tile.end;
        }
        Ok(())
    }

    fn merge(&self, left: &mut M::Stats, right: &mut M::Stats) {
        left.merge(right);
    }
}
