//! Blocks along an axis, each joined to the one before: sequential orthogonal triangularisation (Paige and Saunders 1977).
//!
//! ```text
//! p(x, y) = Πₜ exp(log_factor[t] − ½ ‖inputs · u[t] − previous · x[t−1] − current · x[t]‖²)
//! ```
//!
//! The rows of a step belong to its [pattern](Patterns), and steps that are alike share one. What a step's factorisation is depends on
//! patterns alone, never on data, so it is computed once for all sequences that begin alike, and once for all steps after the recursion has
//! come to a fixed point: the carry before a step is found again by its bits. A chain whose coefficients change has a pattern for every step.
//! Longer lags are a chain of stacked blocks. A missing observation is a pattern without its row, and the future is steps without any.

mod factors;
mod filter;
mod front;
mod lanes;
mod memo;
mod panels;
mod patterns;
mod reduced;
mod statistics;

pub use filter::Filter;
pub use front::Front;
pub use patterns::{Patterns, Row};
pub use statistics::Statistics;

use super::{Failure, HALF_LOG_TAU};
use crate::engine::unit::KNOWN;
use crate::tile::TILE;
use factors::{Covariances, Factors};
use lanes::{Desk, LANES, Sweep};
use memo::NONE;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

/// One sequence.
#[derive(Clone, Copy, Debug)]
pub struct Sequence<'a> {
    /// The pattern of each step.
    pub patterns: &'a [usize],
    /// u, one step after another. A component that the step's pattern does not read may be anything.
    pub inputs: &'a [f64],
    /// How often it counts in [`Statistics`].
    pub weight: f64,
}

impl<'a> Sequence<'a> {
    /// A sequence that counts once.
    #[must_use]
    pub fn new(patterns: &'a [usize], inputs: &'a [f64]) -> Sequence<'a> {
        Sequence { patterns, inputs, weight: 1.0 }
    }

    /// Number of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there are none; its log evidence is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}

/// A sequence without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sequence {sequence}: {why}")]
pub struct Failed {
    /// Its position.
    pub sequence: usize,
    /// What is wrong, with the step as its block.
    pub why: Failure,
}

/// The eliminations of chains, and what they are computed on: to be used for any number of calls.
///
/// Every call stands for itself; nothing of one changes the results of another.
///
/// ```
/// use vi_core::engine::gauss::scan::{Patterns, Row, Scan, Sequence};
///
/// // A level that drifts, level[0] diffuse: y[t] ~ Normal(level[t], var: 4), level[t] ~ Normal(level[t-1], var: 1).
/// let mut patterns = Patterns::new(1, 1);
/// let observed = Row { current: &[1.0], inputs: &[1.0], ..Row::default() };
/// let moved = Row { previous: &[-1.0], current: &[1.0], ..Row::default() };
/// let first = patterns.begin();
/// patterns.density(0.5, observed);
/// let later = patterns.begin();
/// patterns.density(1.0, moved);
/// patterns.density(0.5, observed);
/// let unseen = patterns.begin();
/// patterns.density(1.0, moved);
///
/// // Nothing was seen at step 1, and step 3 lies in the future.
/// let which = [first, unseen, later, unseen];
/// let y = [3.0, f64::NAN, 5.0, f64::NAN];
/// let mut scan = Scan::new();
/// scan.smooth(&patterns, &[Sequence::new(&which, &y)])?;
/// assert!((scan.mean(0, 1)[0] - 4.0).abs() < 1e-15);
/// assert_eq!(scan.mean(0, 3), scan.mean(0, 2));
/// assert!((scan.covariance(0, 3)[0] - scan.covariance(0, 2)[0] - 1.0).abs() < 1e-14);
/// // y[2] given y[0] is Normal(3, var: 4 + 1 + 1 + 4).
/// assert!((scan.log_evidence(0) + 0.5 * (20.0 * std::f64::consts::PI).ln() + 0.2).abs() < 1e-14);
/// # Ok::<(), vi_core::engine::gauss::scan::Failed>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Scan {
    factors: Factors,
    covariances: Covariances,
    desk: Desk,
    path: Vec<u32>,
    order: Vec<usize>,
    log_evidence: Vec<f64>,
    state: usize,
    /// For each sequence, where its steps begin in `means`.
    starts: Vec<usize>,
    means: Vec<f64>,
    /// For each sequence, where its walk through the covariances begins.
    walks: Vec<usize>,
    /// For each step the node of its covariance and the edge to the step before.
    nodes: Vec<(u32, u32)>,
    /// How often each edge between covariances was walked.
    walked: Vec<f64>,
}

