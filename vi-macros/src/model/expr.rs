//! Expressions, typed from the leaves up.
//!
//! `None` means that the type is not known yet (while types are being inferred), or that a mistake was reported.

use super::Checker;
use super::ir::{ArrayId, Expr, ExprKind, Extent, Index, IndexId, IndexTerm, Nominal, Role, Type};
use super::names::{Scope, Symbol};
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast::{self, Binary, Compare, Loc, Reducer, Unary};
use proc_macro2::Ident;

impl<'a> Checker<'a> {
    /// `place` is the extent a vector would have here, where that is known.
    pub(super) fn expr(&mut self, e: &ast::Expr, scope: &Scope, place: Option<&Extent>) -> Option<Expr> {
        let loc = e.loc;
        match &e.kind {
            ast::ExprKind::Int(v) => {
                let value = i64::try_from(*v).unwrap_or(i64::MAX);
                Some(self.scalar(loc, ExprKind::Int(value)))
            }
            ast::ExprKind::Float(v) => Some(self.scalar(loc, ExprKind::Float(*v))),
            ast::ExprKind::Bool(v) => Some(Expr { loc, ty: Type::Bool, kind: ExprKind::Bool(*v) }),
            ast::ExprKind::Name(name) => self.name(loc, name, Vec::new(), scope),
            ast::ExprKind::Subscript(..) => self.subscript(e, scope),
            ast::ExprKind::Unary(op, a) => {
                let a = self.expr(a, scope, place)?;
                self.unary(loc, *op, a)
            }
            ast::ExprKind::Binary(op, a, b) => {
                let (a, b) = (self.expr(a, scope, place), self.expr(b, scope, place));
                self.binary(loc, *op, a?, b?)
            }
            ast::ExprKind::Compare(op, a, b) => {
                let (a, b) = (self.expr(a, scope, None), self.expr(b, scope, None));
                let (a, b) = (a?, b?);
                self.must_be_comparable(*op, &a, &b)?;
                Some(Expr { loc, ty: Type::Bool, kind: ExprKind::Compare(*op, Box::new(a), Box::new(b)) })
            }
            ast::ExprKind::Transpose(a) => {
                let a = self.expr(a, scope, None)?;
                let ty = match &a.ty {
                    Type::Matrix(r, c) => Type::Matrix(c.clone(), r.clone()),
                    Type::SymPos(d) => Type::SymPos(d.clone()),
                    found => {
                        let found = self.model.show_type(found);
                        self.error(diagnostic::transpose_of(loc, &found));
                        return None;
                    }
                };
                Some(Expr { loc, ty, kind: ExprKind::Transpose(Box::new(a)) })
            }
            ast::ExprKind::Call(name, args) => self.call(loc, name, args, scope, place),
            ast::ExprKind::Vector(items) => self.vector(loc, items, scope),
            ast::ExprKind::Comprehension(body, binders) => self.comprehension(loc, body, binders, scope),
            ast::ExprKind::Reduce(op, body, binders) => self.reduce(loc, *op, body, binders, scope),
        }
    }

    /// Gives a number the narrowest type its value and its parts allow.
    fn scalar(&self, loc: Loc, kind: ExprKind) -> Expr {
        let mut expr = Expr { loc, ty: Type::Real, kind };
        expr.ty = self.model.facts(&expr).scalar_type();
        expr
    }

    fn name(&mut self, loc: Loc, name: &Ident, indices: Vec<Index>, scope: &Scope) -> Option<Expr> {
        if let Some(bound) = scope.find(name) {
            if !indices.is_empty() {
                self.error(diagnostic::subscript_of_index(name));
                return None;
            }
            let index = Index { loc, ..bound.clone() };
            return Some(self.index_value(index));
        }
        match self.symbol(name) {
            None => {
                self.unknown_name(name, scope);
                None
            }
            Some(Symbol::Size(id)) => {
                let rank = self.size_ranks[id.0];
                if rank != indices.len() {
                    self.error(diagnostic::ragged_size(name, loc, rank));
                    return None;
                }
                Some(self.index_value(Index::of(loc, IndexTerm::Size(id, indices))))
            }
            Some(Symbol::Array(array)) => {
                let access = self.checked_access(loc, array, indices)?;
                let ty = self.slice_type(&access)?;
                Some(Expr { loc, ty, kind: ExprKind::Read(access) })
            }
            Some(Symbol::Let(id)) => {
                let ty = self.let_slice_type(id, loc, &indices)?;
                Some(Expr { loc, ty, kind: ExprKind::Let(id, indices) })
            }
        }
    }

