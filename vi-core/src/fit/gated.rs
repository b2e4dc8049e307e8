//! Chains of Gaussians whose rows are chosen by categories of another block: structured mean field of the two.
//!
//! ```text
//! q(x) ∝ exp Σₜ Σₖ q(zₜ = k) log Normal(row k of step t)      a row for every state, √q(zₜ = k) times it
//! q(z) ∝ p(z, …) exp Σₜ E_q(x) log Normal(row zₜ of step t)    E (c·x − y)² = (c·E x − y)² + cᵀ Cov(x) c
//! ```
//!
//! Each block is a whole chain, exact given the other. What is expected of x is its moments, held from one turn to the next while the params
//! move: E of a square is a sum of squares, that of the mean's residual and those of the conditional law of x\[t−1\] and of x\[t\].

use super::chained::Chained;
use super::coupled::TURNS;
use super::held::Held;
use super::links::Links;
use super::needs::Needs;
use super::program::{Evidence, Gate, Program, Scratch, Statistics};
use super::sweep::{Work, in_tiles, tile_size};
use super::{Options, Start};
use crate::engine::unit::UnitNormals;
use crate::reduce::{self, Accumulate};
use crate::{Error, rng};
use std::ops::Range;
use std::sync::Arc;

/// Probabilities, or expected log densities: units × states.
type Rows = Arc<Vec<f64>>;

/// Runs of one state in a sequence at the start, for each state.
const RUNS: usize = 3;
/// How much of a unit's mass starts in the state of its run.
const FIRM: f64 = 0.8;

/// What the blocks hold of one another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gated {
    /// q of the states of each component; empty where it is no gate, or before its first turn.
    q: Vec<Rows>,
    /// Of each gate, q as the chain read it at its last turn; empty: all states alike.
    read: Vec<Rows>,
    /// Of each gate, what the chain said of the states at their last turn; empty: nothing.
    said: Vec<Rows>,
    /// q of each chain.
    held: Vec<Option<Arc<Held>>>,
}

/// The gates of a chain, at a unit or at the step to it.
pub(super) fn gates_of<M: Program>(
    chain: usize,
    step: Option<bool>,
) -> impl Iterator<Item = (usize, &'static Gate)> {
    let here = move |(_, g): &(usize, &Gate)| g.chain == chain && step.is_none_or(|s| g.step == s);
    M::GATES.iter().enumerate().filter(here)
}

/// The components whose categories choose rows of chains.
fn is_gate<M: Program>(index: usize) -> bool {
    M::GATES.iter().any(|g| g.categories == index)
}

/// Σ a b, and Σ |a b|.
pub(super) fn expectation(probs: &[f64], values: &[f64]) -> (f64, f64) {
    let terms = probs.iter().zip(values).filter(|(p, _)| **p > 0.0).map(|(p, v)| p * v);
    terms.fold((0.0, 0.0), |(sum, size), x| (sum + x, size + x.abs()))
}

