//! Indices, extents and accesses: every name in index position becomes a bound index, a size or a read, and must count what its axis counts.

use super::Checker;
use super::ir::{Access, ArrayId, ElemKind, Extent, Index, IndexTerm, LetId, Nominal, SizeId, Type};
use super::names::{Scope, Symbol};
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast::{self, Loc};
use proc_macro2::Ident;

impl<'a> Checker<'a> {
    /// An end of a range, or a dimension: a name nobody declared is a size here.
    pub(super) fn range_end(&mut self, index: &ast::Index, scope: &Scope) -> Option<Index> {
        self.index_with(index, scope, true)
    }

    pub(super) fn index(&mut self, index: &ast::Index, scope: &Scope) -> Option<Index> {
        self.index_with(index, scope, false)
    }

    fn index_with(&mut self, index: &ast::Index, scope: &Scope, declares_sizes: bool) -> Option<Index> {
        let mut sum = Index::constant(index.loc, 0);
        let mut complete = true;
        for term in &index.terms {
            let sign = if term.negative { -1 } else { 1 };
            match &term.atom {
                ast::IndexAtom::Int(value, _) => {
                    sum = sum.shift(sign * i64::try_from(*value).unwrap_or(i64::MAX));
                }
                ast::IndexAtom::Access(access) => match self.index_atom(access, scope, declares_sizes) {
                    Some(value) => sum = sum.plus(sign, &value),
                    None => complete = false,
                },
            }
        }
        complete.then_some(sum)
    }

    fn index_atom(&mut self, access: &ast::Access, scope: &Scope, declares_sizes: bool) -> Option<Index> {
        if let Some(bound) = scope.find(&access.name) {
            if !access.indices.is_empty() {
                self.error(diagnostic::subscript_of_index(&access.name));
                return None;
            }
            return Some(Index { loc: access.loc, ..bound.clone() });
        }
        let symbol = match self.symbol(&access.name) {
            Some(symbol) => symbol,
            None if declares_sizes => Symbol::Size(self.new_size(&access.name, access.indices.len())),
            None => {
                self.unknown_name(&access.name, scope);
                return None;
            }
        };
        match symbol {
            Symbol::Size(id) => self.size_term(id, access, scope),
            Symbol::Let(_) => {
                self.error(diagnostic::let_as_index(&access.name));
                None
            }
            Symbol::Array(array) => {
                let read = self.access(access.loc, array, &access.indices, scope)?;
                self.must_count_something(&read)?;
                Some(Index::of(access.loc, IndexTerm::Read(read)))
            }
        }
    }

    fn size_term(&mut self, id: SizeId, access: &ast::Access, scope: &Scope) -> Option<Index> {
        let rank = self.size_ranks[id.0];
        if rank != access.indices.len() {
            self.error(diagnostic::ragged_size(&access.name, access.loc, rank));
            return None;
        }
        let mut over = Vec::new();
        for (axis, index) in access.indices.iter().enumerate() {
            let index = self.index(index, scope)?;
            let nominal = self.nominals(&index).into_iter().find_map(|n| match n {
                Nominal::Size(size) => Some(size),
                Nominal::Literal(_) => None,
            });
            let known = self.model.sizes[id.0].over.get(axis).copied();
            match (known, nominal) {
                (None, Some(size)) => self.model.sizes[id.0].over.push(size),
                (Some(known), Some(_)) => {
                    self.index_fits(&index, Nominal::Size(known), None);
                }
                (_, None) if index.terms.is_empty() => {}
                (_, None) => {
                    self.error(diagnostic::ragged_over_what(&access.name, index.loc));
                    return None;
                }
            }
            over.push(index);
        }
        Some(Index::of(access.loc, IndexTerm::Size(id, over)))
    }

    fn must_count_something(&mut self, read: &Access) -> Option<()> {
        if !self.known[read.array.0] {
            return Some(());
        }
        let array = &self.model.arrays[read.array.0];
        let whole = read.indices.len() == array.plates.len();
        match &array.elem.kind {
            ElemKind::Category(_) | ElemKind::Bool | ElemKind::Count if whole || !self.boxed => Some(()),
            kind => {
                let found = if whole { self.model.show_kind(kind) } else { "an array".to_owned() };
                let name = array.name.to_string();
                self.error(diagnostic::not_an_index(&name, read.loc, &found));
                None
            }
        }
    }

    /// An access of an array, its indices checked against the axes they stand for.
    pub(super) fn access(
        &mut self,
        loc: Loc,
        array: ArrayId,
        indices: &[ast::Index],
        scope: &Scope,
    ) -> Option<Access> {
        let resolved: Vec<Option<Index>> = indices.iter().map(|i| self.index(i, scope)).collect();
        let indices: Vec<Index> = resolved.into_iter().collect::<Option<_>>()?;
        self.checked_access(loc, array, indices)
    }

