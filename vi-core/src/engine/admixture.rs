//! Finite latents of groups of units, where a unit's table is the product of a row that its group owns and of a column of a table that all
//! share, both with Dirichlet posteriors:
//!
//! ```text
//! q(z[d, i] = k) ∝ θ[d, k] β[k, v],   θ[d, k] = exp E log own[d][k],   β[k, v] = exp E log shared[k][v],   v the value of unit (d, i)
//! own[d]        ~ Dirichlet(prior[d] + Σ_i w[d, i] q(z[d, i]))
//! ```
//!
//! A group's latents and its own law are updated in turns while its columns of β lie in the cache. β is tabulated once, with the states of a
//! value side by side and scaled so that the largest is 1; no unit takes an exponential. Memory is that of the values, of the laws, and of
//! O(threads · log groups) tables.

mod columns;
mod divergence;
mod said;

use columns::{Columns, rescale};
use divergence::divergence;
use said::Said;

use crate::dist::Dirichlet;
use crate::error::Error;
use crate::fit::Marginal;
use crate::fit::program::Evidence;
use crate::reduce::{self, Accumulate};
use crate::special;
use crate::tile::gathered::{self, gather};
use crate::tile::rows::{BLOCK, TINY, fetch, normalise, renew};
use crate::tile::{self, TileBuffer};
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

/// Groups of one leaf of the fixed tree.
const LEAF: usize = 512;

/// The same where a few groups are chosen.
const FEW: usize = 64;

/// A group whose counts move by less than this share of their total has settled.
const SETTLED: f64 = 1e-13;

/// The values of the units of all groups, each with a weight, and the priors' parameters.
#[derive(Clone, Debug, Default)]
pub struct Draws {
    /// Where each group begins; one more than groups.
    starts: Vec<usize>,
    values: Vec<u32>,
    weights: Vec<f64>,
    priors: OnceLock<Priors>,
}

/// Parameters of the two laws before any data, row by row.
#[derive(Clone, Debug)]
pub struct Priors {
    /// groups × states
    pub own: Vec<f64>,
    /// states × values
    pub shared: Vec<f64>,
}

impl Draws {
    /// `entry(d, i)` is the value of a unit and how often it counts.
    #[must_use]
    pub fn new(
        groups: usize,
        units: impl Fn(usize) -> usize,
        entry: impl Fn(usize, usize) -> (usize, f64),
    ) -> Self {
        let mut out = Draws { starts: vec![0], ..Draws::default() };
        for d in 0..groups {
            for i in 0..units(d) {
                let (value, weight) = entry(d, i);
                out.values.push(u32::try_from(value).unwrap_or(u32::MAX));
                out.weights.push(weight);
            }
            out.starts.push(out.values.len());
        }
        out
    }

    /// Number of groups.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The priors, worked out on the first call.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn priors(&self, make: impl FnOnce() -> Result<Priors, Error>) -> Result<&Priors, Error> {
        if let Some(p) = self.priors.get() {
            return Ok(p);
        }
        let made = make()?;
        Ok(self.priors.get_or_init(|| made))
    }
}

