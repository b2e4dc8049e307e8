//! Where the value of every size comes from.

use super::Checker;
use super::flatten::Flat;
use super::ir::{ArrayId, ElemKind, Extent, Role, SizeId, SizeSource};
use super::names::{Scope, Symbol};
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast;

impl<'a> Checker<'a> {
    pub(super) fn sources(&mut self, block: &'a ast::Block, flat: &Flat<'a>) {
        self.header_sources(block);
        let with_role = |this: &Self, id: usize, roles: &[Role]| {
            let pieces = flat.decls.iter().filter(|d| d.array.0 == id);
            let mut held = pieces.map(|d| super::names::role(d.ast.role));
            held.any(|r| roles.contains(&r)) || roles.contains(&this.model.arrays[id].role)
        };
        for id in 0..self.model.arrays.len() {
            if with_role(self, id, &[Role::Observed, Role::Given]) {
                self.axis_sources(ArrayId(id));
            }
        }
        for role in [Role::Const, Role::Param] {
            for id in 0..self.model.arrays.len() {
                if with_role(self, id, &[role]) {
                    self.value_sources(ArrayId(id));
                }
            }
        }
        for id in 0..self.model.arrays.len() {
            if with_role(self, id, &[Role::Given]) {
                self.category_source(ArrayId(id));
            }
        }
        self.must_have_sources();
    }

    fn header_sources(&mut self, block: &'a ast::Block) {
        for hyper in &block.hypers {
            let ast::Hyper::Size { name, default } = hyper else { continue };
            let Some(Symbol::Size(id)) = self.symbol(name) else { continue };
            let default = match default {
                Some(default) => {
                    let Some(index) = self.index(default, &Scope::default()) else { continue };
                    if let Some(loc) = self.not_of_earlier_sizes(&index, id) {
                        self.error(diagnostic::default_of_size(name, loc));
                    }
                    Some(index)
                }
                None => None,
            };
            self.model.sizes[id.0].sources.push(SizeSource::Header { default });
        }
    }

    /// A default is computed from the header alone, in its order.
    fn not_of_earlier_sizes(&self, index: &super::ir::Index, id: SizeId) -> Option<ast::Loc> {
        let mut wrong = false;
        index.each_term(&mut |term| {
            wrong |= match term {
                super::ir::IndexTerm::Size(other, over) => {
                    other.0 >= id.0 || !over.is_empty() || !self.header_sizes.contains(other)
                }
                super::ir::IndexTerm::Bound(_)
                | super::ir::IndexTerm::Read(_)
                | super::ir::IndexTerm::Axis(_) => true,
            };
        });
        wrong.then_some(index.loc)
    }

    fn known_axes(&self, id: ArrayId) -> Vec<Extent> {
        if self.known[id.0] { self.axes(id) } else { self.model.arrays[id.0].plates.clone() }
    }

    fn axis_sources(&mut self, array: ArrayId) {
        for (axis, extent) in self.known_axes(array).iter().enumerate() {
            if let Some((size, _, offset)) = extent.length.as_shifted_size() {
                let known = &mut self.model.sizes[size.0].sources;
                // The second axis of a SymPos says nothing that its first does not.
                let twice = |s: &SizeSource| matches!(s, SizeSource::Axis { array: a, .. } if *a == array);
                let square = matches!(self.model.arrays[array.0].elem.kind, ElemKind::SymPos(_));
                if !(square && known.iter().any(twice)) {
                    known.push(SizeSource::Axis { array, axis, offset: -offset });
                }
            }
        }
    }

    fn value_sources(&mut self, array: ArrayId) {
        for (axis, extent) in self.known_axes(array).iter().enumerate() {
            if let Some((size, _, 0)) = extent.length.as_shifted_size() {
                let known = &mut self.model.sizes[size.0].sources;
                let twice = |s: &SizeSource| matches!(s, SizeSource::Value { array: a, .. } if *a == array);
                let square = matches!(self.model.arrays[array.0].elem.kind, ElemKind::SymPos(_));
                if !(square && known.iter().any(twice)) {
                    known.push(SizeSource::Value { array, axis });
                }
            }
        }
    }

    /// 1 + the largest category is a last resort, so it stands only where nothing else fixes the size.
    fn category_source(&mut self, array: ArrayId) {
        if !self.known[array.0] {
            return;
        }
        let ElemKind::Category(extent) = &self.model.arrays[array.0].elem.kind else { return };
        // `parent[n in 1..N]: Category[n]` counts parents, and says nothing of N.
        let Some((size, _, 0)) = extent.length.as_shifted_size() else { return };
        if !self.model.sizes[size.0].over.is_empty() {
            return;
        }
        let sources = &mut self.model.sizes[size.0].sources;
        for source in sources.iter_mut() {
            if let SizeSource::LargestCategory { arrays } = source {
                arrays.push(array);
                return;
            }
        }
        sources.push(SizeSource::LargestCategory { arrays: vec![array] });
    }

    fn must_have_sources(&mut self) {
        for id in 0..self.model.sizes.len() {
            let mut found = false;
            let mut in_params = None;
            for source in &self.model.sizes[id].sources {
                match source {
                    SizeSource::Header { .. }
                    | SizeSource::Axis { .. }
                    | SizeSource::LargestCategory { .. } => {
                        found = true;
                    }
                    SizeSource::Value { array, .. } if self.model.arrays[array.0].role == Role::Const => {
                        found = true;
                    }
                    SizeSource::Value { array, .. } => {
                        in_params = Some(self.model.arrays[array.0].name.to_string())
                    }
                }
            }
            // Where a statement, a type or a box is missing, so may be the axis that would fix the size.
            if found || self.incomplete || self.unboxed || self.known.contains(&false) {
                continue;
            }
            let size = self.model.sizes[id].name.clone();
            let header: Vec<String> = self.header_names.clone();
            let known: Vec<String> = self.names.keys().filter(|n| size != n.as_str()).cloned().collect();
            let ragged = !self.model.sizes[id].over.is_empty();
            let module = self.model.name.to_string();
            self.error(diagnostic::size_without_source(&size, &module, &header, &known, ragged, in_params));
        }
    }
}
