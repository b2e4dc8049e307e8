//! The token stream as the grammar sees it: words, brackets, lists, and the places where a statement can begin again.

use crate::diagnostics::syntax as mistake;
use crate::report::{Diagnostic, Report};
use crate::syntax::ast::{Loc, Role};
use proc_macro2::{Ident, Spacing, TokenTree};
use syn::buffer::Cursor;
use syn::ext::IdentExt;
use syn::parse::{ParseBuffer, ParseStream};
use syn::{Token, token};

pub type Parsed<T> = Result<T, Diagnostic>;

impl From<syn::Error> for Diagnostic {
    fn from(error: syn::Error) -> Self {
        Diagnostic::new(error.span(), error.to_string())
    }
}

/// The words a statement may begin with, besides the Rust keywords `for` and `let`.
pub const STATEMENT_WORDS: &[&str] =
    &["observed", "given", "latent", "param", "constrain", "factorize", "init"];

pub fn role_of(word: &str) -> Option<Role> {
    match word {
        "observed" => Some(Role::Observed),
        "given" => Some(Role::Given),
        "latent" => Some(Role::Latent),
        "param" => Some(Role::Param),
        _ => None,
    }
}

/// The next token, where it stands: the span of a whole operator, the opening bracket of a group, the end of what was opened last.
pub fn here(input: ParseStream) -> Loc {
    match operator(input.cursor()) {
        Some((_, loc)) => loc,
        None => input.span().into(),
    }
}

/// The next token as text for a message, in backticks.
pub fn found(input: ParseStream) -> String {
    let cursor = input.cursor();
    if let Some((text, _)) = operator(cursor) {
        return format!("`{text}`");
    }
    match cursor.token_tree() {
        None => "the closing bracket".to_owned(),
        Some((TokenTree::Group(_), _)) if input.peek(token::Paren) => "`(`".to_owned(),
        Some((TokenTree::Group(_), _)) if input.peek(token::Bracket) => "`[`".to_owned(),
        Some((TokenTree::Group(_), _)) if input.peek(token::Brace) => "`{`".to_owned(),
        Some((tree, _)) => mistake::quoted(&tree.to_string()),
    }
}

/// The punctuation marks that stand together without a space, as one operator.
fn operator(mut cursor: Cursor) -> Option<(String, Loc)> {
    const LONG: &[&str] =
        &["..=", "...", "..", "==", "!=", "<=", ">=", "=>", "=<", "->", "&&", "||", "**", "::"];
    let mut text = String::new();
    let mut spans = Vec::new();
    while let Some((punct, rest)) = cursor.punct() {
        text.push(punct.as_char());
        spans.push(punct.span());
        cursor = rest;
        if punct.spacing() == Spacing::Alone || text.len() == 3 {
            break;
        }
    }
    let first = *spans.first()?;
    let length = LONG.iter().find(|long| text.starts_with(**long)).map_or(1, |long| long.len());
    text.truncate(length);
    Some((text, Loc { start: first, end: spans[length - 1] }))
}

pub fn expected(input: ParseStream, what: &str) -> Diagnostic {
    mistake::expected(here(input), what, &found(input))
}

/// The next token if it is a word, keyword of Rust or not.
pub fn word(input: ParseStream) -> Option<String> {
    input.cursor().ident().map(|(ident, _)| ident.to_string())
}

pub fn peek_word(input: ParseStream, expected: &str) -> bool {
    input.cursor().ident().is_some_and(|(ident, _)| ident == expected)
}

/// A name, which may be any identifier that can be one in the generated Rust.
pub fn name(input: ParseStream, what: &str) -> Parsed<Ident> {
    // `gen` is reserved since edition 2024, which syn still takes for an identifier.
    if input.peek(syn::Ident) && !peek_word(input, "gen") {
        return Ok(input.parse()?);
    }
    match word(input) {
        Some(word) if word != "_" => Err(mistake::rust_keyword(here(input), &word)),
        _ => Err(expected(input, what)),
    }
}

/// Any word: for places where only some words are right, and the caller says which.
pub fn any_word(input: ParseStream) -> Parsed<Ident> {
    Ok(Ident::parse_any(input)?)
}

pub fn parens<'a>(input: ParseStream<'a>) -> syn::Result<(Loc, ParseBuffer<'a>)> {
    let inside;
    let token = syn::parenthesized!(inside in input);
    Ok((Loc { start: token.span.open(), end: token.span.close() }, inside))
}

pub fn brackets<'a>(input: ParseStream<'a>) -> syn::Result<(Loc, ParseBuffer<'a>)> {
    let inside;
    let token = syn::bracketed!(inside in input);
    Ok((Loc { start: token.span.open(), end: token.span.close() }, inside))
}