    pub(super) fn checked_access(&mut self, loc: Loc, array: ArrayId, indices: Vec<Index>) -> Option<Access> {
        if self.boxed {
            let axes = self.axes(array);
            if self.known[array.0] && indices.len() > axes.len() {
                if self.unboxed {
                    // Which axes it has is what the mistake in its box leaves open.
                    return None;
                }
                let name = self.model.arrays[array.0].name.to_string();
                self.error(diagnostic::too_many_indices(&name, loc, axes.len(), indices.len()));
                return None;
            }
            for (index, extent) in indices.iter().zip(&axes) {
                let place = Place { name: self.model.arrays[array.0].name.clone() };
                if !self.index_fits(index, extent.nominal, Some(&place)) {
                    self.mismatched.push(format!("{:?}", loc.start));
                }
            }
        }
        Some(Access { loc, array, indices })
    }

    /// All axes of an array: plates, then those of its element.
    pub(super) fn axes(&self, array: ArrayId) -> Vec<Extent> {
        let array = &self.model.arrays[array.0];
        array.plates.iter().chain(array.elem.kind.axes()).cloned().collect()
    }

    /// What an index counts: the sizes of its terms that are not merely taken off.
    pub(super) fn nominals(&self, index: &Index) -> Vec<Nominal> {
        let counted = index.terms.iter().filter(|(c, _)| *c > 0);
        counted.filter_map(|(_, term)| self.nominal_of_term(term)).collect()
    }

    pub(super) fn nominal_of_term(&self, term: &IndexTerm) -> Option<Nominal> {
        match term {
            IndexTerm::Bound(id) => Some(self.model.indices[id.0].nominal),
            IndexTerm::Size(id, _) => Some(Nominal::Size(*id)),
            IndexTerm::Read(access) if self.known[access.array.0] => {
                match &self.model.arrays[access.array.0].elem.kind {
                    ElemKind::Category(extent) => Some(extent.nominal),
                    ElemKind::Bool => Some(Nominal::Literal(2)),
                    ElemKind::Real
                    | ElemKind::Positive
                    | ElemKind::Unit
                    | ElemKind::Count
                    | ElemKind::Counts(_)
                    | ElemKind::Simplex(_)
                    | ElemKind::Ordered(_)
                    | ElemKind::Vector(_)
                    | ElemKind::Matrix(..)
                    | ElemKind::SymPos(_) => None,
                }
            }
            IndexTerm::Read(_) | IndexTerm::Axis(_) => None,
        }
    }

    /// Reports an index that counts something else than its axis. A range of literal length is checked by its bounds instead.
    pub(super) fn index_fits(&mut self, index: &Index, axis: Nominal, place: Option<&Place>) -> bool {
        let mut counted = Vec::new();
        for (coefficient, term) in &index.terms {
            if *coefficient <= 0 {
                continue;
            }
            match (self.nominal_of_term(term), term) {
                (Some(Nominal::Literal(_)), IndexTerm::Bound(_)) | (None, _) => {}
                (Some(nominal), _) => counted.push(nominal),
            }
        }
        if counted.is_empty() || counted.contains(&axis) {
            return true;
        }
        let found = self.model.show_nominal(counted[0]);
        let wanted = self.model.show_nominal(axis);
        let mut notes = vec![self.where_from(index)];
        if let Some(place) = place {
            notes.push(self.where_declared(&place.name, axis));
        }
        self.error(diagnostic::index_mismatch(
            index.loc,
            &self.model.show_index(index),
            &found,
            &wanted,
            self.through_a_category(index, counted[0], axis),
            notes,
        ));
        false
    }

    /// `z[n]` for `n`, where z over N is a category of the size that is wanted.
    fn through_a_category(&self, index: &Index, from: Nominal, to: Nominal) -> Option<String> {
        let [(1, IndexTerm::Bound(_))] = index.terms.as_slice() else { return None };
        let map = self.model.arrays.iter().find(|a| {
            let over = matches!(a.plates.as_slice(), [extent] if extent.nominal == from);
            over && matches!(&a.elem.kind, ElemKind::Category(d) if d.nominal == to)
        })?;
        Some(format!("{}[{}]", map.name, self.model.show_index(index)))
    }

    fn where_from(&self, index: &Index) -> String {
        for (coefficient, term) in &index.terms {
            match term {
                IndexTerm::Bound(id) if *coefficient > 0 => {
                    let var = &self.model.indices[id.0];
                    let range = self.model.show_range(var);
                    return format!("`{}` is bound by `{} in {range}`", var.name, var.name);
                }
                IndexTerm::Read(access) if *coefficient > 0 => {
                    let array = &self.model.arrays[access.array.0];
                    let kind = self.model.show_kind(&array.elem.kind);
                    let line = self.line(array.name.span().into());
                    return format!("`{}`, on line {line} of the model, is `{kind}`", array.name);
                }
                IndexTerm::Size(id, _) if *coefficient > 0 => {
                    return format!("`{}` is a size", self.model.sizes[id.0].name);
                }
                IndexTerm::Bound(_) | IndexTerm::Read(_) | IndexTerm::Size(..) | IndexTerm::Axis(_) => {}
            }
        }
        String::new()
    }

