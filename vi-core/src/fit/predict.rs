//! Densities of new data.

use super::program::Program;
use super::run::{is_coupled, is_joint};
use super::sweep::Work;
use super::{Fit, Options, Predictive};
use crate::Error;

/// Draws of the shared latents that a predictive density is averaged over.
const PREDICTIVE_DRAWS: usize = 128;

/// Log density of every unit of new data.
///
/// Points are plugged in. Shared latents are averaged over draws from their q, in probability space.
pub(super) fn predict<M: Program>(fit: &Fit<M>, data: &M::Data<'_>) -> Result<Predictive<M>, Error> {
    let model = &fit.model;
    let work = Work::new(model, data, &fit.params, &Options::unlimited())?;
    let globals = fit.globals.clone();
    model.validate(&work.context, &globals)?;
    if is_coupled::<M>() {
        return Err(Error::NotFinite {
            what: format!("the density of single units of `{}`, which depend on one another,", M::NAME),
        });
    }
    if let Some(log_density) = super::update::predicted(fit, data)? {
        let absent = absent_at(model, &work, fit, &globals)?;
        return Ok(Predictive { log_density: vec![log_density], error: None, absent });
    }
    if is_joint::<M>() {
        let log_density = densities(model, &work, &globals)?;
        let absent = absent_at(model, &work, fit, &globals)?;
        return Ok(Predictive { log_density, error: None, absent });
    }
    let mut draws = vec![];
    for draw in 0..PREDICTIVE_DRAWS {
        let mut latents = M::Latents::default();
        let mut rng = crate::rng::stream(0, "predict", &[draw]);
        model.draw_shared(&work.context, &globals, &mut rng, &mut latents)?;
        let points = model.posterior_of_values(&work.context, &latents)?;
        let drawn = model.gather(&fit.params, &points);
        // Shapes that values do not have, such as covariances, come from the neutral globals; they are 0 for a value.
        let drawn = M::overlay(&drawn, model.neutral(&work.context, &drawn)?);
        draws.push(densities(model, &work, &drawn)?);
    }
    let units = draws.first().map_or(0, Vec::len);
    let (log_density, error) =
        (0..units).map(|n| averaged(&draws.iter().map(|d| d[n]).collect::<Vec<_>>())).unzip();
    let absent = absent_at(model, &work, fit, &globals)?;
    Ok(Predictive { log_density, error: Some(error), absent })
}

fn absent_at<M: Program>(
    model: &M,
    work: &Work<'_, M>,
    fit: &Fit<M>,
    globals: &M::Globals,
) -> Result<M::Imputed, Error> {
    // Elsewhere nothing of the units is read.
    let posterior = match M::IMPUTES_DRAWN || is_joint::<M>() {
        true => work.posterior(model, globals)?,
        false => M::Posterior::default(),
    };
    absent(model, &work.context, &fit.params, globals, &posterior)
}

/// What is said of elements without a value by the posterior of the units, and by draws from q of what they share.
pub(super) fn absent<M: Program>(
    model: &M,
    context: &M::Context<'_>,
    params: &M::Params,
    globals: &M::Globals,
    posterior: &M::Posterior,
) -> Result<M::Imputed, Error> {
    let mut absent = model.impute(context, globals, posterior)?;
    if !M::IMPUTES_DRAWN {
        return Ok(absent);
    }
    // Where all that is shared are points, every draw is the same.
    let draws = if is_joint::<M>() { 1 } else { PREDICTIVE_DRAWS };
    for draw in 0..draws {
        let mut shared = M::Latents::default();
        let mut rng = crate::rng::stream(0, "absent", &[draw]);
        model.draw_shared(context, globals, &mut rng, &mut shared)?;
        let next = model.impute_drawn(context, params, posterior, &shared)?;
        M::average_imputed(&mut absent, next, draw);
    }
    Ok(absent)
}

/// log of the mean of densities that are given by their logarithms, and the standard error of it: that of the mean over the mean.
fn averaged(logs: &[f64]) -> (f64, f64) {
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return (top, f64::INFINITY);
    }
    let count = logs.len() as f64;
    let mean = logs.iter().map(|l| (l - top).exp()).sum::<f64>() / count;
    let square = logs.iter().map(|l| ((l - top).exp() - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (top + mean.ln(), (square / count).sqrt() / mean)
}

fn densities<M: Program>(model: &M, work: &Work<'_, M>, globals: &M::Globals) -> Result<Vec<f64>, Error> {
    if work.components.is_empty() {
        let mut stats = work.fixed.clone();
        model.moving(&work.context, globals, &mut stats);
        let terms = model.expected_terms(&work.context, &stats, globals)?;
        let constant: f64 = model.constants(&work.context).iter().map(|(_, c)| c).sum();
        return Ok(vec![terms.iter().map(|t| t.value).sum::<f64>() + constant]);
    }
    let mut log_density = vec![];
    for (c, units) in work.evidences(model, globals)?.into_iter().enumerate() {
        if let Some(links) = work.links(c) {
            log_density.extend(units.into_iter().enumerate().map(|(s, e)| {
                let constants = links.sequence(s).map(|unit| model.unit_constant(&work.context, c, unit));
                e + constants.sum::<f64>()
            }));
            continue;
        }
        log_density.extend(
            units.into_iter().enumerate().map(|(unit, e)| e + model.unit_constant(&work.context, c, unit)),
        );
    }
    Ok(log_density)
}
