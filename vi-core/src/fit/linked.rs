//! Components whose units follow one another: forward and backward through each sequence, and the statistics of neighbours.

use super::Categories;
use super::links::Links;
use super::paths::Paths;
use super::program::{Component, Evidence, Program, Scratch, Statistics};
use super::sequence::{Desk, Lent};
use super::sweep::{Fill, Work, in_tiles, tile_size};
use crate::Error;
use crate::engine::finite::batch;
use crate::engine::finite::{Factors, Kinds};
use crate::reduce::{self, Accumulate};
use crate::tile;
use crate::tile::chains::LANES;
use std::ops::Range;

/// Weights of a step, above which sequences are taken one at a time: the sums of pairs of all lanes would not stay in the cache.
const SIDE_BY_SIDE: usize = 64 * 64;

impl<'a, M: Program> Work<'a, M> {
    pub(super) fn links(&self, index: usize) -> Option<&Links> {
        self.links.get(index)?.as_ref()
    }

    /// How the units of a component follow one another that are a chain of Gaussians.
    pub(super) fn chain(&self, index: usize) -> Option<&Links> {
        self.links(index).filter(|l| l.normals().is_some())
    }

    /// Expected statistics of a component whose units follow one another.
    pub(super) fn expect_linked(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        links: &Links,
    ) -> Result<M::Stats, Error> {
        let job = self.linked(model, globals, at, index, links);
        reduce::accumulate(links.leaves(), 1, self.threads, &job)
    }

    /// Statistics of some sequences, in increasing order.
    pub(super) fn expect_sequences(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        links: &Links,
        sequences: &[usize],
    ) -> Result<M::Stats, Error> {
        let job = self.linked(model, globals, at, 0, links);
        let (mut sum, mut desk) = (job.zero(), job.scratch());
        job.sequences(&mut sum, &mut desk, sequences.iter().copied())?;
        Ok(sum)
    }

    /// The posterior of every unit, and the joint law of every sequence.
    pub(super) fn linked_table(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        links: &Links,
    ) -> Result<Categories, Error> {
        let job = self.linked(model, globals, at, index, links);
        let mut desk = job.scratch();
        let states = job.component.states;
        let mut probs = Vec::with_capacity(job.component.units * states);
        let mut laws = Vec::with_capacity(links.sequences());
        for s in 0..links.sequences() {
            let units = links.sequence(s);
            let log_total = job.smooth(&mut desk, &units)?;
            for i in 0..units.len() {
                probs.extend((0..states).map(|s| desk.probability(i, s, states, links.frontier())));
            }
            let (factors, which) = job.laws(&desk.own, &desk.each, &units);
            let (factors, which) = (factors.clone(), which.map_or(vec![], <[usize]>::to_vec));
            laws.push(Paths {
                states,
                log_potential: desk.node.clone(),
                factors,
                which,
                parents: links.parents(&units).map_or(vec![], <[usize]>::to_vec),
                log_total,
                constant: units.map(|unit| model.unit_constant(&self.context, index, unit)).sum(),
                names: vec![],
            });
        }
        Ok(Categories::from_paths(states, probs, laws))
    }

    /// q of the joint states of every unit.
    pub(super) fn linked_marginals(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        links: &Links,
    ) -> Result<Vec<f64>, Error> {
        let job = self.linked(model, globals, at, index, links);
        let states = job.component.states;
        let leaf = |leaves: Range<usize>| {
            let (mut desk, mut probs) = (job.scratch(), vec![]);
            for s in leaves.flat_map(|leaf| links.leaf(leaf)) {
                let units = links.sequence(s);
                job.smooth(&mut desk, &units)?;
                for i in 0..units.len() {
                    probs.extend((0..states).map(|s| desk.probability(i, s, states, links.frontier())));
                }
            }
            Ok::<_, Error>(probs)
        };
        reduce::tree(links.leaves(), 1, self.threads, leaf, |a, b| a.extend_from_slice(&b))
    }

