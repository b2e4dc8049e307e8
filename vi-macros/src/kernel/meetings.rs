//! Statements that read categories of several blocks: given the others, each block sees their expectation.

use super::links::{Along, local, places};
use super::rows::RowBuilder;
use super::{Component, Local};
use crate::density::statement::StatementDensity;
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::Model;
use crate::report::Diagnostic;

/// Components of which some statements read the same unit, or the unit before it.
#[derive(Debug)]
pub struct Meeting {
    /// The states of all of them side by side, in their order, and the statements.
    pub component: Component,
    /// Which components they are.
    pub of: Vec<usize>,
    /// What is read of each.
    pub spans: Vec<Span>,
}

/// The units of a component that a statement reads, seen from the latest unit it reads of any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// That unit.
    Here,
    /// The one before it.
    Before,
    /// Both.
    Step,
}

impl Span {
    fn backs(self) -> &'static [usize] {
        match self {
            Span::Here => &[0],
            Span::Before => &[1],
            Span::Step => &[1, 0],
        }
    }
}

/// Adds a statement that reads categories of these components, where all of them stand at one unit or at two neighbours.
pub fn add(
    model: &Model,
    builder: &mut RowBuilder<'_>,
    d: &StatementDensity,
    components: &[Component],
    of: &[usize],
    meetings: &mut Vec<Meeting>,
) -> Result<(), Diagnostic> {
    let refuse = || refusal(model, d, &components[of[0]]);
    // Sizes have names: plates of the same ones have the same positions.
    let plates = |c: &Component| -> Vec<_> { c.unit.iter().map(|v| v.nominal).collect() };
    let simple = |c: &Component| {
        c.integrated.is_empty()
            && !c.has_normals()
            && c.guards.is_empty()
            && c.locals.iter().all(|l| l.back == 0 && !l.lasts)
            && plates(c) == plates(&components[of[0]])
    };
    let rank = components[of[0]].unit.len();
    let at = places(model, d, &Along::Axis, rank).map_err(|_| refuse())?;
    if !of.iter().all(|n| simple(&components[*n])) || !d.repeat.is_empty() {
        return Err(refuse());
    }
    let span = |n: &usize| {
        let c = &components[*n];
        let reads = |back: usize| {
            let mut own = d.gathers.iter().zip(&at.back).filter(|(g, _)| c.holds(g.elem.array));
            own.any(|(_, b)| *b == back)
        };
        match (reads(0), reads(1)) {
            (true, false) => Some(Span::Here),
            // Neighbours are those of a chain of one latent.
            (_, true) if c.locals.len() > 1 || c.link.as_ref().is_none_or(|l| l.along != Along::Axis) => None,
            (false, true) => Some(Span::Before),
            (true, true) => Some(Span::Step),
            (false, false) => None,
        }
    };
    let spans = of.iter().map(span).collect::<Option<Vec<Span>>>();
    let Some(spans) = spans.filter(|_| at.back.iter().all(|b| *b < 2)) else { return Err(refuse()) };
    let n = match meetings.iter().position(|m| m.of == of && m.spans == spans) {
        Some(n) => n,
        None => {
            let component = together(components, of, &spans);
            meetings.push(Meeting { component, of: of.to_vec(), spans });
            meetings.len() - 1
        }
    };
    let meeting = &mut meetings[n].component;
    if d.gathers.iter().zip(&at.back).any(|(g, b)| local(meeting, g.elem.array, *b).is_none()) {
        return Err(refuse());
    }
    let rows = builder.rows(d, Some(meeting), Some(&at))?;
    meeting.rows.push(rows);
    Ok(())
}

/// Once all statements are there: a component whose units take turns with each other has no turn with other components.
pub fn check(
    model: &Model,
    densities: &[StatementDensity],
    components: &[Component],
    meetings: &[Meeting],
) -> Result<(), Diagnostic> {
    for m in meetings.iter().filter(|m| m.of.iter().any(|n| !components[*n].pairs.is_empty())) {
        let first = m.component.rows.first().map(|r| r.statement);
        if let Some(d) = densities.iter().find(|d| Some(d.id) == first) {
            return Err(refusal(model, d, &components[m.of[0]]));
        }
    }
    Ok(())
}

fn refusal(model: &Model, d: &StatementDensity, first: &Component) -> Diagnostic {
    let name = |of_first: bool| {
        let found = d.gathers.iter().find(|g| first.holds(g.elem.array) == of_first);
        model.arrays[found.unwrap_or(&d.gathers[0]).elem.array.0].name.to_string()
    };
    mistakes::two_blocks(d.loc, &name(true), &name(false))
}

/// The joint states of some components, of the units that are read of each.
fn together(components: &[Component], of: &[usize], spans: &[Span]) -> Component {
    let first = &components[of[0]];
    let mut locals: Vec<Local> = vec![];
    for (n, span) in of.iter().zip(spans) {
        for back in span.backs() {
            for l in &components[*n].locals {
                let state = l.state_beside(first.unit.iter().chain(locals.iter().map(|x| &x.state)));
                locals.push(Local { state, back: *back, ..l.clone() });
            }
        }
    }
    Component::new(locals, first.unit.clone(), vec![])
}
