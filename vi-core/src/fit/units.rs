//! Gaussian latents of the units: their posteriors and draws from them, tile by tile.

use super::program::Program;
use super::sweep::Work;
use crate::{Error, rng};

impl<M: Program> Work<'_, M> {
    /// q of the latents of every unit.
    pub fn posterior(&self, model: &M, globals: &M::Globals) -> Result<M::Posterior, Error> {
        let mut posterior = model.posterior(&self.context, self.tables(model, globals)?);
        if M::NORMALS.is_empty() {
            return Ok(posterior);
        }
        let at = model.prepare(&self.context, globals)?;
        for &index in M::NORMALS {
            let component = self.components[index];
            self.each_tile(model, globals, &at, index, component, &mut |units, _, _, normals| {
                for (slot, unit) in units.enumerate() {
                    model.share_normals(&self.context, index, unit, slot, normals, &mut posterior);
                }
            })?;
        }
        Ok(posterior)
    }

    /// Draws the Gaussian latents of every unit given its state; log q of them.
    pub fn draw_normals(
        &self,
        model: &M,
        globals: &M::Globals,
        states: &[Vec<usize>],
        (seed, draw): (u64, usize),
        latents: &mut M::Latents,
    ) -> Result<f64, Error> {
        let mut log_q = 0.0;
        if M::NORMALS.is_empty() {
            return Ok(log_q);
        }
        let at = model.prepare(&self.context, globals)?;
        let mut values = vec![];
        for &index in M::NORMALS {
            let component = self.components[index];
            self.each_tile(model, globals, &at, index, component, &mut |units, _, _, normals| {
                let len = units.len();
                for (i, unit) in units.enumerate() {
                    let mut rng = rng::stream(seed, "draw of a Gaussian", &[draw, index, unit]);
                    let log = normals.draw(states[index][unit] * len + i, &mut rng, &mut values);
                    let copies = model.copies(&self.context, index, unit);
                    if copies > 0.0 {
                        log_q += copies * log;
                    }
                    model.set_normals(&self.context, index, unit, &values, latents);
                }
            })?;
        }
        Ok(log_q)
    }
}
