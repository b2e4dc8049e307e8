//! Loops over a row of which elements may be missing go over those that are there. Of a sparse array that costs what it lists, whatever its
//! extents are.

use super::Emitter;
use super::types::Layout;
use super::unused::readers;
use crate::density::symbol::{Ix, Var, length};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

/// A matrix of data of which elements may be missing.
pub struct Holed {
    name: String,
    /// The length of its rows.
    width: String,
}

impl Emitter<'_> {
    /// The matrices whose rows have all one length and may have holes.
    pub(super) fn holed(&self) -> Vec<Holed> {
        let scope = self.scope();
        let ids = self.ids(|_| true).into_iter();
        ids.filter(|a| self.model.arrays[a.0].missing && self.layout(*a) == Layout::Two)
            .filter_map(|a| {
                let array = &self.model.arrays[a.0];
                let axis = array.plates.iter().chain(array.elem.kind.axes()).nth(1)?;
                let first = Var::new(String::new(), axis.nominal, Ix::constant(0), Ix::constant(0));
                let width = scope.index(&length(&axis.length, &[Ix::var(&first)])).to_string();
                Some(Holed { name: self.name(a).to_string(), width })
            })
            .collect()
    }
}

/// `for d in 0..D { if let Some(x) = data.x.get(n, d) { … } }` is `data.x.visit_row(n, |d, x| { … });`, where nothing in it leaves the loop.
pub fn visited(tokens: TokenStream, holed: &[Holed]) -> TokenStream {
    if holed.is_empty() {
        return tokens;
    }
    let tokens: Vec<TokenTree> = tokens
        .into_iter()
        .map(|t| match t {
            TokenTree::Group(g) => {
                let mut new = Group::new(g.delimiter(), visited(g.stream(), holed));
                new.set_span(g.span());
                TokenTree::Group(new)
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => t,
        })
        .collect();
    let mut out = TokenStream::new();
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        match visit(rest, holed) {
            Some((new, left)) => {
                out.extend(new);
                rest = left;
            }
            None => {
                out.extend([first.clone()]);
                rest = after;
            }
        }
    }
    out
}

fn visit<'t>(tokens: &'t [TokenTree], holed: &[Holed]) -> Option<(TokenStream, &'t [TokenTree])> {
    let [word, TokenTree::Ident(index), within, range @ ..] = tokens else { return None };
    if !is(word, "for") || !is(within, "in") {
        return None;
    }
    let at = range.iter().position(is_block)?;
    let (range, rest) = range.split_at(at);
    let (TokenTree::Group(body), left) = rest.split_first()? else { return None };
    let body: Vec<TokenTree> = body.stream().into_iter().collect();
    let [first, condition @ .., TokenTree::Group(inside)] = body.as_slice() else { return None };
    if !is(first, "if") || inside.delimiter() != Delimiter::Brace || leaves(&inside.stream()) {
        return None;
    }
    let (value, read) = match condition {
        [word, some, TokenTree::Group(bound), eq, read @ ..]
            if is(word, "let") && is(some, "Some") && is(eq, "=") =>
        {
            (bound.stream(), read)
        }
        [read @ .., dot, some, TokenTree::Group(none)]
            if is(dot, ".") && is(some, "is_some") && none.stream().is_empty() =>
        {
            (quote!(_), read)
        }
        _ => return None,
    };
    let [data, dot, TokenTree::Ident(name), again, get, TokenTree::Group(at)] = read else { return None };
    if !is(data, "data") || !is(dot, ".") || !is(again, ".") || !is(get, "get") {
        return None;
    }
    let at: Vec<TokenTree> = at.stream().into_iter().collect();
    let [row @ .., comma, TokenTree::Ident(last)] = at.as_slice() else { return None };
    let row: TokenStream = row.iter().cloned().collect();
    if !is(comma, ",") || last != index || readers(&row).contains(&index.to_string()) {
        return None;
    }
    let range: TokenStream = range.iter().cloned().collect();
    let whole = |h: &Holed| {
        let width: TokenStream = h.width.parse().unwrap_or_default();
        *name == h.name && range.to_string() == quote!(0..#width).to_string()
    };
    if !holed.iter().any(whole) {
        return None;
    }
    let body = readers(&inside.stream());
    let argument = |name: TokenStream| if body.contains(&name.to_string()) { name } else { quote!(_) };
    let (position, value) = (argument(quote!(#index)), argument(value));
    Some((quote!(data.#name.visit_row(#row, |#position, #value| #inside);), left))
}

/// Whether something in it ends more than the block itself.
fn leaves(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|t| match &t {
        TokenTree::Group(g) => leaves(&g.stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) => {
            ["return", "break", "continue", "?"].iter().any(|w| is(&t, w))
        }
        TokenTree::Literal(_) => false,
    })
}

fn is_block(t: &TokenTree) -> bool {
    matches!(t, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace)
}

fn is(t: &TokenTree, word: &str) -> bool {
    match t {
        TokenTree::Ident(i) => i == word,
        TokenTree::Punct(p) => word.chars().eq([p.as_char()]),
        TokenTree::Group(_) | TokenTree::Literal(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Holed;

    #[track_caller]
    fn check(written: &str, expected: &str) {
        let holed = [Holed { name: "x".into(), width: "D".into() }];
        let tokens = super::visited(written.parse().expect("tokens"), &holed);
        let expected: proc_macro2::TokenStream = expected.parse().expect("tokens");
        assert_eq!(tokens.to_string(), expected.to_string());
    }

    #[test]
    fn a_loop_over_a_row_goes_over_what_is_there() {
        check(
            "for n in 0..N { for d in 0..D { if let Some(x) = data.x.get(n, d) { f(d, x); } } g(); }",
            "for n in 0..N { data.x.visit_row(n, |d, x| { f(d, x); }); g(); }",
        );
        check(
            "for d in 0..D { if let Some(x) = data.x.get(n, d) { f(d); } }",
            "data.x.visit_row(n, |d, _| { f(d); });",
        );
        check(
            "for d in 0..D { if data.x.get(n + 1, d).is_some() { f(); } }",
            "data.x.visit_row(n + 1, |_, _| { f(); });",
        );
    }

    #[test]
    fn what_ends_the_loop_or_is_not_all_of_it_stays_a_loop() {
        for text in [
            "for d in 0..D { if let Some(x) = data.x.get(n, d) { f(x)?; } }",
            "for d in 0..D { if let Some(x) = data.x.get(n, d) { if x > 0.0 { continue; } } }",
            "for d in 0..D { g(); if let Some(x) = data.x.get(n, d) { f(x); } }",
            "for d in 0..D { if let Some(x) = data.x.get(n, d) { f(x); } else { g(); } }",
            "for d in 1..D { if let Some(x) = data.x.get(n, d) { f(x); } }",
            "for d in 0..K { if let Some(x) = data.x.get(n, d) { f(x); } }",
            "for d in 0..D { if let Some(x) = data.x.get(d, n) { f(x); } }",
            "for d in 0..D { if let Some(x) = data.x.get(g[d], d) { f(x); } }",
            "for d in 0..D { if let Some(x) = data.y.get(n, d) { f(x); } }",
        ] {
            check(text, text);
        }
    }
}