    pub(super) fn index_value(&self, index: Index) -> Expr {
        let ty = match self.nominals(&index).first() {
            Some(nominal) => Type::Index(*nominal),
            None => Type::Count,
        };
        Expr { loc: index.loc, ty, kind: ExprKind::Index(Box::new(index)) }
    }

    /// `mu[k][d]` is `mu[k, d]`.
    fn subscript(&mut self, e: &ast::Expr, scope: &Scope) -> Option<Expr> {
        let mut chain: Vec<&[ast::Index]> = Vec::new();
        let mut base = e;
        while let ast::ExprKind::Subscript(inner, indices) = &base.kind {
            chain.push(indices);
            base = inner;
        }
        let written = chain.iter().rev().flat_map(|i| i.iter());
        let resolved: Vec<Option<Index>> = written.map(|i| self.index(i, scope)).collect();
        let indices: Option<Vec<Index>> = resolved.into_iter().collect();
        if let ast::ExprKind::Name(name) = &base.kind {
            return self.name(e.loc, name, indices?, scope);
        }
        let value = self.expr(base, scope, None)?;
        let indices = indices?;
        let axes: Vec<Extent> = value.ty.axes().into_iter().cloned().collect();
        if indices.len() > axes.len() {
            self.error(diagnostic::too_many_indices(&base.to_string(), e.loc, axes.len(), indices.len()));
            return None;
        }
        for (index, extent) in indices.iter().zip(&axes) {
            self.index_fits(index, extent.nominal, None);
        }
        let component = self.model.facts(&value).scalar_type();
        let ty = self.remaining("this", e.loc, &axes, &indices, component)?;
        Some(Expr { loc: e.loc, ty, kind: ExprKind::Component(Box::new(value), indices) })
    }

    fn unary(&mut self, loc: Loc, op: Unary, a: Expr) -> Option<Expr> {
        match op {
            Unary::Not => {
                self.must_be_bool(&a)?;
                Some(Expr { loc, ty: Type::Bool, kind: ExprKind::Unary(op, Box::new(a)) })
            }
            Unary::Neg => {
                let ty = match &a.ty {
                    t if t.is_scalar() => Type::Real,
                    Type::SymPos(d) => Type::Matrix(d.clone(), d.clone()),
                    Type::Simplex(d) | Type::Ordered(d) => Type::Vector(d.clone()),
                    t => t.clone(),
                };
                Some(Expr { loc, ty, kind: ExprKind::Unary(op, Box::new(a)) })
            }
        }
    }

    fn vector(&mut self, loc: Loc, items: &[ast::Expr], scope: &Scope) -> Option<Expr> {
        let typed: Vec<Option<Expr>> = items.iter().map(|i| self.expr(i, scope, None)).collect();
        let items: Vec<Expr> = typed.into_iter().collect::<Option<_>>()?;
        if let Some(item) = items.iter().find(|i| !i.ty.is_scalar()) {
            let d = if matches!(item.kind, ExprKind::Vector(_)) {
                diagnostic::matrix_literal(item.loc)
            } else {
                diagnostic::not_a_number(item.loc, &self.model.show_type(&item.ty))
            };
            self.error(d);
            return None;
        }
        Some(Expr { loc, ty: Type::Literal(items.len()), kind: ExprKind::Vector(items) })
    }

