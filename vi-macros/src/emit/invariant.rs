//! Matrices that a sum or a loop reads entry by entry without changing them: they are worked out before it.

use super::scope::Scope;
use crate::density::symbol::{Ix, Var};
use crate::model::ir::ArrayId;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// A loop that is being written, and what is to stand before it.
pub struct Around {
    variable: Var,
    before: Vec<(Ident, TokenStream)>,
}

impl Scope<'_> {
    /// Loops over `vars`, the first outermost, around what `body` writes.
    pub fn loops_around(&self, vars: &[Var], body: impl FnOnce() -> TokenStream) -> TokenStream {
        self.enter(vars);
        let mut out = body();
        for v in vars.iter().rev() {
            let before = self.leave();
            let inside = self.loops(std::slice::from_ref(v), out);
            out = quote!(#before #inside);
        }
        out
    }

    /// What is written from here on stands inside loops over `vars`.
    pub(super) fn enter(&self, vars: &[Var]) {
        let around = vars.iter().map(|v| Around { variable: v.clone(), before: vec![] });
        self.around.borrow_mut().extend(around);
    }

    /// The innermost loop ends: what is to stand before it.
    pub(super) fn leave(&self) -> TokenStream {
        let found = self.around.borrow_mut().pop().map_or_else(Vec::new, |a| a.before);
        let lets = found.iter().map(|(name, value)| quote!(let #name = #value;));
        quote!(#(#lets)*)
    }

    /// An expression with what is to stand before it. A block that begins a statement would end it, so there are parentheses.
    pub(super) fn after(&self, before: TokenStream, value: TokenStream) -> TokenStream {
        if before.is_empty() { value } else { quote!(({ #before #value })) }
    }

    /// A matrix that depends on the element of an array at these indices: the name of what was worked out before all loops that do not
    /// change it.
    pub(super) fn unchanged(&self, array: ArrayId, what: &str, at: &[Ix], value: TokenStream) -> TokenStream {
        // Other indices than variables may have no meaning where a loop has no turns, and other spellings may stand for what is made in one.
        let Some(at) = at.iter().map(Ix::as_var).collect::<Option<Vec<&Var>>>() else { return value };
        if self.is_spelt(array) {
            return value;
        }
        let mut around = self.around.borrow_mut();
        let outside = around.iter().rposition(|a| at.contains(&&a.variable)).map_or(0, |n| n + 1);
        let text = value.to_string();
        let Some(here) = around.get(outside) else { return value };
        if let Some((name, _)) = here.before.iter().find(|(_, v)| v.to_string() == text) {
            return quote!(#name);
        }
        let first = format_ident!("{}_{what}", self.array(array));
        let taken = |name: &Ident| {
            around.iter().any(|a| self.var(&a.variable) == *name || a.before.iter().any(|(n, _)| n == name))
        };
        let more = (2..).map(|n: usize| format_ident!("{first}_{n}"));
        let Some(name) = std::iter::once(first.clone()).chain(more).find(|n| !taken(n)) else { return value };
        around[outside].before.push((name.clone(), value));
        quote!(#name)
    }
}
