//! Chains of Gaussian latents: each sequence smoothed from the residual rows of its units and steps.
//!
//! Steps whose rows have the same coefficients, bit for bit, are one pattern of the scan, whatever their targets: where params do not change
//! along a chain it is factorised until the recursion comes to a fixed point, and that once for all sequences of a leaf.

use super::alike::{Kinds, RowsOf};
use super::fold::{Fold, step_moments, unit_moments};
use super::gated::gates_of;
use super::links::Links;
use super::needs::Needs;
use super::program::{Evidence, Program, Scratch, Statistics};
use super::sweep::{Work, in_tiles, tile_size};
use super::{Categories, Trajectory};
use crate::engine::gauss::scan::{Failed, Patterns, Row, Scan, Sequence};
use crate::engine::gauss::{Failure, HALF_LOG_TAU};
use crate::engine::unit::{KNOWN, UnitNormals};
use crate::reduce::{self, Accumulate};
use crate::{Error, rng};
use std::collections::HashMap;
use std::ops::Range;

impl<'a, M: Program> Work<'a, M> {
    /// Expected statistics of a chain of Gaussians.
    pub(super) fn expect_chain(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        links: &Links,
    ) -> Result<M::Stats, Error> {
        if M::GATED && gates_of::<M>(index, None).next().is_some() {
            return self.expect_gated(model, globals, at, index, links);
        }
        let job = Chained { model, work: self, globals, at, index, links };
        reduce::accumulate(links.leaves(), 1, self.threads, &job)
    }

    /// Adds what a chain says at the globals of a start. Where it cannot be smoothed there, it says nothing yet.
    pub(super) fn pool_chain(
        &self,
        model: &M,
        globals: &M::Globals,
        index: usize,
        links: &Links,
        stats: &mut M::Stats,
    ) {
        let at = model.prepare(&self.context, globals);
        if let Ok(chain) = at.and_then(|at| self.expect_chain(model, globals, &at, index, links)) {
            stats.merge(&chain);
        }
    }

    /// The same of some sequences, in increasing order.
    pub(super) fn expect_chains(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        links: &Links,
        sequences: &[usize],
    ) -> Result<M::Stats, Error> {
        let job = Chained { model, work: self, globals, at, index: 0, links };
        let (mut sum, mut desk) = (job.zero(), job.scratch());
        for s in sequences {
            job.collect(&mut sum, &mut desk, *s..*s + 1)?;
        }
        Ok(sum)
    }

    /// log p(data) of every sequence, without what depends on the data alone.
    pub(super) fn chain_evidences(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        links: &Links,
    ) -> Result<Vec<f64>, Error> {
        let job = Chained { model, work: self, globals, at, index, links };
        let mut desk = job.scratch();
        let mut out = Vec::with_capacity(links.sequences());
        for leaf in 0..links.leaves() {
            let sequences = links.leaf(leaf);
            job.read(&mut desk, sequences.clone());
            let asked = desk.steps.of(&sequences, |steps| desk.scan.evidence(&desk.steps.patterns, steps));
            asked.map_err(|e| job.failed(&sequences, e))?;
            out.extend((0..sequences.len()).map(|s| desk.scan.log_evidence(s)));
        }
        Ok(out)
    }

    /// A chain has no categories.
    pub(super) fn chain_table(&self, index: usize) -> Categories {
        Categories::from_rows(1, vec![1.0; self.components[index].units])
    }

    /// q of every unit of a chain.
    pub(super) fn share_chain(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        (index, links): (usize, &Links),
        posterior: &mut M::Posterior,
    ) -> Result<(), Error> {
        let job = Chained { model, work: self, globals, at, index, links };
        let mut desk = job.scratch();
        for s in (0..links.sequences()).filter(|s| !links.sequence(*s).is_empty()) {
            job.smooth(&mut desk, &(s..s + 1))?;
            job.share_one(&mut desk, (s, 0), posterior);
        }
        Ok(())
    }