    /// q of the states of every unit, and of every unit's with the one before it; of components whose states are all handed on, and whose steps
    /// have laws of their own.
    pub(super) fn linked_pairs(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        links: &Links,
    ) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let job = self.linked(model, globals, at, index, links);
        let (states, square) = (job.component.states, links.parts().len());
        let leaf = |leaves: Range<usize>| {
            let mut desk = job.scratch();
            let (mut probs, mut pairs) = (vec![], vec![]);
            for units in leaves.flat_map(|leaf| links.leaf(leaf)).map(|s| links.sequence(s)) {
                job.smooth(&mut desk, &units)?;
                probs.extend_from_slice(&desk.marginals[..units.len() * states]);
                pairs.extend_from_slice(&desk.pairs[..units.len() * square]);
            }
            Ok::<_, Error>((probs, pairs))
        };
        reduce::tree(links.leaves(), 1, self.threads, leaf, |a, b| {
            a.0.extend_from_slice(&b.0);
            a.1.extend_from_slice(&b.1);
        })
    }

    /// Filtered probabilities of the joint states of every unit: by the data up to it.
    pub(super) fn linked_filter(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        links: &Links,
    ) -> Result<Categories, Error> {
        let job = self.linked(model, globals, at, index, links);
        let mut desk = job.scratch();
        let (states, size) = (job.component.states, links.frontier());
        let mut probs = Vec::with_capacity(job.component.units * states);
        for s in 0..links.sequences() {
            let units = links.sequence(s);
            job.filter(&mut desk, &units)?;
            for i in 0..units.len() {
                probs.extend((0..states).map(|s| desk.probability(i, s, states, size)));
            }
        }
        Ok(Categories::from_rows(states, probs))
    }

    /// log p(x) of every sequence, without what depends on the data alone.
    pub(super) fn linked_evidences(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        links: &Links,
    ) -> Result<Vec<f64>, Error> {
        let job = self.linked(model, globals, at, index, links);
        let mut desk = job.scratch();
        (0..links.sequences()).map(|s| job.evidence(&mut desk, &links.sequence(s))).collect()
    }

    /// Statistics of steps under a product of the units' probabilities; `soften` of each neighbour's is taken to be anything.
    pub(super) fn collect_steps(
        &self,
        model: &M,
        globals: &M::Globals,
        index: usize,
        fill: &Fill<'_>,
        soften: f64,
        stats: &mut M::Stats,
    ) {
        let (Some(links), Some(c)) = (self.links(index), self.components.get(index)) else { return };
        let (states, size) = (c.states, links.frontier());
        let inner = states.checked_div(size).unwrap_or(1).max(1);
        let mut scratch = Scratch::default();
        let square = links.parts().len();
        let (mut pair, mut soft) = (vec![0.0; square], vec![0.0; size]);
        let mut kinds = vec![0.0; links.examples().map_or(0, <[usize]>::len) * square];
        for s in 0..links.sequences() {
            let units = links.sequence(s);
            let mut marginals = vec![0.0; units.len() * size];
            let mut column = vec![0.0; states];
            for (i, unit) in units.clone().enumerate() {
                fill(index, unit..unit + 1, &mut column);
                for (state, p) in column.iter().enumerate() {
                    marginals[i * size + state / inner] += p;
                }
            }
            let which = links.which(&units);
            for unit in units.clone() {
                let Some(before) = links.before(&units, unit) else { continue };
                let i = unit - units.start;
                let row = |n: usize| &marginals[n * size..][..size];
                let (first, second) = (row(before - units.start), row(i));
                for (soft, b) in soft.iter_mut().zip(second) {
                    *soft = (1.0 - soften) * b + soften / size as f64;
                }
                pair.fill(0.0);
                links.parts().add_independent(first, &soft, &mut pair);
                if links.examples().is_some() {
                    let kind = which.map_or(0, |w| w[i]);
                    let sums = &mut kinds[kind * square..][..square];
                    sums.iter_mut().zip(&pair).for_each(|(sum, p)| *sum += p);
                } else {
                    model.collect_step(&self.context, globals, index, unit, &pair, stats, &mut scratch);
                }
            }
        }
        for (kind, unit) in links.examples().unwrap_or_default().iter().enumerate() {
            let sums = &kinds[kind * square..][..square];
            model.collect_step(&self.context, globals, index, *unit, sums, stats, &mut scratch);
        }
    }

    pub(super) fn linked<'s>(
        &'s self,
        model: &'s M,
        globals: &'s M::Globals,
        at: &'s M::Prepared,
        index: usize,
        links: &'s Links,
    ) -> Linked<'s, 'a, M> {
        let component = self.components[index];
        let square = links.parts().len();
        let alike = links.examples().filter(|_| !self.is_told_of_steps(index));
        let factors = alike.map(|examples| {
            let mut log = vec![0.0; examples.len() * square];
            let mut scratch = Scratch::default();
            for (table, unit) in log.chunks_mut(square.max(1)).zip(examples) {
                model.step(&self.context, at, index, *unit, table, &mut scratch);
            }
            Factors::in_parts(links.parts().clone(), log)
        });
        let side_by_side =
            factors.as_ref().is_some_and(batch::takes) && !links.is_on_trees() && square <= SIDE_BY_SIDE;
        let none = Factors::default();
        let known = if side_by_side { self.known(model, at, index, links) } else { None };
        Linked { model, work: self, globals, at, index, component, links, factors, none, side_by_side, known }
    }

    /// What is said of the units of each kind, where units are alike.
    fn known(&self, model: &M, at: &M::Prepared, index: usize, links: &Links) -> Option<Known> {
        let (_, examples) = links.units_alike()?;
        if self.is_told_of(index) {
            return None;
        }
        let (states, size) = (self.components[index].states, links.frontier());
        let inner = states / size;
        let mut scratch = Scratch::default();
        let mut logs = Vec::with_capacity(examples.len() * size);
        let (mut table, mut shares) = (vec![0.0; states], vec![]);
        for unit in examples {
            table.fill(0.0);
            self.potentials(model, at, index, *unit..unit + 1, &mut table, &mut scratch);
            if inner > 1 {
                // What is not handed on is summed out, and stays as its share.
                for leaves in table.chunks_mut(inner) {
                    let mut log = [0.0];
                    tile::normalise(leaves, inner, 1, &mut log);
                    logs.extend(log);
                }
                shares.extend_from_slice(&table);
            } else {
                logs.extend_from_slice(&table);
            }
        }
        Some(Known { kinds: Kinds::from_logs(size, &logs), shares })
    }
}

