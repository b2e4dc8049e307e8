//! Chains of Gaussians whose steps are alike but for their data: rows are written, weighted and factorised once for each kind of step, a step
//! costs products of small matrices with vectors, and statistics are read off one sum of moments for each kind.
//!
//! ```text
//! √λ (t − C x) = a u + k − C x          u the data of the step: the only thing that differs within a kind
//! Σ_kind E (u, x) (u, x)ᵀ               every statistic of a row is a linear image of this
//! ```

use super::chained::{Chained, Desk, Steps};
use super::links::{Alike, Links};
use super::needs::Needs;
use super::program::{Evidence, Program, Statistics as _};
use super::sweep::{PILOT, Work};
use crate::Error;
use crate::engine::collapse::{Collapse, Joint};
use crate::engine::gauss::scan::{Row, Scan, Statistics};
use crate::engine::unit::UnitNormals;
use std::ops::Range;

/// Numbers of all moments of a leaf's kinds, and data of a step. Where there would be more, only the products that statistics need are formed.
const MOMENTS: usize = 1 << 20;
const DATA: usize = 64;

/// The kinds of the steps at hand, and what is summed of them.
#[derive(Default)]
pub(super) struct Kinds {
    /// The pattern of each kind that has one, and the kind of each pattern.
    patterns: Vec<Option<usize>>,
    kinds: Vec<usize>,
    rows: Collapse,
    statistics: Statistics,
}

/// Rows of single units with their targets.
#[derive(Clone, Debug, Default)]
pub(super) struct RowsOf {
    pub rows: UnitNormals,
    alike: Collapse,
    data: Vec<f64>,
}

impl RowsOf {
    /// Writes the rows of a unit, or of the step to it.
    pub fn write<M: Program>(
        &mut self,
        model: &M,
        (context, at): (&M::Context<'_>, &M::Prepared),
        component: usize,
        (unit, step): (usize, bool),
        width: usize,
    ) {
        if !M::HAS_ALIKE || !M::ALIKE.contains(&component) {
            return model.chain_rows(context, at, component, unit, step, &mut self.rows);
        }
        let latents = if step { 2 * width } else { width };
        self.data.clear();
        model.alike_data(context, component, unit..unit + 1, &mut self.data);
        self.data.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 0.0);
        // Measured from the data themselves: what is left of the target is all of it.
        self.alike.begin(latents, &self.data);
        model.alike_rows(context, at, component, unit, step, &mut self.alike);
        let numbers = self.alike.numbers();
        let (rows, log) = self.alike.written();
        self.rows.begin(latents, 0, 1);
        for row in rows.chunks_exact(numbers) {
            let to = self.rows.row();
            to[..latents].copy_from_slice(&row[..latents]);
            to[latents] = row[numbers - 1];
        }
        self.rows.add_half_log(log);
    }

    /// The rows that were written.
    pub fn written(&mut self) -> (&[f64], f64) {
        self.rows.written()
    }
}

impl<M: Program> Work<'_, M> {
    /// Measures chains whose steps are alike from where the data of the first units lie, and their latents at these globals.
    pub(super) fn settle_gauges(&mut self, model: &M, globals: &M::Globals) {
        if !M::HAS_ALIKE {
            return;
        }
        for index in 0..self.links.len() {
            let Some(links) = self.chain(index) else { continue };
            let Some(alike) = links.kinds_of_units() else { continue };
            let (pilot, width) = (links.first(PILOT), alike.gauges.0.len());
            let data = self.mean_of_data(model, index, &pilot, alike.gauges.1.len());
            let latents = self.mean_of_latents(model, globals, index, &pilot);
            if let Some(links) = &mut self.links[index] {
                links.set_gauges((latents.unwrap_or_else(|| vec![0.0; width]), data));
            }
        }
    }

    fn mean_of_data(&self, model: &M, index: usize, pilot: &Links, numbers: usize) -> Vec<f64> {
        let (mut data, mut sums) = (vec![], vec![(0.0, 0.0); numbers]);
        for s in 0..pilot.sequences() {
            model.alike_data(&self.context, index, pilot.sequence(s), &mut data);
        }
        for row in data.chunks_exact(numbers.max(1)) {
            for (sum, x) in sums.iter_mut().zip(row).filter(|(_, x)| x.is_finite()) {
                *sum = (sum.0 + 1.0, sum.1 + x);
            }
        }
        sums.into_iter().map(|(n, sum)| if n > 0.0 { sum / n } else { 0.0 }).collect()
    }

    fn mean_of_latents(
        &self,
        model: &M,
        globals: &M::Globals,
        index: usize,
        pilot: &Links,
    ) -> Option<Vec<f64>> {
        let at = model.prepare(&self.context, globals).ok()?;
        let job = Chained { model, work: self, globals, at: &at, index, links: pilot };
        let (mut desk, mut sum, mut steps) = (Desk::default(), vec![0.0; job.width()], 0.0);
        for s in 0..pilot.sequences() {
            job.smooth(&mut desk, &(s..s + 1)).ok()?;
            for mean in desk.scan.means(0).chunks_exact(sum.len().max(1)) {
                sum.iter_mut().zip(mean).for_each(|(sum, x)| *sum += x);
                steps += 1.0;
            }
        }
        (steps > 0.0).then(|| {
            sum.into_iter().map(|x| x / steps).map(|x| if x.is_finite() { x } else { 0.0 }).collect()
        })
    }
}

