//! Params whose best value is their lower bound, where EM would need forever to get there.
//!
//! By Fisher's identity an M-step for a scale t moves it by t′ − t = c t² ∂L/∂t with c > 0. Where L falls from the bound on, the steps shrink
//! with t², so that after n sweeps t is of order 1/n and the gain of a sweep of order 1/n³: every stopping rule is met far from the limit.
//! Other fixed points are approached by a constant factor, which leaves the last step a far smaller share of the way.
//!
//! So params that still fall by a share of order 1/n are put on their bounds, and that is kept if the objective does not fall. The next
//! M-step then says what the derivative is there: a param that it does not lift off its bound has ∂L/∂t ≤ 0, and is at a maximum within
//! its bounds; one that it lifts goes on from there.

use super::program::{Maximised, Program};
use super::run::State;
use crate::Error;

/// A param that goes as 1/n falls by a share 1/n of its room; this leaves a margin.
const SHARE: f64 = 0.25;

impl<M: Program> State<'_, M> {
    /// Puts params on bounds that they creep towards. Returns whether the objective allows it; otherwise nothing has changed.
    pub(super) fn to_floors(&mut self) -> Result<bool, Error> {
        if self.stale || self.fit.iterations == 0 {
            return Ok(false);
        }
        let (model, context) = (&self.fit.model, &self.work.context);
        let Maximised { globals: next, .. } = model.maximise(context, &self.stats, &self.globals, 1.0)?;
        let mut trial = self.globals.clone();
        let share = SHARE / self.fit.iterations as f64;
        if !model.to_floors(context, &mut trial, &next, share) {
            return Ok(false);
        }
        let before = (self.fit.clone(), self.stats.clone(), self.under.clone(), self.now.clone(), self.entropy);
        self.globals = trial;
        match self.sweep().and_then(|()| self.record()) {
            Ok(()) => {
                self.fit.iterations += 1;
                Ok(true)
            }
            Err(_) => {
                (self.fit, self.stats, self.under, self.now, self.entropy) = before;
                self.globals = self.fit.globals.clone();
                Ok(false)
            }
        }
    }
}
