//! Statements that read categories of several blocks: given the others, each block sees their expectation.

use super::links::{Along, local, places};
use super::rows::RowBuilder;
use super::{Component, Local};
use crate::density::statement::StatementDensity;
use crate::diagnostics::kernel as mistakes;
use crate::model::ir::Model;
use crate::report::Diagnostic;

/// Components of which some statements read the same unit.
#[derive(Debug)]
pub struct Meeting {
    /// The states of all of them side by side, in their order, and the statements.
    pub component: Component,
    /// Which components they are.
    pub of: Vec<usize>,
}

/// Adds a statement that reads categories of these components, where all of them stand at one unit.
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
    if !of.iter().all(|n| simple(&components[*n])) || at.back.iter().any(|b| *b > 0) || !d.repeat.is_empty() {
        return Err(refuse());
    }
    let n = match meetings.iter().position(|m| m.of == of) {
        Some(n) => n,
        None => {
            meetings.push(Meeting { component: together(components, of), of: of.to_vec() });
            meetings.len() - 1
        }
    };
    let meeting = &mut meetings[n].component;
    if d.gathers.iter().any(|g| local(meeting, g.elem.array, 0).is_none()) {
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
    let name = |n: usize| model.arrays[d.gathers[n].elem.array.0].name.to_string();
    let other = (0..d.gathers.len()).find(|n| !first.holds(d.gathers[*n].elem.array)).unwrap_or(0);
    mistakes::two_blocks(d.loc, &name(0), &name(other))
}

/// The joint states of some components.
fn together(components: &[Component], of: &[usize]) -> Component {
    let first = &components[of[0]];
    let mut locals: Vec<Local> = vec![];
    for l in of.iter().flat_map(|n| &components[*n].locals) {
        let state = l.state_beside(first.unit.iter().chain(locals.iter().map(|x| &x.state)));
        locals.push(Local { state, ..l.clone() });
    }
    Component::new(locals, first.unit.clone(), vec![])
}