/// The parameters of laws, in one row; empty if one of them is no law.
#[must_use]
pub fn parameters(laws: &[Marginal<Dirichlet<'static>>]) -> Vec<f64> {
    rows(laws).map(|r| r.concat()).unwrap_or_default()
}

/// The parameters of each law; `None` if one of them is no law.
fn rows<'a>(laws: &'a [Marginal<Dirichlet<'static>>]) -> Option<Vec<&'a [f64]>> {
    laws.iter().map(|q| q.law().map(|d| &*d.a)).collect()
}

/// A posterior of the two families of laws.
#[derive(Debug)]
pub struct Admixture<'a> {
    draws: &'a Draws,
    own: Vec<&'a [f64]>,
    shared: Vec<&'a [f64]>,
    states: usize,
    values: usize,
    threads: usize,
}

impl<'a> Admixture<'a> {
    /// `None` if some law is a point or unset.
    ///
    /// # Errors
    /// [`Error::Shape`] where a law has another number of coordinates.
    pub fn new(
        draws: &'a Draws,
        [states, values]: [usize; 2],
        own: &'a [Marginal<Dirichlet<'static>>],
        shared: &'a [Marginal<Dirichlet<'static>>],
        threads: usize,
    ) -> Result<Option<Self>, Error> {
        let (Some(own), Some(shared)) = (rows(own), rows(shared)) else { return Ok(None) };
        use crate::data::check::size_is;
        size_is("the start", own.len(), "groups", "its latents", draws.groups())?;
        size_is("the start", shared.len(), "rows", "its latents", states)?;
        for law in &own {
            size_is("the start", law.len(), "coordinates", "its latent", states)?;
        }
        for law in &shared {
            size_is("the start", law.len(), "coordinates", "its latent", values)?;
        }
        Ok(Some(Admixture { draws, own, shared, states, values, threads }))
    }

    /// `passes` turns of the units' latents and their group's law, then the latents once more: their expected counts, and, without any turn,
    /// their evidence.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a law's parameters are so extreme that no state is left.
    pub fn update(&self, prior: &[f64], passes: usize) -> Result<Updated, Error> {
        self.run(prior, passes, true, None)
    }

    /// [`update`](Self::update) of these groups alone: the counts and the laws that are left are theirs.
    ///
    /// # Errors
    /// See [`update`](Self::update).
    ///
    /// # Panics
    /// If there is no such group.
    pub fn update_some(&self, prior: &[f64], passes: usize, groups: &[usize]) -> Result<Updated, Error> {
        self.run(prior, passes, true, Some(groups))
    }

    fn run(
        &self,
        prior: &[f64],
        passes: usize,
        statistics: bool,
        chosen: Option<&[usize]>,
    ) -> Result<Updated, Error> {
        let table = Columns::new(&self.shared, self.states, self.values);
        let (groups, leaf) = chosen.map_or((self.draws.groups(), LEAF), |c| (c.len(), FEW));
        let job = Pass {
            of: self,
            table: &table,
            prior,
            passes,
            statistics,
            chosen,
            leaf,
            parts: (0..groups.div_ceil(leaf)).map(|_| Mutex::default()).collect(),
        };
        let mut sum = reduce::accumulate(groups, leaf, self.threads, &job)?;
        for (x, beta) in sum.table.iter_mut().zip(table.scaled.iter()) {
            *x *= beta;
        }
        for (v, counts) in &sum.lost {
            tile::add_scaled(&mut sum.table[v * table.stride..][..self.states], 1.0, counts);
        }
        let mut out = Updated {
            own: vec![],
            counts: vec![],
            table: sum.table,
            states: self.states,
            stride: table.stride,
            evidence: sum.evidence,
        };
        for part in job.parts {
            let part = part.into_inner().unwrap_or_else(PoisonError::into_inner);
            out.own.extend(part.own);
            out.counts.extend(part.counts);
        }
        Ok(out)
    }

    /// Σ log evidence of the units − Σ KL(q ‖ prior) of all laws, and the sum of the absolute values.
    ///
    /// # Errors
    /// See [`update`](Self::update).
    pub fn bound(&self, priors: &Priors) -> Result<(f64, f64), Error> {
        let units = self.run(&priors.own, 0, false, None)?.evidence;
        let (own, size) = divergence(&self.own, &priors.own, self.threads);
        let (shared, more) = divergence(&self.shared, &priors.shared, self.threads);
        Ok((units.log - own - shared, units.magnitude + size + more))
    }
}

/// What an update leaves.
#[derive(Debug)]
pub struct Updated {
    own: Vec<f64>,
    counts: Vec<f64>,
    /// values × stride
    table: Vec<f64>,
    states: usize,
    stride: usize,
    /// Of the units; 0 after turns.
    pub evidence: Evidence,
}

