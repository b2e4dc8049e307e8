//! Units that follow one another along an axis or on a tree: what is handed on, and what joins two of them.
//!
//! The state of a unit holds its own categories and, where statements look further back, those of the units before it. A statement that reads
//! more than one unit's state belongs to the step from one to the next.

use super::exists::beginning;
use super::{Component, Local, Rows, is_param, is_unit_normal};
use crate::density::lower::Gather;
use crate::density::poly::Poly;
use crate::density::statement::StatementDensity;
use crate::density::symbol::{Cmp, Cond, Elem, Ix, IxTerm, Var};
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::{ArrayId, Model, Role};
use crate::plan::passes::{Element, Pass, passes};
use crate::plan::{Block, Rule};
use crate::report::Diagnostic;

/// How the units of a component follow one another.
#[derive(Debug)]
pub struct Link {
    pub along: Along,
    /// The first locals of the component: the state that is handed on. The others are summed out where they are.
    pub frontier: usize,
    /// Two units at once: its locals are the earlier unit's frontier, then what the unit itself has besides, and its rows the statements that
    /// join them. Where the step goes in parts, the first of them.
    pub step: Component,
    /// The other parts of the step.
    pub rest: Vec<Component>,
    /// What each part carries along, sums over and brings in; its locals are in this order.
    pub passes: Vec<Pass>,
    /// Where each array begins, by axes.
    pub begins: Vec<(ArrayId, Vec<Ix>)>,
    /// What steps differ by; `None`: each step has a law of its own.
    pub kinds: Option<Kinds>,
    /// What the units' own statements differ by, statement by statement; `None`: by more than conditions and finite values.
    pub units: Option<Vec<Kinds>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Along {
    /// The last plate, one position after another.
    Axis,
    /// The last plate, by a given map to the parent.
    Tree(ArrayId),
}

impl Link {
    /// The parts of a step, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Component> {
        std::iter::once(&self.step).chain(&self.rest)
    }
}

/// Conditions and values of data that tell the kinds of steps, or of units, apart.
#[derive(Debug, Default)]
pub struct Kinds {
    pub conds: Vec<Cond>,
    pub values: Vec<Ix>,
}

/// Where the latents of a statement stand.
pub struct Places {
    /// The unit the statement is seen from: the latest.
    pub unit: Vec<Ix>,
    /// How far before it each gathered element is.
    pub back: Vec<usize>,
}

/// What a block's statements say of the distance between units.
pub struct Reach {
    pub along: Along,
    /// The array, how far back it is read, and whether a step reads it.
    pub arrays: Vec<(ArrayId, usize, bool)>,
}

