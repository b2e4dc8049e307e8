//! What M-steps and other blocks need of a chain: expected second moments, one set for each pattern.

use super::Patterns;
use super::factors::{Covariances, Factors};
use crate::stats;
use crate::tile::{Moments, TILE, packed_len};

/// For each pattern, sums over the steps that have it of the moments of v\[t\] = (x\[t\], x\[t−1\], u\[t\]) about the gauges.
///
/// ```text
/// Σ w E(v − c)(v − c)ᵀ = Σ w (E v − c)(E v − c)ᵀ + Σ w Cov v
/// ```
///
/// Both parts are sums of positive terms, and are kept apart. At the first step of a sequence, which has none before it, and for inputs that a
/// pattern does not read, v is at the gauge. They are additive: over sequences, threads and machines, if the gauges are the same.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    state: usize,
    inputs: usize,
    gauge: Vec<f64>,
    /// How far the gauge of the states is from that of the patterns.
    shift: Vec<f64>,
    /// Σ w, Σ w (E v − c), Σ w (E v − c)(E v − c)ᵀ
    means: Vec<Moments>,
    /// Σ w Cov (x\[t\], x\[t−1\]), packed, one pattern after another.
    covariances: Vec<f64>,
    waiting: Vec<Waiting>,
    /// Which of them was asked for last.
    at: usize,
}

/// Means of steps with one pattern, until there are enough of them to be added at once.
#[derive(Clone, Debug, Default)]
struct Waiting {
    tile: Vec<f64>,
    weights: Vec<f64>,
    filled: usize,
    pattern: usize,
}

/// Numbers that wait at most; where patterns would need more, they take turns.
const WAITING: usize = 1 << 17;

impl Statistics {
    /// Sums of nothing, of the shape and with the gauges of the patterns.
    #[must_use]
    pub fn new(patterns: &Patterns) -> Statistics {
        let mut statistics = Statistics::default();
        statistics.reset(patterns);
        statistics
    }

    /// Sums of nothing again, of the shape and with the gauges of the patterns.
    pub fn reset(&mut self, patterns: &Patterns) {
        (self.state, self.inputs) = (patterns.state(), patterns.inputs());
        let dim = self.dim();
        self.gauge.clear();
        for gauge in [patterns.state_gauge(), patterns.state_gauge(), patterns.input_gauge()] {
            self.gauge.extend_from_slice(gauge);
        }
        self.shift.clear();
        self.shift.resize(self.state, 0.0);
        self.means.retain(|m| m.d == dim);
        self.means.resize_with(patterns.len(), || Moments::new(dim));
        for m in &mut self.means {
            m.count = 0.0;
            m.sum.fill(0.0);
            m.square.fill(0.0);
        }
        self.covariances.clear();
        self.covariances.resize(patterns.len() * packed_len(2 * self.state), 0.0);
        let many = patterns.len() * dim * TILE > WAITING;
        self.waiting.resize_with(if many { 1 } else { patterns.len() }, Waiting::default);
        for w in &mut self.waiting {
            w.tile.resize(dim * TILE, 0.0);
            w.weights.resize(TILE, 0.0);
            w.filled = 0;
        }
    }

    /// Length of v.
    #[must_use]
    pub fn dim(&self) -> usize {
        2 * self.state + self.inputs
    }

    /// What v is measured from.
    #[must_use]
    pub fn gauge(&self) -> &[f64] {
        &self.gauge
    }

    /// Measures the states of sums of nothing from another gauge than the patterns do.
    pub fn measure_from(&mut self, states: &[f64]) {
        let h = self.state;
        for (i, (shift, c)) in self.shift.iter_mut().zip(states).enumerate() {
            *shift += c - self.gauge[i];
            (self.gauge[i], self.gauge[h + i]) = (*c, *c);
        }
    }

    /// How far the gauge of a state is from that of the patterns.
    pub(super) fn shift(&self, i: usize) -> f64 {
        self.shift[i]
    }

    /// The part of the means: Σ w, Σ w (E v − c), Σ w (E v − c)(E v − c)ᵀ of the steps with a pattern.
    #[must_use]
    pub fn of_means(&self, pattern: usize) -> &Moments {
        &self.means[pattern]
    }

    /// Σ w Cov(vᵢ, vⱼ) of the steps with a pattern; of (x\[t\], x\[t−1\]), the inputs having none.
    #[must_use]
    pub fn covariance(&self, pattern: usize, i: usize, j: usize) -> f64 {
        let (i, j) = (i.max(j), i.min(j));
        if i < 2 * self.state {
            self.covariances[pattern * packed_len(2 * self.state) + packed_len(i) + j]
        } else {
            0.0
        }
    }