impl<M: Program> Chained<'_, '_, M> {
    /// The data of all units of some sequences, and the rows of each kind of unit among them.
    pub(super) fn read_alike(&self, desk: &mut Desk, alike: &Alike, sequences: Range<usize>) {
        let (h, context) = (self.width(), &self.work.context);
        let Desk { steps, kinds, .. } = desk;
        let data = &alike.gauges.1;
        steps.clear();
        steps.most = data.len();
        // Where latents lie depends on the params, and what is said at given params must not.
        steps.patterns.reset(h, data.len(), &[], data);
        kinds.patterns.clear();
        kinds.patterns.resize(alike.examples.len(), None);
        kinds.kinds.clear();
        let all: usize = sequences.clone().map(|s| self.links.sequence(s).len()).sum();
        steps.inputs.reserve(all * data.len());
        steps.which.reserve(all);
        for units in sequences.map(|s| self.links.sequence(s)) {
            self.model.alike_data(context, self.index, units.clone(), &mut steps.inputs);
            for unit in units {
                let kind = alike.which[unit] as usize;
                let pattern = match kinds.patterns[kind] {
                    Some(known) => known,
                    None => {
                        kinds.patterns[kind] = Some(kinds.kinds.len());
                        kinds.kinds.push(kind);
                        self.pattern(steps, &mut kinds.rows, alike, kind)
                    }
                };
                steps.which.push(pattern);
            }
            steps.ends.push(steps.which.len());
        }
    }

    /// Writes the rows of a kind.
    fn pattern(&self, steps: &mut Steps, system: &mut Collapse, alike: &Alike, kind: usize) -> usize {
        let (h, data) = (self.width(), &alike.gauges.1);
        let (unit, first) = alike.examples[kind];
        let new = steps.patterns.begin();
        for step in [true, false] {
            if step && first {
                continue;
            }
            let times = if step { 2 } else { 1 };
            system.begin(times * h, data);
            self.model.alike_rows(&self.work.context, self.at, self.index, unit, step, system);
            let numbers = system.numbers();
            let (rows, log) = system.written();
            for row in rows.chunks_exact(numbers) {
                let (previous, rest) = row.split_at((times - 1) * h);
                let (current, rest) = rest.split_at(h);
                let (inputs, rest) = rest.split_at(data.len());
                steps.patterns.centred(Row { previous, current, inputs, constant: rest[0] });
            }
            steps.patterns.add_log(log);
        }
        new
    }

