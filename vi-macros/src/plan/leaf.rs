//! Missing entries that nobody else reads: their density integrates to 1, so they are left out.

use crate::density::normal_form::Monomial;
use crate::density::statement::{Form, Scale, StatementDensity};
use crate::model::ir::{Access, ArrayId, Constraint, Expr, ExprKind, Index, IndexTerm, Model, Role};

/// Whether an array declared with `?` is masked out wherever it is missing.
pub fn is_masked(
    model: &Model,
    monomials: &[Monomial],
    densities: &[StatementDensity],
    array: ArrayId,
) -> bool {
    let a = &model.arrays[array.0];
    let observed = a.pieces.iter().all(|p| model.statements[p.0].role == Role::Observed);
    if !a.missing || !observed {
        return false;
    }
    let own = |s: usize| model.statements[s].array == array;
    for m in monomials {
        let mut elements = vec![];
        for x in m.atoms.iter().filter(|x| x.array == array) {
            if !elements.contains(&&x.plates) {
                elements.push(&x.plates);
            }
        }
        if elements.len() > 1 || (!elements.is_empty() && !own(m.statement.0)) {
            return false;
        }
        // Its own statement reads it at another place without its target: `y[t] ~ … y[t-1]` in a term of `y[t-1]` alone.
        if let (Some(at), Some(d)) = (elements.first(), densities.iter().find(|d| d.id == m.statement))
            && **at != d.target.indices
        {
            return false;
        }
    }
    // Coordinates of one row with a dense covariance are read by each other.
    let coupled = densities.iter().filter(|d| own(d.id.0)).flat_map(|d| &d.cases).any(|c| match &c.form {
        Form::Normal(r) => r.event.is_some() && matches!(r.scale, Scale::Dense { .. }),
        Form::Terms(_) => !a.elem.kind.axes().is_empty(),
        Form::Equal { .. } | Form::Flat => false,
    });
    !coupled && !model.constraints.iter().any(|c| constraint_reads(model, c, array))
}

fn constraint_reads(model: &Model, c: &Constraint, array: ArrayId) -> bool {
    let mut found = false;
    let mut see = |a: &Access| found |= a.array == array;
    let sides = std::iter::once(&c.first).chain(c.rest.iter().map(|(_, e)| e)).chain(&c.guards);
    sides.for_each(|e| visit(model, e, &mut see));
    found
}

/// Every access in an expression: subscripts included, and through every `let`.
fn visit(model: &Model, e: &Expr, f: &mut dyn FnMut(&Access)) {
    match &e.kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) => {}
        ExprKind::Index(i) => visit_index(i, f),
        ExprKind::Read(a) => visit_access(a, f),
        ExprKind::Let(id, indices) => {
            indices.iter().for_each(|i| visit_index(i, f));
            model.lets[id.0].pieces.iter().for_each(|p| visit(model, &p.value, f));
        }
        ExprKind::Unary(_, a) | ExprKind::Transpose(a) => visit(model, a, f),
        ExprKind::Binary(_, a, b) | ExprKind::Compare(_, a, b) => {
            visit(model, a, f);
            visit(model, b, f);
        }
        ExprKind::Component(a, indices) => {
            visit(model, a, f);
            indices.iter().for_each(|i| visit_index(i, f));
        }
        ExprKind::Call(_, args) | ExprKind::Vector(args) => args.iter().for_each(|a| visit(model, a, f)),
        ExprKind::Comprehension { guard, body, .. } | ExprKind::Reduce { guard, body, .. } => {
            if let Some(g) = guard {
                visit(model, g, f);
            }
            visit(model, body, f);
        }
    }
}

fn visit_access(a: &Access, f: &mut dyn FnMut(&Access)) {
    f(a);
    a.indices.iter().for_each(|i| visit_index(i, f));
}

fn visit_index(i: &Index, f: &mut dyn FnMut(&Access)) {
    for (_, t) in &i.terms {
        match t {
            IndexTerm::Bound(_) | IndexTerm::Axis(_) => {}
            IndexTerm::Size(_, args) => args.iter().for_each(|a| visit_index(a, f)),
            IndexTerm::Read(a) => visit_access(a, f),
        }
    }
}
