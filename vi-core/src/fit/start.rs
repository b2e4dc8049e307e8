//! Where a fit begins.
//!
//! By default a generalised k-means++: a seed is a unit that the components chosen so far explain badly compared with a component fitted to
//! that unit alone (its statistics blended with the pooled ones). It needs nothing of a model but its statistics and its M-step, and is
//! D² sampling for spherical Normals and Bregman k-means++ for exponential families (Arthur & Vassilvitskii 2007; Ackermann & Blömer 2010).
//! Along chains, every third start takes runs of units where the others take units.

use super::lasting::{Shared, says_more};
use super::needs::Needs;
use super::program::{Program, Scratch, Statistics, Turn};
use super::run::fill_from;
use super::runs::{LastRun, Runs};
use super::sweep::Work;
use super::{Categories, Options, Start};
use crate::engine::mode::Notes;
use crate::engine::unit::UnitNormals;
use crate::{Error, rng};
use std::ops::Range;

/// Share of the pooled statistics in a component that is fitted to one unit.
const BLEND: f64 = 0.3;

/// Units that are asked whether they tell states apart.
const PILOT: usize = 512;

/// Share of each neighbour's state that may be anything at the start: a step that never happened is not ruled out.
const SOFTEN: f64 = 0.1;

/// Where a fit begins: the globals, and the statistics of a posterior of the units where one is given.
pub(crate) struct Begun<M: Program> {
    pub globals: M::Globals,
    pub stats: Option<M::Stats>,
}

pub(crate) fn globals<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    start: &Start<M>,
    params: &M::Params,
    options: &Options,
    restart: usize,
) -> Result<Begun<M>, Error> {
    let alone = |globals: M::Globals| Ok(Begun { globals, stats: None });
    let given = match start {
        Start::Posterior(q) => model.gather(params, q),
        Start::Latents(z) => model.gather(params, &model.posterior_of_values(&work.context, z)?),
        Start::Default | Start::Params(_) => model.gather(params, &M::Posterior::default()),
    };
    let neutral = model.neutral(&work.context, &given)?;
    if has_blocks::<M>() {
        // What is given of q is read before the first update.
        model.validate(&work.context, &neutral)?;
    }
    if M::COUPLES {
        if M::is_complete(&given) {
            return alone(given);
        }
        let stats = work.expect(model, &neutral)?;
        let globals = M::overlay(&given, fitted(model, work, &stats, &neutral)?);
        return Ok(Begun { globals, stats: Some(stats) });
    }
    if M::GATED {
        let given = match start {
            Start::Default => M::overlay(&given, model.init(&work.context)?),
            Start::Params(_) | Start::Posterior(_) | Start::Latents(_) => given,
        };
        if M::is_complete(&given) {
            return alone(given);
        }
        let stats = work.gated_stats(model, &neutral, SOFTEN);
        let globals = M::overlay(&given, fitted(model, work, &stats, &neutral)?);
        let lead = !matches!(M::TURNS.first(), Some(Turn::Units));
        return Ok(Begun { globals, stats: lead.then_some(stats) });
    }
    match start {
        Start::Params(_) if M::is_complete(&given) => alone(given),
        Start::Params(_) if work.components.is_empty() || !has_blocks::<M>() => {
            alone(completed(model, work, &given, neutral, (options.seed, restart))?)
        }
        Start::Params(_) => {
            let fitted = seeded(model, work, neutral, options.seed, restart)?;
            alone(M::overlay(&given, fitted))
        }
        Start::Posterior(q) => from_tables(model, work, q, &given, neutral),
        Start::Latents(z) => {
            from_tables(model, work, &model.posterior_of_values(&work.context, z)?, &given, neutral)
        }
        Start::Default => {
            let init = model.init(&work.context)?;
            let begun = (0..work.components.len()).any(|c| model.inits_latents(c));
            if M::is_complete(&init) {
                return alone(init);
            }
            if begun {
                let neutral = M::overlay(&init, neutral);
                return from_tables(model, work, &M::Posterior::default(), &init, neutral);
            }
            if M::is_set(&init) {
                return alone(completed(model, work, &init, neutral, (options.seed, restart))?);
            }
            if work.components.is_empty() {
                return alone(model.maximise(&work.context, &work.fixed, &neutral, 1.0)?.globals);
            }
            // Labels give the states their meaning; later starts look elsewhere, where the labels may end in a worse mode.
            if restart == 0 && partly_observed(model, work) {
                let unset = M::Globals::default();
                return from_tables(model, work, &M::Posterior::default(), &unset, neutral);
            }
            alone(seeded(model, work, neutral, options.seed, restart)?)
        }
    }
}

fn has_blocks<M: Program>() -> bool {
    M::TURNS.iter().any(|t| matches!(t, Turn::Block(_)))
}