    fn comprehension(
        &mut self,
        loc: Loc,
        body: &ast::Expr,
        binders: &ast::Binders,
        scope: &Scope,
    ) -> Option<Expr> {
        let (indices, guard, body) = self.bound_body(body, binders, scope)?;
        let (guard, body) = self.fold_guard(Reducer::Sum, guard, body)?;
        if !body.ty.is_scalar() {
            let found = self.model.show_type(&body.ty);
            self.error(diagnostic::not_a_number(body.loc, &found));
            return None;
        }
        if let Some(id) = indices.iter().find(|id| self.model.indices[id.0].low.as_constant() != Some(0)) {
            let var = &self.model.indices[id.0];
            let (name, low) = (var.name.clone(), var.low.loc);
            self.error(diagnostic::comprehension_from(&name, low));
            return None;
        }
        let extent = |id: &IndexId| {
            let var = &self.model.indices[id.0];
            Extent { nominal: var.nominal, length: var.high.clone() }
        };
        let guard = guard.map(Box::new);
        match indices.as_slice() {
            [k] => {
                let ty = Type::Vector(extent(k));
                Some(Expr {
                    loc,
                    ty,
                    kind: ExprKind::Comprehension { index: *k, guard, body: Box::new(body) },
                })
            }
            [r, c] => {
                let (rows, columns) = (extent(r), extent(c));
                let row = ExprKind::Comprehension { index: *c, guard, body: Box::new(body) };
                let row = Expr { loc, ty: Type::Vector(columns.clone()), kind: row };
                let kind = ExprKind::Comprehension { index: *r, guard: None, body: Box::new(row) };
                Some(Expr { loc, ty: Type::Matrix(rows, columns), kind })
            }
            _ => {
                self.error(diagnostic::comprehension_axes(loc));
                None
            }
        }
    }

    fn reduce(
        &mut self,
        loc: Loc,
        op: Reducer,
        body: &ast::Expr,
        binders: &ast::Binders,
        scope: &Scope,
    ) -> Option<Expr> {
        let (indices, guard, body) = self.bound_body(body, binders, scope)?;
        match op {
            Reducer::All | Reducer::Any => self.must_be_bool(&body)?,
            Reducer::Prod if !body.ty.is_scalar() => {
                let found = self.model.show_type(&body.ty);
                self.error(diagnostic::not_a_number(body.loc, &found));
                return None;
            }
            Reducer::Prod | Reducer::Sum => {}
        }
        let (guard, body) = self.fold_guard(op, guard, body)?;
        let ty = match (&body.ty, op) {
            (Type::Simplex(d) | Type::Ordered(d), _) => Type::Vector(d.clone()),
            (t, _) if !t.is_scalar() => t.clone(),
            (_, Reducer::All | Reducer::Any) => Type::Bool,
            (_, Reducer::Sum | Reducer::Prod) => Type::Real,
        };
        let narrow = ty.is_scalar() && matches!(op, Reducer::Sum | Reducer::Prod);
        let kind = ExprKind::Reduce { op, indices, guard: guard.map(Box::new), body: Box::new(body) };
        let mut expr = Expr { loc, ty, kind };
        if narrow {
            expr.ty = self.model.facts(&expr).scalar_type();
        }
        Some(expr)
    }

    /// The binders and the body of a comprehension or reduction.
    fn bound_body(
        &mut self,
        body: &ast::Expr,
        binders: &ast::Binders,
        scope: &Scope,
    ) -> Option<(Vec<IndexId>, Option<Expr>, Expr)> {
        let mut scope = scope.clone();
        let mut indices = Vec::new();
        for bind in &binders.binds {
            match bind {
                ast::Bind::In { name, range } => {
                    let id = self.new_index(name, range, &scope)?;
                    scope.bind(name, Index::bound(name.span().into(), id));
                    indices.push(id);
                }
                ast::Bind::At(index) => {
                    self.error(diagnostic::for_without_range(index.loc));
                    return None;
                }
            }
        }
        let guard = match &binders.guard {
            Some(guard) => Some(self.condition(guard, &scope)?),
            None => None,
        };
        let body = self.expr(body, &scope, None)?;
        Some((indices, guard, body))
    }