impl<M: Program> Work<'_, M> {
    /// q of the categories that choose rows of chains, and of these chains, before the first sweep.
    pub fn begin_gated(
        &mut self,
        model: &M,
        start: &Start<M>,
        options: &Options,
        restart: usize,
    ) -> Result<(), Error> {
        if !M::GATED {
            return Ok(());
        }
        let (n, gates) = (self.components.len(), M::GATES.len());
        self.gated = Gated {
            q: vec![Rows::default(); n],
            read: vec![Rows::default(); gates],
            said: vec![Rows::default(); gates],
            held: vec![None; n],
        };
        let none = M::Params::default();
        let (params, posterior) = match start {
            Start::Posterior(q) => (&none, q.clone()),
            Start::Latents(z) => (&none, model.posterior_of_values(&self.context, z)?),
            Start::Params(p) => (p, M::Posterior::default()),
            Start::Default => (&none, M::Posterior::default()),
        };
        let given = model.gather(params, &posterior);
        if matches!(start, Start::Params(_)) && M::is_complete(&given) {
            // The params say where the categories begin: at what is known of them without the chain.
            return Ok(());
        }
        for index in (0..n).filter(|i| is_gate::<M>(*i)) {
            let c = self.components[index];
            let mut q = self.runs(index, options.seed, restart);
            for unit in 0..c.units {
                let mut out = vec![1.0 / c.states.max(1) as f64; c.states];
                if model.started(&self.context, index, unit, &posterior, &mut out)? {
                    q[unit * c.states..][..c.states].copy_from_slice(&out);
                }
            }
            self.gated.q[index] = Arc::new(q);
        }
        let neutral = model.neutral(&self.context, &given)?;
        self.hold_all(model, &neutral)
    }

    /// q of every chain at these globals and the q of the categories as it stands; a chain that cannot be smoothed yet says nothing.
    fn hold_all(&mut self, model: &M, globals: &M::Globals) -> Result<(), Error> {
        let at = model.prepare(&self.context, globals)?;
        for (g, gate) in M::GATES.iter().enumerate() {
            self.gated.read[g] = self.gated.q[gate.categories].clone();
        }
        for index in 0..self.components.len() {
            if gates_of::<M>(index, None).next().is_some() {
                self.gated.held[index] = self.hold(model, globals, &at, index).ok().map(Arc::new);
            }
        }
        Ok(())
    }

    /// The same at the globals of a fit, of which draws are asked: the categories have their posterior given these chains.
    pub fn resume_gated(&mut self, model: &M, globals: &M::Globals, kept: bool) -> Result<(), Error> {
        if !M::GATED {
            return Ok(());
        }
        if !kept {
            self.gated.q.iter_mut().for_each(|q| *q = Rows::default());
            self.gated.held.iter_mut().for_each(|h| *h = None);
            for _ in 0..TURNS {
                self.gate_turns(model, globals)?;
            }
            return Ok(());
        }
        self.hold_all(model, globals)?;
        let at = model.prepare(&self.context, globals)?;
        for g in 0..M::GATES.len() {
            self.gated.said[g] = self.said(model, &at, g)?;
        }
        Ok(())
    }

    /// Each sequence in runs of one state after another: what follows the same law stands together.
    fn runs(&self, index: usize, seed: u64, restart: usize) -> Vec<f64> {
        let c = self.components[index];
        let k = c.states.max(1);
        let mut q = vec![(1.0 - FIRM) / k as f64; c.units * c.states];
        let mut rng = rng::stream(seed, "runs", &[restart, index]);
        let whole = 0..c.units;
        let pieces: Vec<Range<usize>> =
            self.links(index).map_or(vec![whole.clone()], |l| l.pieces(whole).collect());
        for piece in pieces {
            let mean = (piece.len() as f64 / (RUNS * k) as f64).max(1.0);
            let mut state = (rng::uniform(&mut rng) * k as f64) as usize;
            let mut left = 0.0;
            for unit in piece {
                if left < 1.0 {
                    state = (state + 1 + (rng::uniform(&mut rng) * (k - 1) as f64) as usize) % k;
                    left = mean * (0.5 + rng::uniform(&mut rng));
                }
                left -= 1.0;
                q[unit * k + state.min(k - 1)] += FIRM;
            }
        }
        q
    }

    /// One turn of every block that reads another, in order.
    pub fn gate_turns(&mut self, model: &M, globals: &M::Globals) -> Result<(), Error> {
        if !M::GATED {
            return Ok(());
        }
        let at = model.prepare(&self.context, globals)?;
        // Categories that come first would forget what params say of their states, had they no chain to look at: it begins where their own
        // statements put them.
        for gate in M::GATES.iter().filter(|g| g.categories < g.chain) {
            if self.gated.held[gate.chain].is_none() {
                self.turn_of_chain(model, globals, &at, gate.chain)?;
            }
        }
        for index in 0..self.components.len() {
            if is_gate::<M>(index) {
                for g in (0..M::GATES.len()).filter(|g| M::GATES[*g].categories == index) {
                    self.gated.said[g] = self.said(model, &at, g)?;
                }
                self.gated.q[index] = Arc::new(self.marginals(model, globals, &at, index)?);
            }
            if gates_of::<M>(index, None).next().is_some() {
                self.turn_of_chain(model, globals, &at, index)?;
            }
        }
        Ok(())
    }

    /// q of a chain given the categories as they stand.
    fn turn_of_chain(
        &mut self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
    ) -> Result<(), Error> {
        for (g, gate) in gates_of::<M>(index, None) {
            if self.gated.q[gate.categories].is_empty() {
                let q = self.marginals(model, globals, at, gate.categories)?;
                self.gated.q[gate.categories] = Arc::new(q);
            }
            self.gated.read[g] = self.gated.q[gate.categories].clone();
        }
        self.gated.held[index] = Some(Arc::new(self.hold(model, globals, at, index)?));
        Ok(())
    }

    /// q of a chain by the rows that its gates weigh as they were read.
    fn hold(&self, model: &M, globals: &M::Globals, at: &M::Prepared, index: usize) -> Result<Held, Error> {
        let Some(links) = self.chain(index) else { return Ok(Held::default()) };
        self.hold_some(model, globals, at, index, links)
    }

    fn hold_some(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        links: &Links,
    ) -> Result<Held, Error> {
        let job = Chained { model, work: self, globals, at, index, links };
        let leaf = |leaves: Range<usize>| {
            let (mut desk, mut out) = (job.scratch(), Held::default());
            for s in leaves.flat_map(|leaf| links.leaf(leaf)) {
                job.smooth(&mut desk, &(s..s + 1))?;
                out.take(&desk.scan, links.sequence(s).len(), job.width());
            }
            Ok(out)
        };
        reduce::tree(links.leaves(), 1, self.threads, leaf, |a, b| a.append(&b))
    }

    /// What a chain says of the states that choose its rows.
    fn said(&self, model: &M, at: &M::Prepared, g: usize) -> Result<Rows, Error> {
        let gate = &M::GATES[g];
        let (Some(held), Some(links)) = (&self.gated.held[gate.chain], self.chain(gate.chain)) else {
            return Ok(Rows::default());
        };
        let c = self.components[gate.categories];
        let leaf = |leaves: Range<usize>| {
            let (mut system, mut w, mut out) = (UnitNormals::default(), vec![], vec![]);
            for units in leaves.flat_map(|leaf| links.leaf(leaf)).map(|s| links.sequence(s)) {
                for unit in units.clone() {
                    let start = out.len();
                    out.resize(start + c.states, 0.0);
                    if gate.step && unit == units.start || model.gate_unit(&self.context, g, unit).is_none() {
                        continue;
                    }
                    for (state, value) in out[start..].iter_mut().enumerate() {
                        model.gate_rows(&self.context, at, g, unit, state, &mut system);
                        *value = held.expected(system.written(), unit, gate.step, &mut w);
                    }
                }
            }
            Ok::<_, Error>(out)
        };
        let all = reduce::tree(links.leaves(), 1, self.threads, leaf, |a, b| a.extend_from_slice(&b))?;
        let mut said = vec![0.0; c.units * c.states];
        for (unit, of_unit) in all.chunks_exact(c.states.max(1)).enumerate() {
            if let Some(to) = model.gate_unit(&self.context, g, unit) {
                said[to * c.states..][..c.states].iter_mut().zip(of_unit).for_each(|(sum, x)| *sum += x);
            }
        }
        Ok(Arc::new(said))
    }

    /// Adds what chains say of the states of some units to a table (`states × units`, state-major).
    pub(super) fn add_said(&self, index: usize, units: Range<usize>, table: &mut [f64]) {
        if !M::GATED {
            return;
        }
        let n = units.len();
        for (g, _) in M::GATES.iter().enumerate().filter(|(_, g)| g.categories == index) {
            let Some(said) = self.gated.said.get(g).filter(|s| !s.is_empty()) else { continue };
            let states = table.len() / n.max(1);
            for (i, unit) in units.clone().enumerate() {
                for s in 0..states {
                    table[s * n + i] += said[unit * states + s];
                }
            }
        }
    }

    /// Whether other blocks say of the states of single units of a component what its own statements do not.
    pub(super) fn is_told_of(&self, index: usize) -> bool {
        let said = |(g, _): (usize, &super::program::Gate)| {
            self.gated.said.get(g).is_some_and(|said| !said.is_empty())
        };
        M::GATES.iter().enumerate().filter(|(_, g)| g.categories == index).any(said)
            || self.added.get(index).is_some_and(|added| !added.is_empty())
    }

    /// The states that choose a row of a unit of a chain, with their probabilities as the chain reads them.
    pub(super) fn each_row(&self, model: &M, g: usize, unit: usize, mut row: impl FnMut(usize, f64)) {
        let Some(at) = model.gate_unit(&self.context, g, unit) else { return };
        let states = self.components[M::GATES[g].categories].states;
        match self.gated.read.get(g).filter(|q| !q.is_empty()) {
            None => (0..states).for_each(|s| row(s, 1.0 / states as f64)),
            Some(q) => {
                let q = &q[at * states..][..states];
                q.iter().enumerate().filter(|(_, p)| **p > 0.0).for_each(|(s, p)| row(s, *p));
            }
        }
    }

    /// Expected statistics of a chain whose rows categories choose, from its q as it is held.
    pub(super) fn expect_gated(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        links: &Links,
    ) -> Result<M::Stats, Error> {
        let held = match self.gated.held.get(index).and_then(Option::as_ref) {
            Some(held) => held.clone(),
            None => Arc::new(self.hold_some(model, globals, at, index, links)?),
        };
        let job = Gather { model, work: self, globals, index, links, held: &held };
        let mut stats = reduce::accumulate(links.leaves(), 1, self.threads, &job)?;
        let total: &mut Evidence = stats.evidence();
        total.log += held.log;
        total.magnitude += held.magnitude;
        // The later of two blocks has what they say of one another as it is now; the earlier one's share of it is the other's again.
        for (g, _) in gates_of::<M>(index, None) {
            let (Some(read), Some(said)) = (self.gated.read.get(g), self.gated.said.get(g)) else { continue };
            let (twice, size) = expectation(read, said);
            total.log -= twice;
            total.magnitude += size;
        }
        Ok(stats)
    }

    /// Statistics of the q that the categories begin with.
    pub fn gated_stats(&self, model: &M, globals: &M::Globals, soften: f64) -> M::Stats {
        let fill = |index: usize, units: Range<usize>, out: &mut [f64]| {
            let (n, states) = (units.len(), self.components[index].states);
            match self.gated.q.get(index).filter(|q| !q.is_empty()) {
                None => out.fill(1.0 / states.max(1) as f64),
                Some(q) => {
                    for (i, unit) in units.enumerate() {
                        (0..states).for_each(|s| out[s * n + i] = q[unit * states + s]);
                    }
                }
            }
        };
        self.collect(model, globals, &M::Posterior::default(), &fill, soften)
    }
}

