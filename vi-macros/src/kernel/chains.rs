//! Gaussian latents along an axis, each element joined to the one before: which of them are eliminated step by step.

use super::coefficients;
use super::exists::beginning;
use super::links::{Along, Link, Places, step, unconditional};
use super::normals::{elems_in, is_bound, is_gaussian, is_place, is_plain, of_unit};
use super::split::solve_shift;
use super::{Component, Normal, whitened};
use crate::density::poly::Factor;
use crate::density::statement::{Form, StatementDensity};
use crate::density::symbol::{Elem, Ix, IxTerm, Var};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{ArrayId, Model};
use crate::plan::{Block, Rule, Step};
use crate::report::Diagnostic;

/// Whether all of a block is one chain of Gaussians along its last index, each row of which reads one element of it or two neighbours.
pub fn is_chain(model: &Model, densities: &[StatementDensity], b: &Block) -> bool {
    let (latents, scale) = (whitened::whitened(model, b), whitened::scale(model, b));
    // What stands between two steps may be eliminated before them: the scan takes it along.
    let own = |s: &Step| match &s.rule {
        Rule::GaussianScan { whitened_by, .. } | Rule::Gaussian { whitened_by, .. } => *whitened_by == scale,
        Rule::Family { .. } => s.latents.iter().all(|a| Some(*a) == scale),
        Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. } => false,
    };
    let plates = latents.first().map_or(0, |a| model.arrays[a.0].plates.len());
    if plates == 0
        || !scans(b)
        || !b.trace.iter().all(own)
        || !latents.iter().all(|a| is_plain(model, *a) && model.arrays[a.0].plates.len() == plates)
    {
        return false;
    }
    densities.iter().all(|d| {
        let own = elems_in(d, &latents);
        if own.is_empty() {
            return true;
        }
        // Which element is read is no category's choice.
        let bound = own.iter().all(|e| e.indices.iter().take(plates).all(|i| is_bound(i, d)));
        coefficients::obstacle(model, d, b).is_none()
            && (d.gathers.is_empty() || bound && coefficients::others(model, d, b).is_empty())
            && d.repeat.is_empty()
            && places_of(&own, plates).is_some()
            && d.cases.iter().all(|c| is_gaussian(c, &latents))
    })
}

/// Whether a block is eliminated along an axis.
pub fn scans(b: &Block) -> bool {
    b.trace.iter().any(|s| matches!(s.rule, Rule::GaussianScan { .. }))
}

/// Every step of a chain has an element: it begins at 0, and no condition leaves one out.
pub fn whole(model: &Model, densities: &[StatementDensity], latents: &[ArrayId]) -> Result<(), Diagnostic> {
    unconditional(model, densities, latents)?;
    for a in latents {
        let late = beginning(model, densities, *a).iter().any(|i| *i != Ix::default());
        if let Some(d) = densities.iter().find(|d| late && d.target.array == *a) {
            let name = &model.arrays[a.0].name;
            return Err(mistakes::not_generated(
                d.loc,
                "a Gaussian chain that begins after 0",
                &format!("number its elements from 0: `latent {name}[0] ~ …;`"),
            ));
        }
    }
    Ok(())
}

/// How the units of a chain are joined.
pub fn link(model: &Model, densities: &[StatementDensity], latents: &[ArrayId], c: &Component) -> Link {
    let mut step = step(c, 0);
    step.normals =
        of_step(model, latents, &c.unit, order(densities, &whitened_of(model, latents), c.unit.len()));
    Link {
        along: Along::Axis,
        frontier: 0,
        step,
        rest: vec![],
        passes: vec![],
        begins: vec![],
        kinds: None,
        units: None,
    }
}

/// A latent that is in one block with a chain, and is not its scale.
pub fn beside(model: &Model, b: &Block) -> Option<ArrayId> {
    let scale = whitened::scale(model, b);
    let along = b.trace.iter().find(|s| matches!(s.rule, Rule::GaussianScan { .. }));
    let plates = along.and_then(|s| s.latents.first()).map_or(0, |a| model.arrays[a.0].plates.len());
    let other = |s: &&Step| match &s.rule {
        Rule::GaussianScan { .. } => false,
        Rule::Family { .. } => s.latents.iter().any(|a| Some(*a) != scale),
        Rule::Gaussian { .. } => s.latents.iter().any(|a| model.arrays[a.0].plates.len() != plates),
        Rule::Sum | Rule::Scan { .. } | Rule::Tree { .. } => true,
    };
    b.trace.iter().find(other).and_then(|s| s.latents.first()).copied()
}

/// Whether a latent is eliminated as a Gaussian.
pub fn is_gaussian_in(b: &Block, a: ArrayId) -> bool {
    let gaussian = |s: &&Step| matches!(s.rule, Rule::Gaussian { .. } | Rule::GaussianScan { .. });
    b.trace.iter().filter(gaussian).any(|s| s.latents.contains(&a))
}

/// Copies of a sequence.
pub const REPEATED: &str = ", inside a `repeat`";