    /// A condition on something random does not decide which terms there are, but what they are: it becomes a factor.
    fn fold_guard(&mut self, op: Reducer, guard: Option<Expr>, body: Expr) -> Option<(Option<Expr>, Expr)> {
        let Some(guard) = guard else { return Some((None, body)) };
        if self.random_read(&guard).is_none() {
            return Some((Some(guard), body));
        }
        let loc = body.loc;
        let folded = match op {
            Reducer::Sum => self.binary(loc, Binary::Mul, guard, body)?,
            Reducer::Prod => self.binary(loc, Binary::Pow, body, guard)?,
            Reducer::Any => self.binary(loc, Binary::And, guard, body)?,
            Reducer::All => {
                let not = self.unary(loc, Unary::Not, guard)?;
                self.binary(loc, Binary::Or, not, body)?
            }
        };
        Some((None, folded))
    }

    /// The first read of something that is not given.
    pub(super) fn random_read(&self, e: &Expr) -> Option<(Loc, ArrayId)> {
        let mut found = None;
        self.model.each_read_deep(e, &mut |access| {
            if !self.is_given(access.array) && found.is_none() {
                found = Some((access.loc, access.array));
            }
        });
        found
    }

    pub(super) fn condition(&mut self, e: &ast::Expr, scope: &Scope) -> Option<Expr> {
        let e = self.expr(e, scope, None)?;
        self.must_be_bool(&e)?;
        Some(e)
    }

    pub(super) fn must_be_bool(&mut self, e: &Expr) -> Option<()> {
        match e.ty {
            Type::Bool => Some(()),
            _ => {
                let found = self.model.show_type(&e.ty);
                self.error(diagnostic::not_a_condition(e.loc, &found));
                None
            }
        }
    }

    /// Only finite things and given numbers may be compared: whether a latent number exceeds another is not a table.
    fn must_be_comparable(&mut self, op: Compare, a: &Expr, b: &Expr) -> Option<()> {
        for side in [a, b] {
            if !side.ty.is_scalar() {
                let found = self.model.show_type(&side.ty);
                self.error(diagnostic::not_a_number(side.loc, &found));
                return None;
            }
        }
        if let (Type::Index(x), Type::Index(y)) = (&a.ty, &b.ty)
            && let (Nominal::Size(_), Nominal::Size(_)) = (x, y)
            && x != y
            && self.is_pure_index(a)
            && self.is_pure_index(b)
        {
            let (found, wanted) = (self.model.show_nominal(*y), self.model.show_nominal(*x));
            let text = self.model.show_expr(b);
            self.error(diagnostic::index_mismatch(b.loc, &text, &found, &wanted, None, Vec::new()));
            return None;
        }
        for (side, other) in [(a, b), (b, a)] {
            if let Some((name, role)) = self.continuous_read(side) {
                let line = self.model.difference_line(op, side, other);
                self.error(diagnostic::comparison_of_numbers(side.loc, &name, role, &line));
                return None;
            }
        }
        Some(())
    }

    fn is_pure_index(&self, e: &Expr) -> bool {
        match &e.kind {
            // A size is also a plain number: `n < N - 1`, `k < D`.
            ExprKind::Index(i) => i.as_bound().is_some(),
            ExprKind::Read(_) => true,
            _ => false,
        }
    }

    /// The first number in an expression that is not given.
    fn continuous_read(&self, e: &Expr) -> Option<(String, Role)> {
        let mut found = None;
        self.model.each_read_deep(e, &mut |access| {
            let array = &self.model.arrays[access.array.0];
            if !self.is_given(access.array) && !array.elem.kind.is_finite() && found.is_none() {
                found = Some((array.name.to_string(), array.role));
            }
        });
        found
    }

    /// Two vectors, or a vector and a place, must have the same extent; literals take it.
    pub(super) fn same_extent(&mut self, loc: Loc, a: &Type, b: &Type) -> Option<()> {
        let (x, y) = (a.axes(), b.axes());
        if x.iter().zip(&y).any(|(x, y)| x.differs(y)) {
            let (found, wanted) = (self.model.show_type(b), self.model.show_type(a));
            self.error(diagnostic::extent_mismatch(loc, &found, &wanted));
            return None;
        }
        Some(())
    }
}

pub fn is_vector(ty: &Type) -> bool {
    matches!(ty, Type::Vector(_) | Type::Simplex(_) | Type::Ordered(_) | Type::Literal(_))
}
