//! One way to write each thing: functions are assembled from parts that do not know how many they are, so a `match` may come out with one
//! arm, a vector may be filled right after it was made, and a parameter may have no reader.

use super::unused::readers;
use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};
use quote::quote;

/// The same code as someone would write it who knows all of it.
pub fn plain(tokens: TokenStream) -> TokenStream {
    let inside: Vec<TokenTree> = tokens
        .into_iter()
        .map(|t| match t {
            TokenTree::Group(g) => {
                let inner = plain(g.stream());
                let inner = if g.delimiter() == Delimiter::Parenthesis { closures(inner) } else { inner };
                let mut new = Group::new(g.delimiter(), inner);
                new.set_span(g.span());
                TokenTree::Group(new)
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => t,
        })
        .collect();
    pushes(parameters(presences(matches(inside)))).into_iter().collect()
}

fn is_word(t: &TokenTree, word: &str) -> bool {
    matches!(t, TokenTree::Ident(i) if i == word)
}

fn is_punct(t: &TokenTree, c: char) -> bool {
    matches!(t, TokenTree::Punct(p) if p.as_char() == c)
}

/// Position of `=>` in an arm.
fn arrow(tokens: &[TokenTree]) -> Option<usize> {
    tokens.windows(2).position(|w| {
        matches!(&w[0], TokenTree::Punct(p) if p.as_char() == '=' && p.spacing() == Spacing::Joint)
            && is_punct(&w[1], '>')
    })
}

struct Arm {
    pattern: Vec<TokenTree>,
    body: Vec<TokenTree>,
}

fn arms(tokens: TokenStream) -> Option<Vec<Arm>> {
    let mut rest: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = vec![];
    while !rest.is_empty() {
        let at = arrow(&rest)?;
        let body_and_rest = rest.split_off(at + 2);
        rest.truncate(at);
        let pattern = std::mem::take(&mut rest);
        let block =
            matches!(&body_and_rest[..], [TokenTree::Group(g), ..] if g.delimiter() == Delimiter::Brace);
        let comma = body_and_rest.iter().position(|t| is_punct(t, ','));
        let end = if block { 1 } else { comma.unwrap_or(body_and_rest.len()) };
        let mut body = body_and_rest;
        rest = body.split_off(end);
        if rest.first().is_some_and(|t| is_punct(t, ',')) {
            rest.remove(0);
        }
        out.push(Arm { pattern, body });
    }
    Some(out)
}

/// What a body holds, without the braces around it.
fn unwrapped(body: &[TokenTree]) -> TokenStream {
    match body {
        [TokenTree::Group(g)] if g.delimiter() == Delimiter::Brace => g.stream(),
        _ => body.iter().cloned().collect(),
    }
}

/// `if condition { body }`, if it is nothing else.
fn lone_if(body: &[TokenTree]) -> Option<(TokenStream, Group)> {
    let tokens: Vec<TokenTree> = unwrapped(body).into_iter().collect();
    match tokens.as_slice() {
        [first, condition @ .., TokenTree::Group(g)]
            if is_word(first, "if")
                && g.delimiter() == Delimiter::Brace
                && !condition.iter().any(|t| {
                    is_word(t, "let")
                        || is_punct(t, '|')
                        || matches!(t, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace)
                }) =>
        {
            Some((condition.iter().cloned().collect(), g.clone()))
        }
        _ => None,
    }
}

/// `match x { 0 => a, _ => b }` is `if x == 0 { a } else { b }`, and a condition that is all of an arm is a guard of it.
fn matches(tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut out: Vec<TokenTree> = vec![];
    let mut rest = tokens.into_iter().peekable();
    while let Some(t) = rest.next() {
        let known = is_word(&t, "match")
            .then(|| {
                let mut ahead = rest.clone();
                match (ahead.next(), ahead.next()) {
                    (Some(TokenTree::Ident(on)), Some(TokenTree::Group(g)))
                        if g.delimiter() == Delimiter::Brace =>
                    {
                        rewritten(&on, &g)
                    }
                    _ => None,
                }
            })
            .flatten();
        match known {
            Some(new) => {
                rest.nth(1);
                out.extend(new);
            }
            None => out.push(t),
        }
    }
    out
}

fn rewritten(on: &Ident, g: &Group) -> Option<TokenStream> {
    let arms = arms(g.stream())?;
    let (last, numbered) = arms.split_last()?;
    let literal = |a: &Arm| matches!(a.pattern.as_slice(), [TokenTree::Literal(_)]);
    let [under] = last.pattern.as_slice() else { return None };
    if !is_word(under, "_") || !numbered.iter().all(literal) {
        return None;
    }
    let otherwise = unwrapped(&last.body);
    if let [only] = numbered {
        let value = &only.pattern[0];
        if otherwise.is_empty() {
            return Some(match lone_if(&only.body) {
                Some((condition, body)) => quote!(if #on == #value && #condition #body),
                None => {
                    let body = unwrapped(&only.body);
                    // Functions that return nothing end their statements.
                    let ends = matches!(only.body.as_slice(), [TokenTree::Group(_)]);
                    let semicolon = (!ends).then(|| quote!(;));
                    quote!(if #on == #value { #body #semicolon })
                }
            });
        }
        let body = unwrapped(&only.body);
        return Some(quote!(if #on == #value { #body } else { #otherwise }));
    }
    if !otherwise.is_empty() {
        return None;
    }
    let arms = numbered.iter().map(|a| {
        let value = &a.pattern[0];
        match lone_if(&a.body) {
            Some((condition, body)) => quote!(#value if #condition => #body),
            None => {
                let body = &a.body;
                quote!(#value => #(#body)*,)
            }
        }
    });
    Some(quote!(match #on { #(#arms)* _ => {} }))
}

/// `if let Some(x) = value { … }` where nothing reads x is `if value.is_some() { … }`.
fn presences(tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut out: Vec<TokenTree> = vec![];
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        match is_word(first, "if").then(|| presence(rest)).flatten() {
            Some((new, left)) => {
                out.extend(new);
                rest = left;
            }
            None => {
                out.push(first.clone());
                rest = after;
            }
        }
    }
    out
}

fn presence(tokens: &[TokenTree]) -> Option<(TokenStream, &[TokenTree])> {
    let [_, word, some, TokenTree::Group(bound), eq, rest @ ..] = tokens else { return None };
    if !is_word(word, "let") || !is_word(some, "Some") || !is_punct(eq, '=') {
        return None;
    }
    let body = |t: &TokenTree| matches!(t, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace);
    let at = rest.iter().position(body)?;
    let (value, rest) = rest.split_at(at);
    let (TokenTree::Group(body), left) = rest.split_first()? else { return None };
    let name: Vec<TokenTree> = bound.stream().into_iter().collect();
    match name.as_slice() {
        [TokenTree::Ident(x)] if !readers(&body.stream()).contains(&x.to_string()) => {
            Some((quote!(if #(#value)*.is_some() #body), left))
        }
        _ => None,
    }
}

/// Parameters of functions that nothing reads begin with an underscore.
fn parameters(tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut out = tokens;
    for at in 0..out.len() {
        if !is_word(&out[at], "fn") {
            continue;
        }
        let group = |d: Delimiter, from: usize| {
            let all = out.iter().enumerate().skip(from);
            all.take_while(|(_, t)| !is_punct(t, ';'))
                .find(|(_, t)| matches!(t, TokenTree::Group(g) if g.delimiter() == d))
                .map(|(n, _)| n)
        };
        let Some(list) = group(Delimiter::Parenthesis, at) else { continue };
        let Some(body) = group(Delimiter::Brace, list) else { continue };
        let (TokenTree::Group(parameters), TokenTree::Group(body)) = (&out[list], &out[body]) else {
            continue;
        };
        let read = readers(&body.stream());
        let tokens: Vec<TokenTree> = parameters.stream().into_iter().collect();
        let renamed = tokens.iter().enumerate().map(|(n, t)| match t {
            TokenTree::Ident(i)
                if is_name(&tokens, n)
                    && i != "self"
                    && !read.contains(&i.to_string())
                    && !i.to_string().starts_with('_') =>
            {
                TokenTree::Ident(Ident::new(&format!("_{i}"), i.span()))
            }
            _ => t.clone(),
        });
        let mut new = Group::new(Delimiter::Parenthesis, renamed.collect());
        new.set_span(parameters.span());
        out[list] = TokenTree::Group(new);
    }
    out
}

/// Whether a token of a list of parameters is the name of one: a single `:` follows it, and a `,`, a `mut` or nothing stands before.
fn is_name(tokens: &[TokenTree], n: usize) -> bool {
    let typed = matches!(&tokens.get(n + 1), Some(TokenTree::Punct(p)) if p.as_char() == ':' && p.spacing() == Spacing::Alone);
    typed && (n == 0 || is_punct(&tokens[n - 1], ',') || is_word(&tokens[n - 1], "mut"))
}

/// Arguments of closures that nothing reads are `_`.
fn closures(tokens: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        let opens = is_punct(&tokens[at], '|') && (at == 0 || is_punct(&tokens[at - 1], ','));
        if !opens {
            at += 1;
            continue;
        }
        let Some(close) = (at + 1..tokens.len()).find(|n| is_punct(&tokens[*n], '|')) else { break };
        let end = (close..tokens.len()).find(|n| is_punct(&tokens[*n], ',')).unwrap_or(tokens.len());
        let read = readers(&tokens[close + 1..end].iter().cloned().collect());
        // A single name; parts of a pattern keep their names, which say what they are.
        if let [TokenTree::Ident(name)] = &tokens[at + 1..close]
            && !read.contains(&name.to_string())
        {
            tokens[at + 1] = TokenTree::Ident(Ident::new("_", name.span()));
        }
        at = end;
    }
    tokens.into_iter().collect()
}

/// `let mut v = Vec::new(); v.push(a); v.push(b);` is `let v = vec![a, b];`, with `mut` where more follows.
fn pushes(tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    let mut out = vec![];
    let mut rest = tokens.as_slice();
    while let Some((first, after)) = rest.split_first() {
        match is_word(first, "let").then(|| filled(rest)).flatten() {
            Some((new, left)) => {
                out.extend(new);
                rest = left;
            }
            None => {
                out.push(first.clone());
                rest = after;
            }
        }
    }
    out
}

fn filled(tokens: &[TokenTree]) -> Option<(TokenStream, &[TokenTree])> {
    let end = tokens.iter().position(|t| is_punct(t, ';'))?;
    let (statement, mut rest) = tokens.split_at(end);
    let eq = statement.iter().position(|t| is_punct(t, '='))?;
    let [_, mutable, TokenTree::Ident(name), typed @ ..] = &statement[..eq] else { return None };
    let made: TokenStream = statement[eq + 1..].iter().cloned().collect();
    if !is_word(mutable, "mut") || made.to_string().replace(' ', "") != "Vec::new()" {
        return None;
    }
    rest = &rest[1..];
    let mut items = vec![];
    while let [TokenTree::Ident(v), dot, push, TokenTree::Group(g), semicolon, left @ ..] = rest
        && v == name
        && is_punct(dot, '.')
        && is_word(push, "push")
        && is_punct(semicolon, ';')
    {
        items.push(g.stream());
        rest = left;
    }
    if items.is_empty() {
        return None;
    }
    let mutable = grows(rest, name).then_some(mutable);
    Some((quote!(let #mutable #name #(#typed)* = vec![#(#items),*];), rest))
}

/// Whether a vector of this name is changed: by a push, or through a reference.
fn grows(tokens: &[TokenTree], name: &Ident) -> bool {
    tokens.windows(2).any(|w| {
        matches!(&w[0], TokenTree::Ident(i) if i == name) && is_punct(&w[1], '.')
            || is_word(&w[0], "mut") && matches!(&w[1], TokenTree::Ident(i) if i == name)
    }) || tokens
        .iter()
        .any(|t| matches!(t, TokenTree::Group(g) if grows(&g.stream().into_iter().collect::<Vec<_>>(), name)))
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(assembled: &str, written: &str) {
        let tokens = super::plain(assembled.parse().expect("tokens"));
        let expected: proc_macro2::TokenStream = written.parse().expect("tokens");
        assert_eq!(tokens.to_string(), expected.to_string());
    }

    #[test]
    fn a_match_of_one_arm_is_an_if() {
        check("match c { 0 => self.f(a, b), _ => {} }", "if c == 0 { self.f(a, b); }");
        check("match c { 0 => { let n = u; g(n) } _ => 0.0, }", "if c == 0 { let n = u; g(n) } else { 0.0 }");
        check("match c { 1 => { if !a.b() { x += 1; } } _ => {} }", "if c == 1 && !a.b() { x += 1; }");
        check("match c { 1 => { if a || b { x += 1; } } _ => {} }", "if c == 1 { if a || b { x += 1; } }");
        check(
            "match c { 1 => { if a { x += 1; } else { y += 1; } } _ => {} }",
            "if c == 1 { if a { x += 1; } else { y += 1; } }",
        );
    }

    #[test]
    fn a_match_of_several_arms_stays_one() {
        check(
            "match c { 0 => { if a { f(); } } 1 => g(), _ => {} }",
            "match c { 0 if a => { f(); } 1 => g(), _ => {} }",
        );
        for same in [
            "match x { Some(y) => y, None => 0 }",
            "match c { 0 => a, 1 => b, _ => 1.0, }",
            "match f(c) { 0 => a, _ => b }",
        ] {
            check(same, same);
        }
    }

    #[test]
    fn a_vector_that_is_filled_at_once_is_a_literal() {
        check("let mut v = Vec::new(); v.push(f(a)); v.push(b); g(&v);", "let v = vec![f(a), b]; g(&v);");
        check(
            "let mut v = Vec::new(); v.push(a); for i in 0..n { v.push(i); }",
            "let mut v = vec![a]; for i in 0..n { v.push(i); }",
        );
        check("let mut v = Vec::new(); v.push(a); fill(&mut v);", "let mut v = vec![a]; fill(&mut v);");
        let same = "let mut v = Vec::new(); for i in 0..n { v.push(i); }";
        check(same, same);
    }

    #[test]
    fn what_nothing_reads_has_no_name() {
        check("(0..n).map(|i| f(0))", "(0..n).map(|_| f(0))");
        check("(0..n).map(|i| g(a[i], 1))", "(0..n).map(|i| g(a[i], 1))");
        check("f(a, |data| data::of(b))", "f(a, |_| data::of(b))");
        check("fn f(&self, a: u8, b: &[u8]) -> u8 { a }", "fn f(&self, a: u8, _b: &[u8]) -> u8 { a }");
        check("if let Some(x) = d.get(i) { n += 1; }", "if d.get(i).is_some() { n += 1; }");
        check("if let Some(x) = d.get(i) { n += x; }", "if let Some(x) = d.get(i) { n += x; }");
    }
}
