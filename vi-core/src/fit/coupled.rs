//! Units that depend on one another: their posteriors take turns, each exact given the others (Gauss–Seidel).

use super::needs::Needs;
use super::program::{Component, Program, Scratch, Statistics};
use super::sweep::{Work, tile_size};
use super::{Categories, Options, Start};
use crate::engine::finite::{Sum, table};
use crate::{Error, rng};

/// How much of a unit's mass starts in its own group.
const FIRM: f64 = 0.8;
/// Turns of all components where everything that is shared is held.
pub(super) const TURNS: usize = 100;
/// Rounds of grouping units by what they have in common.
const ROUNDS: usize = 20;
/// More units than this are grouped by their own rows alone: a round of smoothing costs N³.
const SMOOTHED: usize = 1500;

impl<M: Program> Work<'_, M> {
    /// q of the units of coupled components before the first sweep.
    pub fn begin_coupled(
        &mut self,
        model: &M,
        start: &Start<M>,
        options: &Options,
        restart: usize,
    ) -> Result<(), Error> {
        self.begin_gated(model, start, options, restart)?;
        self.coupled = vec![vec![]; self.components.len()];
        let given = match start {
            Start::Posterior(q) => Some(q.clone()),
            Start::Latents(z) => Some(model.posterior_of_values(&self.context, z)?),
            Start::Default | Start::Params(_) => None,
        };
        if M::COUPLES {
            for &index in M::COUPLED {
                let Some(&c) = self.components.get(index) else { continue };
                let mut q = self.grouped(model, index, c, options.seed, restart);
                let posterior = given.clone().unwrap_or_default();
                for unit in 0..c.units {
                    let mut out = vec![1.0 / c.states as f64; c.states];
                    if model.started(&self.context, index, unit, &posterior, &mut out)? {
                        q[unit * c.states..][..c.states].copy_from_slice(&out);
                    }
                }
                self.coupled[index] = q;
            }
        }
        if !M::MEETS {
            return Ok(());
        }
        let posterior = given.unwrap_or_default();
        let mut tables = vec![];
        for (index, c) in self.components.iter().enumerate() {
            let mut q = vec![1.0 / c.states.max(1) as f64; c.units * c.states];
            for (unit, row) in q.chunks_mut(c.states.max(1)).enumerate() {
                if !model.started(&self.context, index, unit, &posterior, row)? {
                    row.fill(1.0 / c.states as f64);
                }
            }
            tables.push(Categories::from_rows(c.states, q));
        }
        self.begin_meetings(&|index, units, out| super::run::fill_from(&tables[index], units, out));
        Ok(())
    }

    /// Units with similar rows of data start together.
    fn grouped(&self, model: &M, index: usize, c: Component, seed: u64, restart: usize) -> Vec<f64> {
        let (n, k) = (c.units, c.states);
        let rows = profiles(model, &self.context, index, n);
        let mut rng = rng::stream(seed, "groups", &[restart, index]);
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
        let mut centres: Vec<Vec<f64>> = vec![];
        let mut nearest = vec![f64::INFINITY; n];
        for _ in 0..k.min(n) {
            let usable = nearest.iter().any(|d| *d > 0.0 && d.is_finite());
            let at = match (centres.is_empty(), usable) {
                (false, true) => rng::categorical(&mut rng, &nearest),
                _ => ((rng::uniform(&mut rng) * n as f64) as usize).min(n.saturating_sub(1)),
            };
            centres.push(rows[at].clone());
            for (d, row) in nearest.iter_mut().zip(&rows) {
                *d = d.min(distance(row, &rows[at]));
            }
        }
        let mut groups = vec![0; n];
        for _ in 0..ROUNDS {
            let before = groups.clone();
            for (g, row) in groups.iter_mut().zip(&rows) {
                let mut best = f64::INFINITY;
                for (j, centre) in centres.iter().enumerate() {
                    let d = distance(row, centre);
                    if d < best {
                        (best, *g) = (d, j);
                    }
                }
            }
            if before == groups {
                break;
            }
            for (j, centre) in centres.iter_mut().enumerate() {
                let own: Vec<&Vec<f64>> =
                    rows.iter().zip(&groups).filter(|(_, g)| **g == j).map(|(r, _)| r).collect();
                if !own.is_empty() {
                    for (i, x) in centre.iter_mut().enumerate() {
                        *x = own.iter().map(|r| r[i]).sum::<f64>() / own.len() as f64;
                    }
                }
            }
        }
        let mut q = vec![(1.0 - FIRM) / k.max(1) as f64; n * k];
        for (unit, g) in groups.iter().enumerate() {
            q[unit * k + g] += FIRM;
        }
        q
    }

    /// One turn of every unit of the coupled components, in order.
    pub fn turns(&mut self, model: &M, globals: &M::Globals) -> Result<(), Error> {
        self.gate_turns(model, globals)?;
        self.meet(model, globals)?;
        if !M::COUPLES {
            return Ok(());
        }
        let at = model.prepare(&self.context, globals)?;
        for &index in M::COUPLED {
            let Some(&c) = self.components.get(index) else { continue };
            let mut q = std::mem::take(&mut self.coupled[index]);
            let mut row = vec![0.0; c.states];
            let mut evidence = [0.0];
            let mut scratch = Scratch::default();
            let mut done = Ok(());
            for unit in 0..c.units {
                row.fill(0.0);
                model.potentials(&self.context, &at, index, unit..unit + 1, &mut row, &mut scratch);
                model.couple(&self.context, &at, index, unit, &q, &mut row);
                let present = |_: usize| model.copies(&self.context, index, unit) > 0.0;
                done = table::eliminate(&mut Sum, &mut row, c.states, 1, &mut evidence, present)
                    .map_err(|failure| failure.named(|_| model.unit_name(&self.context, index, unit)));
                if done.is_err() {
                    break;
                }
                q[unit * c.states..][..c.states].copy_from_slice(&row);
            }
            self.coupled[index] = q;
            done?;
        }
        Ok(())
    }

    /// Statistics and entropy of a coupled component as it stands.
    pub fn coupled_stats(&self, model: &M, globals: &M::Globals, index: usize, stats: &mut M::Stats) {
        let (Some(q), Some(c)) = (self.coupled.get(index), self.components.get(index)) else { return };
        if q.len() < c.units * c.states {
            return;
        }
        let mut scratch = Scratch::default();
        let tile = tile_size(c.states);
        let mut table = vec![0.0; c.states * tile];
        let mut start = 0;
        while start < c.units {
            let units = start..(start + tile).min(c.units);
            let n = units.len();
            for (i, unit) in units.clone().enumerate() {
                for s in 0..c.states {
                    table[s * n + i] = q[unit * c.states + s];
                }
            }
            model.collect(
                &self.context,
                globals,
                index,
                units.clone(),
                &table[..c.states * n],
                stats,
                &mut scratch,
            );
            start = units.end;
        }
        model.collect_pairs(&self.context, index, q, stats);
        let entropy: f64 = q.iter().map(|p| if *p > 0.0 { -p * p.ln() } else { 0.0 }).sum();
        let total = stats.evidence();
        total.log += entropy;
        total.magnitude += entropy.abs();
    }

    /// The tables of a coupled component.
    pub fn coupled_table(&self, index: usize) -> Option<Categories> {
        let c = self.components.get(index)?;
        let q = self.coupled.get(index).filter(|q| !q.is_empty())?;
        M::COUPLED.contains(&index).then(|| Categories::from_rows(c.states, q.clone()))
    }
}

/// A row of numbers for each unit: its data with every other unit, as shares, smoothed once over the units it has data with.
fn profiles<M: Program>(model: &M, context: &M::Context<'_>, index: usize, n: usize) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|unit| {
            let mut row = vec![0.0; n];
            model.profile(context, index, unit, &mut row);
            row[unit] += 1.0;
            let total: f64 = row.iter().map(|x| x.abs()).sum();
            row.iter_mut().for_each(|x| *x = if x.is_finite() { *x / total.max(1.0) } else { 0.0 });
            row
        })
        .collect();
    if n <= SMOOTHED {
        let smooth: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| {
                let mut out = vec![0.0; n];
                for (w, other) in row.iter().zip(&rows) {
                    if *w != 0.0 {
                        out.iter_mut().zip(other).for_each(|(o, x)| *o += w * x);
                    }
                }
                out
            })
            .collect();
        rows = smooth;
    }
    rows
}