pub fn braces<'a>(input: ParseStream<'a>) -> syn::Result<(Loc, ParseBuffer<'a>)> {
    let inside;
    let token = syn::braced!(inside in input);
    Ok((Loc { start: token.span.open(), end: token.span.close() }, inside))
}

/// `item ("," item)* ","?`, up to the end of what was opened.
pub fn list<'a, T>(
    inside: ParseStream<'a>,
    mut item: impl FnMut(ParseStream<'a>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    let mut items = Vec::new();
    while !inside.is_empty() {
        items.push(item(inside)?);
        if !inside.is_empty() {
            comma(inside)?;
        }
    }
    Ok(items)
}

pub fn comma(input: ParseStream) -> Parsed<()> {
    if !input.peek(Token![,]) {
        return Err(expected(input, "`,` or the closing bracket"));
    }
    input.parse::<Token![,]>()?;
    Ok(())
}

/// Nothing may follow before the closing bracket.
pub fn closed(inside: ParseStream) -> Parsed<()> {
    if inside.is_empty() { Ok(()) } else { Err(expected(inside, "the closing bracket")) }
}

/// Reads statements to the end of `inside`. A bad one is reported and skipped, so that one run finds every mistake.
///
/// `begins` says whether a statement can begin here: where a `;` was forgotten, reading goes on from there.
pub fn statements<'a, T>(
    inside: ParseStream<'a>,
    report: &mut Report,
    begins: fn(ParseStream) -> bool,
    mut statement: impl FnMut(ParseStream<'a>, &mut Report) -> Parsed<Option<T>>,
) -> Vec<T> {
    let mut read = Vec::new();
    while !inside.is_empty() {
        let start = inside.cursor();
        match statement(inside, report) {
            Ok(statement) => read.extend(statement),
            Err(mistake) => {
                report.push(mistake);
                if inside.cursor() == start {
                    advance(inside);
                }
                skip(inside, begins);
            }
        }
    }
    read
}

/// The `;` of a statement: where it stands, or `None` if it was forgotten and reported. `after` is the piece it follows.
pub fn semicolon(
    input: ParseStream,
    report: &mut Report,
    begins: fn(ParseStream) -> bool,
    after: &str,
) -> Parsed<Option<Loc>> {
    if input.peek(Token![;]) {
        return Ok(Some(input.parse::<Token![;]>()?.span.into()));
    }
    // A statement stands in braces, so nothing more means the closing one.
    let found = if input.is_empty() { "`}`".to_owned() } else { found(input) };
    let missing = mistake::missing_semicolon(here(input), after, &found);
    if input.is_empty() || begins(input) || two_words(input) {
        // Only the `;` is wrong: the statement itself stands, and so may the next.
        report.push(missing);
        return Ok(None);
    }
    Err(missing)
}

/// No `;` follows a closing brace; people who write Rust all day type one, and nothing else is wrong with the statement.
pub fn no_semicolon(input: ParseStream, report: &mut Report, after: &str) -> Parsed<()> {
    if input.peek(Token![;]) {
        report.push(mistake::stray_semicolon(here(input), after));
        input.parse::<Token![;]>()?;
    }
    Ok(())
}

pub fn advance(input: ParseStream) {
    // Stepping over a token tree fails only at the end, where there is nothing to step over.
    let _ = input.parse::<TokenTree>();
}

/// Passes the rest of a bad statement: up to its `;`, its closing brace, or the first token of the next.
fn skip(input: ParseStream, begins: fn(ParseStream) -> bool) {
    while !input.is_empty() && !begins(input) {
        let ends = input.peek(Token![;]);
        let closes = input.peek(token::Brace);
        advance(input);
        if closes && input.peek(Token![;]) {
            advance(input);
        }
        if ends || (closes && !input.peek(Token![else])) {
            return;
        }
    }
}

/// Whether a statement of the block, or its attributes, begin here.
pub fn item_begins(input: ParseStream) -> bool {
    if input.peek(Token![let]) || input.peek(Token![for]) {
        return true;
    }
    if input.peek(Token![#]) {
        return input.peek2(token::Bracket);
    }
    match word(input).as_deref() {
        Some("factorize" | "init") => input.peek2(token::Brace),
        Some(word) if STATEMENT_WORDS.contains(&word) => two_words(input),
        _ => false,
    }
}

/// Two names side by side, which no expression holds.
fn two_words(input: ParseStream) -> bool {
    const BETWEEN: &[&str] = &["and", "or", "not", "in", "if", "for", "repeat"];
    if !input.peek(syn::Ident) {
        return false;
    }
    let Some((first, rest)) = input.cursor().ident() else { return false };
    let Some((second, _)) = rest.ident() else { return false };
    !BETWEEN.iter().any(|word| first == word || second == word)
}