    /// Draws every sequence of a chain from q; log q of them. What the rounding of log p at the values is measured by is added to `magnitude`.
    pub(super) fn draw_chain(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        (index, links): (usize, &Links),
        (seed, draw): (u64, usize),
        (latents, magnitude): (&mut M::Latents, &mut f64),
    ) -> Result<f64, Error> {
        let job = Chained { model, work: self, globals, at, index, links };
        let mut desk = job.scratch();
        let (mut path, mut log_q) = (vec![], 0.0);
        let (h, fold) = (job.width(), job.fold());
        for s in 0..links.sequences() {
            let (units, only) = (links.sequence(s), s..s + 1);
            let numbers = units.len() * h;
            job.read(&mut desk, only.clone());
            path.clear();
            path.resize(fold.blocks(units.len()) * fold.side(), 0.0);
            let mut rng = rng::stream(seed, "draw of a chain", &[draw, index, s]);
            let drawn = desk.steps.of(&only, |steps| match steps {
                [one] => desk.scan.sample(&desk.steps.patterns, *one, &mut rng, &mut path),
                _ => Ok(vec![]),
            });
            log_q += drawn.map_err(|e| job.failed(&only, e))?.iter().sum::<f64>();
            // Places of units that are not there were drawn too, from a standard Normal.
            log_q += path[numbers..].iter().map(|z| 0.5 * z * z + HALF_LOG_TAU).sum::<f64>();
            path.truncate(numbers);
            let scale = match units.is_empty() {
                true => 1.0,
                false => model.drawn_scale(&self.context, index, units.start, globals, latents),
            };
            if scale != 1.0 {
                // Drawn at the expectation of what all rows have in common: the drawn value has deviations of its own size.
                job.smooth(&mut desk, &only)?;
                let root = scale.sqrt();
                for (x, m) in path.iter_mut().zip(desk.scan.means(0)) {
                    *x = m + (*x - m) / root;
                }
                log_q += 0.5 * path.len() as f64 * scale.ln();
            }
            *magnitude += scale * job.reach(&mut desk, &units, &path);
            for (unit, x) in units.zip(path.chunks_exact(h)) {
                model.set_normals(&self.context, index, unit, x, latents);
            }
        }
        Ok(log_q)
    }
}

pub(super) struct Chained<'s, 'a, M: Program> {
    pub model: &'s M,
    pub work: &'s Work<'a, M>,
    pub globals: &'s M::Globals,
    pub at: &'s M::Prepared,
    pub index: usize,
    pub links: &'s Links,
}

/// The steps of some sequences as the scan takes them.
#[derive(Default)]
pub(super) struct Steps {
    pub patterns: Patterns,
    /// The pattern of each step, and where the steps of each sequence end.
    pub which: Vec<usize>,
    pub ends: Vec<usize>,
    /// The targets of each step's rows; where steps are alike, their data.
    pub inputs: Vec<f64>,
    /// How many there are at each step.
    pub most: usize,
    /// Coefficients of all rows of all steps; where those of each step end, and its log factor.
    rows: Vec<f64>,
    targets: Vec<f64>,
    row_ends: Vec<(usize, f64)>,
    known: HashMap<Vec<u64>, usize>,
    key: Vec<u64>,
    unit: Vec<f64>,
}

/// Workspace of one thread.
#[derive(Default)]
pub(super) struct Desk {
    pub steps: Steps,
    pub scan: Scan,
    system: RowsOf,
    scratch: Scratch,
    ones: Vec<f64>,
    pub kinds: Kinds,
}

impl Steps {
    pub fn clear(&mut self) {
        self.which.clear();
        self.ends.clear();
        self.inputs.clear();
        self.rows.clear();
        self.targets.clear();
        self.row_ends.clear();
        self.known.clear();
    }

    /// Takes in rows of the `t`-th unit of a sequence: of the unit alone, or of the step to it, with those before it that a step reads.
    fn take(&mut self, (rows, log): (&[f64], f64), fold: Fold, t: usize, step: bool) -> f64 {
        let (h, order) = (fold.width, fold.order);
        let from = (t % order + if step { 0 } else { order }) * h;
        for row in rows.chunks_exact(if step { (order + 1) * h + 1 } else { h + 1 }) {
            let (target, coefficients) = row.split_last().unwrap_or((&0.0, &[]));
            let start = self.rows.len();
            self.rows.resize(start + from, 0.0);
            self.rows.extend_from_slice(coefficients);
            self.rows.resize(start + 2 * order * h, 0.0);
            self.targets.push(*target);
        }
        log
    }