/// The statistics of a chain that is held.
struct Gather<'s, 'a, M: Program> {
    model: &'s M,
    work: &'s Work<'a, M>,
    globals: &'s M::Globals,
    index: usize,
    links: &'s Links,
    held: &'s Held,
}

/// Workspace of one thread.
struct Desk {
    scratch: Scratch,
    ones: Vec<f64>,
    states: Vec<f64>,
}

impl<M: Program> Gather<'_, '_, M> {
    fn sequence(&self, sum: &mut M::Stats, desk: &mut Desk, units: Range<usize>) {
        let (h, context, model) = (self.held.width, &self.work.context, self.model);
        let Desk { scratch, ones, .. } = desk;
        scratch.normals.fresh = true;
        for tile in in_tiles(units.clone(), 1) {
            scratch.normals.begin(h, tile.len(), 1);
            for (i, unit) in tile.clone().enumerate() {
                self.held.unit_moments(&mut scratch.normals, i, unit);
            }
            model.collect(context, self.globals, self.index, tile.clone(), &ones[..tile.len()], sum, scratch);
        }
        scratch.normals.begin(h, 1, 1);
        for unit in units.clone().filter(|_| gates_of::<M>(self.index, Some(false)).next().is_some()) {
            self.held.unit_moments(&mut desk.scratch.normals, 0, unit);
            self.gates(sum, desk, unit, false);
        }
        desk.scratch.normals.begin(2 * h, 1, 1);
        for unit in units.skip(1) {
            self.held.step_moments(&mut desk.scratch.normals, unit);
            model.collect_step(context, self.globals, self.index, unit, &[1.0], sum, &mut desk.scratch);
            self.gates(sum, desk, unit, true);
        }
        desk.scratch.normals.fresh = false;
    }