/// How a block is joined along an axis, if it is. `rank` is the number of indices of a unit; categories with fewer last along the axis, which
/// joins units that nothing else joins.
pub fn reach(
    model: &Model,
    densities: &[StatementDensity],
    b: &Block,
    rank: usize,
) -> Result<Option<Reach>, Diagnostic> {
    let lasts = |a: ArrayId| model.arrays[a.0].plates.len() < rank;
    let along = b.trace.iter().find_map(|s| match &s.rule {
        Rule::Scan { .. } => Some(Along::Axis),
        Rule::Tree { .. } => {
            let map = densities.iter().flat_map(|d| &d.gathers).find_map(|g| {
                let [(1, IxTerm::Read(map))] = g.elem.indices.last()?.terms.as_slice() else { return None };
                s.latents.contains(&g.elem.array).then_some(map.array)
            });
            map.map(Along::Tree)
        }
        Rule::Sum | Rule::Family { .. } | Rule::Gaussian { .. } | Rule::GaussianScan { .. } => None,
    });
    let scale = super::whitened::scale(model, b);
    let hidden = |a: &ArrayId| model.integrated.contains(a) || is_unit_normal(model, *a) || scale == Some(*a);
    let finite: Vec<ArrayId> = b.latents.iter().copied().filter(|a| !hidden(a)).collect();
    let along = along.or_else(|| finite.iter().any(|a| lasts(*a)).then_some(Along::Axis));
    let Some(along) = along else { return Ok(None) };
    let mut arrays: Vec<(ArrayId, usize, bool)> = finite.iter().map(|a| (*a, 0, false)).collect();
    let inside = |g: &Gather| b.latents.contains(&g.elem.array);
    let mut all = vec![];
    for d in densities.iter().filter(|d| d.gathers.iter().any(inside)) {
        let places = places(model, d, &along, rank)?;
        for (g, back) in d.gathers.iter().zip(&places.back) {
            if let Some(a) = arrays.iter_mut().find(|a| a.0 == g.elem.array) {
                a.1 = a.1.max(*back);
            }
        }
        all.push((d, places));
    }
    // What is integrated out in the states of a unit is so in those of all categories that a statement reads with it: the unit remembers them.
    for (d, places) in all.iter().filter(|_| along == Along::Axis) {
        let own: Vec<ArrayId> =
            model.unit_normals.iter().copied().filter(|a| b.latents.contains(a)).collect();
        let inner = !super::integrated::elements(model, d).is_empty()
            || !super::normals::elems_in(d, &own).is_empty();
        for (g, back) in d.gathers.iter().zip(&places.back).filter(|(_, back)| inner && **back > 0) {
            if let Some(a) = arrays.iter_mut().find(|a| a.0 == g.elem.array) {
                a.1 = a.1.max(back + 1);
            }
        }
    }
    // A step reads an array further back than the unit's own state reaches.
    let depth = |a: ArrayId| arrays.iter().find(|x| x.0 == a).map_or(1, |x| x.1.max(1));
    let mut joined = vec![];
    for (d, places) in &all {
        if d.gathers.iter().zip(&places.back).any(|(g, back)| *back >= depth(g.elem.array)) {
            joined.extend(d.gathers.iter().map(|g| g.elem.array));
        }
    }
    for a in &mut arrays {
        a.2 = a.1 > 0 || joined.contains(&a.0) || lasts(a.0);
    }
    // What is handed on comes first.
    arrays.sort_by_key(|a| !a.2);
    Ok(Some(Reach { along, arrays }))
}

/// Every element of a chain is there: that there is a first one is all its guards may ask.
pub fn unconditional(
    model: &Model,
    densities: &[StatementDensity],
    latents: &[ArrayId],
) -> Result<(), Diagnostic> {
    for d in densities.iter().filter(|d| latents.contains(&d.target.array)) {
        let mut reads = false;
        d.guards.iter().for_each(|c| c.visit_elems(&mut |_| reads = true));
        if reads && model.statements[d.id.0].role == Role::Latent {
            return Err(mistakes::not_generated(
                d.loc,
                "a chain under a condition",
                "declare all of its elements, and leave out observations by missing values (`?`)",
            ));
        }
    }
    Ok(())
}

/// What is integrated out or eliminated in the states of a step has a law at every step.
pub fn everywhere(
    model: &Model,
    densities: &[StatementDensity],
    latents: &[ArrayId],
) -> Result<(), Diagnostic> {
    let inner = latents.iter().filter(|a| is_unit_normal(model, **a) || model.integrated.contains(a));
    for a in inner {
        let late = beginning(model, densities, *a).iter().any(|i| *i != Ix::default());
        if let Some(d) = densities.iter().find(|d| late && d.target.array == *a) {
            let name = &model.arrays[a.0].name;
            return Err(mistakes::not_generated(
                d.loc,
                "a latent beside a chain that begins after 0",
                &format!("declare it at every step: `latent {name}[t in T] ~ …;`"),
            ));
        }
    }
    Ok(())
}

/// A statement of a step reads nothing that is integrated out or eliminated in the states of one unit.
pub fn outside(model: &Model, d: &StatementDensity) -> Result<(), Diagnostic> {
    let integrated = super::integrated::elements(model, d).into_iter().next();
    let normal = || super::normals::elems_in(d, &model.unit_normals).into_iter().next();
    match integrated.or_else(normal) {
        None => Ok(()),
        Some(e) => {
            let name = model.arrays[e.array.0].name.to_string();
            Err(mistakes::no_engine(d.loc, &name, "a posterior for each pair of neighbouring states"))
        }
    }
}