/// Params and shared latents that suit these statistics.
fn fitted<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    stats: &M::Stats,
    from: &M::Globals,
) -> Result<M::Globals, Error> {
    let mut globals = model.maximise(&work.context, stats, from, 1.0)?.globals;
    if has_blocks::<M>() {
        // Blocks wait for one another: a location for its scale, and that for the location.
        for _ in 0..2 {
            for turn in M::TURNS {
                if let Turn::Block(n) = turn {
                    model.update(&work.context, stats, &mut globals, *n, &mut Notes::default())?;
                }
            }
        }
    }
    Ok(globals)
}

/// What is given stays; the rest comes from an M-step at what is known, or from seeds where that tells no state from another.
fn completed<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    given: &M::Globals,
    neutral: M::Globals,
    (seed, restart): (u64, usize),
) -> Result<M::Globals, Error> {
    if is_alike(model, work, &M::overlay(given, neutral.clone()))? {
        return Ok(M::overlay(given, seeded(model, work, neutral, seed, restart)?));
    }
    from_params(model, work, given, neutral)
}

/// Whether there are states, and no unit says more for one of them than every other unit does.
fn is_alike<M: Program>(model: &M, work: &Work<'_, M>, globals: &M::Globals) -> Result<bool, Error> {
    let at = model.prepare(&work.context, globals)?;
    let mut scratch = Scratch::default();
    let mut any = false;
    for (index, c) in work.components.iter().enumerate().filter(|(_, c)| c.states > 1) {
        let mut first: Option<Vec<f64>> = None;
        for tile in work.tiles(index, 0..c.units.min(PILOT)) {
            let n = tile.len();
            let mut table = vec![0.0; c.states * n];
            model.potentials(&work.context, &at, index, tile, &mut table, &mut scratch);
            for i in 0..n {
                let more: Vec<f64> = (1..c.states).map(|s| table[s * n + i] - table[i]).collect();
                let said = first.get_or_insert_with(|| more.clone());
                let same = |(a, b): (&f64, &f64)| a == b || (a - b).abs() <= 1e-9;
                if !said.iter().zip(&more).all(same) {
                    return Ok(false);
                }
            }
        }
        any |= first.is_some();
    }
    Ok(any)
}

/// What is given stays; the rest comes from an M-step at what is known.
fn from_params<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    given: &M::Globals,
    neutral: M::Globals,
) -> Result<M::Globals, Error> {
    let begin = M::overlay(given, neutral);
    let stats = work.expect(model, &begin)?;
    Ok(M::overlay(given, model.maximise(&work.context, &stats, &begin, 1.0)?.globals))
}

/// From given probabilities; units without any are uniform.
fn from_tables<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    probs: &M::Posterior,
    given: &M::Globals,
    neutral: M::Globals,
) -> Result<Begun<M>, Error> {
    let mut tables = vec![];
    let mut any = false;
    for (index, c) in work.components.iter().enumerate() {
        let mut all = vec![1.0 / c.states as f64; c.units * c.states];
        for unit in 0..c.units {
            let out = &mut all[unit * c.states..][..c.states];
            if model.started(&work.context, index, unit, probs, out)? {
                any = true;
            } else {
                out.fill(1.0 / c.states as f64);
            }
        }
        tables.push(Categories::from_rows(c.states, all));
        // Gaussian latents that are given say as much.
        any |= M::NORMALS.contains(&index)
            && work.links[index].is_none()
            && model.start_normals(
                &work.context,
                index,
                0..c.units.min(1),
                probs,
                &mut UnitNormals::default(),
            );
    }
    if has_blocks::<M>() && !any {
        let globals = from_params(model, work, given, neutral)?;
        return Ok(Begun { globals, stats: None });
    }
    let fill = |component: usize, units: Range<usize>, out: &mut [f64]| {
        fill_from(&tables[component], units, out);
    };
    let stats = work.collect(model, &neutral, probs, &fill, 0.0);
    if matches!(M::TURNS.first(), Some(Turn::Units)) {
        let globals = M::overlay(given, fitted(model, work, &stats, &neutral)?);
        return Ok(Begun { globals, stats: None });
    }
    let globals = M::overlay(given, model.maximise(&work.context, &stats, &neutral, 1.0)?.globals);
    Ok(Begun { globals, stats: Some(stats) })
}

