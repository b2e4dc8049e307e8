//! Categories that all units of a sequence share, at the start of a fit.
//!
//! Units as if independent would each have their own, and where only the steps tell the values apart, none would be preferred: all of them
//! would begin, and stay, the same. So each sequence is given one value, by what its units say together and by a draw.

use super::links::Links;
use super::program::Program;
use super::sweep::{Work, in_tiles};
use crate::rng;
use std::ops::Range;

/// Weight of the value that is drawn for a sequence.
const DRAWN: f64 = 0.9;

/// What each sequence of a component shares, as far as it is guessed.
pub(super) struct Shared {
    values: usize,
    /// The value that belongs to each joint state of a unit.
    of_state: Vec<usize>,
    /// Sequence by sequence.
    probs: Vec<f64>,
}

impl Links {
    /// The number of joint values of what all units of a sequence share, and the one that belongs to each of `states` joint states.
    pub(super) fn shared(&self, states: usize) -> Option<(usize, Vec<usize>)> {
        let (values, of_frontier) = self.parts().lasting()?;
        let inner = (states / self.frontier().max(1)).max(1);
        Some((values, (0..states).map(|s| of_frontier[s / inner]).collect()))
    }
}

impl Shared {
    /// A guess for every sequence of a component, by the probabilities of its units as if they were independent; `None` where nothing is shared.
    pub fn guess<M: Program>(
        work: &Work<'_, M>,
        index: usize,
        (seed, restart): (u64, usize),
        mut alone: impl FnMut(Range<usize>, &mut [f64]),
    ) -> Option<Self> {
        let links = work.links(index)?;
        let states = work.components[index].states;
        let (values, of_state) = links.shared(states)?;
        let mut probs = Vec::with_capacity(links.sequences() * values);
        let (mut logs, mut own) = (vec![0.0; values], vec![0.0; values]);
        let mut table = vec![];
        for s in 0..links.sequences() {
            let mut rng = rng::stream(seed, "shared", &[restart, index, s]);
            let drawn = ((rng::uniform(&mut rng) * values as f64) as usize).min(values - 1);
            let prior = |v: usize| match (v == drawn, values) {
                (_, 1) => 1.0,
                (true, _) => DRAWN,
                (false, n) => (1.0 - DRAWN) / (n - 1) as f64,
            };
            logs.fill(0.0);
            for part in in_tiles(links.sequence(s), states) {
                let n = part.len();
                table.clear();
                table.resize(states * n, 0.0);
                alone(part, &mut table);
                for i in 0..n {
                    own.fill(0.0);
                    of_state.iter().enumerate().for_each(|(s, v)| own[*v] += table[s * n + i]);
                    logs.iter_mut().zip(&own).for_each(|(log, p)| *log += p.ln());
                }
            }
            let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let weight = |(v, log): (usize, &f64)| match largest.is_finite() {
                true => prior(v) * (log - largest).exp(),
                false => prior(v),
            };
            let weights: Vec<f64> = logs.iter().enumerate().map(weight).collect();
            let total: f64 = weights.iter().sum();
            probs.extend(weights.iter().map(|w| w / total));
        }
        Some(Shared { values, of_state, probs })
    }

    /// Gives units, of which the probabilities of joint states are in a table, the shared values of their sequences.
    pub fn impose(&self, links: &Links, units: Range<usize>, table: &mut [f64]) {
        let n = units.len();
        let mut own = vec![0.0; self.values];
        for (i, unit) in units.enumerate() {
            let guess = &self.probs[links.sequence_of(unit) * self.values..][..self.values];
            own.fill(0.0);
            self.of_state.iter().enumerate().for_each(|(s, v)| own[*v] += table[s * n + i]);
            let total: f64 = own.iter().zip(guess).filter(|(p, _)| **p > 0.0).map(|(_, g)| g).sum();
            if total == 0.0 {
                continue;
            }
            for (s, v) in self.of_state.iter().enumerate() {
                let share = if own[*v] > 0.0 { guess[*v] / (own[*v] * total) } else { 0.0 };
                table[s * n + i] *= share;
            }
        }
    }
}

/// Whether the probabilities of a unit's joint states say anything but what its sequence shares.
pub(super) fn says_more(links: Option<&Links>, probs: &[f64]) -> bool {
    let Some((values, of_state)) = links.and_then(|l| l.shared(probs.len())) else { return true };
    let mut first = vec![None; values];
    of_state.iter().zip(probs).any(|(v, p)| *first[*v].get_or_insert(*p) != *p)
}
