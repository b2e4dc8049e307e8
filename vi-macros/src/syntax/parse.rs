//! The block and its statements.

use super::dist::dist;
use super::expr::{compare, expr, sum, take_compare};
use super::index::{Binding, access, binders, binds, index};
use super::stream::{
    Parsed, STATEMENT_WORDS, advance, any_word, braces, expected, found, here, item_begins, list, name,
    no_semicolon, parens, peek_word, role_of, semicolon, statements, word,
};
use super::types::{TYPES, ty};
use crate::diagnostics::{nearest, syntax as mistake};
use crate::report::Report;
use crate::syntax::ast::{
    Binders, Block, Constrain, Decl, For, Hyper, IndexAtom, Item, Let, Loc, Role, Type,
};
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Meta, Token, Visibility, token};

pub fn parse(tokens: TokenStream, report: &mut Report) -> Option<Block> {
    let mut read = None;
    let leftover = (|input: ParseStream| {
        read = block(input, report);
        Ok(())
    })
    .parse2(tokens);
    // Tokens left over after a reported mistake are part of it. Without one, they are a mistake this grammar forgot to name.
    if let Err(error) = leftover
        && report.is_empty()
    {
        report.push(error.into());
    }
    read
}

fn block(input: ParseStream, report: &mut Report) -> Option<Block> {
    if input.is_empty() {
        report.push(mistake::empty_model(input.span()));
        return None;
    }
    let header = header(input, report);
    if let Err(mistake) = &header {
        report.push(mistake.clone());
        while !input.is_empty() && !input.peek(token::Brace) {
            advance(input);
        }
    }
    if !input.peek(token::Brace) {
        if header.is_ok() {
            report.push(mistake::block_without_body(here(input), &found(input)));
        }
        return None;
    }
    let (_, inside) = braces(input).ok()?;
    let items = items(&inside, report);
    if input.peek(Token![;]) {
        report.push(mistake::stray_semicolon(here(input), "the `}` of the model"));
    } else if !input.is_empty() {
        report.push(mistake::after_the_block(here(input)));
    }
    let mut block = header.ok()?;
    block.items = items;
    Some(block)
}

/// `attr* vis "mod" Ident ( "(" hyper, … ")" )?`
fn header(input: ParseStream, report: &mut Report) -> Parsed<Block> {
    let mut exact = None;
    let mut attrs = Vec::new();
    for attr in attributes(input)? {
        if !attr.path().is_ident("exact") {
            attrs.push(attr);
            continue;
        }
        let span = attr.path().segments[0].ident.span();
        match attr.meta {
            Meta::Path(_) => exact = Some(span),
            Meta::List(_) | Meta::NameValue(_) => report.push(mistake::exact_with_arguments(span)),
        }
    }
    let vis: Visibility = input.parse()?;
    if !input.peek(Token![mod]) {
        return Err(mistake::block_without_mod(here(input), &found(input)));
    }
    input.parse::<Token![mod]>()?;
    let name = name(input, "the name of the model")?;
    let mut hypers = Vec::new();
    if input.peek(token::Paren) {
        let (_, inside) = parens(input)?;
        match list(&inside, hyper) {
            Ok(read) => hypers = read,
            Err(mistake) => report.push(mistake),
        }
    }
    Ok(Block { attrs, exact, vis, name, hypers, items: Vec::new() })
}

/// `K`, `K = 3`, `a0: Positive = 1.0`
fn hyper(input: ParseStream) -> Parsed<Hyper> {
    let name = name(input, "a size or a constant")?;
    if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        if matches!(word(input).as_deref(), Some("usize" | "Size" | "Int")) {
            return Err(mistake::typed_size(here(input), &name.to_string()));
        }
        let ty = ty(input)?;
        let default = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some(expr(input)?)
        } else {
            None
        };
        return Ok(Hyper::Constant { name, ty, default });
    }
    if !input.peek(Token![=]) {
        return Ok(Hyper::Size { name, default: None });
    }
    input.parse::<Token![=]>()?;
    let default = index(input)?;
    for term in &default.terms {
        if let IndexAtom::Access(access) = &term.atom
            && !access.indices.is_empty()
        {
            return Err(mistake::ragged_header_size(access.loc, &access.to_string()));
        }
    }
    Ok(Hyper::Size { name, default: Some(default) })
}

