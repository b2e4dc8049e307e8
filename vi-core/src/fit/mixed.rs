//! M-steps that are mixed with earlier ones before the E-step that follows, and taken back if the objective is lower there.
//!
//! The map of [`anderson`](crate::engine::anderson) is one M-step at the statistics of the last E-step. So a point that is kept costs one E-step,
//! as a plain sweep does, and one that is given up costs another.

use super::Progress;
use super::accelerate::{flat, leap};
use super::program::{Maximised, Program};
use super::run::State;
use crate::Error;
use crate::engine::anderson::Anderson;

impl<M: Program> State<'_, M> {
    /// One sweep to where the last ones lead, or a plain one where that is lower. Before the end, two plain ones show what is left to gain.
    pub(super) fn mix(&mut self, anderson: &mut Anderson) -> Result<(), Error> {
        let most = self.options.max_iterations;
        let target = if self.fit.iterations + 1 < most { self.mixed(anderson)? } else { None };
        let kept = match &target {
            Some(target) => leap(self, target)?,
            None => false,
        };
        if target.is_some() {
            anderson.tell(kept);
        }
        if kept {
            if let Some(report) = self.options.progress {
                report(&Progress { iteration: self.fit.iterations, objective: self.fit.elbo() });
            }
        } else {
            self.step()?;
        }
        // Behind a leap, the ratio of two gains says nothing of the sweeps to come.
        self.fit.converged = false;
        let limit = self.options.tolerance * self.fit.model.observations(&self.work.context).max(1.0);
        if self.gained() >= limit.max(self.rounding()) || self.fit.iterations + 2 > most {
            return Ok(());
        }
        self.step()?;
        if self.gained() > self.rounding() {
            self.step()?;
        }
        Ok(())
    }

    /// The coordinates that the last M-steps lead to.
    fn mixed(&mut self, anderson: &mut Anderson) -> Result<Option<Vec<f64>>, Error> {
        let Maximised { globals, at_boundary, notes } =
            self.fit.model.maximise(&self.work.context, &self.stats, &self.globals, 1.0)?;
        let (Some(x), Some(image)) = (flat::<M>(&self.globals), flat::<M>(&globals)) else { return Ok(None) };
        self.fit.at_boundary = at_boundary;
        self.fit.notes = notes;
        Ok(anderson.propose(x, image))
    }
}
