//! Where a fit begins.
//!
//! By default a generalised k-means++: a seed is a unit that the components chosen so far explain badly compared with a component fitted to
//! that unit alone (its statistics blended with the pooled ones). It needs nothing of a model but its statistics and its M-step, and is
//! D² sampling for spherical Normals and Bregman k-means++ for exponential families (Arthur & Vassilvitskii 2007; Ackermann & Blömer 2010).

use super::program::{Program, Scratch, Statistics};
use super::run::fill_from;
use super::sweep::Work;
use super::{Categories, Options, Start};
use crate::{Error, rng};
use std::ops::Range;

/// Share of the pooled statistics in a component that is fitted to one unit.
const BLEND: f64 = 0.3;

pub(crate) fn params<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    start: &Start<M>,
    given: &M::Params,
    neutral: M::Params,
    options: &Options,
    restart: usize,
) -> Result<M::Params, Error> {
    match start {
        Start::Params(p) if M::is_complete(p) => Ok(p.clone()),
        Start::Params(_) => from_params(model, work, given, neutral),
        Start::Posterior(q) => from_tables(model, work, q, neutral),
        Start::Latents(z) => from_tables(model, work, &model.posterior_of_values(&work.context, z)?, neutral),
        Start::Default => {
            let init = model.init(&work.context)?;
            let begun = (0..work.components.len()).any(|c| model.inits_latents(c));
            if M::is_complete(&init) {
                return Ok(init);
            }
            if begun {
                let fitted = from_tables(model, work, &M::Posterior::default(), M::overlay(&init, neutral))?;
                return Ok(M::overlay(&init, fitted));
            }
            if M::is_set(&init) {
                return from_params(model, work, &init, neutral);
            }
            if work.components.is_empty() {
                return Ok(model.maximise(&work.context, &work.fixed, &neutral, 1.0)?.params);
            }
            // Labels give the states their meaning; later starts look elsewhere, where the labels may end in a worse mode.
            if restart == 0 && partly_observed(model, work) {
                return from_tables(model, work, &M::Posterior::default(), neutral);
            }
            seeded(model, work, neutral, options.seed, restart)
        }
    }
}

/// Params that are given stay; the rest come from an M-step at what is known.
fn from_params<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    given: &M::Params,
    neutral: M::Params,
) -> Result<M::Params, Error> {
    let begin = M::overlay(given, neutral);
    let stats = work.expect(model, &begin)?;
    Ok(M::overlay(given, model.maximise(&work.context, &stats, &begin, 1.0)?.params))
}

/// An M-step from given probabilities; units without any are uniform.
fn from_tables<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    given: &M::Posterior,
    neutral: M::Params,
) -> Result<M::Params, Error> {
    let mut tables = vec![];
    for (index, c) in work.components.iter().enumerate() {
        let mut probs = vec![1.0 / c.states as f64; c.units * c.states];
        for unit in 0..c.units {
            let out = &mut probs[unit * c.states..][..c.states];
            if !model.started(&work.context, index, unit, given, out)? {
                out.fill(1.0 / c.states as f64);
            }
        }
        tables.push(Categories::from_rows(c.states, probs));
    }
    let stats =
        work.collect(model, &neutral, &|component, units, out| fill_from(&tables[component], units, out));
    Ok(model.maximise(&work.context, &stats, &neutral, 1.0)?.params)
}

fn partly_observed<M: Program>(model: &M, work: &Work<'_, M>) -> bool {
    let none = M::Posterior::default();
    work.components.iter().enumerate().any(|(index, c)| {
        let mut out = vec![0.0; c.states];
        (0..c.units)
            .any(|unit| matches!(model.started(&work.context, index, unit, &none, &mut out), Ok(true)))
    })
}

struct Seeder<'s, 'a, M: Program> {
    model: &'s M,
    work: &'s Work<'a, M>,
    component: usize,
    states: usize,
    /// The units that are looked at, in increasing order.
    pilot: Vec<usize>,
    /// Σ over the pilot of the statistics in state 0.
    pool: M::Stats,
    neutral: M::Params,
    /// Weight of one component in units.
    share: f64,
}

impl<M: Program> Seeder<'_, '_, M> {
    fn unit_stats(&self, unit: usize, state: usize, stats: &mut M::Stats) {
        let mut table = vec![0.0; self.states];
        table[state] = 1.0;
        self.model.collect(
            &self.work.context,
            &self.neutral,
            self.component,
            unit..unit + 1,
            &table,
            stats,
            &mut Scratch::default(),
        );
    }

    /// Statistics of one component around a unit.
    fn blend(&self, unit: usize, state: usize, pool: &M::Stats) -> M::Stats {
        let mut stats = self.model.zero(&self.work.context);
        self.unit_stats(unit, state, &mut stats);
        stats.scale((1.0 - BLEND) * self.share);
        let mut pool = pool.clone();
        pool.scale(BLEND * self.share / self.pilot.len() as f64);
        stats.merge(&pool);
        stats
    }