/// What the kinds of units say of their states.
pub(super) struct Known {
    kinds: Kinds,
    /// Of each kind, the shares of the states of what is handed on; empty where all of them are handed on.
    shares: Vec<f64>,
}

pub(super) struct Linked<'s, 'a, M: Program> {
    pub model: &'s M,
    pub work: &'s Work<'a, M>,
    pub globals: &'s M::Globals,
    pub at: &'s M::Prepared,
    pub index: usize,
    pub component: Component,
    pub links: &'s Links,
    /// The laws of the kinds of steps; `None` where every step has its own.
    pub factors: Option<Factors>,
    /// The law of steps that there are none of.
    pub none: Factors,
    /// Whether sequences are taken several at a time.
    pub side_by_side: bool,
    /// Of kinds of units, where units are alike.
    pub known: Option<Known>,
}

/// The kinds of the units of some steps of each lane.
fn kinds_of<'w>(which: &'w [u32], several: &[Range<usize>], steps: Range<usize>) -> [&'w [u32]; LANES] {
    std::array::from_fn(|lane| {
        let units = several.get(lane).map_or(&[][..], |units| &which[units.clone()]);
        &units[steps.start.min(units.len())..steps.end.min(units.len())]
    })
}

impl<M: Program> Linked<'_, '_, M> {
    fn add_evidence(&self, sum: &mut M::Stats, units: &Range<usize>, log: f64) {
        let copies = self.copies(units);
        let evidence = sum.evidence();
        *evidence =
            Evidence { log: evidence.log + copies * log, magnitude: evidence.magnitude + copies * log.abs() };
    }

    /// Adds the statistics of one sequence.
    fn one(&self, sum: &mut M::Stats, desk: &mut Desk, units: &Range<usize>) -> Result<(), Error> {
        let states = self.component.states;
        let square = self.links.parts().len();
        let (model, context) = (self.model, &self.work.context);
        desk.scratch.magnitude = 0.0;
        let log = self.smooth(desk, units)?;
        self.add_evidence(sum, units, log);
        sum.evidence().magnitude += self.copies(units) * desk.scratch.magnitude;
        for part in in_tiles(units.clone(), states) {
            let n = part.len();
            self.lay_out(desk, units, part.clone());
            let table = &desk.table[..states * n];
            model.collect(context, self.globals, self.index, part, table, sum, &mut desk.scratch);
            desk.scratch.normals.fresh = false;
        }
        if self.factors.is_none() {
            for unit in units.clone().filter(|unit| self.links.before(units, *unit).is_some()) {
                let pair = &desk.pairs[(unit - units.start) * square..][..square];
                model.collect_step(context, self.globals, self.index, unit, pair, sum, &mut desk.scratch);
            }
        }
        Ok(())
    }

