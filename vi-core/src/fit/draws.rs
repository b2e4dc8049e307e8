//! Draws from q, and what they say of it.

use super::program::Program;
use super::sweep::Work;
use super::{Categories, Fit, Options, Start};
use crate::diagnostics::Psis;
use crate::engine::finite::Sample;
use crate::{Error, rng};

/// One draw of all latents from q.
pub(super) struct Drawn<M: Program> {
    pub latents: M::Latents,
    /// log p(X, Z; θ) without the priors of params.
    pub log_p: f64,
    pub log_q: f64,
    /// What rounding is measured by.
    pub magnitude: f64,
}

/// These data with the posteriors of this fit: units that depend on one another have theirs from it.
pub(super) fn work<'a, M: Program>(fit: &Fit<M>, data: &M::Data<'a>) -> Result<Work<'a, M>, Error> {
    let options = Options::unlimited();
    let mut work = Work::new(&fit.model, data, &fit.params, &options)?;
    work.begin_coupled(&fit.model, &Start::Posterior(fit.posterior.clone()), &options, 0)?;
    work.resume_gated(&fit.model, &fit.globals, fit.kept)?;
    work.meet(&fit.model, &fit.globals)?;
    Ok(work)
}

pub(super) fn draw<M: Program>(
    fit: &Fit<M>,
    work: &Work<'_, M>,
    tables: &[Categories],
    seed: u64,
    draw: usize,
) -> Result<Drawn<M>, Error> {
    let context = &work.context;
    let mut states = vec![];
    let mut log_q = 0.0;
    for (c, table) in tables.iter().enumerate() {
        let mut all = Vec::with_capacity(table.len());
        for law in table.laws() {
            let mut rng = rng::stream(seed, "draw", &[draw, c, all.len()]);
            let copies = if law.len() > 0 { fit.model.copies(context, c, all.len()) } else { 0.0 };
            let (path, _) = law.choose(&mut Sample(&mut rng))?;
            if copies > 0.0 {
                log_q += copies * law.log_density(&path);
            }
            all.extend(path);
        }
        if !all.is_empty() {
            states.push(all);
            continue;
        }
        for unit in 0..table.len() {
            let mut rng = rng::stream(seed, "draw", &[draw, c, unit]);
            let s = rng::categorical(&mut rng, table.probs(unit));
            let copies = fit.model.copies(context, c, unit);
            if copies > 0.0 {
                log_q += copies * table.probs(unit)[s].ln();
            }
            all.push(s);
        }
        states.push(all);
    }
    let mut latents = fit.model.latents(context, &states);
    log_q += work.realise(&fit.model, &fit.globals, &states, (seed, draw), &mut latents)?;
    // A scale comes before what is measured in it.
    let mut rng = rng::stream(seed, "draw shared", &[draw]);
    fit.model.draw_shared(context, &fit.globals, &mut rng, &mut latents)?;
    let mut magnitude = 0.0;
    let drawn = (&mut latents, &mut magnitude);
    log_q += work.draw_normals(&fit.model, &fit.globals, &states, (seed, draw), drawn)?;
    log_q += fit.model.log_shared(context, &fit.globals, &latents, &mut magnitude)?;
    let log_p = fit.model.log_joint(context, &latents, &fit.params)?;
    magnitude += log_p.abs() + log_q.abs();
    Ok(Drawn { latents, log_p, log_q, magnitude })
}

impl<M: Program> Fit<M> {
    /// Joint draws of all latents from q: those of the units of these data, and those that all units share. Latents within a block are
    /// drawn together, so functions of several may be averaged over the draws. Same seed, same draws, however many are asked for.
    ///
    /// The latents of the units are drawn as q holds them, shared latents averaged out: given one draw of the shared latents, their
    /// posterior may be another.
    ///
    /// # Errors
    /// What an E-step of this fit can meet with these data.
    pub fn draw(&self, data: &M::Data<'_>, seed: u64, draws: usize) -> Result<Vec<M::Latents>, Error> {
        let work = work(self, data)?;
        let tables = work.tables(&self.model, &self.globals)?;
        (0..draws).map(|n| Ok(draw(self, &work, &tables, seed, n)?.latents)).collect()
    }

    /// How far q is from the posterior: importance ratios p(X, Z; θ)/q(Z) of joint draws of all latents, and the shape k̂ of their tail.
    ///
    /// [`Psis::advice`] says it in words. Where the posterior is exact all ratios are equal. A mean-field q of very many units has a large
    /// k̂ however good each of its marginals is: k̂ judges the joint law. Units with several copies (`repeat`) are drawn alike, which
    /// makes k̂ larger than it is.
    ///
    /// # Errors
    /// What an E-step of this fit can meet with these data; [`Error::NotFinite`] if there are no draws, or p excludes all of them.
    pub fn psis(&self, data: &M::Data<'_>, seed: u64, draws: usize) -> Result<Psis, Error> {
        let work = work(self, data)?;
        let tables = work.tables(&self.model, &self.globals)?;
        let ratios = (0..draws)
            .map(|n| draw(self, &work, &tables, seed, n).map(|d| d.log_p - d.log_q))
            .collect::<Result<Vec<f64>, Error>>()?;
        Psis::new(&ratios)
    }
}