    fn pooled(&self, state: usize) -> M::Stats {
        let mut pool = self.model.zero(&self.work.context);
        for &unit in &self.pilot {
            self.unit_stats(unit, state, &mut pool);
        }
        pool
    }

    /// log density of the pilot's units under the component around one unit.
    fn densities(&self, unit: usize, of: &[usize]) -> Option<Vec<f64>> {
        let mut stats = self.work.fixed.clone();
        stats.merge(&self.blend(unit, 0, &self.pool));
        let params = self.model.maximise(&self.work.context, &stats, &self.neutral, 1.0).ok()?.params;
        let at = self.model.prepare(&self.work.context, &params).ok()?;
        let mut scratch = Scratch::default();
        let mut table = vec![0.0; self.states];
        Some(
            of.iter()
                .map(|&n| {
                    table.fill(0.0);
                    let units: Range<usize> = n..n + 1;
                    self.model.potentials(
                        &self.work.context,
                        &at,
                        self.component,
                        units,
                        &mut table,
                        &mut scratch,
                    );
                    table[0]
                })
                .collect(),
        )
    }
}

fn seeded<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    neutral: M::Params,
    seed: u64,
    restart: usize,
) -> Result<M::Params, Error> {
    let mut stats = work.fixed.clone();
    for (index, c) in work.components.iter().enumerate() {
        if c.units == 0 {
            continue;
        }
        let mut rng = rng::stream(seed, "seeding", &[restart, index]);
        let pilot = pilot(&mut rng, c.units, (32 * c.states).clamp(128, 512));
        let share = c.units as f64 / c.states as f64;
        let mut seeder = Seeder {
            model,
            work,
            component: index,
            states: c.states,
            pilot,
            pool: model.zero(&work.context),
            neutral: neutral.clone(),
            share,
        };
        seeder.pool = seeder.pooled(0);
        let seeds = choose(&seeder, &mut rng);
        for (state, unit) in seeds.into_iter().enumerate() {
            let pool = seeder.pooled(state);
            stats.merge(&seeder.blend(unit, state, &pool));
        }
    }
    Ok(model.maximise(&work.context, &stats, &neutral, 1.0)?.params)
}

/// `size` units without replacement, in increasing order.
fn pilot(rng: &mut impl rand::Rng, units: usize, size: usize) -> Vec<usize> {
    if units <= size {
        return (0..units).collect();
    }
    let mut chosen = std::collections::BTreeSet::new();
    while chosen.len() < size {
        chosen.insert(((rng::uniform(rng) * units as f64) as usize).min(units - 1));
    }
    chosen.into_iter().collect()
}

/// One unit for each state. Greedy: of several candidates, the one that leaves least unexplained.
fn choose<M: Program>(s: &Seeder<'_, '_, M>, rng: &mut impl rand::Rng) -> Vec<usize> {
    let pilot = &s.pilot;
    let saturated: Vec<f64> =
        pilot.iter().map(|&n| s.densities(n, &[n]).map_or(f64::NEG_INFINITY, |d| d[0])).collect();
    let candidates = 2 + (s.states as f64).ln() as usize;
    let mut best: Vec<f64> = vec![f64::NEG_INFINITY; pilot.len()];
    let mut seeds = vec![];
    for round in 0..s.states {
        let gaps: Vec<f64> = saturated.iter().zip(&best).map(|(sat, b)| gap(*sat, *b, round)).collect();
        let usable = gaps.iter().any(|g| *g > 0.0);
        let mut winner: Option<(f64, usize, Vec<f64>)> = None;
        for _ in 0..candidates {
            let at = if usable {
                rng::categorical(rng, &gaps)
            } else {
                ((rng::uniform(rng) * pilot.len() as f64) as usize).min(pilot.len() - 1)
            };
            let Some(densities) = s.densities(pilot[at], pilot) else { continue };
            let after: Vec<f64> = best.iter().zip(&densities).map(|(b, d)| b.max(*d)).collect();
            let left: f64 = saturated.iter().zip(&after).map(|(sat, b)| gap(*sat, *b, 1)).sum();
            if winner.as_ref().is_none_or(|w| left < w.0) {
                winner = Some((left, pilot[at], after));
            }
        }
        match winner {
            Some((_, unit, after)) => {
                seeds.push(unit);
                best = after;
            }
            None => seeds.push(pilot[round % pilot.len()]),
        }
    }
    seeds
}

/// What is left unexplained of a unit; before the first seed every unit counts the same.
fn gap(saturated: f64, best: f64, round: usize) -> f64 {
    if round == 0 {
        return 1.0;
    }
    let gap = saturated - best;
    if gap.is_finite() { gap.max(0.0) } else { 0.0 }
}
