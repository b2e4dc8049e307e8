//! Nested items to flat statements: enclosing `for`s are copied into each statement, and every binder gets an index of its own.

use super::Checker;
use super::ir::{ArrayId, Index, IndexId, IndexVar, LetId, Nominal};
use super::names::{Scope, Symbol};
use crate::diagnostics::model as diagnostic;
use crate::syntax::ast;

/// What surrounds a statement once nothing is nested any more.
#[derive(Clone, Debug, Default)]
pub struct Frame<'a> {
    pub scope: Scope,
    /// Enclosing binders first.
    pub binds: Vec<IndexId>,
    /// One for each plate axis.
    pub target: Vec<Index>,
    pub guards: Vec<&'a ast::Expr>,
    pub repeat: Vec<&'a ast::Access>,
    /// Which `for … repeat` blocks it stands in, outermost first.
    pub blocks: Vec<usize>,
    /// A binder could not be resolved: nothing that depends on the box is reported.
    pub broken: bool,
}

#[derive(Clone, Debug)]
pub struct RawDecl<'a> {
    pub array: ArrayId,
    pub ast: &'a ast::Decl,
    pub frame: Frame<'a>,
}

#[derive(Clone, Debug)]
pub struct RawLet<'a> {
    pub id: LetId,
    pub ast: &'a ast::Let,
    pub frame: Frame<'a>,
}

#[derive(Clone, Debug)]
pub struct RawConstrain<'a> {
    pub ast: &'a ast::Constrain,
    pub frame: Frame<'a>,
}

#[derive(Clone, Debug)]
pub struct RawInit<'a> {
    pub array: ArrayId,
    pub ast: &'a ast::InitEntry,
    pub frame: Frame<'a>,
}

/// The items of a block, flat, in source order.
#[derive(Debug, Default)]
pub struct Flat<'a> {
    pub decls: Vec<RawDecl<'a>>,
    pub lets: Vec<RawLet<'a>>,
    pub constrains: Vec<RawConstrain<'a>>,
    pub inits: Vec<RawInit<'a>>,
    pub factorize: Vec<&'a ast::Factorize>,
}

