//! A `let` is a name for an expression, so it cannot depend on itself. Found before types are inferred, which would never end.

use super::Checker;
use super::flatten::Flat;
use super::names::Symbol;
use super::order::path;
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast::{Access, Binders, Expr, ExprKind, Index, IndexAtom};
use proc_macro2::Ident;

impl<'a> Checker<'a> {
    /// Reports cycles, and takes their members out.
    pub(super) fn lets_end(&mut self, flat: &mut Flat<'a>) {
        let mut reads: Vec<Vec<usize>> = vec![Vec::new(); self.model.lets.len()];
        for value in &flat.lets {
            each_name(&value.ast.value, &mut Vec::new(), &mut |name| {
                if value.frame.scope.find(name).is_none()
                    && let Some(Symbol::Let(other)) = self.symbol(name)
                {
                    reads[value.id.0].push(other.0);
                }
            });
        }
        let mut cyclic: Vec<usize> = Vec::new();
        for start in 0..reads.len() {
            if let Some(path) = path(&reads, start, start) {
                if !cyclic.contains(&start) {
                    let names: Vec<String> =
                        path.iter().map(|id| self.model.lets[*id].name.to_string()).collect();
                    let loc = self.model.lets[start].name.span().into();
                    self.error(diagnostic::let_cycle(loc, &names));
                }
                cyclic.extend(path);
            }
        }
        self.cyclic_lets.clone_from(&cyclic);
        flat.lets.retain(|value| !cyclic.contains(&value.id.0));
    }
}

/// Every name an expression reads, except those it binds itself.
pub fn each_name<'e>(e: &'e Expr, bound: &mut Vec<&'e Ident>, visit: &mut dyn FnMut(&'e Ident)) {
    match &e.kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) => {}
        ExprKind::Name(name) => visit_free(name, bound, visit),
        ExprKind::Unary(_, a) | ExprKind::Transpose(a) => each_name(a, bound, visit),
        ExprKind::Binary(_, a, b) | ExprKind::Compare(_, a, b) => {
            each_name(a, bound, visit);
            each_name(b, bound, visit);
        }
        ExprKind::Subscript(a, indices) => {
            each_name(a, bound, visit);
            indices.iter().for_each(|i| in_index(i, bound, visit));
        }
        ExprKind::Call(_, items) | ExprKind::Vector(items) => {
            items.iter().for_each(|i| each_name(i, bound, visit));
        }
        ExprKind::Comprehension(body, binders) | ExprKind::Reduce(_, body, binders) => {
            in_binders(body, binders, bound, visit);
        }
    }
}

fn in_binders<'e>(
    body: &'e Expr,
    binders: &'e Binders,
    bound: &mut Vec<&'e Ident>,
    visit: &mut dyn FnMut(&'e Ident),
) {
    let outer = bound.len();
    for bind in &binders.binds {
        if let crate::syntax::ast::Bind::In { name, .. } = bind {
            bound.push(name);
        }
    }
    if let Some(guard) = &binders.guard {
        each_name(guard, bound, visit);
    }
    each_name(body, bound, visit);
    bound.truncate(outer);
}

fn in_index<'e>(index: &'e Index, bound: &[&'e Ident], visit: &mut dyn FnMut(&'e Ident)) {
    for term in &index.terms {
        if let IndexAtom::Access(Access { name, indices, .. }) = &term.atom {
            visit_free(name, bound, visit);
            indices.iter().for_each(|i| in_index(i, bound, visit));
        }
    }
}

fn visit_free<'e>(name: &'e Ident, bound: &[&'e Ident], visit: &mut dyn FnMut(&'e Ident)) {
    if !bound.contains(&name) {
        visit(name);
    }
}