    fn where_declared(&self, name: &Ident, axis: Nominal) -> String {
        let size = self.model.show_nominal(axis);
        match self.symbol(name) {
            Some(Symbol::Array(id)) => {
                let line = self.line(self.model.arrays[id.0].name.span().into());
                format!(
                    "`{}`, on line {line} of the model, is indexed by `{size}`",
                    self.model.show_array_head(id)
                )
            }
            Some(Symbol::Let(_) | Symbol::Size(_)) | None => format!("`{name}` is indexed by `{size}`"),
        }
    }

    /// The type of an array, or of what is left of it when the trailing axes are not indexed.
    pub(super) fn slice_type(&mut self, access: &Access) -> Option<Type> {
        if !self.known[access.array.0] {
            return None;
        }
        let array = &self.model.arrays[access.array.0];
        let (name, plates, kind) = (array.name.to_string(), array.plates.len(), array.elem.kind.clone());
        if access.indices.len() == plates {
            return Some(self.element_type(&kind, &access.indices));
        }
        if matches!(kind, ElemKind::Category(_) | ElemKind::Bool) && access.indices.len() < plates {
            self.error(diagnostic::too_few_indices(&name, access.loc, plates, access.indices.len()));
            return None;
        }
        let axes = self.axes(access.array);
        let component = match kind {
            ElemKind::Simplex(_) => Type::Unit,
            ElemKind::Counts(_) => Type::Count,
            _ if access.indices.len() < plates && plates == axes.len() => kind.value_type(),
            _ => Type::Real,
        };
        self.remaining(&name, access.loc, &axes, &access.indices, component)
    }

    /// The type of an element at a position, its extents read off the position.
    fn element_type(&self, kind: &ElemKind, indices: &[Index]) -> Type {
        let at = |e: &Extent| Extent { nominal: e.nominal, length: e.length.at_position(indices) };
        match kind.value_type() {
            Type::Simplex(d) => Type::Simplex(at(&d)),
            Type::Ordered(d) => Type::Ordered(at(&d)),
            Type::Vector(d) => Type::Vector(at(&d)),
            Type::Matrix(r, c) => Type::Matrix(at(&r), at(&c)),
            Type::SymPos(d) => Type::SymPos(at(&d)),
            scalar @ (Type::Real
            | Type::Positive
            | Type::Unit
            | Type::Count
            | Type::Bool
            | Type::Index(_)
            | Type::Literal(_)) => scalar,
        }
    }

    /// A scalar, vector or matrix over the axes that are not indexed.
    pub(super) fn remaining(
        &mut self,
        name: &str,
        loc: Loc,
        axes: &[Extent],
        indices: &[Index],
        component: Type,
    ) -> Option<Type> {
        let mut left = Vec::new();
        for extent in axes.iter().skip(indices.len()) {
            let length = extent.length.at_position(indices);
            let mut ragged = false;
            length.each_term(&mut |t| ragged |= matches!(t, IndexTerm::Axis(_)));
            if ragged {
                self.error(diagnostic::ragged_slice(name, loc));
                return None;
            }
            left.push(Extent { nominal: extent.nominal, length });
        }
        match left.as_slice() {
            [] => Some(component),
            [d] => Some(Type::Vector(d.clone())),
            [r, c] => Some(Type::Matrix(r.clone(), c.clone())),
            [_, _, _, ..] => {
                self.error(diagnostic::too_few_indices(name, loc, axes.len(), indices.len()));
                None
            }
        }
    }

    /// A read of a `let` at these indices.
    pub(super) fn let_slice_type(&mut self, id: LetId, loc: Loc, indices: &[Index]) -> Option<Type> {
        let ty = self.let_types[id.0].clone()?;
        let value = &self.model.lets[id.0];
        let name = value.name.to_string();
        let plates = value.plates.clone();
        let axes: Vec<Extent> = plates.iter().chain(ty.axes()).cloned().collect();
        if indices.len() > axes.len() {
            self.error(diagnostic::too_many_indices(&name, loc, axes.len(), indices.len()));
            return None;
        }
        for (index, extent) in indices.iter().zip(&axes) {
            let place = Place { name: self.model.lets[id.0].name.clone() };
            if !self.index_fits(index, extent.nominal, Some(&place)) {
                self.mismatched.push(format!("{:?}", loc.start));
            }
        }
        if indices.len() == plates.len() {
            return Some(ty);
        }
        let component = if ty.is_scalar() { ty } else { Type::Real };
        self.remaining(&name, loc, &axes, indices, component)
    }
}

/// What an index is an index of.
pub(super) struct Place {
    pub name: Ident,
}
