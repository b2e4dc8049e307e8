//! The types that were written: of header constants, of arrays and of `let`s.

use super::Checker;
use super::flatten::{Flat, Frame};
use super::ir::{ArrayId, ElemKind, Expr, Extent, Index, IndexTerm, Nominal};
use super::names::{Scope, Symbol};
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast;

impl<'a> Checker<'a> {
    pub(super) fn header_types(&mut self, block: &'a ast::Block) {
        for hyper in &block.hypers {
            let ast::Hyper::Constant { name, ty, .. } = hyper else { continue };
            if let Some(Symbol::Array(id)) = self.symbol(name)
                && let Some(kind) = self.written_kind(ty, &Frame::default())
            {
                self.model.arrays[id.0].elem.kind = kind;
                self.known[id.0] = true;
            }
        }
    }

    pub(super) fn header_defaults(&mut self, block: &'a ast::Block) {
        for hyper in &block.hypers {
            let ast::Hyper::Constant { name, ty, default } = hyper else { continue };
            let Some(Symbol::Array(id)) = self.symbol(name) else { continue };
            if !self.known[id.0] {
                continue;
            }
            self.elem_bounds(id, ty);
            let Some(default) = default else { continue };
            let kind = self.model.arrays[id.0].elem.kind.clone();
            let place = kind.axes().first().map(|e| (*e).clone());
            let Some(value) = self.expr(default, &Scope::default(), place.as_ref()) else { continue };
            if !self.value_fits(&value, &kind) {
                let (found, wanted) = (self.model.show_type(&value.ty), self.model.show_kind(&kind));
                self.error(diagnostic::value_of_wrong_type(value.loc, &found, &wanted));
            }
            let mut outside = None;
            self.model.each_read_deep(&value, &mut |access| {
                let array = &self.model.arrays[access.array.0];
                if array.role != super::ir::Role::Const {
                    outside = Some((access.loc, array.name.to_string()));
                }
            });
            if let Some((loc, read)) = outside {
                self.error(diagnostic::default_reads(loc, &read));
            }
            self.model.arrays[id.0].default = Some(value);
        }
    }

    pub(super) fn annotations(&mut self, flat: &Flat<'a>) {
        for decl in &flat.decls {
            let array = decl.array;
            if decl.ast.missing.is_some() {
                self.model.arrays[array.0].missing = true;
            }
            let Some(ty) = &decl.ast.ty else { continue };
            let Some(kind) = self.written_kind(ty, &decl.frame) else {
                self.failed.push(array);
                continue;
            };
            if !self.known[array.0] {
                self.model.arrays[array.0].elem.kind = kind;
                self.known[array.0] = true;
                continue;
            }
            let first = self.model.arrays[array.0].elem.kind.clone();
            if !same_kind(&first, &kind) {
                let (first, second) = (self.model.show_kind(&first), self.model.show_kind(&kind));
                self.error(diagnostic::declared_with_two_types(&decl.ast.name, ty.loc, &first, &second));
            }
        }
    }

    /// The bounds of a type are the same for all elements, so they read no index.
    pub(super) fn elem_bounds(&mut self, array: ArrayId, ty: &'a ast::Type) {
        let kind = &self.model.arrays[array.0].elem.kind;
        let bounded = matches!(kind, ElemKind::Real | ElemKind::Positive | ElemKind::Unit | ElemKind::Count);
        // A floor under the eigenvalues of a matrix has a closed form; a ceiling is not asked for.
        let floored = matches!(kind, ElemKind::SymPos(_));
        for (bound, is_min) in [(&ty.min, true), (&ty.max, false)] {
            let Some(bound) = bound else { continue };
            if !(bounded || floored && is_min) {
                let shown = self.model.show_kind(&self.model.arrays[array.0].elem.kind);
                self.error(diagnostic::bounds_of(bound.loc, &shown));
                continue;
            }
            let Some(value) = self.expr(bound, &Scope::default(), None) else { continue };
            if !value.ty.is_scalar() || !self.is_constant(&value) {
                let shown = self.model.show_expr(&value);
                self.error(diagnostic::bound_not_constant(value.loc, &shown));
                continue;
            }
            let elem = &mut self.model.arrays[array.0].elem;
            if is_min {
                elem.min = Some(value);
            } else {
                elem.max = Some(value);
            }
        }
    }

