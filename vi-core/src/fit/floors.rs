//! Params whose best value is their lower bound, where EM would need forever to get there.
//!
//! By Fisher's identity an M-step for a scale t moves it by t′ − t = c t² ∂L/∂t with c > 0. Where L falls from the bound on, the steps shrink
//! with t², so that after n sweeps t is of order 1/n and the gain of a sweep of order 1/n³: every stopping rule is met far from the limit.
//! Other fixed points are approached by a constant factor, which leaves the last step a far smaller share of the way.
//!
//! So params that still fall by a share of order 1/n are put on their bounds. That is kept if the objective does not fall and if the M-step
//! there, whose direction is the sign of the derivative, lifts none of them off again: each is then at a maximum within its bounds, at least
//! as good as where it came from. Otherwise nothing has changed.
//!
//! So near a bound that is tiny beside the data, neither the objective nor that direction may have a digit left. The derivative is then asked
//! for at a tenth, a hundredth, a thousandth … of the way: where it stays negative, bounded away from 0, and the objective rises, the limit
//! is the bound, and the fit says so from the last place where it can tell.

use super::Fit;
use super::needs::Needs;
use super::program::{ElboTerm, Maximised, Program, Types};
use super::run::State;
use crate::Error;

/// A param that goes as 1/n falls by a share 1/n of its room; this leaves a margin.
const SHARE: f64 = 0.25;

/// Sweeps before the first trial; the next ones come after twice as many, and one where the fit has converged.
const FIRST: usize = 16;

/// Steps down that must agree.
const ENOUGH: usize = 3;
/// The most that are taken.
const MOST: usize = 8;
/// Sweeps after them.
const FOLLOWING: usize = 16;

/// All of a fit in progress that a sweep changes.
type Standing<M> = (Fit<M>, <M as Types>::Stats, <M as Types>::Globals, Vec<ElboTerm>, f64);