    /// Ends the block that the `t`-th unit is in, if it is the last of it or of its sequence: places of units that are not there have rows of
    /// their own, of which nothing else knows.
    fn end_of_block(&mut self, log: &mut f64, fold: Fold, t: usize, units: usize) {
        let (h, order) = (fold.width, fold.order);
        if t + 1 < units && !(t + 1).is_multiple_of(order) {
            return;
        }
        for place in (order + t % order + 1) * h..2 * order * h {
            let start = self.rows.len();
            self.rows.resize(start + 2 * order * h, 0.0);
            self.rows[start + place] = 1.0;
            self.targets.push(0.0);
            *log -= HALF_LOG_TAU;
        }
        self.row_ends.push((self.targets.len(), *log));
        *log = 0.0;
    }

    /// Finds the patterns, once all steps are there.
    fn settle(&mut self, h: usize) {
        let mut start = 0;
        self.most = 0;
        for (end, _) in &self.row_ends {
            self.most = self.most.max(end - start);
            start = *end;
        }
        self.patterns.reset(h, self.most, &[], &[]);
        self.unit.clear();
        self.unit.resize(self.most, 0.0);
        start = 0;
        let mut last: Option<(Range<usize>, f64)> = None;
        for n in 0..self.row_ends.len() {
            let (end, log) = self.row_ends[n];
            let own = start * 2 * h..end * 2 * h;
            // Steps mostly repeat what was before them, which is cheaper to see than to look up.
            let again = last.as_ref().is_some_and(|(range, l)| {
                l.to_bits() == log.to_bits() && same_bits(&self.rows[range.clone()], &self.rows[own.clone()])
            });
            if let (true, Some(pattern)) = (again, self.which.last()) {
                self.which.push(*pattern);
                self.inputs.extend_from_slice(&self.targets[start..end]);
                self.inputs.resize((n + 1) * self.most, 0.0);
                start = end;
                continue;
            }
            last = Some((own, log));
            self.key.clear();
            self.key.push(log.to_bits());
            self.key.extend(self.rows[start * 2 * h..end * 2 * h].iter().map(|x| x.to_bits()));
            let pattern = match self.known.get(&self.key) {
                Some(known) => *known,
                None => {
                    let new = self.patterns.begin();
                    for (i, row) in self.rows[start * 2 * h..end * 2 * h].chunks_exact(2 * h).enumerate() {
                        let (previous, current) = row.split_at(h);
                        self.unit[i] = 1.0;
                        self.patterns
                            .square(1.0, Row { previous, current, inputs: &self.unit, constant: 0.0 });
                        self.unit[i] = 0.0;
                    }
                    self.patterns.add_log(log);
                    self.known.insert(self.key.clone(), new);
                    new
                }
            };
            self.which.push(pattern);
            self.inputs.extend_from_slice(&self.targets[start..end]);
            self.inputs.resize((n + 1) * self.most, 0.0);
            start = end;
        }
    }

