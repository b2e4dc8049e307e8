//! Gaussian latents of the units: their posteriors and draws from them, tile by tile.

use super::needs::Needs;
use super::program::{Program, Statistics};
use super::sweep::{LEAF, PILOT, Work};
use crate::engine::design::{self, Design};
use crate::stats::Moments;
use crate::{Error, reduce, rng};

impl<M: Program> Work<'_, M> {
    /// q of the latents of every unit.
    pub fn posterior(&self, model: &M, globals: &M::Globals) -> Result<M::Posterior, Error> {
        let mut posterior = model.posterior(&self.context, self.tables(model, globals)?);
        self.conditionals(model, globals, &mut posterior)?;
        if !M::HAS_NORMALS {
            return Ok(posterior);
        }
        let at = model.prepare(&self.context, globals)?;
        for &index in M::NORMALS {
            if M::CHAINED
                && let Some(links) = self.chain(index)
            {
                self.share_chain(model, globals, &at, (index, links), &mut posterior)?;
                continue;
            }
            let component = self.components[index];
            self.each_tile(model, globals, &at, index, component, &mut |units, table, _, scratch| {
                let len = units.len();
                for (i, unit) in units.enumerate() {
                    let normals = &scratch.normals;
                    model.share_normals(
                        &self.context,
                        globals,
                        index,
                        unit,
                        (i, len),
                        table,
                        normals,
                        &mut posterior,
                    );
                }
            })?;
        }
        Ok(posterior)
    }

    /// Draws the Gaussian latents of every unit given its state; log q of them. What the rounding of log p at the values is measured by is added
    /// to `magnitude`.
    pub fn draw_normals(
        &self,
        model: &M,
        globals: &M::Globals,
        states: &[Vec<usize>],
        (seed, draw): (u64, usize),
        (latents, magnitude): (&mut M::Latents, &mut f64),
    ) -> Result<f64, Error> {
        let mut log_q = 0.0;
        if !M::HAS_NORMALS {
            return Ok(log_q);
        }
        let at = model.prepare(&self.context, globals)?;
        let mut values = vec![];
        for &index in M::NORMALS {
            if M::CHAINED
                && let Some(links) = self.chain(index)
            {
                log_q += self.draw_chain(
                    model,
                    globals,
                    &at,
                    (index, links),
                    (seed, draw),
                    (&mut *latents, &mut *magnitude),
                )?;
                continue;
            }
            let component = self.components[index];
            self.each_tile(model, globals, &at, index, component, &mut |units, _, _, scratch| {
                let len = units.len();
                for (i, unit) in units.enumerate() {
                    let mut rng = rng::stream(seed, "draw of a Gaussian", &[draw, index, unit]);
                    let scale = model.drawn_scale(&self.context, index, unit, globals, latents);
                    let slot = states[index][unit] * len + i;
                    let log = scratch.normals.draw(slot, scale, &mut rng, &mut values);
                    let copies = model.copies(&self.context, index, unit);
                    if copies > 0.0 {
                        log_q += copies * log;
                        *magnitude += copies * scratch.normals.reach(slot, scale, &values);
                    }
                    model.set_normals(&self.context, index, unit, &values, latents);
                }
            })?;
        }
        Ok(log_q)
    }

    /// Adds the statistics of all units of a component that is read once.
    pub fn collapse(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        index: usize,
        stats: &mut M::Stats,
    ) -> Result<(), Error> {
        if self.components[index].units == 0 {
            return Ok(());
        }
        let moments = self.collapsed[index].get_or_init(|| self.moments(model, index));
        model.collapse(&self.context, at, index, moments, stats);
        if stats.evidence().log.is_finite() {
            return Ok(());
        }
        // One by one, the units say which of them it is.
        self.each_tile(model, globals, at, index, self.components[index], &mut |_, _, _, _| {})?;
        Err(Error::NotFinite { what: format!("log p(data; params) of `{}`", self.components[index].name) })
    }

    /// Moments of the data of a component, about where the first of them lie.
    fn moments(&self, model: &M, index: usize) -> Moments {
        let units = self.components[index].units;
        let mut design = Design::default();
        model.data_tile(&self.context, index, 0..units.min(PILOT), &mut design);
        let dim = design.dim();
        let mut pilot = Moments::new(1, dim, 1);
        pilot.add_design(0, &mut design);
        let gauge = pilot.mean();
        let leaf = |units: std::ops::Range<usize>| {
            let mut sum = Moments::new(1, dim, 1);
            sum.set_gauge(&gauge);
            let mut design = Design::default();
            for tile in design::tiles(units) {
                model.data_tile(&self.context, index, tile, &mut design);
                sum.add_design(0, &mut design);
            }
            Ok::<_, ()>(sum)
        };
        let all = reduce::tree(units, LEAF, self.threads, leaf, |a, b| *a += &b);
        all.unwrap_or_else(|()| Moments::new(1, dim, 1))
    }
}