/// What is asked of a sweep, besides the evidence.
enum Wanted<'s> {
    Evidence,
    Smoothed,
    Statistics(&'s mut Statistics),
}

impl Scan {
    /// Nothing is allocated yet.
    #[must_use]
    pub fn new() -> Scan {
        Scan::default()
    }

    /// The log evidence of every sequence, which [`log_evidence`](Self::log_evidence) then gives.
    ///
    /// # Errors
    /// [`Failed`] where a step is determined by no row, or a number is not finite.
    pub fn evidence(&mut self, patterns: &Patterns, sequences: &[Sequence<'_>]) -> Result<(), Failed> {
        self.run(patterns, sequences, &mut Wanted::Evidence)
    }

    /// The smoothed means and covariances of every sequence, which [`mean`](Self::mean), [`covariance`](Self::covariance) and
    /// [`cross`](Self::cross) then give, and the evidence.
    ///
    /// # Errors
    /// See [`evidence`](Self::evidence).
    pub fn smooth(&mut self, patterns: &Patterns, sequences: &[Sequence<'_>]) -> Result<(), Failed> {
        self.run(patterns, sequences, &mut Wanted::Smoothed)
    }

    /// Adds the expected moments of all sequences to `statistics`, and computes the evidence. Means are not kept.
    ///
    /// # Errors
    /// See [`evidence`](Self::evidence); `statistics` is then of no use.
    pub fn accumulate(
        &mut self,
        patterns: &Patterns,
        sequences: &[Sequence<'_>],
        statistics: &mut Statistics,
    ) -> Result<(), Failed> {
        self.run(patterns, sequences, &mut Wanted::Statistics(statistics))
    }

    /// log p(y) of a sequence of the last call.
    #[must_use]
    pub fn log_evidence(&self, sequence: usize) -> f64 {
        self.log_evidence[sequence]
    }

    /// E x\[t\] after [`smooth`](Self::smooth).
    #[must_use]
    pub fn mean(&self, sequence: usize, t: usize) -> &[f64] {
        &self.means[(self.starts[sequence] + t) * self.state..][..self.state]
    }

    /// E x of all steps of a sequence, `T × state`, after [`smooth`](Self::smooth).
    #[must_use]
    pub fn means(&self, sequence: usize) -> &[f64] {
        &self.means[self.starts[sequence] * self.state..self.starts[sequence + 1] * self.state]
    }

    /// Cov x\[t\], by rows, after [`smooth`](Self::smooth).
    #[must_use]
    pub fn covariance(&self, sequence: usize, t: usize) -> &[f64] {
        self.covariances.covariance(self.nodes[self.walks[sequence] + t].0)
    }

    /// Cov(x\[t−1\], x\[t\]), by rows, for t ≥ 1, after [`smooth`](Self::smooth).
    #[must_use]
    pub fn cross(&self, sequence: usize, t: usize) -> &[f64] {
        self.covariances.cross(self.nodes[self.walks[sequence] + t].1)
    }

    /// (R⁻¹, K) of x\[t−1\] = R⁻¹ ε + K x\[t\] + constant, by rows, for t ≥ 1, after [`smooth`](Self::smooth) of one sequence alone.
    pub(crate) fn gains(&self, sequence: usize, t: usize) -> (&[f64], &[f64]) {
        self.factors.gains(self.covariances.step(self.nodes[self.walks[sequence] + t].1))
    }

    /// The law of x\[t\] given x\[t+1\], after [`smooth`](Self::smooth) of one sequence: (G, K), by rows, with
    /// x\[t\] = E x\[t\] + K (x\[t+1\] − E x\[t+1\]) + G ε. G is upper triangular, and the last step has no K.
    #[must_use]
    pub fn given_next(&self, t: usize) -> (&[f64], Option<&[f64]>) {
        match self.path.get(t + 1) {
            None => (self.factors.end(self.path[t]).1, None),
            Some(next) => {
                let (root, slope) = self.factors.gains(*next);
                (root, Some(slope))
            }
        }
    }

    /// Steps that the last call factorised and still knows, and steps back whose covariances it computed: fewer than there are steps where
    /// they repeat.
    #[must_use]
    pub fn computed(&self) -> (usize, usize) {
        (self.factors.len(), self.covariances.len())
    }

    /// Draws of the path of one sequence from its posterior, `T × state` each, one after another as far as `paths` reaches; the log density of
    /// each.
    ///
    /// # Errors
    /// See [`evidence`](Self::evidence).
    pub fn sample(
        &mut self,
        patterns: &Patterns,
        sequence: Sequence<'_>,
        rng: &mut impl Rng,
        paths: &mut [f64],
    ) -> Result<Vec<f64>, Failed> {
        self.evidence(patterns, &[sequence])?;
        let h = self.state;
        let gauge = patterns.state_gauge();
        let size = sequence.len() * h;
        if size == 0 {
            return Ok(vec![]);
        }
        let mut z = vec![0.0; h];
        let mut logs = Vec::with_capacity(paths.len() / size);
        for path in paths.chunks_exact_mut(size) {
            let mut log = 0.0;
            for (t, &step) in self.path.iter().enumerate().rev() {
                let (before, from) = path.split_at_mut((t + 1) * h);
                let x = &mut before[t * h..];
                let carried = from.get(..h);
                let z_of = |i| match carried {
                    None => self.desk.end(0, h)[i],
                    Some(_) => self.desk.state(1, h, t + 1, i)[0],
                };
                let (log_det, inverse, slope) = match carried {
                    None => {
                        let (log_det, inverse) = self.factors.end(step);
                        (log_det, inverse, None)
                    }
                    Some(next) => {
                        let (inverse, slope) = self.factors.gains(self.path[t + 1]);
                        (self.factors.log_det(self.path[t + 1]), inverse, Some((slope, next)))
                    }
                };
                log += log_det;
                for (i, z) in z.iter_mut().enumerate() {
                    let noise: f64 = StandardNormal.sample(rng);
                    *z = z_of(i);
                    let pivot = inverse[i * h + i].abs().recip();
                    if pivot >= KNOWN {
                        log -= pivot.ln();
                        continue;
                    }
                    *z += noise;
                    log -= 0.5 * noise * noise + HALF_LOG_TAU;
                }
                for i in 0..h {
                    x[i] = (i..h).map(|j| inverse[i * h + j] * z[j]).sum();
                    if let Some((slope, next)) = slope {
                        x[i] += (0..h).map(|j| slope[i * h + j] * (next[j] - gauge[j])).sum::<f64>();
                    }
                }
                x.iter_mut().zip(gauge).for_each(|(x, c)| *x += c);
            }
            logs.push(log);
        }
        Ok(logs)
    }

    fn run(
        &mut self,
        patterns: &Patterns,
        sequences: &[Sequence<'_>],
        wanted: &mut Wanted<'_>,
    ) -> Result<(), Failed> {
        let h = patterns.state();
        self.state = h;
        self.factors.reset(patterns);
        self.covariances.reset(h);
        self.log_evidence.clear();
        self.log_evidence.resize(sequences.len(), 0.0);
        self.nodes.clear();
        self.walks.clear();
        self.walked.clear();
        self.starts.clear();
        self.means.clear();
        if matches!(wanted, Wanted::Smoothed) {
            self.walks.resize(sequences.len(), 0);
            self.starts.push(0);
            let mut end = 0;
            self.starts.extend(sequences.iter().map(|s| {
                end += s.len();
                end
            }));
            self.means.resize(end * h, 0.0);
        }

        // Those that begin alike side by side, the longest first.
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend(0..sequences.len());
        order.sort_by(|&a, &b| compare(sequences[b].patterns, sequences[a].patterns));
        let mut rest = &order[..];
        let mut result = Ok(());
        while let Some(&head) = rest.first() {
            let longest = sequences[head].patterns;
            let alike =
                rest.iter().take(LANES).take_while(|s| begins(longest, sequences[**s].patterns)).count();
            let (group, later) = rest.split_at(alike);
            rest = later;
            result = self.sweep(patterns, sequences, group, wanted);
            if result.is_err() {
                break;
            }
            if self.factors.is_large() && !rest.is_empty() {
                self.forget(wanted);
            }
        }
        if let Wanted::Statistics(statistics) = wanted {
            statistics.flush();
            self.add_walked(statistics);
        }
        self.order = order;
        result
    }

    /// Where steps do not repeat, they are kept no longer than they are needed.
    fn forget(&mut self, wanted: &mut Wanted<'_>) {
        if let Wanted::Statistics(statistics) = wanted {
            self.add_walked(statistics);
            self.covariances.reset(self.state);
        } else {
            self.covariances.forget();
        }
        self.factors.forget();
    }

    fn add_walked(&mut self, statistics: &mut Statistics) {
        for (edge, weight) in self.walked.iter().enumerate() {
            if *weight != 0.0 {
                statistics.add_pair(*weight, &self.factors, &self.covariances, edge as u32);
            }
        }
        self.walked.clear();
    }

    /// Sequences of which every one begins like the one before it.
    fn sweep(
        &mut self,
        patterns: &Patterns,
        sequences: &[Sequence<'_>],
        group: &[usize],
        wanted: &mut Wanted<'_>,
    ) -> Result<(), Failed> {
        let failed = |lane: usize, why| Failed { sequence: group[lane], why };
        let longest = sequences[group[0]].patterns;
        self.factors.follow(patterns, longest, &mut self.path).map_err(|why| failed(0, why))?;
        let empty = Sequence::new(&[], &[]);
        let mut lanes = [empty; LANES];
        for (lane, &s) in group.iter().enumerate() {
            lanes[lane] = sequences[s];
            let len = sequences[s].len();
            if len > 0
                && let Some(column) = self.factors.prepare_end(self.path[len - 1])
            {
                return Err(failed(lane, Failure::Undetermined { block: len - 1, column: column as usize }));
            }
        }
        let lanes = &lanes[..group.len()];
        let mut sweep = Sweep {
            patterns,
            factors: &self.factors,
            path: &self.path,
            sequences: lanes,
            desk: &mut self.desk,
        };
        lanes::forward(&mut sweep);
        for (lane, &s) in group.iter().enumerate() {
            let value = sweep.desk.log_evidence[lane];
            if !value.is_finite() {
                return Err(failed(lane, Failure::NotFinite { block: first_bad(patterns, lanes[lane]) }));
            }
            self.log_evidence[s] = value;
        }
        match wanted {
            Wanted::Evidence => {}
            Wanted::Smoothed => {
                lanes::backward(&mut sweep);
                self.keep_means(patterns, group, lanes);
                self.walk(group, lanes);
            }
            Wanted::Statistics(statistics) => {
                lanes::backward(&mut sweep);
                self.add_means(patterns, lanes, statistics);
                self.count_walks(lanes, statistics);
            }
        }
        Ok(())
    }

    fn keep_means(&mut self, patterns: &Patterns, group: &[usize], sequences: &[Sequence<'_>]) {
        let (h, lanes) = (self.state, Desk::lanes(group.len()));
        for (lane, &s) in group.iter().enumerate() {
            let means = &mut self.means[self.starts[s] * h..];
            for t in 0..sequences[lane].len() {
                for i in 0..h {
                    means[t * h + i] = self.desk.state(lanes, h, t, i)[lane] + patterns.state_gauge()[i];
                }
            }
        }
    }

    fn walk(&mut self, group: &[usize], sequences: &[Sequence<'_>]) {
        for (lane, &s) in group.iter().enumerate() {
            let len = sequences[lane].len();
            if lane > 0 && sequences[lane - 1].len() == len {
                self.walks[s] = self.walks[group[lane - 1]];
                continue;
            }
            let start = self.nodes.len();
            self.walks[s] = start;
            self.nodes.resize(start + len, (NONE, NONE));
            let Some(last) = len.checked_sub(1) else { continue };
            let mut node = self.covariances.last(&self.factors, self.path[last]);
            for t in (0..len).rev() {
                let edge =
                    if t > 0 { self.covariances.back(&self.factors, node, self.path[t]) } else { NONE };
                self.nodes[start + t] = (node, edge);
                if t > 0 {
                    node = self.covariances.to(edge);
                }
            }
        }
    }

    fn add_means(&mut self, patterns: &Patterns, sequences: &[Sequence<'_>], statistics: &mut Statistics) {
        let (h, m, lanes) = (self.state, patterns.inputs(), Desk::lanes(sequences.len()));
        let gauge = patterns.input_gauge();
        let mut active = sequences.len();
        for (t, &step) in self.path.iter().enumerate() {
            while active > 0 && sequences[active - 1].len() <= t {
                active -= 1;
            }
            let pattern = self.factors.pattern(step);
            let at = statistics.room(pattern, active);
            let measured = |to: &mut [f64], from: &[f64], c: f64| {
                to.iter_mut().zip(from).for_each(|(to, x)| *to = x - c);
            };
            for i in 0..h {
                let shift = statistics.shift(i);
                let (tile, _) = statistics.tile();
                measured(&mut tile[i * TILE + at..][..active], self.desk.state(lanes, h, t, i), shift);
                let before = &mut tile[(h + i) * TILE + at..][..active];
                if t > 0 {
                    measured(before, self.desk.state(lanes, h, t - 1, i), shift);
                } else {
                    before.fill(0.0);
                }
            }
            let (tile, weights) = statistics.tile();
            let reads = patterns.reads(pattern);
            for (lane, sequence) in sequences[..active].iter().enumerate() {
                let u = &sequence.inputs[t * m..][..m];
                for i in 0..m {
                    tile[(2 * h + i) * TILE + at + lane] = if reads[i] { u[i] - gauge[i] } else { 0.0 };
                }
                weights[at + lane] = sequence.weight;
            }
        }
    }

    fn count_walks(&mut self, sequences: &[Sequence<'_>], statistics: &mut Statistics) {
        let mut lane = 0;
        while lane < sequences.len() {
            // Those of one length share their covariances.
            let len = sequences[lane].len();
            let mut weight = 0.0;
            while lane < sequences.len() && sequences[lane].len() == len {
                weight += sequences[lane].weight;
                lane += 1;
            }
            let Some(last) = len.checked_sub(1) else { break };
            let mut node = self.covariances.last(&self.factors, self.path[last]);
            for &step in self.path[1..len].iter().rev() {
                let edge = self.covariances.back(&self.factors, node, step);
                self.walked.resize(self.walked.len().max(self.covariances.len()), 0.0);
                self.walked[edge as usize] += weight;
                node = self.covariances.to(edge);
            }
            statistics.add_first(
                weight,
                self.factors.pattern(self.path[0]),
                self.covariances.covariance(node),
            );
        }
    }
}

/// Order by content; slices that begin at one place differ by their lengths alone.
fn compare(a: &[usize], b: &[usize]) -> std::cmp::Ordering {
    if a.as_ptr() == b.as_ptr() { a.len().cmp(&b.len()) } else { a.cmp(b) }
}

fn begins(long: &[usize], short: &[usize]) -> bool {
    short.len() <= long.len() && compare(&long[..short.len()], short).is_eq()
}

/// The first step that reads an input which is not finite; the last one if only what was computed is not.
fn first_bad(patterns: &Patterns, sequence: Sequence<'_>) -> usize {
    let m = patterns.inputs();
    let bad = |t: &usize| {
        let reads = patterns.reads(sequence.patterns[*t]);
        sequence.inputs[t * m..][..m].iter().zip(reads).any(|(u, read)| *read && !u.is_finite())
    };
    (0..sequence.len()).find(bad).unwrap_or(sequence.len().saturating_sub(1))
}
