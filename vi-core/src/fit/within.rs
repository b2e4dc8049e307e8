//! Latents inside the states of units that follow one another: integrated out, or eliminated, in every state before the sum over the chain.
//!
//! The sum over a chain needs their evidence alone, which is in the potentials. What is expected of them is worked out once more where it is
//! read, one tile at a time: nothing of the size of a sequence is kept for it.

use super::Categories;
use super::linked::Linked;
use super::links::Links;
use super::program::{Program, Scratch};
use super::sequence::Desk;
use super::sweep::{Visit, Work, in_tiles};
use crate::Error;
use crate::reduce::Accumulate;
use std::ops::Range;

/// Whether a component has such latents.
pub(super) fn has_inner<M: Program>(index: usize) -> bool {
    M::CONDITIONAL.contains(&index) || M::NORMALS.contains(&index)
}

impl<M: Program> Linked<'_, '_, M> {
    /// Makes what is expected of these units' latents in every state the workspace's own; the statistics of the tile come next.
    pub(super) fn within(&self, units: Range<usize>, again: &mut Vec<f64>, scratch: &mut Scratch) {
        if !has_inner::<M>(self.index) {
            return;
        }
        if !self.model.hides(&self.work.context, self.index, &units) {
            // What the workspace has is of other units.
            scratch.integrated = false;
            return;
        }
        again.clear();
        again.resize(self.component.states * units.len(), 0.0);
        let magnitude = scratch.magnitude;
        self.work.potentials(self.model, self.at, self.index, units, again, scratch);
        scratch.magnitude = magnitude;
        scratch.normals.fresh = true;
    }

    /// Makes the probabilities of a tile of a sequence the desk's table, and what is expected inside its states the workspace's own.
    pub(super) fn lay_out(&self, desk: &mut Desk, units: &Range<usize>, part: Range<usize>) {
        let (states, size, n) = (self.component.states, self.links.frontier(), part.len());
        for s in 0..states {
            for i in 0..n {
                desk.table[s * n + i] = desk.probability(part.start - units.start + i, s, states, size);
            }
        }
        self.within(part, &mut desk.again, &mut desk.scratch);
    }

    /// Shows the units of a sequence tile by tile, with the probabilities that are on the desk.
    fn show(&self, desk: &mut Desk, units: &Range<usize>, visit: &mut Visit<'_>) {
        let states = self.component.states;
        for part in in_tiles(units.clone(), states) {
            let n = part.len();
            self.lay_out(desk, units, part.clone());
            visit(part, &desk.table[..states * n], &[], &desk.scratch);
            desk.scratch.normals.fresh = false;
        }
    }
}

impl<M: Program> Work<'_, M> {
    /// Visits every tile of units that follow one another, by all data or, `filtered`, by those up to each unit.
    pub(super) fn each_linked_tile(
        &self,
        model: &M,
        globals: &M::Globals,
        at: &M::Prepared,
        (index, links): (usize, &Links),
        filtered: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        let job = self.linked(model, globals, at, index, links);
        let mut desk = job.scratch();
        for units in (0..links.sequences()).map(|s| links.sequence(s)).filter(|units| !units.is_empty()) {
            if filtered {
                job.filter(&mut desk, &units)?;
            } else {
                job.smooth(&mut desk, &units)?;
            }
            job.show(&mut desk, &units, visit);
        }
        Ok(())
    }

    /// Writes the marginals of latents inside the states of every unit, by the data up to it.
    pub(super) fn filtered_within(
        &self,
        model: &M,
        globals: &M::Globals,
        posterior: &mut M::Posterior,
    ) -> Result<(), Error> {
        let at = model.prepare(&self.context, globals)?;
        for index in (0..self.components.len()).filter(|index| has_inner::<M>(*index)) {
            let Some(links) = self.links(index) else { continue };
            self.each_linked_tile(
                model,
                globals,
                &at,
                (index, links),
                true,
                &mut |units, table, _, scratch| {
                    share(model, &self.context, globals, index, units.clone(), table, scratch, posterior);
                    model.conditionals_once(&self.context, index, units, table, scratch, posterior);
                },
            )?;
        }
        Ok(())
    }
}

/// Writes the marginals of latents inside the states of units that no data say anything of, the categories having these probabilities. These
/// units go on from others: what one unit of a sequence has is not theirs.
pub(super) fn unobserved<M: Program>(
    model: &M,
    context: &M::Context<'_>,
    globals: &M::Globals,
    categories: &Categories,
    posterior: &mut M::Posterior,
) -> Result<(), Error> {
    if !has_inner::<M>(0) {
        return Ok(());
    }
    let at = model.prepare(context, globals)?;
    let states = categories.states();
    let (mut scratch, mut potentials) = (Scratch::default(), vec![]);
    for part in in_tiles(0..categories.len(), states) {
        let n = part.len();
        potentials.clear();
        potentials.resize(states * n, 0.0);
        model.potentials(context, &at, 0, part.clone(), &mut potentials, &mut scratch);
        let mut table = vec![0.0; states * n];
        for (i, unit) in part.clone().enumerate() {
            for (s, p) in categories.probs(unit).iter().enumerate() {
                table[s * n + i] = *p;
            }
        }
        share(model, context, globals, 0, part, &table, &scratch, posterior);
    }
    Ok(())
}

/// Writes the marginals of latents inside the states of a tile whose potentials have just been gathered.
#[allow(clippy::too_many_arguments, reason = "a tile, and where its laws go")]
fn share<M: Program>(
    model: &M,
    context: &M::Context<'_>,
    globals: &M::Globals,
    index: usize,
    units: Range<usize>,
    table: &[f64],
    scratch: &Scratch,
    posterior: &mut M::Posterior,
) {
    if M::CONDITIONAL.contains(&index) {
        model.conditionals(context, index, units.clone(), table, scratch, posterior);
    }
    if M::NORMALS.contains(&index) {
        let len = units.len();
        for (i, unit) in units.enumerate() {
            model.share_normals(context, globals, index, unit, (i, len), table, &scratch.normals, posterior);
        }
    }
}