fn attributes(input: ParseStream) -> Parsed<Vec<Attribute>> {
    if input.peek(Token![#]) && input.peek2(Token![!]) {
        return Err(mistake::inner_attribute(here(input)));
    }
    input
        .call(Attribute::parse_outer)
        .map_err(|error| mistake::unreadable_attribute(error.span(), &error.to_string()))
}

fn items(inside: ParseStream, report: &mut Report) -> Vec<Item> {
    statements(inside, report, item_begins, item)
}

fn item(input: ParseStream, report: &mut Report) -> Parsed<Option<Item>> {
    let start = here(input);
    let attrs = attributes(input)?;
    if let Some(exact) = attrs.iter().find(|attr| attr.path().is_ident("exact")) {
        report.push(mistake::exact_on_a_statement(exact.path().segments[0].ident.span()));
    }
    for attr in attrs.iter().filter(|a| !a.path().is_ident("doc") && !a.path().is_ident("exact")) {
        report.push(mistake::attribute_of_a_statement(attr.path().segments[0].ident.span()));
    }
    if input.is_empty() {
        return Err(mistake::attribute_without_statement(start));
    }
    let Some(word) = word(input) else {
        if input.peek(Token![;]) {
            return Err(mistake::stray_semicolon(here(input), "`;`"));
        }
        return Err(expected(input, "a statement"));
    };
    match word.as_str() {
        "for" => {
            let span = any_word(input)?.span();
            return Ok(for_loop(input, attrs, span, report)?.map(Item::For));
        }
        "let" => return let_statement(input, attrs, report).map(|read| Some(Item::Let(read))),
        "mod" | "pub" => return Err(mistake::nested_block(here(input))),
        _ => {}
    }
    if input.peek2(Token![in]) || input.peek3(Token![in]) {
        // `n in N { … }` or `fro n in N { … }`: a `for` all the same, with statements in it to read.
        let misspelt = input.peek3(Token![in]);
        let at = here(input);
        report.push(mistake::missing_for(at, &word, misspelt));
        if misspelt {
            any_word(input)?;
        }
        return Ok(for_loop(input, attrs, at.start, report)?.map(Item::For));
    }
    let Some(word) = leading_word(input, &word, report)? else {
        // No role is written: the rest is read for what else is wrong with it, as if it were a latent.
        let span = here(input).start;
        return decl(input, attrs, Role::Latent, span, report).map(|decl| Some(Item::Decl(decl)));
    };
    let span = any_word(input)?.span();
    if let Some(role) = role_of(word) {
        return decl(input, attrs, role, span, report).map(|decl| Some(Item::Decl(decl)));
    }
    let item = match word {
        "constrain" => Item::Constrain(constrain(input, attrs, span, report)?),
        "factorize" => Item::Factorize(super::sections::factorize(input, attrs, span, report)?),
        _ => Item::Init(super::sections::init(input, attrs, span, report)?),
    };
    Ok(Some(item))
}

/// The word a statement begins with, with a misspelt one reported and read as what was meant. `None` if there is only a name.
fn leading_word(input: ParseStream, word: &str, report: &mut Report) -> Parsed<Option<&'static str>> {
    let named = input.peek2(Token![~]) || input.peek2(token::Bracket) || input.peek2(Token![:]);
    if let Some(known) = STATEMENT_WORDS.iter().find(|known| **known == word) {
        return Ok(Some(known));
    }
    let at = here(input);
    if input.peek2(Token![=]) || (named && assigns(input)) {
        return Err(mistake::missing_let(at, word));
    }
    if named {
        report.push(mistake::missing_role(at, word));
        return Ok(None);
    }
    if input.peek2(token::Paren) {
        return Err(mistake::not_a_statement(at, word));
    }
    let Some(meant) = nearest(word, STATEMENT_WORDS.iter().copied()) else {
        return Err(mistake::not_a_statement(at, word));
    };
    report.push(mistake::unknown_statement(at, word, meant));
    // `nearest` answers with one of the words it was given.
    Ok(STATEMENT_WORDS.iter().copied().find(|known| *known == meant))
}

/// Whether a statement that begins with a name gives it a value: `name[…] = …`.
fn assigns(input: ParseStream) -> bool {
    let mut cursor = input.cursor();
    while let Some((tree, rest)) = cursor.token_tree() {
        if let TokenTree::Punct(punct) = tree {
            match punct.as_char() {
                '=' => return true,
                '~' | ';' => return false,
                _ => {}
            }
        }
        cursor = rest;
    }
    false
}

fn decl(
    input: ParseStream,
    attrs: Vec<Attribute>,
    role: Role,
    role_span: Span,
    report: &mut Report,
) -> Parsed<Decl> {
    let name = name(input, "a name")?;
    let mut after = mistake::quoted(&name.to_string());
    let binders = binders(input)?;
    if binders.is_some() {
        after = format!("the indices of {}", mistake::quoted(&name.to_string()));
    }
    let (ty, missing) = match annotation(input)? {
        Some((ty, missing)) => (Some(ty), missing),
        None => (None, None),
    };
    if ty.is_some() {
        after = format!("the type of {}", mistake::quoted(&name.to_string()));
    }
    if input.peek(Token![=]) {
        return Err(mistake::value_in_a_declaration(here(input), role, &name.to_string()));
    }
    if input.peek(Token![,]) {
        return Err(mistake::two_names(here(input), role));
    }
    let family_begins = input.peek(syn::Ident) && input.peek2(token::Paren);
    if family_begins || input.peek(Token![match]) {
        return Err(mistake::missing_tilde(here(input), &found(input)));
    }
    if ty.is_none() && word(input).is_some_and(|word| is_type(&word)) {
        return Err(mistake::missing_colon(here(input), &found(input)));
    }
    let mut dist_read = None;
    if input.peek(Token![~]) {
        input.parse::<Token![~]>()?;
        dist_read = Some(dist(input)?);
        after = format!("the distribution of {}", mistake::quoted(&name.to_string()));
    }
    let end = semicolon(input, report, item_begins, &after)?;
    let loc = Loc::from(role_span).to(end.unwrap_or(name.span().into()));
    Ok(Decl { attrs, loc, role, role_span, name, binders, ty, missing, dist: dist_read })
}

