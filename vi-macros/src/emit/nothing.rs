//! Drops what does nothing: conditions and loops around statements that came out empty, and bounds that bound nothing.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The same code without them. What they read may have no other reader afterwards.
pub fn without_nothing(tokens: TokenStream) -> TokenStream {
    let inside: Vec<TokenTree> = tokens
        .into_iter()
        .map(|t| match t {
            TokenTree::Group(g) => {
                let mut new = Group::new(g.delimiter(), without_nothing(g.stream()));
                new.set_span(g.span());
                TokenTree::Group(new)
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => t,
        })
        .collect();
    let mut out: Vec<TokenTree> = vec![];
    let mut rest = inside.as_slice();
    while let Some((first, more)) = rest.split_first() {
        let begins = out.last().is_none_or(|t| is(t, ";") || is_block(t));
        if let Some(length) = empty(rest).filter(|_| begins) {
            rest = &rest[length..];
        } else if unbounded(rest) {
            rest = &rest[3..];
        } else {
            out.push(first.clone());
            rest = more;
        }
    }
    out.into_iter().collect()
}

fn is(t: &TokenTree, text: &str) -> bool {
    match t {
        TokenTree::Ident(i) => i == text,
        TokenTree::Punct(p) => text.chars().eq([p.as_char()]),
        TokenTree::Group(_) | TokenTree::Literal(_) => false,
    }
}

fn is_block(t: &TokenTree) -> bool {
    matches!(t, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace)
}

/// How many tokens `if … {}` or `for … {}` has, if it stands here and no `else` follows.
fn empty(tokens: &[TokenTree]) -> Option<usize> {
    if !tokens.first().is_some_and(|t| is(t, "if") || is(t, "for")) {
        return None;
    }
    let body = tokens.iter().position(is_block)?;
    let hollow = matches!(&tokens[body], TokenTree::Group(g) if g.stream().is_empty());
    let binds = tokens[..body].iter().any(|t| is(t, "let"));
    // Of an implementation `impl Trait for Type {}` the name comes before `for`, so that it does not begin anything.
    let followed = tokens.get(body + 1).is_some_and(|t| is(t, "else"));
    (hollow && !binds && !followed).then_some(body + 1)
}

/// `.clamp(f64::NEG_INFINITY, f64::INFINITY)`
fn unbounded(tokens: &[TokenTree]) -> bool {
    let [dot, clamp, TokenTree::Group(g), ..] = tokens else { return false };
    let text: String = g.stream().to_string().split_whitespace().collect();
    is(dot, ".") && is(clamp, "clamp") && text == "f64::NEG_INFINITY,f64::INFINITY"
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;

    #[track_caller]
    fn check(written: &str, expected: &str) {
        let parse = |text: &str| text.parse::<TokenStream>().expect("tokens");
        assert_eq!(super::without_nothing(parse(written)).to_string(), parse(expected).to_string());
    }

    #[test]
    fn conditions_and_loops_around_nothing_are_dropped() {
        check("a(); if 0 < T {} b();", "a(); b();");
        check("for t in 1..T { if t > x[0] {} } b();", "b();");
        check("if c { f(); } if d {}", "if c { f(); }");
    }

    #[test]
    fn what_has_another_arm_or_is_a_value_stays() {
        check("if c {} else { f(); }", "if c {} else { f(); }");
        check("let x = if c {};", "let x = if c {};");
        check("if let Some(x) = f() {}", "if let Some(x) = f() {}");
        check("impl Steady for Model {}", "impl Steady for Model {}");
        check("impl<T> A for B {} struct C {}", "impl<T> A for B {} struct C {}");
    }

    #[test]
    fn bounds_that_bound_nothing_are_dropped() {
        check("x: 1.0_f64.clamp(f64::NEG_INFINITY, f64::INFINITY),", "x: 1.0_f64,");
        check("x.clamp(0.0, f64::INFINITY)", "x.clamp(0.0, f64::INFINITY)");
    }
}
