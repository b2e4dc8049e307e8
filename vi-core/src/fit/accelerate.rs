//! Sweeps that are extrapolated: after two plain ones, a leap along the way they went, which is taken back if the objective is lower there.
//!
//! The map of [`squarem`] is one sweep, and its point the coordinates of everything that is shared. What a leap costs, kept or not, is one
//! sweep.

use super::program::Program;
use super::run::{State, blocks_lead};
use crate::Error;
use crate::chart::{Reader, Writer};
use crate::engine::squarem;

pub(super) struct Accelerator {
    /// The last points, of which no more than three are needed.
    points: Vec<Vec<f64>>,
    bound: f64,
}

impl Accelerator {
    pub fn new<M: Program>(state: &State<'_, M>) -> Self {
        Accelerator { points: coordinates(state).into_iter().collect(), bound: 1.0 }
    }

    /// After a sweep: leaps if there are points enough to say where.
    pub fn follow<M: Program>(&mut self, state: &mut State<'_, M>) -> Result<(), Error> {
        let Some(x) = coordinates(state) else {
            self.points.clear();
            return Ok(());
        };
        if self.points.last().is_some_and(|last| last.len() != x.len()) {
            self.points.clear();
        }
        self.points.push(x);
        if self.points.len() < 3 {
            // Behind a leap, the ratio of the last two gains says nothing of the sweeps to come.
            state.fit.converged &= state.gained() <= state.rounding();
            return Ok(());
        }
        if state.fit.converged {
            return Ok(());
        }
        let (target, alpha) =
            squarem::extrapolated(&self.points[0], &self.points[1], &self.points[2], self.bound);
        let kept = alpha <= 1.0 || leap(state, &target)?;
        self.bound = squarem::next_bound(self.bound, alpha, kept);
        self.points = coordinates(state).into_iter().collect();
        Ok(())
    }
}

/// A latent without uncertainty, or a model that has none but finite unknowns, has no coordinates to leap in.
fn coordinates<M: Program>(state: &State<'_, M>) -> Option<Vec<f64>> {
    flat::<M>(&state.globals)
}

pub(super) fn flat<M: Program>(globals: &M::Globals) -> Option<Vec<f64>> {
    let mut flat = Writer::new();
    M::coordinates(globals, &mut flat).ok()?;
    Some(flat.into_flat()).filter(|x| !x.is_empty())
}

/// Lines that are searched at most.
const LINES: usize = 30;
/// A share of a value whose change the objective shows.
const NOTICED: f64 = 1e-5;
/// Steps along one of them.
const STEPS: usize = 40;

/// Goes on along M-steps for as long as the objective rises, each step four times as long as the one before.
///
/// The M-step for the mean of latents goes a share of the way that is the share of their variance in that of the data. Where the variance has
/// been put on a bound, plain steps lead nowhere.
pub(super) fn stretch<M: Program>(state: &mut State<'_, M>) -> Result<(), Error> {
    let mut first = 1.0_f64;
    for _ in 0..LINES {
        let before = state.fit.elbo();
        let (Some(from), Some(to)) = (coordinates(state), flat::<M>(&state.ahead_of()?.0)) else {
            return Ok(());
        };
        // What is on a bound, and stays there, may have no finite coordinate.
        let along: Vec<f64> =
            from.iter().zip(&to).map(|(a, b)| if (b - a).is_finite() { b - a } else { 0.0 }).collect();
        if from.len() != to.len() || along.iter().all(|d| *d == 0.0) {
            return Ok(());
        }
        // A shorter one changes no digit of the objective.
        let least = from
            .iter()
            .zip(&along)
            .filter(|(_, d)| **d != 0.0)
            .map(|(x, d)| NOTICED * (1.0 + x.abs()) / d.abs())
            .fold(f64::INFINITY, f64::min)
            .max(1.0);
        let begun = first.max(least);
        let (mut step, mut kept) = (begun, false);
        for _ in 0..STEPS {
            // What does not move keeps on the inner side of its bound, from its logarithm and back.
            let inside = |x: f64| x + 4.0 * f64::EPSILON * x.abs();
            let target: Vec<f64> = from
                .iter()
                .zip(&along)
                .map(|(x, d)| if *d == 0.0 { inside(*x) } else { x + step * d })
                .collect();
            if !leap(state, &target)? {
                // No objective was recorded of it.
                state.fit.iterations -= 1;
                break;
            }
            kept = true;
            first = step / 64.0;
            step *= 4.0;
        }
        if !kept && begun > least {
            // The line before was longer than this one.
            first = 1.0;
            continue;
        }
        if state.fit.elbo() - before <= state.rounding() {
            return Ok(());
        }
    }
    Ok(())
}

/// Goes to these coordinates if the objective is no lower there, and otherwise stays.
pub(super) fn leap<M: Program>(state: &mut State<'_, M>, target: &[f64]) -> Result<bool, Error> {
    let mut reader = Reader::new(target);
    let Ok(globals) = M::at_coordinates(&state.globals, &mut reader) else { return Ok(false) };
    if state.fit.model.validate(&state.work.context, &globals).is_err() {
        return Ok(false);
    }
    let stats = state.stats.clone();
    let (coupled, gated) = (state.work.coupled.clone(), state.work.gated.clone());
    let (under, old, entropy) = (state.under.clone(), state.globals.clone(), state.entropy);
    state.globals = globals;
    state.fit.iterations += 1;
    // Blocks are functions of the statistics. Where they come first, the leap would be lost unless the statistics follow it.
    let swept =
        if blocks_lead::<M>() && !state.work.components.is_empty() { state.units() } else { state.sweep() };
    let higher = swept.and_then(|()| state.objective()).is_ok_and(|o| o.value >= state.fit.elbo());
    if higher {
        state.record()?;
    } else {
        state.stats = stats;
        state.work.coupled = coupled;
        state.work.gated = gated;
        state.under = under;
        state.globals = old;
        state.entropy = entropy;
    }
    Ok(higher)
}
