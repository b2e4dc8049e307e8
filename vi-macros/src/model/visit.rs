//! Visits what an expression reads at one point of a small world, its inner binders counted through.

use super::coverage::Holder;
use super::ir::{Access, Expr, ExprKind, Index, IndexId};
use super::world::{Bindings, Data, World};
use crate::syntax::ast::Loc;

type Visit<'v> = &'v mut dyn FnMut(Holder, Loc, &[Index], &Bindings);

/// Every access of an array or `let`, with the point it happens at: inner binders are counted through.
pub fn each_access(world: &World<'_>, e: &Expr, at: &Bindings, visit: Visit<'_>) {
    match &e.kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) => {}
        ExprKind::Index(index) => in_index(index, at, visit),
        ExprKind::Read(access) => in_access(access, at, visit),
        ExprKind::Let(id, indices) => {
            visit(Holder::Let(*id), e.loc, indices, at);
            indices.iter().for_each(|i| in_index(i, at, visit));
        }
        ExprKind::Unary(_, a) | ExprKind::Transpose(a) => each_access(world, a, at, visit),
        ExprKind::Binary(_, a, b) | ExprKind::Compare(_, a, b) => {
            each_access(world, a, at, visit);
            each_access(world, b, at, visit);
        }
        ExprKind::Component(a, indices) => {
            each_access(world, a, at, visit);
            indices.iter().for_each(|i| in_index(i, at, visit));
        }
        ExprKind::Call(_, items) | ExprKind::Vector(items) => {
            items.iter().for_each(|i| each_access(world, i, at, visit));
        }
        ExprKind::Comprehension { index, guard, body } => {
            inner(world, &[*index], guard.as_deref(), body, at, visit);
        }
        ExprKind::Reduce { indices, guard, body, .. } => {
            inner(world, indices, guard.as_deref(), body, at, visit);
        }
    }
}

fn inner(
    world: &World<'_>,
    binds: &[IndexId],
    guard: Option<&Expr>,
    body: &Expr,
    at: &Bindings,
    visit: Visit<'_>,
) {
    world.each_point(binds, at, &mut |point| {
        if let Some(guard) = guard {
            each_access(world, guard, point, visit);
            match world.value(guard, point, &Data::Unknown) {
                Some(0.0) => return,
                None if !world.possible => return,
                None | Some(_) => {}
            }
        }
        each_access(world, body, point, visit);
    });
}

fn in_access(access: &Access, at: &Bindings, visit: Visit<'_>) {
    visit(Holder::Array(access.array), access.loc, &access.indices, at);
    access.indices.iter().for_each(|i| in_index(i, at, visit));
}

fn in_index(index: &Index, at: &Bindings, visit: Visit<'_>) {
    let mut accesses = Vec::new();
    index.each_term(&mut |term| {
        if let super::ir::IndexTerm::Read(access) = term {
            accesses.push(access);
        }
    });
    for access in accesses {
        visit(Holder::Array(access.array), access.loc, &access.indices, at);
    }
}
