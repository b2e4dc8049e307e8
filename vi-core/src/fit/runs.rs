//! Starts of chains whose states last.
//!
//! Where a unit says little, as a base of a genome does, no unit alone is a seed worth having and posteriors of single units say that states
//! change at every step. There, runs of neighbours are seeds, and the posterior of a unit is that of its run, as if the state lasted: what
//! is true of runs of 1 is then what is done where a unit says enough.

use super::links::Links;
use std::ops::Range;

/// How long runs are, start by start.
const LENGTHS: [usize; 4] = [16, 64, 256, 1024];

/// Units of a run whose posteriors are worked out at once.
const TILE: usize = 64;

/// Runs for each state, at least.
const RUNS: usize = 4;

/// The runs of a component: every so many units from the beginning of each sequence.
pub(super) struct Runs<'l> {
    links: Option<&'l Links>,
    length: usize,
}

/// The posterior of the run that was asked for last.
#[derive(Default)]
pub(super) struct LastRun {
    of: Option<(usize, Range<usize>)>,
    probs: Vec<f64>,
    table: Vec<f64>,
}

impl<'l> Runs<'l> {
    /// Runs of one in two starts of three; along an axis, longer ones in the third.
    pub fn new(links: Option<&'l Links>, units: usize, states: usize, restart: usize) -> Self {
        let links = links.filter(|l| restart % 3 == 2 && !l.is_on_trees());
        let most = units / (RUNS * states.max(1));
        let wanted = LENGTHS[restart / 3 % LENGTHS.len()];
        let length = if links.is_some() { wanted.min(most).max(1) } else { 1 };
        Runs { links, length }
    }

    /// Units in a run, but for the last of a sequence.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The run that a unit is in.
    pub fn of(&self, unit: usize) -> Range<usize> {
        match self.links {
            Some(links) if self.length > 1 => {
                let sequence = links.sequence(links.sequence_of(unit));
                let start = unit - (unit - sequence.start) % self.length;
                start..(start + self.length).min(sequence.end)
            }
            _ => unit..unit + 1,
        }
    }

    /// Posteriors of units, `states` × units: of each run as if its units had one state, from those of its units alone.
    pub fn posteriors(
        &self,
        (index, units): (usize, Range<usize>),
        out: &mut [f64],
        last: &mut LastRun,
        mut alone: impl FnMut(Range<usize>, &mut [f64]),
    ) {
        if self.length <= 1 {
            return alone(units, out);
        }
        let n = units.len();
        let states = out.len() / n.max(1);
        for unit in units.clone() {
            let run = self.of(unit);
            if last.of.as_ref().is_none_or(|(i, of)| *i != index || *of != run) {
                let log = |p: &f64| p.max(f64::MIN_POSITIVE).ln();
                last.probs.clear();
                last.probs.resize(states, 0.0);
                for start in run.clone().step_by(TILE) {
                    let tile = start..(start + TILE).min(run.end);
                    last.table.clear();
                    last.table.resize(states * tile.len(), 0.0);
                    alone(tile.clone(), &mut last.table);
                    for (sum, p) in last.probs.iter_mut().zip(last.table.chunks(tile.len())) {
                        *sum += p.iter().map(log).sum::<f64>();
                    }
                }
                let top = last.probs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                last.probs.iter_mut().for_each(|l| *l = (*l - top).exp());
                let total: f64 = last.probs.iter().sum();
                last.probs.iter_mut().for_each(|p| *p /= total);
                last.of = Some((index, run));
            }
            for (s, p) in last.probs.iter().enumerate() {
                out[s * n + unit - units.start] = *p;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_with_their_sequence() {
        let links = Links::along(2, vec![0, 70, 70, 200]);
        let runs = Runs::new(Some(&links), 200, 2, 2);
        assert_eq!(runs.length(), 16);
        assert_eq!(runs.of(0), 0..16);
        assert_eq!(runs.of(69), 64..70);
        assert_eq!(runs.of(70), 70..86);
        assert_eq!(runs.of(199), 198..200);
        assert_eq!(Runs::new(Some(&links), 200, 2, 3).of(69), 69..70);
        // Four runs for each state: no more than 25 units.
        assert_eq!(Runs::new(Some(&links), 200, 2, 5).length(), 25);
    }

    #[test]
    fn a_run_has_the_posterior_of_a_unit_that_says_what_all_of_its_units_say() {
        let links = Links::along(2, vec![0, 40]);
        let runs = Runs::new(Some(&links), 40, 1, 2);
        assert_eq!(runs.length(), 10);
        let p = |unit: usize| 0.5 + 0.01 * (unit as f64 - 15.0);
        let mut out = vec![0.0; 2 * 5];
        runs.posteriors((0, 18..23), &mut out, &mut LastRun::default(), |units, table| {
            let n = units.len();
            for (i, unit) in units.enumerate() {
                (table[i], table[n + i]) = (p(unit), 1.0 - p(unit));
            }
        });
        for (i, unit) in (18..23).enumerate() {
            let run = if unit < 20 { 10..20 } else { 20..30 };
            let (a, b) = run.fold((1.0, 1.0), |(a, b), u| (a * p(u), b * (1.0 - p(u))));
            assert!((out[i] - a / (a + b)).abs() < 1e-12);
            assert!((out[5 + i] - b / (a + b)).abs() < 1e-12);
        }
    }
}