impl<'a> Checker<'a> {
    pub(super) fn flatten(&mut self, block: &'a ast::Block) -> Flat<'a> {
        let mut flat = Flat::default();
        let mut blocks = 0;
        self.flatten_items(&block.items, &mut Vec::new(), &mut blocks, &mut flat);
        flat
    }

    fn flatten_items(
        &mut self,
        items: &'a [ast::Item],
        around: &mut Vec<(&'a ast::For, usize)>,
        blocks: &mut usize,
        flat: &mut Flat<'a>,
    ) {
        for item in items {
            match item {
                ast::Item::For(inner) => {
                    *blocks += 1;
                    around.push((inner, *blocks));
                    self.flatten_items(&inner.items, around, blocks, flat);
                    around.pop();
                }
                ast::Item::Decl(decl) => {
                    let frame = self.frame(around, decl.binders.as_ref());
                    if let Some(Symbol::Array(array)) = self.symbol(&decl.name) {
                        flat.decls.push(RawDecl { array, ast: decl, frame });
                    }
                }
                ast::Item::Let(value) => {
                    let frame = self.frame(around, value.binders.as_ref());
                    if let Some(Symbol::Let(id)) = self.symbol(&value.name) {
                        flat.lets.push(RawLet { id, ast: value, frame });
                    }
                }
                ast::Item::Constrain(constrain) => {
                    let frame = self.frame(around, None);
                    flat.constrains.push(RawConstrain { ast: constrain, frame });
                }
                ast::Item::Factorize(factorize) => flat.factorize.push(factorize),
                ast::Item::Init(init) => {
                    for entry in &init.entries {
                        let frame = self.frame(around, entry.binders.as_ref());
                        match self.symbol(&entry.name) {
                            Some(Symbol::Array(array)) => {
                                flat.inits.push(RawInit { array, ast: entry, frame });
                            }
                            Some(Symbol::Size(_) | Symbol::Let(_)) => {
                                self.error(diagnostic::init_of_what(&entry.name, self.kind_of(&entry.name)));
                            }
                            None => self.unknown_name(&entry.name, &Scope::default()),
                        }
                    }
                }
            }
        }
    }

    fn frame(&mut self, around: &[(&'a ast::For, usize)], own: Option<&'a ast::Binders>) -> Frame<'a> {
        let mut frame = Frame::default();
        for (outer, block) in around {
            for bind in &outer.binds {
                match bind {
                    ast::Bind::In { .. } => {
                        self.bind(bind, &mut frame);
                    }
                    ast::Bind::At(index) => {
                        self.error(diagnostic::for_without_range(index.loc));
                        frame.broken = true;
                    }
                }
            }
            frame.guards.extend(&outer.guard);
            if let Some(count) = &outer.repeat {
                frame.repeat.push(count);
                frame.blocks.push(*block);
            }
        }
        if let Some(own) = own {
            for bind in &own.binds {
                match self.bind(bind, &mut frame) {
                    Some(index) => frame.target.push(index),
                    None => frame.broken = true,
                }
            }
            frame.guards.extend(&own.guard);
        }
        frame
    }

    /// Adds a binder to the frame; its position as an index.
    fn bind(&mut self, bind: &'a ast::Bind, frame: &mut Frame<'a>) -> Option<Index> {
        match bind {
            ast::Bind::In { name, range } => match self.new_index(name, range, &frame.scope) {
                Some(id) => {
                    let index = Index::bound(name.span().into(), id);
                    frame.scope.bind(name, index.clone());
                    frame.binds.push(id);
                    Some(index)
                }
                None => {
                    frame.scope.bind_broken(name);
                    frame.broken = true;
                    None
                }
            },
            ast::Bind::At(index) => {
                let at = self.range_end(index, &frame.scope)?;
                // A fixed position, or an index of an enclosing `for`: anything else would have to be solved for the index.
                let moving = at.terms.iter().any(|(_, t)| matches!(t, super::ir::IndexTerm::Bound(_)));
                if moving && at.as_bound().is_none() {
                    self.error(diagnostic::moving_target(index.loc));
                    return None;
                }
                Some(at)
            }
        }
    }

    pub(super) fn new_index(
        &mut self,
        name: &proc_macro2::Ident,
        range: &ast::Range,
        scope: &Scope,
    ) -> Option<IndexId> {
        if self.quiet == 0 && scope.find(name).is_some() {
            self.error(diagnostic::bound_twice(name));
        }
        let low = match &range.low {
            Some(low) => self.range_end(low, scope),
            None => Some(Index::constant(range.loc, 0)),
        };
        let high = self.range_end(&range.high, scope);
        let (low, high) = (low?, high?);
        let nominal = self.nominal_of_bound(&high)?;
        let id = IndexId(self.model.indices.len());
        self.model.indices.push(IndexVar { name: name.clone(), nominal, low, high });
        Some(id)
    }

    /// A range has the size that its upper bound names.
    pub(super) fn nominal_of_bound(&mut self, high: &Index) -> Option<Nominal> {
        if let Some(value) = high.as_constant() {
            return Some(Nominal::Literal(u64::try_from(value).unwrap_or(0)));
        }
        let named: Vec<Nominal> = high
            .terms
            .iter()
            .filter(|(c, _)| *c > 0)
            .filter_map(|(_, term)| self.nominal_of_term(term))
            .collect();
        match named.as_slice() {
            [one] => Some(*one),
            [] => {
                self.error(diagnostic::range_without_size(high.loc));
                None
            }
            [_, ..] => {
                self.error(diagnostic::range_of_two_sizes(high.loc));
                None
            }
        }
    }
}
