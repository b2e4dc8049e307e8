//! Sequences of different lengths side by side, in scaled probabilities: a few instructions for eight sequences at once.
//!
//! One largest potential is taken out of each step, and each step is divided by its sum. A lane in which a number comes near the smallest that
//! a double can hold is reported as lost, and its sequence is for [`scan`](super::scan), which works in logs.
//!
//! Where no transition is nearly impossible, none is lost: what comes after a step tells two states j and k apart by at most the largest
//! factor\[k, l\] / factor\[j, l\], so that a state that has fallen far enough behind stays there, and may be taken for 0.

use super::factors::Factors;
use super::messages::Total;
use crate::tile;
use crate::tile::chains::{self, LANES, Lanes, SMALLEST};

/// Whether steps of these laws can be taken in scaled probabilities: one law for all, and no weight that is nearly zero.
#[must_use]
pub fn takes(factors: &Factors) -> bool {
    factors.len() == 1
        && factors.at(0).weight.iter().all(|w| *w == 0.0 || (*w >= SMALLEST && *w < f64::INFINITY))
}

/// From here on a transition is possible: what is below `SMALLEST` of another state stays below 1e-50 of it.
const POSSIBLE: f64 = 1e-100;

/// A few sequences side by side, and what is worked out of them.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    states: usize,
    lengths: [usize; LANES],
    steps: usize,
    /// Log potentials, then weights.
    weight: Vec<f64>,
    /// Filtered, then smoothed probabilities.
    alpha: Vec<f64>,
    shift: Vec<Lanes>,
    scale: Vec<Lanes>,
    pairs: Vec<f64>,
    transposed: Vec<f64>,
    /// Lanes that need another engine.
    lost: [bool; LANES],
    logs: Vec<f64>,
}

impl Batch {
    /// Room for sequences of these lengths.
    pub fn begin(&mut self, states: usize, lengths: [usize; LANES]) {
        self.states = states;
        self.lengths = lengths;
        self.steps = lengths.into_iter().max().unwrap_or(0);
        let size = self.steps * states * LANES;
        self.weight.resize(self.weight.len().max(size), 0.0);
        self.alpha.resize(self.alpha.len().max(size), 0.0);
        self.shift.resize(self.shift.len().max(self.steps), [0.0; LANES]);
        self.scale.resize(self.scale.len().max(self.steps), [0.0; LANES]);
        self.pairs.clear();
        self.pairs.resize(states * states * LANES, 0.0);
        self.lost = [false; LANES];
    }

    /// Puts log potentials (`states × n`, state-major) at some steps of a lane.
    pub fn place(&mut self, lane: usize, start: usize, table: &[f64], n: usize) {
        let steps = &mut self.weight[start * self.states * LANES..];
        chains::spread(table, self.states, n, lane, steps);
    }

    /// log p(x) of every lane; NaN where it is lost.
    pub fn smooth(&mut self, factors: &Factors) -> Lanes {
        let (states, steps) = (self.states, self.steps);
        let size = steps * states * LANES;
        let factor = factors.at(0).weight;
        let strict = !factor.iter().all(|w| *w >= POSSIBLE);
        let b = &mut self.weight[..size];
        chains::weights(b, states, &self.lengths, strict, &mut self.shift[..steps], &mut self.lost);
        let (alpha, scale) = (&mut self.alpha[..size], &mut self.scale[..steps]);
        chains::forward(b, factor, states, &self.lengths, strict, alpha, scale, &mut self.lost);
        self.transposed.clear();
        self.transposed.extend((0..states * states).map(|n| factor[n % states * states + n / states]));
        let pairs = &mut self.pairs;
        chains::backward(b, &self.transposed, states, &self.lengths, scale, alpha, pairs);
        self.logs.resize(self.logs.len().max(steps * LANES), 0.0);
        let logs = &mut self.logs[..steps * LANES];
        tile::log(scale.as_flattened(), logs);
        std::array::from_fn(|lane| {
            if self.lost[lane] {
                return f64::NAN;
            }
            let mut total = Total::default();
            for (t, shift) in self.shift[..self.lengths[lane]].iter().enumerate() {
                total.add(shift[lane]);
                total.add(logs[t * LANES + lane]);
            }
            total.value()
        })
    }

    /// Smoothed probabilities of some steps of a lane (`states × n`, state-major).
    pub fn probabilities(&self, lane: usize, start: usize, table: &mut [f64], n: usize) {
        let steps = &self.alpha[start * self.states * LANES..];
        chains::gather(steps, self.states, n, lane, table);
    }

    /// Adds the sums over neighbours of every lane that is not lost, each as often as it counts.
    pub fn add_pairs(&self, factors: &Factors, copies: &Lanes, sums: &mut [f64]) {
        let weights = factors.at(0).weight;
        for ((sum, f), lanes) in sums.iter_mut().zip(weights).zip(self.pairs.chunks_exact(LANES)) {
            let mut total = 0.0;
            for lane in (0..LANES).filter(|lane| !self.lost[*lane]) {
                total += copies[lane] * lanes[lane];
            }
            *sum += f * total;
        }
    }
}
