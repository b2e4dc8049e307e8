//! Cells of params and statistics that are values of givens: `rate[group[n]]`.

use super::Emitter;
use super::scope::Scope;
use crate::density::symbol::Var;
use crate::kernel::{Component, Rows};
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;

impl Emitter<'_> {
    /// Binds the values of givens that params are read at, before any loop over states.
    pub(super) fn bind_cells(
        &self,
        scope: &Scope<'_>,
        c: Option<&Component>,
        r: &Rows,
        mut inside: TokenStream,
    ) -> TokenStream {
        if inside.is_empty() {
            return inside;
        }
        let states: Vec<&Var> = c.map_or(vec![], |c| c.locals.iter().map(|l| &l.state).collect());
        let used = inside.to_string();
        let mut bound: Vec<String> = vec![];
        let mut out = TokenStream::new();
        for c in r.cases.iter().flat_map(|c| &c.cells) {
            let name = scope.var(&c.var);
            let text = name.to_string();
            let read = used.split(|x: char| !x.is_alphanumeric() && x != '_').any(|w| w == text);
            if read && !bound.contains(&text) {
                let value = scope.index(&c.value);
                // A given that is read at a state has a value of its own in every turn of the loop over states.
                let mut varies = false;
                c.value.visit_vars(&mut |v| varies |= states.contains(&v));
                match varies {
                    true => inside = in_place_of(inside, &text, &value),
                    false => out.extend(quote!(let #name = #value;)),
                }
                bound.push(text);
            }
        }
        quote!(#out #inside)
    }
}

/// Code with an expression where a name stood.
fn in_place_of(code: TokenStream, name: &str, value: &TokenStream) -> TokenStream {
    code.into_iter()
        .flat_map(|t| match t {
            TokenTree::Group(g) => {
                let mut new = Group::new(g.delimiter(), in_place_of(g.stream(), name, value));
                new.set_span(g.span());
                TokenStream::from(TokenTree::Group(new))
            }
            TokenTree::Ident(i) if i == name => value.clone(),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => TokenStream::from(t),
        })
        .collect()
}
