//! Components that statements join though they are blocks of their own: each is eliminated with what is expected of the others.
//!
//! ```text
//! added_a[n, i] = Σⱼ q_b(z_b[n] = j) log p(statements | z_a[n] = i, z_b[n] = j)        b: the other components of a meeting
//! ```
//!
//! Of a component that is read at a unit and at the one before it, i or j is the joint state of both: what is said of it is added to its steps,
//! and what it says is weighed by q of its steps.
//!
//! What was added at a component's turn is kept, so that its q is the same wherever it is worked out.

use super::gated::expectation;
use super::joins::Span;
use super::needs::Needs;
use super::program::{Program, Scratch, Statistics};
use super::sweep::{Fill, Work, tile_size};
use crate::engine::finite::{Semiring, Sum};
use crate::{Error, rng};
use std::ops::Range;

/// Units that say where a start lies.
const SEEN: usize = 512;

/// Sees the units of a tile, the log densities of their joint states and the probabilities of these.
type See<'f> = dyn FnMut(Range<usize>, &[f64], &[f64]) + 'f;

/// The components of some meeting, in order.
fn meeting<M: Program>(components: usize) -> impl Iterator<Item = usize> {
    (0..components).filter(|c| M::MEETINGS.iter().any(|m| m.contains(c)))
}

/// What a meeting reads of one of its components.
fn span<M: Program>(meeting: usize, place: usize) -> Span {
    M::SPANS.get(meeting).and_then(|spans| spans.get(place)).copied().unwrap_or(Span::Here)
}

/// Whether a meeting reads all of its components at one unit.
fn is_here<M: Program>(meeting: usize) -> bool {
    M::SPANS.get(meeting).is_none_or(|spans| spans.iter().all(|s| *s == Span::Here))
}

/// Whether the steps of a component are read.
pub(super) fn reads_steps<M: Program>(index: usize) -> bool {
    let mut places = M::MEETINGS.iter().zip(M::SPANS).flat_map(|(of, spans)| of.iter().zip(*spans));
    places.any(|(c, span)| *c == index && *span == Span::Step)
}

/// The states of each component in every joint state.
fn joint_states(extents: Vec<usize>) -> impl Iterator<Item = Vec<usize>> {
    (0..extents.iter().product()).map(move |mut s: usize| {
        let mut out = vec![0; extents.len()];
        for (digit, extent) in out.iter_mut().zip(&extents).rev() {
            *digit = s % extent;
            s /= extent;
        }
        out
    })
}