fn is_type(word: &str) -> bool {
    TYPES.iter().any(|written| written.split('[').next() == Some(word))
}

/// `: Type ?`
fn annotation(input: ParseStream) -> Parsed<Option<(Type, Option<Span>)>> {
    if !input.peek(Token![:]) {
        return Ok(None);
    }
    input.parse::<Token![:]>()?;
    let ty = ty(input)?;
    let missing = if input.peek(Token![?]) { Some(input.parse::<Token![?]>()?.span) } else { None };
    Ok(Some((ty, missing)))
}

/// `binds if cond repeat c { item* }` after the word `for`. A header that cannot be read does not hide the mistakes of the body.
fn for_loop(
    input: ParseStream,
    attrs: Vec<Attribute>,
    span: Span,
    report: &mut Report,
) -> Parsed<Option<For>> {
    let header = for_header(input);
    if let Err(mistake) = &header {
        report.push(mistake.clone());
        while !input.is_empty() && !input.peek(token::Brace) && !item_begins(input) {
            let ends = input.peek(Token![;]);
            advance(input);
            if ends {
                return Ok(None);
            }
        }
        if !input.peek(token::Brace) {
            return Ok(None);
        }
    }
    let (body, inside) = braces(input)?;
    let items = items(&inside, report);
    no_semicolon(input, report, "the `}` of a `for`")?;
    let Ok((Binders { binds, guard }, repeat)) = header else { return Ok(None) };
    Ok(Some(For { attrs, loc: Loc::from(span).to(body), binds, guard, repeat, items }))
}

fn for_header(input: ParseStream) -> Parsed<(Binders, Option<super::ast::Access>)> {
    let binders = binds(input, Binding::RangeOnly)?;
    if !peek_word(input, "repeat") {
        if !input.peek(token::Brace) {
            return Err(expected(input, "`{` after the ranges of the `for`"));
        }
        return Ok((binders, None));
    }
    any_word(input)?;
    let repeat = access(input, "a count")?;
    if !input.peek(token::Brace) {
        return Err(expected(input, "`{` after `repeat`"));
    }
    Ok((binders, Some(repeat)))
}

fn let_statement(input: ParseStream, attrs: Vec<Attribute>, report: &mut Report) -> Parsed<Let> {
    let span = input.parse::<Token![let]>()?.span;
    if input.peek(Token![mut]) {
        return Err(mistake::let_mut(here(input)));
    }
    let name = name(input, "a name")?;
    let binders = binders(input)?;
    let annotation = annotation(input)?;
    if let Some((_, Some(missing))) = annotation {
        return Err(mistake::let_with_question_mark(missing));
    }
    if input.peek(Token![~]) {
        return Err(mistake::random_let(here(input), &name.to_string()));
    }
    if !input.peek(Token![=]) {
        return Err(expected(input, "`=` and the value of the `let`"));
    }
    input.parse::<Token![=]>()?;
    let value = expr(input)?;
    let after = format!("the value of {}", mistake::quoted(&name.to_string()));
    let end = semicolon(input, report, item_begins, &after)?;
    let loc = Loc::from(span).to(end.unwrap_or(value.loc));
    Ok(Let { attrs, loc, name, binders, ty: annotation.map(|(ty, _)| ty), value })
}

/// `constrain low < x <= high;`
fn constrain(
    input: ParseStream,
    attrs: Vec<Attribute>,
    span: Span,
    report: &mut Report,
) -> Parsed<Constrain> {
    if peek_word(input, "not") {
        return Err(mistake::joined_constraint(here(input), &found(input)));
    }
    let first = sum(input)?;
    let mut rest = Vec::new();
    while let Some(op) = compare(input) {
        if rest.len() == 2 {
            return Err(mistake::long_constraint(here(input)));
        }
        let at = take_compare(input, op)?;
        rest.push((op, at.start, sum(input)?));
    }
    if peek_word(input, "and") || peek_word(input, "or") {
        return Err(mistake::joined_constraint(here(input), &found(input)));
    }
    let Some((_, _, last)) = rest.last() else { return Err(expected(input, "a comparison")) };
    let end = semicolon(input, report, item_begins, "the constraint")?;
    let loc = Loc::from(span).to(end.unwrap_or(last.loc));
    Ok(Constrain { attrs, loc, first, rest })
}