impl Updated {
    /// The groups' new laws, in place of those there were.
    ///
    /// # Errors
    /// [`Error::Improper`] for parameters that are not positive.
    pub fn laws_of(
        &self,
        name: &'static str,
        groups: &[usize],
        laws: &mut [Marginal<Dirichlet<'static>>],
    ) -> Result<(), Error> {
        for (d, law) in groups.iter().zip(self.each_law(name, |at| groups[at])) {
            laws[*d] = law?;
        }
        Ok(())
    }

    /// The groups' new laws.
    ///
    /// # Errors
    /// [`Error::Improper`] for parameters that are not positive.
    pub fn laws(&self, name: &'static str) -> Result<Vec<Marginal<Dirichlet<'static>>>, Error> {
        self.each_law(name, |d| d).collect()
    }

    fn each_law(
        &self,
        name: &'static str,
        group: impl Fn(usize) -> usize,
    ) -> impl Iterator<Item = Result<Marginal<Dirichlet<'static>>, Error>> {
        let law = move |(d, a): (usize, &[f64])| match a.iter().position(|a| !(*a > 0.0 && a.is_finite())) {
            None => Ok(Marginal::Law(Dirichlet { a: a.to_vec().into() })),
            Some(k) => Err(Error::Improper {
                element: super::mode::at(name, &[group(d)]).to_string(),
                reason: format!("Dirichlet: a[{k}] = {} must be positive and finite", a[k]),
            }),
        };
        self.own.chunks_exact(self.states.max(1)).enumerate().map(law)
    }

    /// Expected counts, groups × states.
    pub fn own_counts(&self, out: &mut [f64]) {
        for (out, x) in out.iter_mut().zip(&self.counts) {
            *out = *x;
        }
    }

    /// Expected counts, states × values.
    pub fn shared_counts(&self, out: &mut [f64]) {
        let values = self.table.len() / self.stride.max(1);
        for (k, out) in out.chunks_exact_mut(values.max(1)).enumerate() {
            for (out, row) in out.iter_mut().zip(self.table.chunks_exact(self.stride)) {
                *out = row[k];
            }
        }
    }
}

struct Pass<'p, 'a> {
    of: &'p Admixture<'a>,
    table: &'p Columns,
    prior: &'p [f64],
    passes: usize,
    statistics: bool,
    /// The groups that take part; all where there is none.
    chosen: Option<&'p [usize]>,
    leaf: usize,
    /// What belongs to the groups of each leaf.
    parts: Vec<Mutex<Part>>,
}

#[derive(Default)]
struct Part {
    own: Vec<f64>,
    counts: Vec<f64>,
}

struct Sum {
    /// Σ ratio θ, values × stride: β is the same for all units of a value.
    table: Vec<f64>,
    /// Expected counts of values whose products underflow.
    lost: Vec<(usize, Vec<f64>)>,
    evidence: Evidence,
}

/// One group at work.
struct Desk {
    /// The group's columns of β, brought together.
    rows: TileBuffer,
    gathered: bool,
    /// Where each unit's column stands in β, unless they were brought together.
    index: Vec<usize>,
    /// Sums of lanes.
    lanes: TileBuffer,
    backwards: bool,
    weights: Vec<f64>,
    /// w / Σ_k θ β of each unit, and the sums themselves.
    ratios: Vec<f64>,
    norms: Vec<f64>,
    logs: Vec<f64>,
    scaled: TileBuffer,
    /// exp E log of the law up to a factor that all states share; 0 beyond the states.
    theta: TileBuffer,
    /// θ Σ_i ratio β
    sums: TileBuffer,
    /// Parameters of the law; 1 beyond the states.
    own: TileBuffer,
    said: Said,
    lost: Vec<Lost>,
}

/// A unit whose products all underflow: log Σ_k θ β, both scaled, and its probabilities.
struct Lost {
    at: usize,
    log: f64,
    probs: Vec<f64>,
}

impl Pass<'_, '_> {
    fn group(&self, at: usize) -> usize {
        self.chosen.map_or(at, |chosen| chosen[at])
    }

    fn units(&self, group: usize) -> Range<usize> {
        self.of.draws.starts[group]..self.of.draws.starts[group + 1]
    }