    /// Adds the statistics of some sequences.
    pub(super) fn collect_alike(
        &self,
        sum: &mut M::Stats,
        desk: &mut Desk,
        alike: &Alike,
        sequences: Range<usize>,
    ) -> Result<(), Error> {
        self.read(desk, sequences.clone());
        let Desk { steps, scan, kinds, .. } = desk;
        let numbers = 2 * self.width() + steps.most;
        let many = kinds.kinds.len() * numbers * numbers > MOMENTS || steps.most > DATA;
        let done = match many {
            true => steps.of(&sequences, |of| scan.smooth(&steps.patterns, of)),
            false => {
                kinds.statistics.reset(&steps.patterns);
                kinds.statistics.measure_from(&alike.gauges.0);
                steps.of(&sequences, |of| scan.accumulate(&steps.patterns, of, &mut kinds.statistics))
            }
        };
        done.map_err(|e| self.failed(&sequences, e))?;
        let total: &mut Evidence = sum.evidence();
        for log in (0..sequences.len()).map(|n| scan.log_evidence(n)) {
            total.log += log;
            total.magnitude += log.abs();
        }
        let listed = if many { kinds.listed(steps) } else { vec![] };
        for (pattern, kind) in kinds.kinds.iter().enumerate() {
            let (unit, first) = alike.examples[*kind];
            for step in [false, true] {
                if step && first {
                    continue;
                }
                let moments = match listed.get(pattern) {
                    None => of_kind(&kinds.statistics, pattern, alike, step),
                    Some(units) => of_units(scan, units, &steps.inputs, alike, step),
                };
                self.model.alike_moments(&self.work.context, self.index, unit, step, &moments, sum);
            }
        }
        Ok(())
    }
}

/// Where a unit stands: its sequence, its position there, and its position among the data.
type Place = (usize, usize, usize);

impl Kinds {
    /// The units of each pattern.
    fn listed(&self, steps: &Steps) -> Vec<Vec<Place>> {
        let mut out = vec![vec![]; self.kinds.len()];
        let mut start = 0;
        for (s, end) in steps.ends.iter().enumerate() {
            for at in start..*end {
                out[steps.which[at]].push((s, at - start, at));
            }
            start = *end;
        }
        out
    }
}

/// What data and latents of a unit, or of a step, are measured from.
fn gauge_of(alike: &Alike, step: bool) -> Vec<f64> {
    let (latents, data) = &alike.gauges;
    let before = if step { &latents[..] } else { &[] };
    [&data[..], before, &latents[..]].concat()
}

/// The moments of the units of a kind, or of the steps to them.
fn of_kind(statistics: &Statistics, pattern: usize, alike: &Alike, step: bool) -> Joint {
    let (h, m) = (alike.gauges.0.len(), alike.gauges.1.len());
    // Statistics have the unit first, then the one before it, then the data.
    let place = |i: usize| match i.checked_sub(m) {
        None => 2 * h + i,
        Some(i) if step => (i + h) % (2 * h),
        Some(i) => i,
    };
    let means = statistics.of_means(pattern);
    Joint::new(
        means.count,
        gauge_of(alike, step),
        |i| means.sum[place(i)],
        |i, j| {
            let (i, j) = (place(i).max(place(j)), place(i).min(place(j)));
            means.square[i * (i + 1) / 2 + j] + statistics.covariance(pattern, i, j)
        },
    )
}

/// The same from the units one by one.
fn of_units(scan: &Scan, units: &[Place], data: &[f64], alike: &Alike, step: bool) -> Joint {
    let (h, m, n) = (alike.gauges.0.len(), alike.gauges.1.len(), units.len());
    let gauge = gauge_of(alike, step);
    let side = gauge.len() - m;
    let (mut columns, mut cov) = (vec![0.0; gauge.len() * n], vec![0.0; side * side]);
    for (k, &(sequence, t, at)) in units.iter().enumerate() {
        let before = if step { scan.mean(sequence, t - 1) } else { &[] };
        let values = data[at * m..][..m].iter().chain(before).chain(scan.mean(sequence, t));
        for (i, (x, c)) in values.zip(&gauge).enumerate() {
            // What is missing is read by nothing.
            columns[i * n + k] = if x.is_nan() { 0.0 } else { x - c };
        }
        let own = scan.covariance(sequence, t);
        let from = side - h;
        for (i, j) in (0..h).flat_map(|i| (0..h).map(move |j| (i, j))) {
            cov[(from + i) * side + from + j] += own[i * h + j];
            if step {
                let cross = scan.cross(sequence, t)[i * h + j];
                cov[i * side + j] += scan.covariance(sequence, t - 1)[i * h + j];
                cov[i * side + h + j] += cross;
                cov[(h + j) * side + i] += cross;
            }
        }
    }
    Joint::of_columns(n, gauge, columns, cov)
}
