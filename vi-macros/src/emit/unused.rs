//! Drops bindings that nothing reads: every function opens the sizes and the data in one way, and keeps what it needs.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::collections::BTreeSet;

/// Every identifier in a stream.
pub fn identifiers(tokens: &TokenStream) -> BTreeSet<String> {
    fn walk(tokens: TokenStream, out: &mut BTreeSet<String>) {
        for t in tokens {
            match t {
                TokenTree::Ident(i) => {
                    out.insert(i.to_string());
                }
                TokenTree::Group(g) => walk(g.stream(), out),
                TokenTree::Literal(l) => captured(&l.to_string(), out),
                TokenTree::Punct(_) => {}
            }
        }
    }
    let mut out = BTreeSet::new();
    walk(tokens.clone(), &mut out);
    out
}

/// Every identifier that may read a binding: the head of a path, `data` in `data::Reals`, does not.
pub fn readers(tokens: &TokenStream) -> BTreeSet<String> {
    fn walk(tokens: TokenStream, out: &mut BTreeSet<String>) {
        let all: Vec<TokenTree> = tokens.into_iter().collect();
        let colon = |n: usize| matches!(all.get(n), Some(TokenTree::Punct(p)) if p.as_char() == ':');
        for (n, t) in all.iter().enumerate() {
            match t {
                TokenTree::Ident(_) if colon(n + 1) && colon(n + 2) => {}
                TokenTree::Ident(i) => {
                    out.insert(i.to_string());
                }
                TokenTree::Group(g) => walk(g.stream(), out),
                TokenTree::Literal(l) => captured(&l.to_string(), out),
                TokenTree::Punct(_) => {}
            }
        }
    }
    let mut out = BTreeSet::new();
    walk(tokens.clone(), &mut out);
    out
}

/// Names inside `{…}` of a format string.
fn captured(literal: &str, out: &mut BTreeSet<String>) {
    for part in literal.split('{').skip(1) {
        if let Some((name, _)) = part.split_once('}') {
            out.insert(name.to_string());
        }
    }
}

/// Drops `let name = …;` and the unread names of `let &Sizes { … } = …;` in every block.
pub fn without_unused(tokens: TokenStream) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().map(inside).collect();
    let mut out: Vec<TokenTree> = vec![];
    // From the back, so that what is read is known before the binding is met.
    let mut statements: Vec<&[TokenTree]> = vec![];
    let mut start = 0;
    for (n, t) in trees.iter().enumerate() {
        if matches!(t, TokenTree::Punct(p) if p.as_char() == ';') {
            statements.push(&trees[start..=n]);
            start = n + 1;
        }
    }
    statements.push(&trees[start..]);
    let mut read: BTreeSet<String> = BTreeSet::new();
    for s in statements.iter().rev() {
        let kept = keep(s, &read);
        read.extend(readers(&kept.iter().cloned().collect()));
        for t in kept.into_iter().rev() {
            out.push(t);
        }
    }
    out.reverse();
    out.into_iter().collect()
}

fn inside(t: TokenTree) -> TokenTree {
    match t {
        TokenTree::Group(g) => {
            let mut new = Group::new(g.delimiter(), without_unused(g.stream()));
            new.set_span(g.span());
            TokenTree::Group(new)
        }
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => t,
    }
}

/// A statement as far as something reads it. A `let` may stand behind the blocks of earlier statements that end without `;`.
fn keep(statement: &[TokenTree], read: &BTreeSet<String>) -> Vec<TokenTree> {
    let Some(at) = statement.iter().rposition(|t| matches!(t, TokenTree::Ident(i) if i == "let")) else {
        return statement.to_vec();
    };
    // `if let`, `let … else`: not a plain binding.
    let guarded = at > 0 && matches!(&statement[at - 1], TokenTree::Ident(i) if i == "if" || i == "while");
    if guarded || statement.iter().any(|t| matches!(t, TokenTree::Ident(i) if i == "else")) {
        return statement.to_vec();
    }
    let (before, binding) = statement.split_at(at);
    match binding {
        [_, TokenTree::Ident(name), TokenTree::Punct(eq), rest @ ..]
            if eq.as_char() == '=' && plain(rest) =>
        {
            if read.contains(&name.to_string()) {
                statement.to_vec()
            } else {
                before.to_vec()
            }
        }
        [
            first,
            amp @ TokenTree::Punct(_),
            sizes @ TokenTree::Ident(name),
            TokenTree::Group(g),
            rest @ ..,
        ] if name == "Sizes" && g.delimiter() == Delimiter::Brace => {
            let fields: Vec<TokenStream> = fields(g.stream());
            let all = fields.len();
            let used: Vec<TokenStream> = fields
                .into_iter()
                .filter(|f| identifiers(f).iter().any(|i| i != "ref" && read.contains(i)))
                .collect();
            if used.is_empty() {
                return before.to_vec();
            }
            let dots = if used.len() < all { quote::quote!(, ..) } else { TokenStream::new() };
            let mut out = before.to_vec();
            out.extend([first.clone(), amp.clone(), sizes.clone()]);
            out.push(TokenTree::Group(Group::new(Delimiter::Brace, quote::quote!(#(#used),* #dots))));
            out.extend(rest.iter().cloned());
            out
        }
        _ => statement.to_vec(),
    }
}

/// An initialiser that only looks: no call, no block.
fn plain(tokens: &[TokenTree]) -> bool {
    tokens.iter().all(|t| match t {
        TokenTree::Group(g) => g.delimiter() == Delimiter::Bracket,
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => true,
    })
}

fn fields(tokens: TokenStream) -> Vec<TokenStream> {
    let mut out = vec![TokenStream::new()];
    for t in tokens {
        if matches!(&t, TokenTree::Punct(p) if p.as_char() == ',') {
            out.push(TokenStream::new());
        } else if let Some(last) = out.last_mut() {
            last.extend([t]);
        }
    }
    out.retain(|f| !f.is_empty());
    out
}
