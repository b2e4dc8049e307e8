//! Every mistake of one run, gathered so that all are reported together.

use crate::syntax::ast::Loc;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

/// One mistake: where, what (under 70 characters), and what to write instead.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub loc: Loc,
    pub title: String,
    pub help: Vec<String>,
    pub note: Vec<String>,
}

impl Diagnostic {
    pub fn new(loc: impl Into<Loc>, title: impl Into<String>) -> Self {
        Diagnostic { loc: loc.into(), title: title.into(), help: Vec::new(), note: Vec::new() }
    }

    /// The line to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The reason.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note.push(note.into());
        self
    }

    pub fn message(&self) -> String {
        let mut text = self.title.clone();
        for help in &self.help {
            text.push_str("\n\nhelp: ");
            text.push_str(help);
        }
        for note in &self.note {
            text.push_str("\n\nnote: ");
            text.push_str(note);
        }
        text
    }

    fn to_compile_error(&self) -> TokenStream {
        let message = self.message();
        let Loc { start, end } = self.loc;
        // `compile_error` takes the span of the first token and the braces that of the last: rustc underlines from one to the other.
        let head = quote_spanned!(start=> ::core::compile_error!);
        let tail = quote_spanned!(end=> { #message });
        quote!(#head #tail)
    }
}

/// Gathers diagnostics. Dropping a report with unread mistakes is a bug of the compiler, and panics.
#[derive(Debug, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    pub fn new() -> Self {
        Report::default()
    }

    pub fn push(&mut self, diagnostic: Diagnostic) {
        // The same mistake found from two sides is one mistake.
        let twin = |d: &Diagnostic| d.title == diagnostic.title && same(d.loc.start, diagnostic.loc.start);
        if !self.diagnostics.iter().any(twin) {
            self.diagnostics.push(diagnostic);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// How many mistakes there are so far.
    pub fn count(&self) -> usize {
        self.diagnostics.len()
    }

    pub fn take(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.diagnostics)
    }

    /// All mistakes as `compile_error!` items, in the order of their places.
    pub fn into_compile_errors(mut self) -> TokenStream {
        let mut mistakes = self.take();
        mistakes.sort_by_key(|mistake| {
            let at = mistake.loc.start.start();
            (at.line, at.column)
        });
        mistakes.iter().map(Diagnostic::to_compile_error).collect()
    }
}

fn same(a: Span, b: Span) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

impl Drop for Report {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.diagnostics.is_empty(), "a report was dropped unread: {:?}", self.diagnostics);
        }
    }
}
