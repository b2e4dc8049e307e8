//! Fits that learn from a few units at a time.
//!
//! The statistics of a minibatch, scaled up to all units, are an unbiased estimate of those of a sweep. Averaged with decreasing weights,
//!
//! ```text
//! s ← (1 − ρₜ) s + ρₜ N/|B| Σ_{n ∈ B} E s(zₙ, xₙ),   ρₜ = (t + τ₀)^−κ
//! ```
//!
//! they give the natural-gradient step of shared latents, whose natural parameters are a prior plus s, and stochastic EM of params. Where
//! each group of units has a latent of its own, as a document its shares of topics, groups are drawn: theirs are brought to rest
//! with the units' before the shared ones move.
//! Sources: Hoffman, Blei, Wang & Paisley (2013), *Stochastic variational inference*, JMLR 14; Cappé & Moulines (2009), *On-line
//! expectation–maximization algorithm for latent data models*.

use super::program::{Program, Statistics, Turn};
use super::run::{State, blocks_lead};
use super::{Fit, Options, Start};
use crate::engine::mode::Notes;
use crate::{Error, rng};

/// Minibatches, and the weights ρₜ = (t + τ₀)^−κ of their statistics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Units of a minibatch; sequences, or groups with latents of their own, where there are such.
    pub batch: usize,
    /// κ, above ½ and at most 1: how soon later minibatches stop counting.
    pub kappa: f64,
    /// τ₀ ≥ 1: larger makes the first minibatches count less.
    pub tau0: f64,
    /// How often all units are gone through.
    pub passes: usize,
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule { batch: 256, kappa: 0.7, tau0: 10.0, passes: 10 }
    }
}

fn check(what: &str, value: f64, holds: bool, rule: &str) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(Error::Domain {
        variable: "schedule".into(),
        element: format!("schedule.{what}"),
        value: value.to_string(),
        rule: rule.into(),
    })
}

/// Fits from one start by minibatches of units, drawn without replacement in each pass, and ends with one sweep over all of them, after
/// which the objective and the posteriors of the units are those of an ordinary fit. Generated code offers it where units are independent
/// given what they share.
pub fn fit_stochastic<M: Program>(
    model: &M,
    data: &M::Data<'_>,
    options: &Options,
    schedule: Schedule,
) -> Result<Fit<M>, Error> {
    let Schedule { batch, kappa, tau0, passes } = schedule;
    check("batch", batch as f64, batch > 0, "must be at least 1")?;
    check("kappa", kappa, kappa > 0.5 && kappa <= 1.0, "must be above 0.5 and at most 1")?;
    check("tau0", tau0, tau0.is_finite() && tau0 >= 1.0, "must be at least 1")?;
    let (mut state, _) = State::place(model, data, &Start::Default, options, 0)?;
    let nested = M::NESTED.then(|| model.nested_groups(&state.work.context));
    let units = nested.unwrap_or_else(|| state.work.drawn_from());
    let turns = options.inner_sweeps.max(1);
    let mut average: Option<M::Stats> = None;
    let mut step = 0.0;
    for pass in 0..passes {
        let order = shuffled(units, &mut rng::stream(options.seed, "minibatches", &[pass]));
        for chunk in order.chunks(batch) {
            let mut chosen = chunk.to_vec();
            chosen.sort_unstable();
            let (context, globals) = (&state.work.context, &mut state.globals);
            let mut part = match model.nested(context, globals, Some(&chosen), turns, state.work.threads)? {
                Some(stats) => stats,
                None if nested.is_none() => state.work.expect_some(model, &state.globals, &chosen)?,
                // What is chosen are groups: their numbers are no units'.
                None => {
                    return Err(Error::NotFinite { what: format!("a law that `{}` starts from", M::NAME) });
                }
            };
            let whole = units as f64 / chosen.len() as f64;
            let rho = (step + tau0).powf(-kappa);
            let now = match average.take() {
                None => {
                    part.scale(whole);
                    part
                }
                Some(mut before) => {
                    before.scale(1.0 - rho);
                    part.scale(rho * whole);
                    before.merge(&part);
                    before
                }
            };
            step += 1.0;
            let mut stats = now.clone();
            average = Some(now);
            if nested.is_none() {
                stats.merge(&state.work.fixed);
                state.globals = model.maximise(&state.work.context, &stats, &state.globals, 1.0)?.globals;
            }
            for turn in M::TURNS {
                if let Turn::Block(n) = turn
                    && !M::LOCAL.contains(n)
                {
                    let notes = &mut Notes::default();
                    model.update(&state.work.context, &stats, &mut state.globals, *n, notes)?;
                }
            }
        }
    }
    if blocks_lead::<M>() && nested.is_none() {
        state.gather()?;
    } else {
        state.sweep()?;
    }
    state.record()?;
    state.fit.iterations = passes;
    state.finish()
}

/// All units in random order (Fisher & Yates).
fn shuffled(units: usize, rng: &mut impl rand::Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..units).collect();
    for last in (1..units).rev() {
        let other = ((rng::uniform(rng) * (last + 1) as f64) as usize).min(last);
        order.swap(last, other);
    }
    order
}
