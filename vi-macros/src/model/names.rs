//! Which names there are, and what each of them stands for.

use super::Checker;
use super::ir::{Array, ArrayId, Elem, ElemKind, Index, Let, LetId, Role, Size, SizeId, Type};
use crate::diagnostics::{model as diagnostic, nearest};
use crate::syntax::ast;
use proc_macro2::Ident;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    Size(SizeId),
    Array(ArrayId),
    Let(LetId),
}

/// The bound indices in scope, innermost last. A name stands for an index expression over bound indices.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    bound: Vec<(String, Index)>,
    broken: Vec<String>,
}

impl Scope {
    pub fn bind(&mut self, name: &Ident, index: Index) {
        self.bound.push((name.to_string(), index));
    }

    pub fn find(&self, name: &Ident) -> Option<&Index> {
        self.bound.iter().rev().find(|(n, _)| name == n).map(|(_, index)| index)
    }

    /// A binder that was refused: what reads it is not reported again.
    pub fn bind_broken(&mut self, name: &Ident) {
        self.broken.push(name.to_string());
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.bound.iter().map(|(n, _)| n.as_str())
    }
}

/// What `Model` can do; a header name would be a setter or a field of the same name.
const MODEL_METHODS: &[&str] = &[
    "new",
    "fit",
    "fit_from",
    "infer",
    "start",
    "step",
    "log_joint",
    "simulate",
    "accumulate",
    "maximise",
    "predict",
    "verify",
];

impl<'a> Checker<'a> {
    /// Gives every declared name its symbol, so that programs may refer forward.
    pub(super) fn declare(&mut self, block: &'a ast::Block) {
        for hyper in &block.hypers {
            let name = match hyper {
                ast::Hyper::Size { name, .. } | ast::Hyper::Constant { name, .. } => name,
            };
            if MODEL_METHODS.iter().any(|m| name == m) {
                self.error(diagnostic::method_of_model(name, MODEL_METHODS));
            }
            if self.names.contains_key(&name.to_string()) {
                self.error(diagnostic::declared_twice(name, self.kind_of(name)));
                continue;
            }
            match hyper {
                ast::Hyper::Size { .. } => {
                    let id = self.new_size(name, 0);
                    self.header_sizes.push(id);
                }
                ast::Hyper::Constant { .. } => {
                    self.new_array(name, Role::Const);
                }
            }
        }
        self.declare_items(&block.items);
    }

    fn declare_items(&mut self, items: &'a [ast::Item]) {
        for item in items {
            match item {
                ast::Item::Decl(decl) => self.declare_array(decl),
                ast::Item::Let(value) => self.declare_let(value),
                ast::Item::For(inner) => self.declare_items(&inner.items),
                ast::Item::Constrain(_) | ast::Item::Factorize(_) | ast::Item::Init(_) => {}
            }
        }
    }

    fn declare_array(&mut self, decl: &ast::Decl) {
        let id = match self.symbol(&decl.name) {
            None => self.new_array(&decl.name, role(decl.role)),
            // A further piece of an array, perhaps in another role.
            Some(Symbol::Array(id)) if self.model.arrays[id.0].role != Role::Const => {
                self.roles[id.0].push(role(decl.role));
                id
            }
            Some(_) => {
                self.error(diagnostic::declared_twice(&decl.name, self.kind_of(&decl.name)));
                return;
            }
        };
        let docs = decl.attrs.iter().filter(|a| a.path().is_ident("doc")).cloned();
        self.model.arrays[id.0].docs.extend(docs);
    }

    fn declare_let(&mut self, value: &ast::Let) {
        let id = match self.symbol(&value.name) {
            None => {
                let id = LetId(self.model.lets.len());
                self.names.insert(value.name.to_string(), Symbol::Let(id));
                self.model.lets.push(Let {
                    name: value.name.clone(),
                    docs: Vec::new(),
                    plates: Vec::new(),
                    pieces: Vec::new(),
                    ty: Type::Real,
                    reported: false,
                });
                self.let_types.push(None);
                self.let_pieces.push(0);
                id
            }
            Some(Symbol::Let(id)) => id,
            Some(_) => {
                self.error(diagnostic::declared_twice(&value.name, self.kind_of(&value.name)));
                return;
            }
        };
        self.let_pieces[id.0] += 1;
        let docs = value.attrs.iter().filter(|a| a.path().is_ident("doc")).cloned();
        self.model.lets[id.0].docs.extend(docs);
    }

    pub(super) fn symbol(&self, name: &Ident) -> Option<Symbol> {
        self.names.get(&name.to_string()).copied()
    }

    pub(super) fn new_size(&mut self, name: &Ident, rank: usize) -> SizeId {
        let id = SizeId(self.model.sizes.len());
        self.names.insert(name.to_string(), Symbol::Size(id));
        self.model.sizes.push(Size { name: name.clone(), over: Vec::new(), sources: Vec::new() });
        self.size_ranks.push(rank);
        id
    }

    fn new_array(&mut self, name: &Ident, role: Role) -> ArrayId {
        let id = ArrayId(self.model.arrays.len());
        self.names.insert(name.to_string(), Symbol::Array(id));
        self.model.arrays.push(Array {
            name: name.clone(),
            docs: Vec::new(),
            plates: Vec::new(),
            elem: Elem { kind: ElemKind::Real, min: None, max: None, cells: None },
            missing: false,
            data_of: None,
            symmetric: false,
            pieces: Vec::new(),
            role,
            default: None,
        });
        self.known.push(false);
        self.roles.push(vec![role]);
        id
    }

    /// All pieces of the array are given: its values are there before anything is inferred.
    pub(super) fn is_given(&self, id: ArrayId) -> bool {
        self.roles[id.0].iter().all(|r| matches!(r, Role::Given | Role::Const))
    }

    pub(super) fn has_role(&self, id: ArrayId, role: Role) -> bool {
        self.roles[id.0].contains(&role)
    }

    /// What a declared name is, in words.
    pub(super) fn kind_of(&self, name: &Ident) -> &'static str {
        match self.symbol(name) {
            None => "nothing",
            Some(Symbol::Size(_)) => "a size",
            Some(Symbol::Let(_)) => "a `let`",
            Some(Symbol::Array(id)) => match self.model.arrays[id.0].role {
                Role::Const => "a constant of the header",
                Role::Given => "a `given`",
                Role::Observed => "an `observed`",
                Role::Latent => "a `latent`",
                Role::Param => "a `param`",
            },
        }
    }

    pub(super) fn unknown_name(&mut self, name: &Ident, scope: &Scope) {
        if scope.broken.iter().any(|b| name == b) {
            return;
        }
        if self.quiet == 0 {
            // Every further use of the name is the same mistake.
            if self.unknown.iter().any(|u| name == u) {
                return;
            }
            self.unknown.push(name.to_string());
        }
        let mut known: Vec<String> = self.names.keys().cloned().collect();
        known.extend(scope.names().map(str::to_owned));
        known.sort();
        known.dedup();
        let near = nearest(&name.to_string(), known.iter().map(String::as_str)).is_some();
        if near || !self.incomplete || self.quiet > 0 {
            self.error(diagnostic::unknown_name(name, &known));
        }
    }
}

pub fn role(role: ast::Role) -> Role {
    match role {
        ast::Role::Observed => Role::Observed,
        ast::Role::Given => Role::Given,
        ast::Role::Latent => Role::Latent,
        ast::Role::Param => Role::Param,
    }
}
