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
    let mut flat = Writer::new();
    M::coordinates(&state.globals, &mut flat).ok()?;
    Some(flat.into_flat()).filter(|x| !x.is_empty())
}

/// Goes to these coordinates if the objective is no lower there, and otherwise stays.
fn leap<M: Program>(state: &mut State<'_, M>, target: &[f64]) -> Result<bool, Error> {
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