    /// Adds the statistics of a few sequences, side by side.
    fn several(&self, sum: &mut M::Stats, desk: &mut Desk, several: &[Range<usize>]) -> Result<(), Error> {
        let Some(factors) = &self.factors else { return Ok(()) };
        let copies: [f64; LANES] =
            std::array::from_fn(|l| several.get(l).map_or(0.0, |units| self.copies(units)));
        let all_count_once = several.iter().zip(&copies).all(|(_, copies)| *copies == 1.0);
        // Where the kinds of the units are all there is to say of them, probabilities are added up by kinds, on the desk.
        let by_kind = self.known.as_ref().zip(self.links.units_alike()).filter(|_| all_count_once);
        desk.scratch.magnitude = 0.0;
        desk.batch.begin(factors, std::array::from_fn(|l| several.get(l).map_or(0, Range::len)), copies);
        for span in desk.batch.spans() {
            match by_kind {
                Some((known, (which, _))) => {
                    let which = kinds_of(which, several, span.start..span.end);
                    desk.batch.advance_by_kind(factors, span, &known.kinds, which);
                }
                None => self.advance(desk, several, factors, span),
            }
        }
        let logs = desk.batch.evidence();
        sum.evidence().magnitude += desk.scratch.magnitude;
        for span in desk.batch.spans().rev() {
            match by_kind {
                Some((known, (which, _))) => {
                    let which = kinds_of(which, several, span.start..span.end + 1);
                    desk.batch.retreat_by_kind(factors, span, &known.kinds, which, &mut desk.sums);
                }
                None => self.retreat(sum, desk, several, factors, span, &logs),
            }
        }
        desk.batch.add_pairs(factors, &mut desk.pairs);
        self.conclude(sum, desk, several, &logs)
    }

    /// Takes the next steps of a few sequences, by the potentials of each of their units.
    fn advance(&self, desk: &mut Desk, several: &[Range<usize>], factors: &Factors, span: Range<usize>) {
        let (states, size) = (self.component.states, self.links.frontier());
        let inner = states / size;
        let Desk { batch, tables, handed_on, leaves, scratch, .. } = desk;
        let counts = batch.counts(&span);
        for (lane, units) in several.iter().enumerate().filter(|(lane, _)| counts[*lane] > 0) {
            let (n, first) = (counts[lane], units.start + span.start);
            let table = &mut tables[lane];
            table.clear();
            table.resize(states * n, 0.0);
            self.work.potentials(self.model, self.at, self.index, first..first + n, table, scratch);
            if inner > 1 {
                // What is not handed on is summed out, and stays as its share.
                handed_on[lane].resize(size * n, 0.0);
                for (leaves, log) in table.chunks_mut(inner * n).zip(handed_on[lane].chunks_mut(n)) {
                    tile::normalise(leaves, inner, n, log);
                }
                leaves[lane].resize(units.len() * states, 0.0);
                leaves[lane][span.start * states..][..states * n].copy_from_slice(table);
            }
        }
        let ready = if inner > 1 { handed_on } else { tables };
        batch.advance(factors, span, &mut ready.each_mut().map(Vec::as_mut_slice));
    }

    /// Goes back over some steps of a few sequences, and adds the statistics of each of their units.
    fn retreat(
        &self,
        sum: &mut M::Stats,
        desk: &mut Desk,
        several: &[Range<usize>],
        factors: &Factors,
        span: Range<usize>,
        logs: &[f64; LANES],
    ) {
        let (states, size) = (self.component.states, self.links.frontier());
        let inner = states / size;
        let Desk { batch, tables, handed_on, leaves, scratch, again, .. } = desk;
        let counts = batch.counts(&span);
        let to = if inner > 1 { &mut *handed_on } else { &mut *tables };
        for (table, n) in to.iter_mut().zip(&counts) {
            table.resize(size * n, 0.0);
        }
        batch.retreat(factors, span.clone(), &mut to.each_mut().map(Vec::as_mut_slice));
        for (lane, units) in several.iter().enumerate().filter(|(lane, _)| !logs[*lane].is_nan()) {
            let (n, first) = (counts[lane], units.start + span.start);
            if n == 0 {
                continue;
            }
            let table = &mut tables[lane];
            if inner > 1 {
                table.resize(states * n, 0.0);
                let shares = &leaves[lane][span.start * states..][..states * n];
                for (s, (out, share)) in table.chunks_mut(n).zip(shares.chunks(n)).enumerate() {
                    let p = &handed_on[lane][s / inner * n..][..n];
                    out.iter_mut().zip(share).zip(p).for_each(|((out, share), p)| *out = share * p);
                }
            }
            self.within(first..first + n, again, scratch);
            let (model, context) = (self.model, &self.work.context);
            model.collect(context, self.globals, self.index, first..first + n, table, sum, scratch);
            scratch.normals.fresh = false;
        }
    }