impl<M: Program> Work<'_, M> {
    /// q of the components of meetings before the first turn: as `fill` says.
    pub(super) fn begin_meetings(&mut self, fill: &Fill<'_>) {
        self.added = vec![vec![]; self.components.len()];
        self.met = vec![vec![]; self.components.len()];
        self.added_steps = vec![vec![]; self.components.len()];
        self.met_steps = vec![vec![]; self.components.len()];
        for index in meeting::<M>(self.components.len()) {
            let c = self.components[index];
            let mut q = vec![0.0; c.units * c.states];
            for (unit, row) in q.chunks_mut(c.states.max(1)).enumerate() {
                fill(index, unit..unit + 1, row);
            }
            if reads_steps::<M>(index) {
                self.met_steps[index] = self.independent_steps(index, &q);
            }
            self.met[index] = q;
        }
    }

    /// The joint probabilities of each unit and the one before it, as if they were independent.
    fn independent_steps(&self, index: usize, q: &[f64]) -> Vec<f64> {
        let states = self.components[index].states;
        let mut out = vec![0.0; q.len() * states];
        for unit in 0..self.components[index].units {
            let Some(before) = self.before(index, unit) else { continue };
            let pair = &mut out[unit * states * states..][..states * states];
            for (row, p) in pair.chunks_mut(states).zip(&q[before * states..]) {
                row.iter_mut().zip(&q[unit * states..]).for_each(|(x, q)| *x = p * q);
            }
        }
        out
    }

    /// The unit before one of a component, in its sequence.
    fn before(&self, index: usize, unit: usize) -> Option<usize> {
        let links = self.links(index)?;
        links.before(&links.sequence(links.sequence_of(unit)), unit)
    }

    /// One turn of every component that meets others.
    pub(super) fn meet(&mut self, model: &M, globals: &M::Globals) -> Result<(), Error> {
        if !M::MEETS || self.met.is_empty() {
            return Ok(());
        }
        let at = model.prepare(&self.context, globals)?;
        for index in meeting::<M>(self.components.len()) {
            (self.added[index], self.added_steps[index]) = self.expected_of_others(model, &at, index);
            match self.links(index).filter(|_| reads_steps::<M>(index)) {
                Some(links) => {
                    let all = self.linked_pairs(model, globals, &at, index, links)?;
                    (self.met[index], self.met_steps[index]) = all;
                }
                None => self.met[index] = self.marginals(model, globals, &at, index)?,
            }
        }
        Ok(())
    }

    /// Adds what is expected of the other components to the step to a unit.
    pub(super) fn add_to_step(&self, index: usize, unit: usize, step: &mut [f64]) {
        let Some(added) = self.added_steps.get(index).filter(|a| !a.is_empty()) else { return };
        let size = step.len();
        step.iter_mut().zip(&added[unit * size..]).for_each(|(x, added)| *x += added);
    }

    /// Whether the steps of a component differ by what the other components say of them.
    pub(super) fn is_told_of_steps(&self, index: usize) -> bool {
        self.added_steps.get(index).is_some_and(|a| !a.is_empty())
    }

    /// Log potentials of some units, with what is expected of the other components.
    pub(super) fn potentials(
        &self,
        model: &M,
        at: &M::Prepared,
        index: usize,
        units: Range<usize>,
        table: &mut [f64],
        scratch: &mut Scratch,
    ) {
        model.potentials(&self.context, at, index, units.clone(), table, scratch);
        self.add_said(index, units.clone(), table);
        if !M::MEETS {
            return;
        }
        let Some(added) = self.added.get(index).filter(|a| !a.is_empty()) else { return };
        let n = units.len();
        let states = self.components[index].states;
        for (i, unit) in units.enumerate() {
            for (s, x) in added[unit * states..][..states].iter().enumerate() {
                table[s * n + i] += x;
            }
        }
    }

    /// How many states each component has in a meeting.
    fn extents(&self, m: usize) -> Vec<usize> {
        let of = M::MEETINGS[m].iter().map(|c| self.components[*c].states).enumerate();
        of.map(|(place, n)| if span::<M>(m, place) == Span::Step { n * n } else { n }).collect()
    }

    /// q of a joint state, but for the component in one place.
    fn product(&self, m: usize, digits: &[usize], unit: usize, but: Option<usize>) -> f64 {
        let of = M::MEETINGS[m].iter().zip(digits).enumerate().filter(|(place, _)| Some(*place) != but);
        of.map(|(place, (c, d))| {
            let states = self.components[*c].states;
            match span::<M>(m, place) {
                Span::Here => self.met[*c][unit * states + d],
                Span::Before => self.before(*c, unit).map_or(0.0, |b| self.met[*c][b * states + d]),
                Span::Step => self.met_steps[*c][unit * states * states + d],
            }
        })
        .product()
    }

    /// What is expected of the others: for the states of each unit, and for those of each step where that is read.
    fn expected_of_others(&self, model: &M, at: &M::Prepared, index: usize) -> (Vec<f64>, Vec<f64>) {
        let (units, states) = (self.components[index].units, self.components[index].states);
        let mut out = vec![0.0; units * states];
        let mut steps = vec![0.0; if reads_steps::<M>(index) { units * states * states } else { 0 }];
        for (m, of) in M::MEETINGS.iter().enumerate() {
            let Some(place) = of.iter().position(|c| *c == index) else { continue };
            self.each_meeting(model, at, m, &mut |units, table, _| {
                let n = units.len();
                for (s, digits) in joint_states(self.extents(m)).enumerate() {
                    for (i, unit) in units.clone().enumerate() {
                        let p = self.product(m, &digits, unit, Some(place));
                        if p == 0.0 {
                            continue;
                        }
                        let said = p * table[s * n + i];
                        match span::<M>(m, place) {
                            Span::Here => out[unit * states + digits[place]] += said,
                            Span::Before => {
                                if let Some(b) = self.before(index, unit) {
                                    out[b * states + digits[place]] += said;
                                }
                            }
                            Span::Step => steps[unit * states * states + digits[place]] += said,
                        }
                    }
                }
            });
        }
        (out, steps)
    }

    /// Adds the statistics of all meetings. The evidence of each component holds them once; together they count once.
    pub(super) fn expect_meetings(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        stats: &mut M::Stats,
    ) {
        if !M::MEETS || self.met.is_empty() {
            return;
        }
        let mut scratch = Scratch::default();
        let (mut once, mut counted) = (0.0, 0.0);
        for m in 0..M::MEETINGS.len() {
            self.each_meeting(model, at, m, &mut |units, table, probs| {
                once += expectation(probs, table).0;
                model.collect_meeting(&self.context, globals, m, units, probs, stats, &mut scratch);
            });
        }
        for index in meeting::<M>(self.components.len()) {
            counted += expectation(&self.met[index], &self.added[index]).0;
            counted += expectation(&self.met_steps[index], &self.added_steps[index]).0;
        }
        let evidence = stats.evidence();
        evidence.log += once - counted;
        evidence.magnitude += once.abs() + counted.abs();
    }

    /// Adds the statistics of the first units of all meetings, under a product of given probabilities.
    pub(super) fn collect_meetings(
        &self,
        model: &M,
        globals: &M::Globals,
        fill: &Fill<'_>,
        units: usize,
        stats: &mut M::Stats,
    ) {
        if !M::MEETS {
            return;
        }
        let mut scratch = Scratch::default();
        for (m, of) in M::MEETINGS.iter().enumerate() {
            let mut shares: Vec<Vec<f64>> = self.extents(m).into_iter().map(|n| vec![0.0; n]).collect();
            for unit in 0..self.components[of[0]].units.min(units) {
                for (place, (share, c)) in shares.iter_mut().zip(*of).enumerate() {
                    let span = span::<M>(m, place);
                    let before = if span == Span::Here { None } else { self.before(*c, unit) };
                    match (span, before) {
                        (Span::Here, _) => fill(*c, unit..unit + 1, share),
                        (_, None) => share.fill(0.0),
                        (Span::Before, Some(b)) => fill(*c, b..b + 1, share),
                        (Span::Step, Some(b)) => {
                            let states = self.components[*c].states;
                            let (mut first, mut second) = (vec![0.0; states], vec![0.0; states]);
                            fill(*c, b..b + 1, &mut first);
                            fill(*c, unit..unit + 1, &mut second);
                            for (row, p) in share.chunks_mut(states).zip(&first) {
                                row.iter_mut().zip(&second).for_each(|(x, q)| *x = p * q);
                            }
                        }
                    }
                }
                let table: Vec<f64> = joint_states(self.extents(m))
                    .map(|digits| digits.iter().zip(&shares).map(|(d, share)| share[*d]).product())
                    .collect();
                model.collect_meeting(&self.context, globals, m, unit..unit + 1, &table, stats, &mut scratch);
            }
        }
    }

    /// Adds statistics of a first guess: each joint state is what one unit shows, blended with what all do.
    pub(super) fn seed_meetings(
        &self,
        model: &M,
        neutral: &M::Globals,
        (seed, restart): (u64, usize),
        blend: f64,
        stats: &mut M::Stats,
    ) {
        if !M::MEETS {
            return;
        }
        // What joins neighbours is unknown yet, as in every chain.
        for (m, of) in M::MEETINGS.iter().enumerate().filter(|(m, _)| is_here::<M>(*m)) {
            let all: usize = self.extents(m).iter().product();
            let units = self.components[of[0]].units;
            if units == 0 {
                continue;
            }
            let mut rng = rng::stream(seed, "seeding of meetings", &[restart, m]);
            let mut below = || ((rng::uniform(&mut rng) * units as f64) as usize).min(units - 1);
            let pilot: Vec<usize> =
                (0..units.min(SEEN)).map(|n| if units <= SEEN { n } else { below() }).collect();
            let share = units as f64 / all as f64;
            for state in 0..all {
                let mut table = vec![0.0; all];
                table[state] = 1.0;
                let show = |unit: usize, sum: &mut M::Stats| {
                    let mut scratch = Scratch::default();
                    model.collect_meeting(
                        &self.context,
                        neutral,
                        m,
                        unit..unit + 1,
                        &table,
                        sum,
                        &mut scratch,
                    );
                };
                let (mut one, mut pool) = (model.zero(&self.context), model.zero(&self.context));
                show(below(), &mut one);
                pilot.iter().for_each(|unit| show(*unit, &mut pool));
                one.scale((1.0 - blend) * share);
                pool.scale(blend * share / pilot.len() as f64);
                stats.merge(&one);
                stats.merge(&pool);
            }
        }
    }

    /// Probabilities of the states of some units of a component, as if no unit followed another; where it meets others, together with them.
    pub(super) fn alone_or_met(
        &self,
        model: &M,
        at: &M::Prepared,
        index: usize,
        units: Range<usize>,
        table: &mut [f64],
        scratch: &mut Scratch,
    ) {
        if !M::MEETS {
            return self.alone(model, at, index, units, table, scratch);
        }
        let met = |(m, of): &(usize, &&[usize])| is_here::<M>(*m) && of.contains(&index);
        let Some((m, of)) = M::MEETINGS.iter().enumerate().find(met) else {
            return self.alone(model, at, index, units, table, scratch);
        };
        let (n, place) = (units.len(), of.iter().position(|c| *c == index).unwrap_or(0));
        let states: Vec<Vec<usize>> = joint_states(self.extents(m)).collect();
        let mut logs = vec![0.0; states.len() * n];
        model.meet(&self.context, at, m, units.clone(), &mut logs, scratch);
        for (c, place) in of.iter().zip(0..) {
            let mut own = vec![0.0; self.components[*c].states * n];
            model.potentials(&self.context, at, *c, units.clone(), &mut own, scratch);
            for (s, digits) in states.iter().enumerate() {
                (0..n).for_each(|i| logs[s * n + i] += own[digits[place] * n + i]);
            }
        }
        let mut evidence = vec![0.0; n];
        Sum.eliminate(&mut logs, states.len(), n, &mut evidence);
        table.fill(0.0);
        for (s, digits) in states.iter().enumerate() {
            for (i, e) in evidence.iter().enumerate() {
                let p = if e.is_finite() { logs[s * n + i] } else { 1.0 / states.len() as f64 };
                table[digits[place] * n + i] += p;
            }
        }
    }

    /// Shows a meeting tile by tile.
    fn each_meeting(&self, model: &M, at: &M::Prepared, m: usize, see: &mut See<'_>) {
        let of = M::MEETINGS[m];
        let all: usize = self.extents(m).iter().product();
        let size = tile_size(all);
        let units = self.components[of[0]].units;
        let mut scratch = Scratch::default();
        let (mut table, mut probs) = (vec![0.0; all * size], vec![0.0; all * size]);
        for start in (0..units).step_by(size) {
            let units = start..(start + size).min(units);
            let n = units.len();
            let (table, probs) = (&mut table[..all * n], &mut probs[..all * n]);
            table.fill(0.0);
            model.meet(&self.context, at, m, units.clone(), table, &mut scratch);
            for (s, digits) in joint_states(self.extents(m)).enumerate() {
                for (i, unit) in units.clone().enumerate() {
                    probs[s * n + i] = self.product(m, &digits, unit, None);
                }
            }
            see(units, table, probs);
        }
    }
}