    /// The sequences, to be scanned.
    pub fn of<T>(&self, sequences: &Range<usize>, scan: impl FnOnce(&[Sequence<'_>]) -> T) -> T {
        let mut start = 0;
        let all: Vec<Sequence<'_>> = self
            .ends
            .iter()
            .take(sequences.len())
            .map(|&end| {
                let own = start..end;
                start = end;
                Sequence::new(
                    &self.which[own.clone()],
                    &self.inputs[own.start * self.most..own.end * self.most],
                )
            })
            .collect();
        scan(&all)
    }
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

impl Desk {
    /// No steps yet, of one sequence.
    pub fn begin(&mut self) {
        self.steps.clear();
    }

    /// A block whose last units are known by a triangle with its targets; of the places before nothing else is told.
    pub fn known(&mut self, triangle: &[f64], fold: Fold, units: usize) {
        let (held, side, steps) = (units * fold.width, fold.side(), &mut self.steps);
        let mut log = 0.0;
        for row in triangle.chunks_exact(held + 1) {
            let start = steps.rows.len();
            steps.rows.resize(start + 2 * side - held, 0.0);
            steps.rows.extend_from_slice(&row[..held]);
            steps.targets.push(row[held]);
        }
        for place in side..2 * side - held {
            let start = steps.rows.len();
            steps.rows.resize(start + 2 * side, 0.0);
            steps.rows[start + place] = 1.0;
            steps.targets.push(0.0);
            log -= HALF_LOG_TAU;
        }
        steps.row_ends.push((steps.targets.len(), log));
    }

    /// Rows of the `t`-th unit that are known, and whether they are of the step to it. Returns their log factor.
    pub fn rows(&mut self, rows: (&[f64], f64), fold: Fold, t: usize, step: bool) -> f64 {
        self.steps.take(rows, fold, t, step)
    }

    /// Ends the `t`-th of so many units.
    pub fn end_of_block(&mut self, log: &mut f64, fold: Fold, t: usize, units: usize) {
        self.steps.end_of_block(log, fold, t, units);
    }

    /// Ends the sequence.
    pub fn settle(&mut self, fold: Fold) {
        self.steps.ends.push(self.steps.row_ends.len());
        self.steps.settle(fold.side());
    }

    /// Smooths the one sequence that is here.
    pub fn smooth_one(&mut self) -> Result<(), Failure> {
        let Desk { steps, scan, .. } = self;
        steps.of(&(0..1), |sequence| scan.smooth(&steps.patterns, sequence)).map_err(|e| e.why)
    }
}

impl<M: Program> Chained<'_, '_, M> {
    pub fn width(&self) -> usize {
        self.links.normals().unwrap_or(0)
    }

    pub fn fold(&self) -> Fold {
        Fold { width: self.width(), order: self.links.order() }
    }

    /// Hands over q of one sequence, which is all that was smoothed, behind so many units that are not handed over.
    pub fn share_one(&self, desk: &mut Desk, (s, begin): (usize, usize), posterior: &mut M::Posterior) {
        let (context, units) = (&self.work.context, self.links.sequence(s));
        for (t, unit) in units.clone().enumerate() {
            let normals = &mut desk.scratch.normals;
            normals.begin(self.width(), 1, 1);
            unit_moments(normals, 0, &desk.scan, 0, begin + t, self.fold());
            let globals = self.globals;
            self.model.share_normals(context, globals, self.index, unit, (0, 1), &[1.0], normals, posterior);
        }
        let law = self.law(desk, (begin, units.len()));
        self.model.share_path(context, self.index, units.start, law, posterior);
    }

    /// The joint law of so many units of the one sequence that was smoothed, behind others.
    pub fn law(&self, desk: &Desk, (begin, units): (usize, usize)) -> Trajectory {
        let fold = self.fold();
        let mut law = Trajectory::folded(fold.width, fold.order, units);
        let first = begin / fold.order;
        for block in first..first + fold.blocks(units) {
            law.push(desk.scan.mean(0, block), desk.scan.covariance(0, block));
            let (root, slope) = desk.scan.given_next(block);
            law.join(root, slope);
        }
        law
    }

    /// Σ |r| (Σ |c x| + |target|) over the rows r = Σ c x − target of a sequence at these values. Values are known to one part in 2⁵³, of which a
    /// square r²/2 feels so much: more than its own size where a variance is small beside what it is the variance of.
    fn reach(&self, desk: &mut Desk, units: &Range<usize>, path: &[f64]) -> f64 {
        let (h, order) = (self.width(), self.fold().order);
        let mut sum = 0.0;
        for (t, unit) in units.clone().enumerate() {
            let now = (t + 1) * h;
            for step in [false, true] {
                if step && t == 0 {
                    continue;
                }
                let width = if step { (order + 1) * h } else { h };
                let at = (&self.work.context, self.at);
                desk.system.write(self.model, at, self.index, (unit, step), h);
                let rows = desk.system.written().0.chunks_exact(width + 1);
                for row in rows.filter(|row| row.iter().all(|c| c.abs() < KNOWN)) {
                    let (mut left, mut reach) = (-row[width], row[width].abs());
                    // Of the steps before the first a row reads nothing.
                    for (c, x) in row[..width].iter().rev().zip(path[..now].iter().rev()) {
                        left += c * x;
                        reach += (c * x).abs();
                    }
                    sum += left.abs() * reach;
                }
            }
        }
        sum
    }

    /// Writes the rows of all units and steps of some sequences.
    pub fn read(&self, desk: &mut Desk, sequences: Range<usize>) {
        if M::HAS_ALIKE
            && let Some(alike) = self.links.kinds_of_units()
        {
            return self.read_alike(desk, alike, sequences);
        }
        let (fold, context) = (self.fold(), &self.work.context);
        let (steps, system) = (&mut desk.steps, &mut desk.system.rows);
        steps.clear();
        for s in sequences {
            let units = self.links.sequence(s);
            let mut log = 0.0;
            for (t, unit) in units.clone().enumerate() {
                if t > 0 {
                    self.model.chain_rows(context, self.at, self.index, unit, true, system);
                    log += steps.take(system.written(), fold, t, true)
                        + self.gates(steps, system, (t, unit), true);
                }
                self.model.chain_rows(context, self.at, self.index, unit, false, system);
                log += steps.take(system.written(), fold, t, false)
                    + self.gates(steps, system, (t, unit), false);
                steps.end_of_block(&mut log, fold, t, units.len());
            }
            steps.ends.push(steps.row_ends.len());
        }
        steps.settle(fold.side());
    }

    /// Takes in the rows that categories choose: one for each of their states, which counts as often as it is likely.
    fn gates(
        &self,
        steps: &mut Steps,
        system: &mut UnitNormals,
        (t, unit): (usize, usize),
        step: bool,
    ) -> f64 {
        let mut log = 0.0;
        if !M::GATED {
            return log;
        }
        for (g, _) in gates_of::<M>(self.index, Some(step)) {
            self.work.each_row(self.model, g, unit, |state, probability| {
                self.model.gate_rows(&self.work.context, self.at, g, unit, state, system);
                system.count(probability);
                log += steps.take(system.written(), self.fold(), t, step);
            });
        }
        log
    }

    pub fn smooth(&self, desk: &mut Desk, sequences: &Range<usize>) -> Result<(), Error> {
        self.read(desk, sequences.clone());
        let done = desk.steps.of(sequences, |steps| desk.scan.smooth(&desk.steps.patterns, steps));
        done.map_err(|e| self.failed(sequences, e))
    }

    pub fn failed(&self, sequences: &Range<usize>, e: Failed) -> Error {
        let first = self.links.sequence(sequences.start + e.sequence).start;
        let order = self.links.order();
        e.why.named(|block, _| self.model.unit_name(&self.work.context, self.index, first + block * order))
    }

    /// Adds the statistics of some sequences.
    fn collect(&self, sum: &mut M::Stats, desk: &mut Desk, sequences: Range<usize>) -> Result<(), Error> {
        if M::HAS_ALIKE
            && let Some(alike) = self.links.kinds_of_units()
        {
            return self.collect_alike(sum, desk, alike, sequences);
        }
        self.smooth(desk, &sequences)?;
        let (h, fold, context) = (self.width(), self.fold(), &self.work.context);
        let Desk { scan, scratch, ones, .. } = desk;
        scratch.normals.fresh = true;
        for (n, s) in sequences.enumerate() {
            let log = scan.log_evidence(n);
            let total: &mut Evidence = sum.evidence();
            total.log += log;
            total.magnitude += log.abs();
            let units = self.links.sequence(s);
            for tile in in_tiles(units.clone(), 1) {
                scratch.normals.begin(h, tile.len(), 1);
                for (i, unit) in tile.clone().enumerate() {
                    unit_moments(&mut scratch.normals, i, scan, n, unit - units.start, fold);
                }
                let weights = &ones[..tile.len()];
                self.model.collect(context, self.globals, self.index, tile, weights, sum, scratch);
            }
            scratch.normals.begin((fold.order + 1) * h, 1, 1);
            for unit in units.clone().skip(1) {
                step_moments(&mut scratch.normals, scan, n, unit - units.start, fold);
                self.model.collect_step(context, self.globals, self.index, unit, &[1.0], sum, scratch);
            }
        }
        scratch.normals.fresh = false;
        Ok(())
    }
}

impl<M: Program> Accumulate for Chained<'_, '_, M> {
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
        Desk { ones: vec![1.0; tile_size(1)], ..Desk::default() }
    }

    fn add(&self, sum: &mut M::Stats, desk: &mut Desk, leaves: Range<usize>) -> Result<(), Error> {
        for leaf in leaves {
            self.collect(sum, desk, self.links.leaf(leaf))?;
        }
        Ok(())
    }

    fn merge(&self, left: &mut M::Stats, right: &mut M::Stats) {
        left.merge(right);
    }
}
