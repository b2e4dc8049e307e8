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
use crate::tile::parts::Blocks;

/// Whether steps of these laws can be taken in scaled probabilities: one law for all, and no weight that is nearly zero.
#[must_use]
pub fn takes(factors: &Factors) -> bool {
    factors.len() == 1
        && factors.weights(0).iter().all(|w| *w == 0.0 || (*w >= SMALLEST && *w < f64::INFINITY))
}

/// From here on a transition is possible: what is below `SMALLEST` of another state stays below 1e-50 of it.
const POSSIBLE: f64 = 1e-100;

/// The least weight of a step: the product of those of its parts.
fn least(factors: &Factors) -> f64 {
    let part = |p: usize| factors.part(0, p).weight.iter().copied().fold(f64::INFINITY, f64::min);
    (0..factors.parts().each().len()).map(part).product()
}

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
        let (size, parts) = (steps * states * LANES, factors.parts());
        let strict = least(factors) < POSSIBLE || parts.shares_digits();
        let b = &mut self.weight[..size];
        chains::weights(b, states, &self.lengths, strict, &mut self.shift[..steps], &mut self.lost);
        let (alpha, scale) = (&mut self.alpha[..size], &mut self.scale[..steps]);
        self.pairs.clear();
        self.pairs.resize(parts.len() * LANES, 0.0);
        self.transposed.clear();
        for (part, p) in parts.each().iter().zip(0..) {
            let f = factors.part(0, p);
            let turned = |n: usize| {
                let (block, col, row) = (n / part.rows / part.cols, n / part.rows % part.cols, n % part.rows);
                f.weight[(block * part.rows + row) * part.cols + col]
            };
            self.transposed.extend((0..part.len()).map(turned));
        }
        let (lengths, pairs) = (&self.lengths, &mut self.pairs);
        if parts.is_dense() {
            let factor = factors.weights(0);
            chains::forward(b, factor, states, lengths, strict, alpha, scale, &mut self.lost);
            chains::backward(b, &self.transposed, states, lengths, scale, alpha, pairs);
        } else {
            let each: Vec<Blocks<'_>> = (0..)
                .zip(parts.each())
                .map(|(p, part)| Blocks {
                    blocks: part.blocks,
                    rows: part.rows,
                    cols: part.cols,
                    weight: factors.part(0, p).weight,
                    transposed: &self.transposed[part.start..][..part.len()],
                    from: part.from.as_deref(),
                })
                .collect();
            let end = parts.end();
            tile::parts::forward(b, &each, end, states, lengths, strict, alpha, scale, &mut self.lost);
            tile::parts::backward(b, &each, end, states, lengths, scale, alpha, pairs);
        }
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
        let weights = factors.weights(0);
        for ((sum, f), lanes) in sums.iter_mut().zip(weights).zip(self.pairs.chunks_exact(LANES)) {
            let mut total = 0.0;
            for lane in (0..LANES).filter(|lane| !self.lost[*lane]) {
                total += copies[lane] * lanes[lane];
            }
            *sum += f * total;
        }
    }
}
