//! Latents that one unit of each sequence has: integrated out in the states of that unit, and of no other.

use super::links::{Along, places};
use super::{Component, Integrated, Rows, integrated};
use crate::density::statement::StatementDensity;
use crate::density::symbol::{Cmp, Cond, Elem, Ix, Var};
use crate::kernel::links::Places;
use crate::model::ir::{ArrayId, Model};

/// The position along the last axis of the units at which all statements stand that read a latent together with categories. `None` if there is
/// no one position, written as a number.
pub fn position(
    model: &Model,
    densities: &[StatementDensity],
    array: ArrayId,
    along: &Along,
    rank: usize,
) -> Option<usize> {
    let reads = |d: &&StatementDensity| integrated::elements(model, d).iter().any(|e| e.array == array);
    let mut found: Option<usize> = None;
    for d in densities.iter().filter(reads).filter(|d| !d.gathers.is_empty()) {
        let places = places(model, d, along, rank).ok()?;
        let at = usize::try_from(places.unit.last()?.as_constant()?).ok()?;
        // In a sequence too short for it, a law would have no category to depend on.
        let of_category = d.target.array == array && at > 0;
        if of_category || found.is_some_and(|f| f != at) {
            return None;
        }
        found = Some(at);
    }
    found
}

impl Integrated {
    /// The indices of a unit that the latent has too.
    pub fn own<'v>(&self, unit: &'v [Var]) -> &'v [Var] {
        &unit[..unit.len() - usize::from(self.at.is_some())]
    }

    /// Whether a unit has the latent: the one where it is read, or the first of a sequence that ends before that.
    pub fn is_there(&self, unit: &[Var]) -> Option<Cond> {
        let (axis, at) = (unit.last()?, self.at?);
        let here = |n: usize| Cond::Compare(Cmp::Eq, Ix::var(axis), Ix::constant(n as i64));
        if at == 0 {
            return Some(here(0));
        }
        let ended = Cond::Compare(Cmp::Le, axis.high.clone(), Ix::constant(at as i64));
        Some(Cond::Or(vec![here(at), Cond::And(vec![here(0), ended])]))
    }
}

impl Component {
    /// How many indices of an element are those of its unit.
    pub fn rank_of(&self, a: ArrayId) -> usize {
        let own = self.integrated.iter().find(|i| i.array == a);
        own.map_or(self.unit.len(), |i| i.own(&self.unit).len())
    }

    /// Whether each of its integrated latents is of one unit of a sequence, and nothing else is hidden inside its states.
    pub fn hides_once(&self) -> bool {
        !self.integrated.is_empty() && !self.has_normals() && self.integrated.iter().all(|i| i.at.is_some())
    }

    /// Where a statement without categories stands that holds such a latent, and which units it is said of.
    pub fn once(&self, elements: &[Elem]) -> Option<(Places, Cond)> {
        let found = elements.iter().find_map(|e| {
            let i = self.integrated.iter().find(|i| i.array == e.array && i.at.is_some())?;
            Some((e, i))
        });
        let (e, i) = found?;
        let mut unit: Vec<Ix> = e.indices[..self.unit.len() - 1].to_vec();
        unit.push(Ix::constant(i.at? as i64));
        Some((Places { unit, back: vec![] }, i.is_there(&self.unit)?))
    }
}

/// The rows of such a statement, at the units that have its latent.
pub fn at_units(mut rows: Rows, c: &Component, places: &Places, there: Cond) -> Rows {
    let (Some(axis), Some(at)) = (c.unit.last(), places.unit.last()) else { return rows };
    let fixed = Cond::Compare(Cmp::Eq, Ix::var(axis), at.clone());
    rows.guards.iter_mut().filter(|g| **g == fixed).for_each(|g| *g = there.clone());
    rows
}