/// What a chain that is refused has in its way, as an addition to what it is called.
pub fn obstacle(model: &Model, densities: &[StatementDensity], b: &Block) -> String {
    let latents = whitened::whitened(model, b);
    let plates = latents.first().map_or(0, |a| model.arrays[a.0].plates.len());
    for d in densities {
        let own = elems_in(d, &latents);
        let Some(first) = own.first() else { continue };
        for e in &own {
            let axes = first.indices.iter().zip(&e.indices).take(plates).enumerate();
            for (axis, (i, j)) in axes {
                match i.plus(-1, j).as_constant() {
                    Some(n) if n != 0 && axis + 1 < plates => {
                        return ", along an index that is not the last".into();
                    }
                    Some(_) | None => {}
                }
            }
        }
        if let Some(a) = coefficients::obstacle(model, d, b) {
            return format!(", beside the uncertain `{}`", model.arrays[a.0].name);
        }
        if !d.repeat.is_empty() {
            return REPEATED.into();
        }
        if let Some(g) = d.gathers.first() {
            return format!(", beside the category `{}`", model.arrays[g.elem.array.0].name);
        }
    }
    String::new()
}

/// Where a statement of a chain is seen from, and whether it reads steps before as well.
pub fn places(model: &Model, d: &StatementDensity, c: &Component) -> Option<(Places, bool)> {
    let own = elems_in(d, &model.unit_normals);
    let (unit, distance) = places_of(&own, c.unit.len())?;
    Some((Places { unit, back: vec![] }, distance > 0))
}

/// The latest of the elements that a statement reads, and how many steps before it the earliest is.
fn places_of(own: &[Elem], plates: usize) -> Option<(Vec<Ix>, usize)> {
    let first = own.first()?.indices.get(..plates)?;
    let (base, outer) = first.split_last()?;
    let mut apart = vec![];
    for e in own {
        let (last, others) = e.indices.get(..plates)?.split_last()?;
        if others != outer {
            return None;
        }
        apart.push((last.plus(-1, base).as_constant()?, last));
    }
    let (latest, last) = apart.iter().copied().max_by_key(|(n, _)| *n)?;
    let earliest = apart.iter().map(|(n, _)| *n).min()?;
    let fixed = last.as_constant().is_some_and(|n| n >= latest - earliest);
    let joined = latest != earliest;
    let seen = outer.iter().all(is_place)
        && if joined { fixed || solve_shift(last).is_some() } else { is_place(last) };
    let unit = outer.iter().chain([last]).cloned().collect();
    seen.then_some((unit, (latest - earliest).unsigned_abs() as usize))
}

fn whitened_of(model: &Model, latents: &[ArrayId]) -> Vec<ArrayId> {
    latents.iter().copied().filter(|a| super::is_unit_normal(model, *a)).collect()
}

/// How many steps before its own a step of a chain reads.
fn order(densities: &[StatementDensity], latents: &[ArrayId], plates: usize) -> usize {
    let reach = |d: &StatementDensity| {
        let own = elems_in(d, latents);
        places_of(&own, plates).map_or(0, |(_, distance)| distance)
    };
    densities.iter().map(reach).max().unwrap_or(1).max(1)
}

/// A statement of one step of a chain that reads the steps before it, with an index in place of their numbers: `x[1]` given `x[0]` is `x[t]`
/// given `x[t-1]` for t from 1 to 2. Others are as they were.
pub fn along(model: &Model, d: &StatementDensity, c: &Component) -> Option<StatementDensity> {
    let own = elems_in(d, &model.unit_normals);
    let plates = c.unit.len();
    let (unit, distance) = places_of(&own, plates)?;
    let at = unit.last()?.as_constant().filter(|_| distance > 0)?;
    let axis = c.unit.last()?;
    let v = Var::new(axis.name.clone(), axis.nominal, Ix::constant(at), Ix::constant(at + 1));
    let mut out = d.clone();
    let moved = |e: &mut Elem| {
        if let Some(i) = e.indices.get_mut(plates - 1).filter(|_| model.unit_normals.contains(&e.array))
            && let Some(n) = i.as_constant()
        {
            *i = Ix::var(&v).plus(1, &Ix::constant(n - at));
        }
    };
    moved(&mut out.target);
    for case in &mut out.cases {
        let Form::Normal(r) = &mut case.form else { continue };
        for (f, _) in r.rho.0.iter_mut().flat_map(|t| &mut t.factors) {
            if let Factor::Elem(e) = f {
                moved(e);
            }
        }
    }
    out.vars.push(v);
    Some(out)
}

/// The Gaussian latents of a unit and of those before it that a step reads, the earliest first.
pub fn of_step(model: &Model, latents: &[ArrayId], unit: &[Var], order: usize) -> Vec<Normal> {
    (0..=order)
        .rev()
        .flat_map(|back| {
            let mut own = of_unit(model, latents, unit);
            own.iter_mut().for_each(|n| n.back = back);
            own
        })
        .collect()
}

/// How far before the unit an element of a chain is, as rows of steps write it.
pub fn back(model: &Model, e: &Elem) -> usize {
    let last = model.arrays[e.array.0].plates.len().checked_sub(1).and_then(|n| e.indices.get(n));
    let before = |i: &&Ix| i.offset < 0 && matches!(i.terms.as_slice(), [(1, IxTerm::Var(_))]);
    last.filter(before).map_or(0, |i| i.offset.unsigned_abs() as usize)
}

impl Link {
    /// How many steps before its own a step of Gaussians reads.
    pub fn order(&self) -> usize {
        self.step.normals.iter().map(|n| n.back).max().unwrap_or(1)
    }
}

impl Component {
    /// Whether it is a chain of Gaussians, or the step of one.
    pub fn is_chain(&self) -> bool {
        // Where categories are handed on, the Gaussians are those of one unit in its state.
        let handed_on = self.link.as_ref().is_some_and(|l| l.frontier == 0);
        self.has_normals() && (handed_on || self.beside || self.normals.iter().any(|n| n.back > 0))
    }
}