/// The unit a statement is seen from, and how far back it reads each of its latents. Units have `rank` indices; a latent with one less is every
/// unit's, and what reads nothing else is said of the first one.
pub fn places(model: &Model, d: &StatementDensity, along: &Along, rank: usize) -> Result<Places, Diagnostic> {
    let refuse = |g: &Gather| mistakes::not_local(d.loc, &model.arrays[g.elem.array.0].name.to_string());
    let lasts = |g: &&Gather| g.elem.indices.len() < rank;
    let gathers: Vec<&Gather> = d.gathers.iter().filter(|g| !lasts(g)).collect();
    let outer = match gathers.first() {
        Some(g) => &g.elem.indices[..rank.saturating_sub(1)],
        None => d.gathers[0].elem.indices.as_slice(),
    };
    if let Some(g) = d.gathers.iter().filter(lasts).find(|g| g.elem.indices != outer) {
        return Err(refuse(g));
    }
    let Some(anchor) = gathers.first() else {
        return Ok(Places { unit: [outer, &[Ix::default()]].concat(), back: vec![0; d.gathers.len()] });
    };
    let first = &anchor.elem.indices;
    let mut back: Vec<i64> = vec![];
    for g in &gathers {
        let (Some((own, outer)), Some((base, others))) = (g.elem.indices.split_last(), first.split_last())
        else {
            return Err(refuse(g));
        };
        if outer != others {
            let apart = |(a, b): (&Ix, &Ix)| a.plus(-1, b).as_constant().is_some_and(|n| n != 0);
            if g.elem.array == anchor.elem.array && outer.iter().zip(others).any(apart) {
                let name = model.arrays[g.elem.array.0].name.to_string();
                return Err(mistakes::not_generated(
                    d.loc,
                    "a chain along an index that is not the last",
                    &format!(
                        "declare `{name}` with the index along which it follows itself last, as in `{name}[s, t]`"
                    ),
                ));
            }
            return Err(refuse(g));
        }
        let distance = match along {
            Along::Axis => base.plus(-1, own).as_constant(),
            Along::Tree(map) => match (ancestor(own, *map), ancestor(base, *map)) {
                (Some(a), Some(b)) if a == b => {
                    Some(i64::from(own != &Ix::var(&a)) - i64::from(base != &Ix::var(&b)))
                }
                (None, None) if own == base => Some(0),
                (None | Some(_), None | Some(_)) => None,
            },
        };
        back.push(distance.ok_or_else(|| refuse(g))?);
    }
    let nearest = back.iter().copied().min().unwrap_or(0);
    let latest = back.iter().position(|b| *b == nearest).unwrap_or(0);
    let mut moving = back.iter().map(|b| (b - nearest).unsigned_abs() as usize);
    let back = d.gathers.iter().map(|g| if lasts(&g) { 0 } else { moving.next().unwrap_or(0) }).collect();
    Ok(Places { unit: gathers[latest].elem.indices.clone(), back })
}

/// n of `n` and of `parent[n]`.
fn ancestor(i: &Ix, map: ArrayId) -> Option<Var> {
    match i.terms.as_slice() {
        [(1, IxTerm::Read(e))] if e.array == map && i.offset == 0 => e.indices.last()?.as_var().cloned(),
        _ => i.as_var().cloned(),
    }
}

/// A local by this array and distance.
pub fn local(c: &Component, array: ArrayId, back: usize) -> Option<usize> {
    c.locals.iter().position(|l| l.array == array && l.back == back)
}

/// The component of two neighbouring units.
pub fn step(c: &Component, frontier: usize) -> Component {
    let own = &c.locals[..frontier];
    let mut locals: Vec<Local> = vec![];
    let taken: Vec<&Var> = c.unit.iter().chain(c.locals.iter().map(|l| &l.state)).collect();
    for l in own.iter().filter(|l| !l.lasts) {
        let state = l.state_beside(taken.iter().copied().chain(locals.iter().map(|x| &x.state)));
        locals.push(Local { array: l.array, back: l.back + 1, lasts: false, state });
    }
    // What the unit itself keeps of the earlier one is there already.
    let own: Vec<Local> = own
        .iter()
        .filter(|l| locals.iter().all(|x| (x.array, x.back) != (l.array, l.back)))
        .cloned()
        .collect();
    locals.extend(own);
    Component::new(locals, c.unit.clone(), c.guards.clone())
}