    /// Reads header constants only.
    pub(super) fn is_constant(&self, e: &Expr) -> bool {
        let mut constant = true;
        self.model.each_read_deep(e, &mut |access| {
            constant &= self.model.arrays[access.array.0].role == super::ir::Role::Const;
        });
        constant
    }

    pub(super) fn written_kind(&mut self, ty: &'a ast::Type, frame: &Frame<'a>) -> Option<ElemKind> {
        match &ty.kind {
            ast::TypeKind::Real => Some(ElemKind::Real),
            ast::TypeKind::Positive => Some(ElemKind::Positive),
            ast::TypeKind::Unit => Some(ElemKind::Unit),
            ast::TypeKind::Bool => Some(ElemKind::Bool),
            ast::TypeKind::Count => Some(ElemKind::Count),
            ast::TypeKind::Category(d) => Some(ElemKind::Category(self.dimension(d, frame)?)),
            ast::TypeKind::Simplex(ast::SimplexDim::Dim(d)) => {
                Some(ElemKind::Simplex(self.dimension(d, frame)?))
            }
            ast::TypeKind::Simplex(ast::SimplexDim::Bind(binders)) => match binders.binds.as_slice() {
                [ast::Bind::In { range, .. }] if range.low.is_none() => {
                    Some(ElemKind::Simplex(self.dimension(&range.high, frame)?))
                }
                _ => {
                    self.error(diagnostic::simplex_binder(ty.loc));
                    None
                }
            },
            ast::TypeKind::Ordered(d) => Some(ElemKind::Ordered(self.dimension(d, frame)?)),
            ast::TypeKind::Vector(d) => Some(ElemKind::Vector(self.dimension(d, frame)?)),
            ast::TypeKind::Matrix(r, c) => {
                let (r, c) = (self.dimension(r, frame), self.dimension(c, frame));
                Some(ElemKind::Matrix(r?, c?))
            }
            ast::TypeKind::SymPos(d) => Some(ElemKind::SymPos(self.dimension(d, frame)?)),
        }
    }

    fn dimension(&mut self, index: &ast::Index, frame: &Frame) -> Option<Extent> {
        let length = self.range_end(index, &frame.scope)?;
        let nominal = self.nominal_of_bound(&length)?;
        let length = self.in_axes(&length, frame)?;
        if nominal == Nominal::Literal(0) {
            self.error(diagnostic::empty_dimension(index.loc));
            return None;
        }
        Some(Extent { nominal, length })
    }

    /// A dimension may depend on the position of the element (`Category[n]`), not on other bound indices.
    pub(super) fn in_axes(&mut self, length: &Index, frame: &Frame) -> Option<Index> {
        let length = super::extent::to_axes(length, frame);
        let mut stray = None;
        length.each_term(&mut |term| {
            if let IndexTerm::Bound(id) = term {
                stray = Some(*id);
            }
        });
        match stray {
            None => Some(length),
            Some(id) => {
                let name = self.model.indices[id.0].name.to_string();
                self.error(diagnostic::dimension_of_no_axis(length.loc, &name));
                None
            }
        }
    }
}

/// The same type, up to which row a ragged extent belongs to.
pub fn same_kind(a: &ElemKind, b: &ElemKind) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
        && match (a, b) {
            (ElemKind::Category(x), ElemKind::Category(y)) => x.nominal == y.nominal,
            _ => a.axes().iter().zip(b.axes()).all(|(x, y)| !x.differs(y)),
        }
}