fn partly_observed<M: Program>(model: &M, work: &Work<'_, M>) -> bool {
    let none = M::Posterior::default();
    work.components.iter().enumerate().any(|(index, c)| {
        let mut out = vec![0.0; c.states];
        (0..c.units).any(|unit| {
            matches!(model.started(&work.context, index, unit, &none, &mut out), Ok(true))
                && says_more(work.links(index), &out)
        })
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
    neutral: M::Globals,
    /// Weight of one component in units.
    share: f64,
    runs: &'s Runs<'s>,
}

impl<M: Program> Seeder<'_, '_, M> {
    fn unit_stats(&self, units: Range<usize>, state: usize, stats: &mut M::Stats) {
        for tile in self.work.tiles(self.component, units) {
            let mut table = vec![0.0; self.states * tile.len()];
            table[state * tile.len()..][..tile.len()].fill(1.0);
            self.model.collect(
                &self.work.context,
                &self.neutral,
                self.component,
                tile,
                &table,
                stats,
                &mut Scratch::beginning(),
            );
        }
    }

    /// Statistics of one component around a run.
    fn blend(&self, unit: usize, state: usize, pool: &M::Stats) -> M::Stats {
        let mut stats = self.model.zero(&self.work.context);
        let run = self.runs.of(unit);
        let length = run.len() as f64;
        self.unit_stats(run, state, &mut stats);
        stats.scale((1.0 - BLEND) * self.share / length);
        let mut pool = pool.clone();
        pool.scale(BLEND * self.share / self.pilot.len() as f64);
        stats.merge(&pool);
        stats
    }

    fn pooled(&self, state: usize) -> M::Stats {
        let mut pool = self.model.zero(&self.work.context);
        for &unit in &self.pilot {
            self.unit_stats(unit..unit + 1, state, &mut pool);
        }
        pool
    }

    /// log density of the pilot's runs under the component around one of them.
    fn densities(&self, unit: usize, of: &[usize]) -> Option<Vec<f64>> {
        let mut stats = self.work.fixed.clone();
        stats.merge(&self.blend(unit, 0, &self.pool));
        let globals = fitted(self.model, self.work, &stats, &self.neutral).ok()?;
        let at = self.model.prepare(&self.work.context, &globals).ok()?;
        let mut scratch = Scratch::default();
        let mut table = vec![];
        let mut density = |units: Range<usize>| -> f64 {
            let n = units.len();
            table.clear();
            table.resize(self.states * n, 0.0);
            self.model.potentials(&self.work.context, &at, self.component, units, &mut table, &mut scratch);
            table[..n].iter().sum()
        };
        let tiles = |&n: &usize| self.work.tiles(self.component, self.runs.of(n));
        Some(of.iter().map(|n| tiles(n).into_iter().map(&mut density).sum()).collect())
    }
}

fn seeded<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    neutral: M::Globals,
    seed: u64,
    restart: usize,
) -> Result<M::Globals, Error> {
    if M::CHAINED
        && let Some(globals) = super::chain_start::begun(model, work, &neutral, restart)?
    {
        return Ok(globals);
    }
    let runs: Vec<Runs<'_>> = (work.components.iter().enumerate())
        .map(|(index, c)| Runs::new(work.links(index), c.units, c.states, restart))
        .collect();
    let mut stats = work.fixed.clone();
    for (index, c) in work.components.iter().enumerate() {
        if c.units == 0 {
            continue;
        }
        if c.states == 1 && M::NORMALS.contains(&index) {
            // There is no state to seed: every unit says what all units share.
            work.pooled(model, &neutral, index, &mut stats);
            continue;
        }
        let mut rng = rng::stream(seed, "seeding", &[restart, index]);
        let pilot = pilot(&mut rng, c.units, (32 * c.states).clamp(128, 512));
        let share = c.units as f64 / c.states as f64;
        let seeded = c.states > 1;
        let mut seeder = Seeder {
            model,
            work,
            component: index,
            states: c.states,
            pilot,
            pool: model.zero(&work.context),
            neutral: neutral.clone(),
            share,
            runs: &runs[index],
        };
        seeder.pool = seeder.pooled(0);
        if !seeded {
            // Nothing to tell apart: all units say where to begin.
            let mut pool = seeder.pool.clone();
            pool.scale(share / seeder.pilot.len() as f64);
            stats.merge(&pool);
            continue;
        }
        let seeds = choose(&seeder, &mut rng);
        for (state, unit) in seeds.into_iter().enumerate() {
            let pool = seeder.pooled(state);
            stats.merge(&seeder.blend(unit, state, &pool));
        }
    }
    work.seed_meetings(model, &neutral, (seed, restart), BLEND, &mut stats);
    let globals = fitted(model, work, &stats, &neutral)?;
    if !(M::LINKED || M::CHAINED) || work.links.iter().all(Option::is_none) {
        return Ok(globals);
    }
    // What joins neighbours is unknown yet: their posteriors as if they were independent say how often states follow one another.
    let at = model.prepare(&work.context, &globals)?;
    let kept = std::cell::RefCell::new((Scratch::default(), LastRun::default()));
    let alone = |index: usize, units: Range<usize>, table: &mut [f64]| {
        let (scratch, last) = &mut *kept.borrow_mut();
        runs[index].posteriors((index, units), table, last, |units, table| {
            work.alone_or_met(model, &at, index, units, table, scratch);
        });
    };
    let shared: Vec<Option<Shared>> = (0..work.components.len())
        .map(|index| Shared::guess(work, index, (seed, restart), |units, table| alone(index, units, table)))
        .collect();
    let alone = |index: usize, units: Range<usize>, table: &mut [f64]| {
        alone(index, units.clone(), table);
        if let (Some(shared), Some(links)) = (&shared[index], work.links(index)) {
            shared.impose(links, units, table);
        }
    };
    let longest = runs.iter().map(Runs::length).max().unwrap_or(1) as f64;
    let stats = work.collect(model, &globals, &M::Posterior::default(), &alone, SOFTEN / longest);
    fitted(model, work, &stats, &globals)
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