/// Takes a step in parts, where that is cheaper: each part has the statements whose elements it has first.
pub fn in_parts(link: &mut Link) {
    if link.step.is_chain() {
        return;
    }
    let mut arrays: Vec<(ArrayId, usize)> = vec![];
    for l in &link.step.locals {
        match arrays.iter_mut().find(|a| a.0 == l.array) {
            Some(a) => a.1 = a.1.max(l.back),
            None => arrays.push((l.array, l.back)),
        }
    }
    let element =
        |l: &Local| -> Element { (arrays.iter().position(|a| a.0 == l.array).unwrap_or(0), l.back) };
    let whole = &link.step;
    let read = |r: &Rows| -> Vec<Element> { r.states.iter().map(|n| element(&whole.locals[*n])).collect() };
    let reads: Vec<Vec<Element>> = whole.rows.iter().map(read).collect();
    let depths: Vec<usize> = arrays.iter().map(|a| a.1).collect();
    let passes = passes(&depths, &reads);
    let mut parts: Vec<Component> = passes
        .iter()
        .map(|pass| {
            let of = |e: &Element| whole.locals.iter().find(|l| element(l) == *e).cloned();
            Component::new(pass.elements().filter_map(of).collect(), whole.unit.clone(), whole.guards.clone())
        })
        .collect();
    for (r, read) in whole.rows.iter().zip(&reads) {
        let Some(part) = passes.iter().position(|p| p.covers(read)) else { continue };
        let place = |n: &usize| {
            let l = &whole.locals[*n];
            parts[part].locals.iter().position(|x| (x.array, x.back) == (l.array, l.back)).unwrap_or(0)
        };
        let states = r.states.iter().map(place).collect();
        parts[part].rows.push(Rows { states, ..r.clone() });
    }
    link.passes = passes;
    link.rest = parts.split_off(1);
    link.step = parts.remove(0);
}

/// What the steps differ by, where it is finite.
pub fn kinds(model: &Model, link: &Link) -> Option<Kinds> {
    let mut out = Kinds::default();
    for step in link.steps() {
        for r in &step.rows {
            // An observation of two units may be missing.
            if step.locals.iter().all(|l| l.array != r.target.array) {
                return None;
            }
            row_kinds(model, step, r, &mut out)?;
        }
    }
    out.conds.retain(|c| !always(&link.along, &link.step, c));
    Some(out)
}

/// What the units of a component differ by, where it is finite and their states are all that is hidden.
pub fn unit_kinds(model: &Model, c: &Component) -> Option<Vec<Kinds>> {
    let hidden = !c.integrated.is_empty() || c.has_normals() || c.whitened.is_some() || c.beside;
    if hidden || !c.pairs.is_empty() || c.locals.iter().any(|l| l.back > 0) {
        return None;
    }
    c.rows
        .iter()
        .map(|r| {
            let mut kinds = Kinds::default();
            row_kinds(model, c, r, &mut kinds)?;
            Some(kinds)
        })
        .collect()
}

/// Along an axis every step leads to a position after the first.
pub fn always(along: &Along, step: &Component, c: &Cond) -> bool {
    let Cond::Compare(Cmp::Le, low, at) = c else { return false };
    *along == Along::Axis
        && step.unit.last().map(Ix::var).as_ref() == Some(at)
        && low.as_constant().is_some_and(|n| n <= 1)
}

fn row_kinds(model: &Model, step: &Component, r: &Rows, out: &mut Kinds) -> Option<()> {
    let data = |e: &Elem| !is_param(model, e.array) && model.arrays[e.array.0].role != Role::Const;
    if !r.loops.is_empty() || !r.copies.is_empty() {
        return None;
    }
    let states: Vec<&Var> = step.locals.iter().map(|l| &l.state).collect();
    let mut of_state = |c: &Cond| {
        let mut found = false;
        c.visit_vars(&mut |v| found |= states.contains(&v));
        if !found && !out.conds.contains(c) {
            out.conds.push(c.clone());
        }
        found
    };
    for c in &r.guards {
        of_state(c);
    }
    for case in &r.cases {
        for c in &case.when {
            if of_state(c) {
                let mut reads = false;
                c.visit_elems(&mut |e| reads |= data(e));
                c.visit_vars(&mut |v| reads |= step.unit.contains(v));
                if reads {
                    return None;
                }
            }
        }
        for cell in &case.cells {
            if !out.values.contains(&cell.value) {
                out.values.push(cell.value.clone());
            }
        }
        let mut own = false;
        case.body.visit_polys(&mut |p: &Poly| {
            p.visit_elems(&mut |e| own |= data(e));
            own |= step.unit.iter().any(|v| p.mentions(v));
        });
        if own {
            return None;
        }
    }
    Some(())
}
