//! Syntax tree in, checked model out: names, sizes, types, coverage and aliasing are settled here.
//!
//! Every later stage may rely on what [`check`] accepted: indices count what their axes count, arguments lie in the domains of their families,
//! and no element is given two distributions. Nothing is known here of conjugacy or of plans.

mod annotate;
mod calls;
mod expr;
mod extent;
mod facts;
mod flatten;
mod index;
mod infer;
pub mod ir;
mod names;
mod operators;
mod order;
mod print;
mod resolve;
mod roles;
mod simplex;
mod sizes;
mod statements;
pub mod walk;

use crate::report::{Diagnostic, Report};
use crate::syntax::ast;
use ir::{Model, Type};
use names::Symbol;
use std::collections::BTreeMap;

/// The checked model of a block. A model comes back even after mistakes, so that later stages can report theirs;
/// `None` only where nothing sensible is left.
pub fn check(block: &ast::Block, report: &mut Report) -> Option<Model> {
    let mut checker = Checker::new(block, report);
    checker.declare(block);
    checker.header_types(block);
    let flat = checker.flatten(block);
    checker.boxes(&flat);
    checker.annotations(&flat);
    checker.infer(&flat);
    checker.header_defaults(block);
    checker.statements(&flat);
    checker.sources(block, &flat);
    checker.order();
    Some(checker.model)
}

/// The model under construction, and what is known of it so far.
struct Checker<'a> {
    model: Model,
    report: &'a mut Report,
    /// While types are being inferred the same expressions are visited many times: mistakes wait for the last visit.
    quiet: usize,
    names: BTreeMap<String, Symbol>,
    /// The number of subscripts of each size: 1 for `T[s]`.
    size_ranks: Vec<usize>,
    /// Which arrays have their element type.
    known: Vec<bool>,
    /// The types of the `let`s, as far as they are known.
    let_types: Vec<Option<Type>>,
    /// The plates of all arrays are known.
    boxed: bool,
    header_names: Vec<String>,
    header_sizes: Vec<ir::SizeId>,
    /// Arrays whose type could not be made out: what follows from that is not reported again.
    failed: Vec<ir::ArrayId>,
    /// Statements with a mistake in their distribution or box.
    broken: Vec<ir::StatementId>,
    /// For each statement, the `for … repeat` blocks around it.
    blocks: Vec<Vec<usize>>,
    /// Types that could not be made out, most likely because of another mistake: said only if there is none.
    unresolved: Vec<Diagnostic>,
    first_line: usize,
}

impl<'a> Checker<'a> {
    fn new(block: &ast::Block, report: &'a mut Report) -> Self {
        let model = Model {
            attrs: block.attrs.clone(),
            exact: block.exact.map(ast::Loc::from),
            vis: block.vis.clone(),
            name: block.name.clone(),
            sizes: Vec::new(),
            arrays: Vec::new(),
            indices: Vec::new(),
            statements: Vec::new(),
            lets: Vec::new(),
            constraints: Vec::new(),
            groups: Vec::new(),
            init: Vec::new(),
            order: Vec::new(),
        };
        Checker {
            model,
            report,
            quiet: 0,
            names: BTreeMap::new(),
            size_ranks: Vec::new(),
            known: Vec::new(),
            let_types: Vec::new(),
            boxed: false,
            header_names: block.hypers.iter().map(|h| hyper_name(h).to_string()).collect(),
            header_sizes: Vec::new(),
            failed: Vec::new(),
            broken: Vec::new(),
            blocks: Vec::new(),
            unresolved: Vec::new(),
            first_line: first_line(block),
        }
    }

    fn error(&mut self, diagnostic: Diagnostic) {
        if self.quiet == 0 {
            self.report.push(diagnostic);
        }
    }

    /// Runs `f` without reporting anything, and forgets the indices it bound.
    fn quietly<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let bound = self.model.indices.len();
        self.quiet += 1;
        let result = f(self);
        self.quiet -= 1;
        self.model.indices.truncate(bound);
        result
    }

    /// Lines count from the first line of the block, documentation included.
    fn line(&self, loc: ast::Loc) -> usize {
        (loc.start.start().line + 1).saturating_sub(self.first_line)
    }
}

fn first_line(block: &ast::Block) -> usize {
    use syn::spanned::Spanned;
    let mut line = block.name.span().start().line;
    let spans = block.attrs.iter().map(|a| a.pound_token.span).chain(block.exact);
    let spans = spans.chain((!matches!(block.vis, syn::Visibility::Inherited)).then(|| block.vis.span()));
    for span in spans {
        line = line.min(span.start().line);
    }
    line
}

fn hyper_name(hyper: &ast::Hyper) -> &proc_macro2::Ident {
    match hyper {
        ast::Hyper::Size { name, .. } | ast::Hyper::Constant { name, .. } => name,
    }
}