    /// Brings the group's columns together, unless they are read too seldom for that to pay.
    fn open(&self, desk: &mut Desk, units: &Range<usize>) {
        let (stride, states) = (self.table.stride, self.of.states);
        let values = &self.of.draws.values[units.clone()];
        desk.gathered = self.passes > 1;
        desk.backwards = false;
        let padded;
        if desk.gathered {
            padded = gathered::padded(units.len());
            if desk.rows.len() < padded * states {
                desk.rows = TileBuffer::new(padded.next_power_of_two() * states);
            }
            gather(&self.table.scaled, stride, states, values, padded, &mut desk.rows);
        } else {
            padded = units.len().next_multiple_of(BLOCK);
            desk.index.clear();
            desk.index.extend(values.iter().map(|v| *v as usize * stride));
            // The row beyond the last value is all zeros.
            desk.index.resize(padded, self.of.values * stride);
        }
        desk.weights.clear();
        desk.weights.extend_from_slice(&self.of.draws.weights[units.clone()]);
        desk.weights.resize(padded, 0.0);
        desk.ratios.resize(padded, 0.0);
        desk.norms.resize(padded, 0.0);
    }

    /// Sums over units at the current θ. Returns whether none was lost.
    fn weigh(&self, desk: &mut Desk) -> bool {
        if desk.gathered {
            return gathered::weigh(
                &desk.rows,
                &desk.weights,
                &desk.theta[..self.of.states],
                &mut desk.lanes,
                &mut desk.sums,
                &mut desk.ratios,
                &mut desk.norms,
                desk.backwards,
            );
        }
        normalise(
            &self.table.scaled,
            &desk.index,
            &desk.weights,
            &desk.theta,
            &mut desk.sums,
            &mut desk.ratios,
            &mut desk.norms,
            desk.backwards,
        )
    }

    /// q of the group's latents at the current law, with Σ over units of their expected counts in `desk.sums`. Returns log of the scale of θ.
    fn posterior(&self, desk: &mut Desk, units: &Range<usize>) -> f64 {
        desk.backwards = !desk.backwards;
        desk.lost.clear();
        // Whole packs throughout: what is left over of a loop costs as much as all of it.
        tile::exp_digamma(&desk.own, &mut desk.theta);
        desk.theta[self.of.states..].fill(0.0);
        if self.weigh(desk) {
            return 0.0;
        }
        // θ itself may have vanished: the same once more, relative to its largest entry.
        tile::digamma(&desk.own, &mut desk.theta);
        desk.theta[self.of.states..].fill(f64::NEG_INFINITY);
        let top = rescale(&mut desk.scaled, &mut desk.theta);
        if self.weigh(desk) {
            return top;
        }
        for at in 0..units.len() {
            if desk.weights[at] > 0.0 && desk.norms[at] < TINY {
                let lost = self.in_logs(desk, at, units.start + at, top);
                tile::add_scaled(&mut desk.sums, desk.weights[at], &lost.probs);
                desk.lost.push(lost);
            }
        }
        top
    }

    /// log Σ_k θ β of every unit.
    fn evidence(&self, sum: &mut Sum, desk: &mut Desk, units: Range<usize>, top: f64) {
        desk.logs.resize(desk.norms.len(), 0.0);
        tile::log(&desk.norms, &mut desk.logs);
        for lost in &desk.lost {
            desk.logs[lost.at] = lost.log;
        }
        let common = top - special::digamma(tile::sum(&desk.own[..self.of.states]));
        let values = &self.of.draws.values[units];
        for ((v, weight), log) in values.iter().zip(&desk.weights).zip(&desk.logs) {
            if *weight > 0.0 {
                let log = weight * (log + self.table.shift[*v as usize] + common);
                sum.evidence.log += log;
                sum.evidence.magnitude += log.abs();
            }
        }
    }