impl<M: Program> State<'_, M> {
    /// Whether a trial is due.
    pub(super) fn may_creep(&self) -> bool {
        let n = self.fit.iterations;
        let due = n >= FIRST && n.is_power_of_two() || self.fit.converged && n > 0;
        self.has_floors() && due
    }

    fn has_floors(&self) -> bool {
        M::DESCENDS && !self.stale
    }

    /// The globals after an M-step, and the params that it leaves on a bound.
    pub(super) fn ahead_of(&self) -> Result<(M::Globals, Vec<String>), Error> {
        let (model, context) = (&self.fit.model, &self.work.context);
        let Maximised { globals, at_boundary, .. } =
            model.maximise(context, &self.stats, &self.globals, 1.0)?;
        Ok((globals, at_boundary))
    }

    /// Keeps these globals, with one more sweep, if the objective does not fall and `holds` of them.
    fn try_at(&mut self, trial: M::Globals, holds: impl FnOnce(&Self) -> Result<bool, Error>) -> bool {
        let before = self.standing();
        self.globals = trial;
        let kept = self.sweep().and_then(|()| self.record()).and_then(|()| holds(self));
        if matches!(kept, Ok(true)) {
            self.fit.iterations += 1;
            return true;
        }
        self.back_to(before);
        false
    }

    /// Where the fit stands.
    fn standing(&self) -> Standing<M> {
        (self.fit.clone(), self.stats.clone(), self.under.clone(), self.now.clone(), self.entropy)
    }

    fn back_to(&mut self, before: Standing<M>) {
        (self.fit, self.stats, self.under, self.now, self.entropy) = before;
        self.globals = self.fit.globals.clone();
    }

    /// Puts params on bounds that they creep towards.
    ///
    /// Mixed steps come near a bound in few sweeps, and their number then says nothing of how slow a fall is. At their end each param that
    /// falls at all is tried by itself, once.
    pub(super) fn settle_on_floors(&mut self, tried: &mut Vec<String>) -> Result<(), Error> {
        let mut kept = self.put_on_floors(SHARE / self.fit.iterations as f64, None)?;
        if !kept && self.mixes() && self.fit.converged {
            let (next, _) = self.ahead_of()?;
            let mut trial = self.globals.clone();
            let names = self.fit.model.to_floors(&self.work.context, &mut trial, &next, (0.0, 0.0), None);
            for name in names {
                if !tried.contains(&name) {
                    kept |= self.put_on_floors(0.0, Some(&name))?;
                    tried.push(name);
                }
            }
        }
        if kept {
            self.fit.converged = false;
            super::accelerate::stretch(self)?;
        }
        Ok(())
    }

    /// Whether params that fall by more than a share of their room are better on their bounds, and stay there.
    fn put_on_floors(&mut self, share: f64, only: Option<&str>) -> Result<bool, Error> {
        let (next, _) = self.ahead_of()?;
        let mut trial = self.globals.clone();
        let names = self.fit.model.to_floors(&self.work.context, &mut trial, &next, (share, 0.0), only);
        let stays = |s: &Self| {
            let (_, at_boundary) = s.ahead_of()?;
            // Where the rest of the params is not yet where it belongs beside a bound, the objective knows better than a direction.
            Ok(names.iter().all(|n| at_boundary.contains(n)) || only.is_some() && s.gained() > 0.0)
        };
        let kept = !names.is_empty() && self.try_at(trial, stays);
        if kept {
            self.fit.at_boundary.extend(names);
        }
        Ok(kept)
    }

    /// Steps towards bounds as far as a derivative can be told. Returns the params whose limit they are.
    ///
    /// Where all that fall together do not belong to one limit, since some are only on their way, each is looked at by itself.
    pub(super) fn descend(&mut self) -> Result<Vec<String>, Error> {
        if !self.has_floors() || self.fit.iterations == 0 {
            return Ok(vec![]);
        }
        let share = SHARE / self.fit.iterations as f64;
        let (next, _) = self.ahead_of()?;
        let mut trial = self.globals.clone();
        let all = self.fit.model.to_floors(&self.work.context, &mut trial, &next, (share, 0.1), None);
        let before = self.standing();
        let mut found = self.descend_with(share, None)?;
        if found.is_empty() {
            self.back_to(before);
            for name in all {
                found.extend(self.descend_with(share, Some(&name))?);
            }
        }
        if !found.is_empty() {
            self.follow_limits()?;
        }
        Ok(found)
    }

    /// Takes the other params to where they belong beside those that have come near their limits. Rows of chains keep the digits that
    /// M-steps of the latter are made of; elsewhere there may be none left.
    fn follow_limits(&mut self) -> Result<(), Error> {
        if !M::CHAINED || self.work.chain(0).is_none() {
            return Ok(());
        }
        let limit = self.options.tolerance * self.fit.model.observations(&self.work.context).max(1.0);
        for _ in 0..FOLLOWING {
            if self.step()? <= limit {
                break;
            }
        }
        Ok(())
    }

    fn descend_with(&mut self, mut share: f64, only: Option<&str>) -> Result<Vec<String>, Error> {
        let mut falling: Option<Vec<String>> = None;
        let mut steps = 0;
        while steps < MOST {
            let (next, _) = self.ahead_of()?;
            let mut trial = self.globals.clone();
            let model = self.fit.model.clone();
            let names = model.to_floors(&self.work.context, &mut trial, &next, (share, 0.1), only);
            if names.is_empty() || falling.as_ref().is_some_and(|f| *f != names) {
                break;
            }
            falling = Some(names);
            // With t² ∂L/∂t for its fall, a tenth of the room falls by a tenth of the share; half of that is asked for once.
            share *= if steps == 0 { 0.05 } else { 0.1 };
            let wanted = falling.clone();
            let falls = |s: &Self| {
                let (next, _) = s.ahead_of()?;
                let mut on = s.globals.clone();
                Ok(Some(model.to_floors(&s.work.context, &mut on, &next, (share, 0.0), only)) == wanted)
            };
            if !self.try_at(trial, falls) {
                break;
            }
            steps += 1;
        }
        Ok(if steps >= ENOUGH { falling.unwrap_or_default() } else { vec![] })
    }
}