    fn gates(&self, sum: &mut M::Stats, desk: &mut Desk, unit: usize, step: bool) {
        let (context, model) = (&self.work.context, self.model);
        for (g, gate) in gates_of::<M>(self.index, Some(step)) {
            let Some(at) = model.gate_unit(context, g, unit) else { continue };
            let states = self.work.components[gate.categories].states;
            desk.states.clear();
            match self.work.gated.q.get(gate.categories).filter(|q| !q.is_empty()) {
                None => desk.states.resize(states, 1.0 / states as f64),
                Some(q) => desk.states.extend_from_slice(&q[at * states..][..states]),
            }
            model.collect_gate(context, self.globals, g, unit, &desk.states, sum, &mut desk.scratch);
        }
    }
}

impl<M: Program> Accumulate for Gather<'_, '_, M> {
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
        Desk { scratch: Scratch::default(), ones: vec![1.0; tile_size(1)], states: vec![] }
    }

    fn add(&self, sum: &mut M::Stats, desk: &mut Desk, leaves: Range<usize>) -> Result<(), Error> {
        for s in leaves.flat_map(|leaf| self.links.leaf(leaf)) {
            self.sequence(sum, desk, self.links.sequence(s));
        }
        Ok(())
    }

    fn merge(&self, left: &mut M::Stats, right: &mut M::Stats) {
        left.merge(right);
    }
}