    fn in_logs(&self, desk: &Desk, at: usize, unit: usize, top: f64) -> Lost {
        let v = self.of.draws.values[unit] as usize;
        let log = |k: usize| {
            let column = special::digamma(self.of.shared[k][v]) - self.table.totals[k] - self.table.shift[v];
            special::digamma(desk.own[k]) - top + column
        };
        let logs: Vec<f64> = (0..self.of.states).map(log).collect();
        let total = special::log_sum_exp(&logs);
        Lost { at, log: total, probs: logs.iter().map(|l| (l - total).exp()).collect() }
    }
}

impl Accumulate for Pass<'_, '_> {
    type Sum = Sum;
    type Scratch = Desk;
    type Error = Error;

    fn zero(&self) -> Sum {
        let len = if self.statistics { self.of.values * self.table.stride } else { 0 };
        Sum { table: vec![0.0; len], lost: vec![], evidence: Evidence::default() }
    }

    fn clear(&self, sum: &mut Sum) {
        sum.table.fill(0.0);
        sum.lost.clear();
        sum.evidence = Evidence::default();
    }

    fn scratch(&self) -> Desk {
        let stride = self.table.stride;
        let mut own = TileBuffer::new(stride);
        own.fill(1.0);
        Desk {
            rows: TileBuffer::new(0),
            gathered: false,
            index: vec![],
            lanes: TileBuffer::new(self.of.states * tile::lanes()),
            backwards: false,
            weights: vec![],
            ratios: vec![],
            norms: vec![],
            logs: vec![],
            scaled: TileBuffer::new(stride),
            theta: TileBuffer::new(stride),
            sums: TileBuffer::new(stride),
            own,
            said: Said::default(),
            lost: vec![],
        }
    }

    fn add(&self, sum: &mut Sum, desk: &mut Desk, groups: Range<usize>) -> Result<(), Error> {
        let (states, stride) = (self.of.states, self.table.stride);
        let mut part = Part::default();
        desk.said.begin(groups.len(), stride);
        if self.statistics {
            part.counts.reserve(groups.len() * states);
            part.own.reserve(groups.len() * states);
        }
        for at in groups.clone() {
            let d = self.group(at);
            let units = self.units(d);
            let prior = &self.prior[d * states..][..states];
            self.open(desk, &units);
            // The next group's rows travel while this one is worked on.
            let next = if at + 1 < groups.end { self.units(self.group(at + 1)) } else { 0..0 };
            let next = &self.of.draws.values[next];
            fetch(&self.table.scaled, stride, next);
            desk.own[..states].copy_from_slice(self.of.own[d]);
            for _ in 0..self.passes {
                self.posterior(desk, &units);
                let (moved, total) = renew(&mut desk.own[..states], prior, &desk.sums);
                if moved <= SETTLED * total {
                    break;
                }
            }
            let top = self.posterior(desk, &units);
            if self.passes == 0 {
                self.evidence(sum, desk, units.clone(), top);
            }
            if !(sum.evidence.log.is_finite() && desk.sums.iter().all(|x| x.is_finite())) {
                return Err(Error::NotFinite { what: format!("log p(data; params) of group {d}") });
            }
            if !self.statistics {
                continue;
            }
            desk.said.say(&self.of.draws.values[units], &desk.ratios, &desk.theta);
            for lost in &desk.lost {
                let v = self.of.draws.values[self.of.draws.starts[d] + lost.at] as usize;
                let counts = lost.probs.iter().map(|p| desk.weights[lost.at] * p).collect();
                sum.lost.push((v, counts));
            }
            part.counts.extend_from_slice(&desk.sums[..states]);
            part.own.extend_from_slice(&desk.own[..states]);
        }
        if self.statistics {
            desk.said.add_to(&mut sum.table);
        }
        if let Some(slot) = self.parts.get(groups.start / self.leaf) {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = part;
        }
        Ok(())
    }

    fn merge(&self, left: &mut Sum, right: &mut Sum) {
        for (a, b) in left.table.iter_mut().zip(&right.table) {
            *a += b;
        }
        left.lost.append(&mut right.lost);
        left.evidence.log += right.evidence.log;
        left.evidence.magnitude += right.evidence.magnitude;
    }
}