    /// Adds those of other sequences, for the same patterns and gauges.
    pub fn merge(&mut self, other: &Statistics) {
        self.means.iter_mut().zip(&other.means).for_each(|(to, from)| to.merge(from));
        self.covariances.iter_mut().zip(&other.covariances).for_each(|(to, from)| *to += from);
    }

    /// The moments of some components of v over all steps with one of these patterns, as
    /// [`LeastSquares`](crate::engine::least_squares::LeastSquares) takes them: targets first.
    #[must_use]
    pub fn select(&self, patterns: impl IntoIterator<Item = usize>, columns: &[usize]) -> stats::Moments {
        let mut out = stats::Moments::new(1, columns.len(), 1);
        let gauge: Vec<f64> = columns.iter().map(|c| self.gauge[*c]).collect();
        out.set_gauge(&gauge);
        let mut totals = vec![0.0; 1 + columns.len() + packed_len(columns.len())];
        for pattern in patterns {
            let of = &self.means[pattern];
            totals[0] += of.count;
            let (sum, square) = totals[1..].split_at_mut(columns.len());
            for (i, &a) in columns.iter().enumerate() {
                sum[i] += of.sum[a];
                for (j, &b) in columns[..=i].iter().enumerate() {
                    square[packed_len(i) + j] +=
                        of.square[packed_len(a.max(b)) + a.min(b)] + self.covariance(pattern, a, b);
                }
            }
        }
        out.add_totals(0, &totals);
        out
    }

    /// The moments of v over all steps with one of these patterns.
    #[must_use]
    pub fn total(&self, patterns: impl IntoIterator<Item = usize>) -> stats::Moments {
        let columns: Vec<usize> = (0..self.dim()).collect();
        self.select(patterns, &columns)
    }

    /// Room for the means of `units` steps with this pattern: where they begin in a tile whose components lie [`TILE`] apart.
    pub(super) fn room(&mut self, pattern: usize, units: usize) -> usize {
        self.at = pattern % self.waiting.len();
        let w = &self.waiting[self.at];
        if pattern != w.pattern || w.filled + units > TILE {
            self.flush_one(self.at);
        }
        let w = &mut self.waiting[self.at];
        w.pattern = pattern;
        w.filled += units;
        w.filled - units
    }

    pub(super) fn tile(&mut self) -> (&mut [f64], &mut [f64]) {
        let w = &mut self.waiting[self.at];
        (&mut w.tile, &mut w.weights)
    }

    /// Adds what waits.
    pub(super) fn flush(&mut self) {
        (0..self.waiting.len()).for_each(|at| self.flush_one(at));
    }

    fn flush_one(&mut self, at: usize) {
        let dim = self.dim();
        let w = &mut self.waiting[at];
        let n = std::mem::take(&mut w.filled);
        if n == 0 {
            return;
        }
        if n < TILE {
            for i in 1..dim {
                w.tile.copy_within(i * TILE..i * TILE + n, i * n);
            }
        }
        let moments = &mut self.means[w.pattern];
        if w.weights[..n].iter().all(|w| *w == 1.0) {
            moments.add(&w.tile, n);
        } else {
            moments.add_weighted(&w.tile, n, &w.weights);
        }
    }

    /// Adds the covariance of (x\[t\], x\[t−1\]) of steps that share it.
    pub(super) fn add_pair(&mut self, weight: f64, factors: &Factors, of: &Covariances, edge: u32) {
        let h = self.state;
        let (v, cross, before) = (of.covariance(of.from(edge)), of.cross(edge), of.covariance(of.to(edge)));
        let square = self.pattern_square(factors.pattern(of.step(edge)));
        for i in 0..h {
            for j in 0..=i {
                square[packed_len(i) + j] += weight * v[i * h + j];
                square[packed_len(h + i) + h + j] += weight * before[i * h + j];
            }
            for j in 0..h {
                square[packed_len(h + i) + j] += weight * cross[i * h + j];
            }
        }
    }

    /// Adds the covariance of x\[0\].
    pub(super) fn add_first(&mut self, weight: f64, pattern: usize, v: &[f64]) {
        let h = self.state;
        let square = self.pattern_square(pattern);
        for i in 0..h {
            for j in 0..=i {
                square[packed_len(i) + j] += weight * v[i * h + j];
            }
        }
    }

    fn pattern_square(&mut self, pattern: usize) -> &mut [f64] {
        let size = packed_len(2 * self.state);
        &mut self.covariances[pattern * size..][..size]
    }
}
