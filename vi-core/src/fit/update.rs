//! More data for a fit: yesterday's posterior is today's prior.
//!
//! In natural parameters a posterior is a prior plus expected statistics, so the statistics of a fit are all that it has to remember of its
//! data. New data bring their own, and the two are added.

use super::program::{Program, Statistics};
use super::run::{State, blocks_lead};
use super::sweep::Work;
use super::{Claim, Fit, Options};
use crate::Error;

impl<M: Program> Fit<M> {
    /// The fit of the data of this fit and new data together, without the old ones: `given` arrays that belong to shared latents are given
    /// again, and everything else is new.
    ///
    /// Without finite latents this is the fit of all the data at once. With finite latents the posteriors of the old units stay what they
    /// were, and those of the new units and everything that is shared are fitted to both: the objective is a lower bound for all the data,
    /// below that of a fit to all of them as far as the old units would have changed their minds. Each of the posteriors of units in the
    /// result belongs to a new unit, and so do the entries of [`draw`](Self::draw); [`verify`](Self::verify) and [`psis`](Self::psis) ask
    /// for all the data.
    ///
    /// # Errors
    /// What [`infer`](Self::infer) can meet with these data. [`Error::CannotUpdate`] if a shared latent or a param is indexed by the units of
    /// the data, if the sizes of what is shared differ, if the model has statistics that are no sums over the data, if units depend on one
    /// another, or if the fit holds no statistics: it was relabelled, or comes from a file of a version that left them out.
    pub fn update(&self, data: &M::Data<'_>, options: &Options) -> Result<Fit<M>, Error> {
        let mut state = State::more(self, data, options)?;
        if blocks_lead::<M>() && !state.work.components.is_empty() {
            state.gather()?;
        } else {
            state.sweep()?;
        }
        state.record()?;
        state.run()?.finish()
    }
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, Error> {
    Err(Error::CannotUpdate { reason: reason.into() })
}

impl<'a, M: Program> State<'a, M> {
    /// A fit with its statistics and those of new data, before its first sweep.
    fn more(fit: &Fit<M>, data: &M::Data<'a>, options: &Options) -> Result<Self, Error> {
        if !M::STAYS.is_empty() {
            return refuse(format!("in `{}`, {}; fit all the data at once", M::NAME, M::STAYS));
        }
        if super::run::is_coupled::<M>() {
            return refuse(format!("units of `{}` depend on one another; fit all the data at once", M::NAME));
        }
        if M::SERIES {
            return refuse(format!(
                "statistics of `{}` are series about its params, which move; fit all the data at once",
                M::NAME
            ));
        }
        let Some(before) = &fit.totals else {
            return refuse(
                "it holds no statistics: its categories were renamed, or it is from a file without them",
            );
        };
        // Laws of old units would have to turn with what they are multiplied with.
        let work = Work::new(&fit.model, data, &fit.params, &options.clone().expand(false))?;
        if !work.fixed.fits(&before.stats) {
            return refuse("the sizes of what is shared are not those of the earlier data");
        }
        fit.model.validate(&work.context, &fit.globals)?;
        let mut constants = fit.model.constants(&work.context);
        for (name, value) in &mut constants {
            *value += before.constants.iter().find(|(n, _)| n == name).map_or(0.0, |(_, c)| *c);
        }
        // Sums about one point can be moved to another, so the gauges of the new data do not matter.
        let mut stats = before.stats.clone();
        stats.merge(&work.fixed);
        Ok(State {
            work,
            constants,
            options: options.clone(),
            fit: Fit::new(fit.model.clone(), fit.globals.clone()),
            under: fit.globals.clone(),
            globals: fit.globals.clone(),
            stats,
            entropy: before.entropy,
            of_evidence: 0.0,
            ahead: None,
            stale: false,
            moved: false,
            carried: Some(before.clone()),
            now: vec![],
        })
    }
}

/// log p(new data | old data) where both evidences are known: the difference of the two.
pub(super) fn predicted<M: Program>(fit: &Fit<M>, data: &M::Data<'_>) -> Result<Option<f64>, Error> {
    if M::plan().claim != Claim::Exact
        || !fit.is_integrated()
        || !M::STAYS.is_empty()
        || M::SERIES
        || fit.totals.is_none()
    {
        return Ok(None);
    }
    let mut state = State::more(fit, data, &Options::default())?;
    if !state.work.components.is_empty() {
        return Ok(None);
    }
    state.sweep()?;
    Ok(Some(state.objective()?.value - fit.elbo()))
}