    /// Adds the evidence of each sequence, and takes those by themselves that were lost.
    fn conclude(
        &self,
        sum: &mut M::Stats,
        desk: &mut Desk,
        several: &[Range<usize>],
        logs: &[f64; LANES],
    ) -> Result<(), Error> {
        for (units, log) in several.iter().zip(logs) {
            if log.is_nan() {
                self.one(sum, desk, units)?;
            } else {
                self.add_evidence(sum, units, *log);
            }
        }
        Ok(())
    }

    /// Adds the statistics of the units of each kind.
    fn collect_kinds(&self, sum: &mut M::Stats, desk: &mut Desk) {
        let (Some(known), Some((_, examples))) = (&self.known, self.links.units_alike()) else { return };
        let (states, context) = (self.component.states, &self.work.context);
        let inner = states / self.links.frontier();
        let mut table = vec![0.0; states];
        for (kind, (handed_on, unit)) in known.kinds.each(&desk.sums).zip(examples).enumerate() {
            if handed_on.iter().all(|p| *p == 0.0) {
                continue;
            }
            for (s, out) in table.iter_mut().enumerate() {
                let share = known.shares.get(kind * states + s).copied().unwrap_or(1.0);
                *out = share * handed_on[s / inner];
            }
            let (model, scratch) = (self.model, &mut desk.scratch);
            model.collect(context, self.globals, self.index, *unit..unit + 1, &table, sum, scratch);
        }
    }

    /// One unit of each kind of step, where laws of steps are those of kinds.
    fn kinds(&self) -> &[usize] {
        self.factors.as_ref().and(self.links.examples()).unwrap_or_default()
    }

    pub(super) fn copies(&self, units: &Range<usize>) -> f64 {
        if units.is_empty() { 1.0 } else { self.model.copies(&self.work.context, self.index, units.start) }
    }

    /// Adds the statistics of sequences.
    fn sequences(
        &self,
        sum: &mut M::Stats,
        desk: &mut Desk,
        sequences: impl Iterator<Item = usize>,
    ) -> Result<(), Error> {
        let square = self.links.parts().len();
        let (model, context) = (self.model, &self.work.context);
        let kinds = self.kinds();
        desk.pairs.clear();
        desk.pairs.resize(kinds.len() * square, 0.0);
        if let Some(known) = &self.known {
            known.kinds.clear(&mut desk.sums);
        }
        let mut all: Vec<Range<usize>> = sequences
            .map(|s| self.links.sequence(s))
            .filter(|units| !units.is_empty() && self.copies(units) > 0.0)
            .collect();
        if self.side_by_side && all.len() > 1 {
            // Lanes end together where lengths are alike.
            all.sort_by_key(|units| std::cmp::Reverse(units.len()));
            for several in all.chunks(LANES) {
                self.several(sum, desk, several)?;
            }
        } else {
            for units in all {
                self.one(sum, desk, &units)?;
            }
        }
        self.collect_kinds(sum, desk);
        for (kind, unit) in kinds.iter().enumerate() {
            let pair = &desk.pairs[kind * square..][..square];
            model.collect_step(context, self.globals, self.index, *unit, pair, sum, &mut desk.scratch);
        }
        Ok(())
    }
}

impl<'s, M: Program> Accumulate for Linked<'s, '_, M> {
    type Sum = M::Stats;
    type Scratch = Lent<'s>;
    type Error = Error;

    fn zero(&self) -> M::Stats {
        self.model.zero(&self.work.context)
    }

    fn clear(&self, sum: &mut M::Stats) {
        sum.clear();
    }

    fn scratch(&self) -> Lent<'s> {
        let states = self.component.states;
        let kinds = self.kinds().len();
        let mut desk = self.links.shelf.lend();
        desk.table.resize(states * tile_size(states), 0.0);
        desk.pairs.clear();
        desk.pairs.resize(kinds * self.links.parts().len(), 0.0);
        desk
    }

    fn add(&self, sum: &mut M::Stats, desk: &mut Lent<'s>, leaves: Range<usize>) -> Result<(), Error> {
        for leaf in leaves.start..leaves.end.min(self.links.leaves()) {
            self.sequences(sum, desk, self.links.leaf(leaf))?;
        }
        Ok(())
    }

    fn merge(&self, left: &mut M::Stats, right: &mut M::Stats) {
        left.merge(right);
    }
}
