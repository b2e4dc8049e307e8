//! Syntax tree in, checked model out: names, sizes, types, coverage and aliasing are settled here.
//!
//! Every later stage may rely on what [`check`] accepted: indices count what their axes count, arguments lie in the domains of their families,
//! and no element is given two distributions. Nothing is known here of conjugacy or of plans.

pub mod alias;
mod annotate;
mod calls;
mod coverage;
pub mod exchange;
mod expr;
mod extent;
mod facts;
mod flatten;
mod functions;
mod index;
mod infer;
pub mod ir;
pub mod known;
mod let_cycles;
mod linear;
mod names;
mod operators;
mod order;
mod print;
mod resolve;
mod roles;
mod simplex;
mod sizes;
mod statements;
mod visit;
pub mod walk;
mod world;

use crate::report::{Diagnostic, Report};
use crate::syntax::ast;
use ir::{Model, Type};
use names::Symbol;
use std::collections::BTreeMap;

/// The checked model of a block. A model comes back even after mistakes, so that later stages can report theirs;
/// `None` where the type of an array or a distribution could not be made out, since all they would say follows from that.
pub fn check(block: &ast::Block, report: &mut Report) -> Option<Model> {
    let mut checker = Checker::new(block, report);
    checker.declare(block);
    checker.header_types(block);
    let mut flat = checker.flatten(block);
    checker.lets_end(&mut flat);
    checker.boxes(&flat);
    checker.annotations(&flat);
    checker.infer(&flat);
    checker.header_defaults(block);
    checker.statements(&flat);
    checker.sources(block, &flat);
    checker.symmetries();
    checker.scopes(&flat);
    checker.coverage();
    checker.order();
    let complete = checker.broken.is_empty() && !checker.known.contains(&false);
    complete.then_some(checker.model)
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
    /// The roles of the pieces of each array.
    roles: Vec<Vec<ir::Role>>,
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
    let_blocks: Vec<(Vec<usize>, ir::LetId, usize)>,
    constraint_blocks: Vec<Vec<usize>>,
    /// Types that could not be made out, most likely because of another mistake: said only if there is none.
    unresolved: Vec<Diagnostic>,
    /// How many pieces each `let` was written with.
    let_pieces: Vec<usize>,
    cyclic_lets: Vec<usize>,
    /// Where an index that counts something else was reported: whether it is in range says nothing more.
    mismatched: Vec<String>,
    /// Statements were lost to mistakes of syntax: what they declared may be all that seems to be missing.
    incomplete: bool,
    /// Unknown names that were reported.
    unknown: Vec<String>,
    /// Mistakes found while types were being inferred.
    muted: usize,
    /// The box of some array could not be made out.
    unboxed: bool,
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
            integrated: Vec::new(),
            laws_apart: false,
            groups: Vec::new(),
            init: Vec::new(),
            order: Vec::new(),
            unit_normals: Vec::new(),
            unit_plates: Vec::new(),
        };
        let incomplete = !report.is_empty();
        Checker {
            model,
            report,
            quiet: 0,
            names: BTreeMap::new(),
            size_ranks: Vec::new(),
            known: Vec::new(),
            roles: Vec::new(),
            let_types: Vec::new(),
            boxed: false,
            header_names: block.hypers.iter().map(|h| hyper_name(h).to_string()).collect(),
            header_sizes: Vec::new(),
            failed: Vec::new(),
            broken: Vec::new(),
            blocks: Vec::new(),
            let_blocks: Vec::new(),
            constraint_blocks: Vec::new(),
            unresolved: Vec::new(),
            let_pieces: Vec::new(),
            cyclic_lets: Vec::new(),
            mismatched: Vec::new(),
            incomplete,
            unknown: Vec::new(),
            muted: 0,
            unboxed: false,
            first_line: first_line(block),
        }
    }

    fn error(&mut self, diagnostic: Diagnostic) {
        if self.quiet == 0 {
            self.report.push(diagnostic);
        } else {
            self.muted += 1;
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
